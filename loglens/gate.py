"""From a report to an exit code, and the lines on standard error that say why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loglens.model import FIRED_ON_GROUP, ONLY_GROUPS, SEVERITIES
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.config import Override
    from loglens.model import Finding, RunReport
    from loglens.report import Report

NOT_WHOLE = ("truncated", "corrupt", "unreadable")
NAMED_GONE = 10
NAMED = 3  # runs and files that are named before "and N more"


@dataclass(frozen=True, slots=True)
class Gate:
    """What a report must satisfy."""

    fail_on: str = "error"
    require: tuple[str, ...] = ()
    min_runs: int = 1
    strict: bool = False
    fail_above: int = 0
    override: tuple[Override, ...] = ()

    def judge(self, report: Report) -> tuple[int, list[str]]:
        """The exit code, and every reason for it beside the findings themselves."""
        unread = list(self._unread(report)) if self.strict else []
        missing = [*self._missing_roles(report), *self._missing_runs(report)]
        code = 2 if unread else 1 if missing or self._found(report) else 0
        return code, [*unread, *missing, *_blind(report)]

    def _found(self, report: Report) -> bool:
        """Whether more runs (or groups of runs) than may be have a finding that fails."""
        failing = sum(any(self._fails(f, (run.run,)) for f in run.findings) for run in report.runs)
        failing += sum(any(self._fails(f, group.runs) for f in group.findings) for group in report.groups)
        return failing > self.fail_above

    def _fails(self, finding: Finding, runs: Sequence[str]) -> bool:
        """By the first override that is about all of `runs`, else by the gate itself."""
        mine = next((each for each in self.override if all(map(each.covers, runs))), None)
        fail_on = (mine and mine.fail_on) or self.fail_on
        if fail_on == "never" or not finding.counts or (mine and finding.rule in mine.ignore):
            return False
        return [*SEVERITIES].index(finding.severity) >= [*SEVERITIES].index(fail_on)  # type: ignore[arg-type]

    def _unread(self, report: Report) -> Iterator[str]:
        files = dict.fromkeys(p.path for p in report.problems if p.kind in NOT_WHOLE)
        if files:
            yield f"--strict: not read whole: {_some(list(files))}"

    def _missing_roles(self, report: Report) -> Iterator[str]:
        for role in self.require:
            runs = [r.run for r in report.runs if not any(_plays(m.role, role) for m in r.metrics)]
            if runs:
                yield f"--require: no {role} in {_some(runs)}"

    def _missing_runs(self, report: Report) -> Iterator[str]:
        if len(report.runs) < self.min_runs:
            yield f"--min-runs: {_many(len(report.runs), 'run')} found, {self.min_runs} wanted"


def _plays(role: str | None, wanted: str) -> bool:
    """A part or layer satisfies the whole: `grad_norm:fc1` is a `grad_norm`."""
    return role is not None and (role == wanted or role.startswith(f"{wanted}:"))


def _judged(run: RunReport) -> bool:
    """Whether a rule said anything about a run, alone or in its group."""
    if run.headline == ONLY_GROUPS and run.clear:
        return True
    return run.verdict != "unknown" or any(missing.reason == FIRED_ON_GROUP for missing in run.not_checked)


def _blind(report: Report) -> Iterator[str]:
    if report.runs and not any(map(_judged, report.runs)):
        yield (
            f"warning: no run could be judged. {visible(report.runs[0].run)}: {visible(report.runs[0].headline)} "
            "'loglens inspect' shows what was read, [roles] in loglens.toml names roles"
        )


def gone_lines(report: Report) -> Iterator[str]:
    """What of the baseline is not there any more, a line each."""
    for gone in report.gone[:NAMED_GONE]:
        why = f" ({visible(gone.why)})" if gone.why else ""
        yield f"baseline: {visible(gone.rule)} in {visible(gone.run)} is gone{why}"
    if len(report.gone) > NAMED_GONE:
        yield f"baseline: {_many(len(report.gone) - NAMED_GONE, 'more finding')} gone"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return visible(", ".join(names[:NAMED])) + more


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summary_line(report: Report, written: Sequence[str] = ()) -> str:
    """One line: runs by verdict, findings, files read, files written."""
    from loglens.reporters.outline import tally

    s = report.summary
    verdicts = [(s.failed, "failed"), (s.suspect, "suspect"), (s.healthy, "healthy"), (s.unknown, "unknown")]
    counts = ", ".join(f"{n} {name}" for n, name in verdicts if n)
    damaged = len({p.path for p in report.problems if p.kind in NOT_WHOLE})
    parts = [f"{_many(s.runs, 'run')}: {counts or 'none'}", tally(report), f"{_many(s.files, 'file')} read"]
    parts += [f"{damaged} damaged"] if damaged else []
    parts += [f"wrote {visible(', '.join(written))}"] if written else []
    return "; ".join(parts)

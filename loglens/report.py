"""The result of an analysis, and the ways to write it down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from loglens.model import SEVERITIES, Gone, Group, Problem, RuleInfo, RunReport, Severity, Summary
from loglens.spending import spent_by

if TYPE_CHECKING:
    from os import PathLike

    import polars as pl


@dataclass(frozen=True)
class Report:
    """What loglens says about a set of runs. Same input, same report, to the byte."""

    runs: tuple[RunReport, ...]
    groups: tuple[Group, ...] = ()
    problems: tuple[Problem, ...] = ()
    rules: tuple[RuleInfo, ...] = ()
    version: str = ""
    left_out: tuple[str, ...] = ()  # ids of rules that the settings left out
    gone: tuple[Gone, ...] = ()  # findings of the baseline that are not there any more
    compared: bool = False  # with a baseline

    @cached_property
    def summary(self) -> Summary:
        """Counts of runs by verdict, findings by severity (causes only, not what they explain) and files read."""
        verdicts = [run.verdict for run in self.runs]
        holders: tuple[RunReport | Group, ...] = (*self.runs, *self.groups)
        severities = [f.severity for holder in holders for f in holder.findings if f.caused_by is None]
        spent = spent_by(self.runs)
        return Summary(
            runs=len(self.runs),
            failed=verdicts.count("failed"),
            suspect=verdicts.count("suspect"),
            healthy=verdicts.count("healthy"),
            unknown=verdicts.count("unknown"),
            errors=severities.count("error"),
            warnings=severities.count("warning"),
            infos=severities.count("info"),
            files=len({source.path for run in self.runs for source in run.sources}),
            wall_seconds=spent.wall,
            wasted_seconds=spent.wasted,
            wasted_gpu_hours=spent.gpu_hours,
        )

    @cached_property
    def worst(self) -> Severity | None:
        """The highest severity of any finding that is not suppressed and not in the baseline, or None."""
        holders: tuple[RunReport | Group, ...] = (*self.runs, *self.groups)
        found = {f.severity for holder in holders for f in holder.findings if f.counts}
        return max(found, key=SEVERITIES.index, default=None)

    @property
    def ok(self) -> bool:
        """True when nothing at severity error was found."""
        return self.worst != "error"

    def __getitem__(self, name: str) -> RunReport:
        """The run called `name`; KeyError when there is none."""
        for run in self.runs:
            if run.run == name:
                return run
        from difflib import get_close_matches

        names = [run.run for run in self.runs]
        near = get_close_matches(str(name), names, n=3, cutoff=0.4) or names[:3]
        raise KeyError(f"no run {name!r}; there is {', '.join(map(repr, near))}" if near else f"no run {name!r}")

    def __repr__(self) -> str:
        total = self.summary
        counts = [(total.failed, "failed"), (total.suspect, "suspect"), (total.healthy, "healthy")]
        told = [f"{n:,} {verdict}" for n, verdict in (*counts, (total.unknown, "unknown")) if n]
        runs = f"{total.runs:,} run{'' if total.runs == 1 else 's'}"
        return f"<Report: {', '.join([runs, *told])}>"

    @property
    def findings(self) -> pl.DataFrame:
        """One row a finding: run, rule, severity, confidence, first_step, last_step, axis, message, tags, caused_by."""
        from loglens.reporters.frames import findings_frame

        return findings_frame(self)

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write one self-contained HTML page, whole or not at all."""
        self._write("html", path)

    def to_markdown(self, path: str | PathLike[str]) -> None:
        """Write GitHub-flavoured Markdown with its pictures in a folder beside it."""
        self._write("markdown", path)

    def to_json(self, path: str | PathLike[str]) -> None:
        """Write the JSON report (schema_version 1)."""
        self._write("json", path)

    def _write(self, form: str, path: str | PathLike[str]) -> None:
        from loglens.reporters import write_report

        write_report(self, form, path)

    def _repr_html_(self) -> str:
        from loglens.reporters import render

        return render(self, "html", interactive=False)

"""Findings that people accept for a while, and why: `[[suppress]]` in the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loglens.model import Finding
    from loglens.report import Report


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry: globs on rule and runs, the reason, the last day on which it holds (as written; empty for ever)."""

    rule: str
    reason: str
    runs: tuple[str, ...] = ("*",)
    expires: str = ""

    def ended(self, today: date) -> str:
        """Why it does not hold; empty while it does. A date that cannot be read ends it."""
        if not self.expires:
            return ""
        try:
            last = date.fromisoformat(self.expires)
        except ValueError:
            return f"its date '{visible(self.expires)}' cannot be read (write 2027-01-31)"
        return f"it expired on {last}" if today > last else ""

    def meets(self, runs: Iterable[str]) -> bool:
        """Whether it is about any of these runs."""
        return any(fnmatchcase(run, glob) for run in runs for glob in self.runs)

    def covers(self, finding: Finding, runs: Iterable[str]) -> bool:
        """Whether it is about this finding of this run, or of a group of which all runs are meant."""
        return fnmatchcase(finding.rule, self.rule) and all(
            any(fnmatchcase(run, glob) for glob in self.runs) for run in runs
        )


def suppress(report: Report, entries: Sequence[Suppression], today: date | None = None) -> tuple[Report, list[str]]:
    """The report with the reason in every finding that is suppressed, and what people should know about the entries."""
    if not entries:
        return report, []
    day = today or datetime.now(UTC).date()
    used: set[int] = set()

    def marked(findings: tuple[Finding, ...], runs: tuple[str, ...]) -> tuple[Finding, ...]:
        return tuple(_marked(f, runs) for f in findings)

    def _marked(finding: Finding, runs: tuple[str, ...]) -> Finding:
        meant = [i for i, entry in enumerate(entries) if entry.covers(finding, runs)]
        used.update(meant)
        reasons = [entries[i].reason for i in meant if not entries[i].ended(day)]
        return replace(finding, suppressed=reasons[0]) if reasons else finding

    told = replace(
        report,
        runs=tuple(replace(run, findings=marked(run.findings, (run.run,))) for run in report.runs),
        groups=tuple(replace(group, findings=marked(group.findings, group.runs)) for group in report.groups),
    )
    notes = (
        _note(entry, i in used, entry.meets(run.run for run in report.runs), day) for i, entry in enumerate(entries)
    )
    return told, [note for note in notes if note]


def _note(entry: Suppression, used: bool, met: bool, day: date) -> str:
    """What is wrong with an entry; empty for one that does its work. `met`: whether a run that it names was read."""
    name = f"suppress: '{visible(entry.rule)}' in {visible(', '.join(entry.runs))}"
    if why := entry.ended(day):
        return f"{name}: {why}; {'its findings count again' if used else 'nothing needs it'}"
    if used:
        return ""
    return f"{name}: no finding answers to it; it can go" if met else f"{name}: no such run was read"

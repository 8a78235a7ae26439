"""Findings as one flat list for programs: worst first, each with the file that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from loglens.model import SEVERITIES
from loglens.reporters import clean
from loglens.reporters.outline import where, worst_first

if TYPE_CHECKING:
    from loglens.model import Finding, Problem
    from loglens.report import Report

NAME = 200  # characters of a name: programs have room, yet no name may flood them
MOST = 5_000  # results of one file: GitHub shows no more of a SARIF file, and others grow slow


@dataclass(frozen=True, slots=True)
class Result:
    """A finding, of what, and in which file; the path is empty where there is none."""

    subject: str
    finding: Finding
    path: str

    @property
    def message(self) -> str:
        """The finding in a sentence or two, with run, cause and remedy."""
        finding = self.finding
        parts = [f"{clean.name(self.subject, NAME)}: {clean.visible(finding.message)}"]
        parts += [f"Cause: {_closed(finding.causes[0])}"] if finding.causes else []
        parts += [f"Do: {_closed(finding.remedies[0])}"] if finding.remedies else []
        return " ".join(parts)

    @property
    def place(self) -> str:
        """Where the trouble begins: `step 32,550`; empty without a place."""
        return where(self.finding)


def _closed(text: str) -> str:
    shown = clean.sentence(clean.visible(text))
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."


def results_of(report: Report) -> list[Result]:
    """Every finding of every run and group: by severity, causes before effects, worst runs first."""
    paths = {run.run: run.sources[0].path if run.sources else "" for run in report.runs}
    found = [Result(run.run, f, paths[run.run]) for run in worst_first(report.runs) for f in run.findings]
    for group in report.groups:
        subject = f"{group.kind} of {clean.count(len(group.runs), 'run')}, {group.runs[0] if group.runs else ''} first"
        path = paths.get(group.runs[0], "") if group.runs else ""
        found += [Result(subject, f, path) for f in group.findings]
    order = SEVERITIES[::-1]
    return sorted(found, key=lambda r: (order.index(r.finding.severity), r.finding.caused_by is not None))


def damaged(report: Report) -> list[Problem]:
    """Logs that were not read whole: one problem a file, the first."""
    first: dict[str, Problem] = {}
    for problem in report.problems:
        if problem.kind != "skipped":
            first.setdefault(problem.path, problem)
    return list(first.values())


def uri(path: str) -> str:
    """A path as a relative URI reference: no scheme, no host, nothing that reads as either."""
    return quote(clean.utf8(path).lstrip("/"), safe="/") or "."

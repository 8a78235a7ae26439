"""A report of its own: one line a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.reporters import Format

if TYPE_CHECKING:
    from loglens.report import Report


def render(report: Report) -> str:
    """`run verdict`, sorted by run."""
    return "".join(f"{run.run} {run.verdict}\n" for run in report.runs)


FORMAT = Format(render, (".oneline",), "one line a run")

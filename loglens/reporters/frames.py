"""The findings as a Polars frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from loglens.model import AXES, SEVERITIES
from loglens.reporters.clean import utf8

if TYPE_CHECKING:
    from loglens.report import Report

SCHEMA: dict[str, pl.DataType] = {
    "run": pl.String(),
    "rule": pl.String(),
    "severity": pl.Enum(SEVERITIES),
    "confidence": pl.Float64(),
    "first_step": pl.Int64(),
    "last_step": pl.Int64(),
    "axis": pl.Enum(AXES),
    "message": pl.String(),
    "tags": pl.List(pl.String()),
    "caused_by": pl.String(),
}


def findings_frame(report: Report) -> pl.DataFrame:
    """One row a finding, run by run; findings about a group of runs come last, with a null run."""
    held = [(utf8(run.run), f) for run in report.runs for f in run.findings]
    held += [(None, f) for group in report.groups for f in group.findings]  # type: ignore[misc]
    rows = [
        (
            run, f.rule, f.severity, f.confidence, f.first_step, f.last_step, f.axis, utf8(f.message),
            [utf8(tag) for tag in f.tags], f.caused_by,
        )
        for run, f in held
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")

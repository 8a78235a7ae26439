"""Findings and runs as tables in Parquet files, for any SQL engine: one row a finding, one row a run."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from loglens.reporters.clean import utf8
from loglens.reporters.shapes import number

if TYPE_CHECKING:
    from loglens.model import Finding, Group, RunReport
    from loglens.report import Report

_TEXT, _NUMBER, _COUNT, _TEXTS = pl.String(), pl.Float64(), pl.Int64(), pl.List(pl.String())

FINDINGS: dict[str, pl.DataType] = {
    "run": _TEXT,
    "group": _TEXT,
    "group_runs": _TEXTS,
    "rule": _TEXT,
    "severity": _TEXT,
    "confidence": _NUMBER,
    "title": _TEXT,
    "message": _TEXT,
    "tags": _TEXTS,
    "axis": _TEXT,
    "first_step": _COUNT,
    "last_step": _COUNT,
    "first_wall_time": _NUMBER,
    "evidence": _TEXT,
    "counter_evidence": _TEXTS,
    "doubts": _TEXTS,
    "causes": _TEXTS,
    "remedies": _TEXTS,
    "caused_by": _TEXT,
    "fingerprint": _TEXT,
    "state": _TEXT,
    "suppressed": _TEXT,
}
_SERIES = pl.Struct(
    {"tag": _TEXT, "role": _TEXT, "axis": _TEXT, "points": _COUNT}
    | dict.fromkeys(("first", "best", "last", "tail", "noise"), _NUMBER)
)
RUNS: dict[str, pl.DataType] = {
    "run": _TEXT,
    "verdict": _TEXT,
    "headline": _TEXT,
    "root": _TEXT,
    "objective": _TEXT,
    "first_step": _COUNT,
    "last_step": _COUNT,
    "last_good_step": _COUNT,
    "wall_seconds": _NUMBER,
    "wasted_fraction": _NUMBER,
    "wasted_steps": _COUNT,
    "wasted_seconds": _NUMBER,
    "wasted_gpu_hours": _NUMBER,
    "errors": _COUNT,
    "warnings": _COUNT,
    "infos": _COUNT,
    "files": _COUNT,
    "bytes": _COUNT,
    "points": _COUNT,
    "not_checked": _TEXTS,
    "hparams": pl.List(pl.Struct({"name": _TEXT, "value": _TEXT})),
    "metrics": pl.List(_SERIES),
}


def findings(report: Report) -> bytes:
    """A Parquet file with every finding; `run` is null for those about a group, `group` for those about a run."""
    rows = [_finding(run, None, each) for run in report.runs for each in run.findings]
    rows += [_finding(None, group, each) for group in report.groups for each in group.findings]
    return _file(rows, FINDINGS)


def runs(report: Report) -> bytes:
    """A Parquet file with every run, its verdict, its sums and the figures of its series."""
    return _file([_run(run) for run in report.runs], RUNS)


def _finding(run: RunReport | None, group: Group | None, finding: Finding) -> dict[str, Any]:
    given = {name: getattr(finding, name) for name in FINDINGS if hasattr(finding, name)}
    evidence = {k: number(v) if isinstance(v, float) else v for k, v in finding.evidence.items()}
    return given | {
        "run": run and run.run,
        "group": group and group.kind,
        "group_runs": group and group.runs,
        "evidence": json.dumps(evidence, ensure_ascii=False),
    }


def _run(run: RunReport) -> dict[str, Any]:
    given = {name: getattr(run, name) for name in RUNS if hasattr(run, name)}
    first, last = run.steps or (None, None)
    waste = run.waste
    counts = [each.severity for each in run.findings]
    return given | {
        "first_step": first,
        "last_step": last,
        "wasted_steps": waste and waste.steps,
        "wasted_seconds": waste and waste.seconds,
        "wasted_gpu_hours": waste and waste.gpu_hours,
        "errors": counts.count("error"),
        "warnings": counts.count("warning"),
        "infos": counts.count("info"),
        "files": len(run.sources),
        "bytes": sum(source.bytes for source in run.sources),
        "points": sum(source.points for source in run.sources),
        "not_checked": [each.rule for each in run.not_checked],
        "hparams": [{"name": name, "value": value} for name, value in run.hparams.items()],
        "metrics": [{field.name: getattr(m, field.name) for field in _SERIES.fields} for m in run.metrics],
    }


def _file(rows: list[dict[str, Any]], schema: dict[str, pl.DataType]) -> bytes:
    columns = {name: [_clean(row[name]) for row in rows] for name in schema}
    out = io.BytesIO()
    pl.DataFrame(columns, schema=schema).write_parquet(out, compression="zstd", statistics=True)
    return out.getvalue()


def _clean(value: Any) -> Any:
    """Texts as UTF-8 can hold them, tuples as lists."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    return value

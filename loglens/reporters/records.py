"""The report as JSON, and back. What INTERFACE calls `schema_version` 1, with its JSON Schema beside this module.

Beyond findings the document holds `rules` (their text) and, one on a line, the `curves` that reports draw, so that it
can be rendered again without the logs. A consumer that wants neither drops two keys.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.jsonfile import JsonFileError, parsed, read_object
from loglens.model import Axis, Curve, Gone, Group, Problem, RuleInfo, RunReport, Summary
from loglens.report import Report
from loglens.reporters import sparks
from loglens.reporters.clean import utf8, visible
from loglens.reporters.outline import pictured
from loglens.reporters.shapes import ShapeError, from_plain, number, schema_of, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")
TOP = 24
LARGEST = 512 << 20  # bytes of a report that is read again: some 40,000 runs


@dataclass(frozen=True)
class Drawn:
    """A curve kept for drawing: at most 700 points, extremes kept."""

    run: str
    tag: str
    role: str | None
    axis: Axis
    steps: tuple[int, ...]
    values: tuple[float, ...]


def render(report: Report) -> str:
    """The JSON document; ends with a newline."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "loglens_version": report.version,
        "runs": to_plain(report.runs),
        "groups": to_plain(report.groups),
        "problems": to_plain(report.problems),
        "summary": to_plain(report.summary),
        "rules": to_plain(report.rules),
        "left_out": to_plain(report.left_out),
        "gone": to_plain(report.gone),
        "compared": report.compared,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    curves = [json.dumps(_drawn(run, curve), ensure_ascii=False, allow_nan=False) for run, curve in _kept(report)]
    listed = "[\n    " + ",\n    ".join(curves) + "\n  ]" if curves else "[]"
    return f'{text[:-2]},\n  "curves": {listed}\n}}\n'


def _kept(report: Report) -> Iterator[tuple[str, Curve]]:
    """Of every run the curve of its sparkline, thinned; of the runs with drawn evidence that in full."""
    wanted: dict[str, dict[str, None]] = {}
    for run, finding in pictured(report, TOP):
        wanted.setdefault(run.run, {}).update(dict.fromkeys((*finding.tags, *finding.related)))
    for run in report.runs:
        full = dict(run.curves) if len(report.runs) == 1 else {}
        full |= {tag: run.curves[tag] for tag in wanted.get(run.run, ()) if tag in run.curves}
        spark = sparks.spark_curve(run)
        if spark is not None and spark.tag not in full:
            keep = sparks.spark_thin(spark)
            full[spark.tag] = replace(spark, steps=spark.steps[keep], values=spark.values[keep])
        for tag, curve in run.curves.items():
            if tag not in full and _ends_in_nothing(curve):
                keep = sparks.spark_thin(curve)
                full[tag] = replace(curve, steps=curve.steps[keep], values=curve.values[keep])
        # in the run's own order: it decides which curve stands for a run
        yield from ((run.run, full[tag]) for tag in run.curves if tag in full)


def _ends_in_nothing(curve: Curve) -> bool:
    """A loss, score or reward whose last value is NaN or infinite: the series of a report tells finite ones alone."""
    told = curve.role is not None and ":" not in curve.role and ("/" in curve.role or curve.role == "reward")
    return told and len(curve.values) > 0 and not np.isfinite(curve.values[-1])


def _drawn(run: str, curve: Curve) -> dict[str, Any]:
    return {
        "run": utf8(run),
        "tag": utf8(curve.tag),
        "role": curve.role and utf8(curve.role),
        "axis": curve.axis,
        "steps": curve.steps.tolist(),
        "values": [number(v) for v in curve.values.tolist()],
    }


@dataclass(frozen=True)
class _Document:
    schema_version: int
    loglens_version: str
    runs: tuple[RunReport, ...]
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]
    summary: Summary
    rules: tuple[RuleInfo, ...] = ()
    left_out: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()
    compared: bool = False
    curves: tuple[Drawn, ...] = ()


def read_report(path: str | PathLike[str]) -> Report:
    """The report that was written as JSON to `path`; LoglensError when it cannot be read or is none."""
    try:
        return _of_document(read_object(path, LARGEST))
    except (JsonFileError, ShapeError) as error:
        raise ShapeError(f"{visible(path)}: {error}") from error


def parse(text: str) -> Report:
    """The report in a JSON document; ShapeError says where it is none."""
    try:
        return _of_document(parsed(text))
    except JsonFileError as error:
        raise ShapeError(str(error)) from error


def _of_document(data: Any) -> Report:
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise ShapeError(f"not a loglens report of schema_version {SCHEMA_VERSION} (found {visible(version, 40)})")
    return _report(from_plain(_Document, data))


def _report(document: _Document) -> Report:
    curves: dict[str, dict[str, Curve]] = {}
    for i, drawn in enumerate(document.curves):
        if len(drawn.steps) != len(drawn.values):
            raise ShapeError(f"$.curves[{i}]: {len(drawn.steps)} steps but {len(drawn.values)} values")
        curves.setdefault(drawn.run, {})[drawn.tag] = Curve(
            drawn.tag, drawn.role, drawn.axis,
            np.array(drawn.steps, dtype=np.int64), np.array(drawn.values, dtype=np.float64),
        )  # fmt: skip
    runs = tuple(
        replace(run, curves=curves.get(run.run, {}), sources=tuple(replace(s, run=run.run) for s in run.sources))
        for run in document.runs
    )
    return Report(
        runs, document.groups, document.problems, document.rules, document.loglens_version, document.left_out,
        document.gone, document.compared,
    )  # fmt: skip


def schema() -> dict[str, Any]:
    """The JSON Schema (draft-07) of the document."""
    definitions: dict[str, Any] = {}
    body = schema_of(_Document, definitions)
    root = definitions.pop(body["$ref"].rsplit("/", 1)[-1])
    root["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "loglens report",
        **(root | {"description": "What went wrong, in which run, from which step on, and what to do."}),
        "definitions": definitions,
    }


def schema_text() -> str:
    """`schema()` as it is shipped."""
    return json.dumps(schema(), indent=2) + "\n"

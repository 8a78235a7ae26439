"""A comparison written down: for a terminal, as Markdown for a pull request, as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loglens.compare import RunComparison  # noqa: TC001 - the schema is read off the hints
from loglens.numbers import human, times
from loglens.reporters import clean
from loglens.reporters.page import escape_markdown
from loglens.reporters.shapes import schema_of, to_plain
from loglens.tabular import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.compare import Comparison, MetricComparison

SCHEMA_VERSION = 1
MARKS = {"worse": "✖", "same": "●", "better": "▲", "unknown": "○"}
INKS = {"worse": "31", "same": "2", "better": "32", "unknown": "2"}
HEAD = ("", "metric", "baseline", "candidate", "difference", "in deviations", "speed", "noise")
METRICS = 12  # shown of each run; those that decide come first


@dataclass(frozen=True)
class Counts:
    """Candidate runs by verdict."""

    worse: int
    same: int
    better: int
    unknown: int


@dataclass(frozen=True)
class _Document:
    schema_version: int
    loglens_version: str
    comparisons: tuple[RunComparison, ...]
    unpaired: tuple[str, ...]
    summary: Counts


def counts(comparison: Comparison) -> Counts:
    """How many runs are worse, the same, better."""
    verdicts = [one.verdict for one in comparison.comparisons]
    return Counts(verdicts.count("worse"), verdicts.count("same"), verdicts.count("better"), verdicts.count("unknown"))


def as_json(comparison: Comparison) -> str:
    """The JSON document; ends with a newline."""
    told = counts(comparison)
    document = _Document(SCHEMA_VERSION, comparison.version, comparison.comparisons, comparison.unpaired, told)
    return json.dumps(to_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft-07) of the document."""
    definitions: dict[str, Any] = {}
    body = schema_of(_Document, definitions)
    root = definitions.pop(body["$ref"].rsplit("/", 1)[-1])
    root["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    top = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "loglens comparison"}
    return {**top, **(root | {"description": "Whether runs are worse than others."}), "definitions": definitions}


def summary_line(comparison: Comparison) -> str:
    """One line: runs by verdict."""
    told = counts(comparison)
    parts = [
        (told.worse, "worse"),
        (told.same, "the same within noise"),
        (told.better, "better"),
        (told.unknown, "not comparable"),
    ]
    said = ", ".join(f"{n:,} {what}" for n, what in parts if n) or "nothing to compare"
    return f"{clean.count(len(comparison.comparisons), 'run')} compared: {said}"


def as_text(comparison: Comparison, color: bool = False) -> str:
    """Lines for a terminal, the worst runs first."""
    return "\n".join(_text(comparison, color)) + "\n"


def _text(comparison: Comparison, color: bool) -> Iterator[str]:
    yield summary_line(comparison)
    for one in worst_first(comparison):
        verdict = f"{MARKS[one.verdict]} {one.verdict.upper()}"
        yield ""
        yield f"{_ink(verdict, INKS[one.verdict], color)}  {clean.name(one.run)}  beside {_names(one.baseline)}"
        yield f"  {clean.visible(one.headline)}"
        if one.metrics:
            rows = [cells_of(metric) for metric in one.metrics[:METRICS]]
            yield table(rows, HEAD, right=(2, 3, 4, 5, 6, 7), indent="  ")
        yield from (f"  {line}" for line in remarks_of(one))
    if comparison.unpaired:
        yield ""
        yield f"not compared, as only one side has them: {_names(comparison.unpaired)}"


def as_markdown(comparison: Comparison) -> str:
    """GitHub-flavoured Markdown, for a comment on a pull request."""
    return "\n".join(_markdown(comparison)) + "\n"


def _markdown(comparison: Comparison) -> Iterator[str]:
    yield f"## {summary_line(comparison)}"
    for one in worst_first(comparison):
        yield ""
        yield f"### {MARKS[one.verdict]} {escape_markdown(clean.name(one.run))}: {one.verdict}"
        yield ""
        yield f"{escape_markdown(one.headline)}. Beside {escape_markdown(_names(one.baseline))}."
        if one.metrics:
            yield ""
            yield "| " + " | ".join(HEAD) + " |"
            yield "|---|---|" + "--:|" * (len(HEAD) - 2)
            for metric in one.metrics[:METRICS]:
                yield "| " + " | ".join(escape_markdown(cell) for cell in cells_of(metric)) + " |"
        yield from (line for remark in remarks_of(one) for line in ("", f"- {escape_markdown(remark)}"))
    if comparison.unpaired:
        yield ""
        yield f"Not compared, as only one side has them: {escape_markdown(_names(comparison.unpaired))}."


def worst_first(comparison: Comparison) -> list[RunComparison]:
    """The runs, those that are worse before those that are not comparable, the same and better."""
    return sorted(comparison.comparisons, key=lambda one: ("worse", "unknown", "same", "better").index(one.verdict))


def cells_of(metric: MetricComparison) -> tuple[str, ...]:
    """A row under `HEAD`."""
    c = metric.change
    size = abs(c.baseline)
    difference = f"{100 * (c.candidate - c.baseline) / size:+.3g} %" if size > 0 else human(c.candidate)
    tag = f"{clean.name(metric.tag, 40)}{'' if metric.decides else ' (told only)'}"
    return (
        MARKS[c.outcome] if c.outcome != "same" else "",
        tag,
        human(c.baseline),
        human(c.candidate),
        difference,
        f"{c.deviations:+.1f}",
        times(c.speed) if c.speed else "–",
        times(c.unrest) if c.unrest else "–",
    )


def remarks_of(one: RunComparison, findings: bool = True) -> Iterator[str]:
    """What is said below the table: findings new and gone unless told elsewhere, and notes."""
    for title, found in (("new", one.new), ("gone", one.gone)) if findings else ():
        for finding in found:
            yield f"{title}: {finding.rule} ({finding.severity}): {clean.visible(finding.message)}"
    yield from (clean.visible(remark) for remark in one.notes)
    if len(one.metrics) > METRICS:
        yield f"and {clean.count(len(one.metrics) - METRICS, 'more metric')}, which the JSON lists"


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(clean.name(run) for run in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3:,} more"


def _ink(text: str, ink: str, color: bool) -> str:
    return f"\x1b[{ink}m{text}\x1b[0m" if color else text

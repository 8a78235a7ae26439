"""A comparison as one HTML page: verdicts, curves over curves, tables. It holds no script and loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from loglens.changes import MARGIN
from loglens.reporters import charts, clean
from loglens.reporters.comparison import HEAD, METRICS, cells_of, counts, remarks_of, summary_line, worst_first
from loglens.reporters.explore import policy_hash
from loglens.reporters.overlays import overlay_of
from loglens.reporters.page import environment, for_html
from loglens.reporters.templating import own_file

if TYPE_CHECKING:
    from loglens.compare import Comparison, RunComparison
    from loglens.model import Finding
    from loglens.reporters.charts import Chart

FULL = 40  # runs told in full, worst first
LISTED = 1000  # of the others, in a table
PICTURES = 24  # of a page
EACH = 3  # of a run that is worse or better; of others one


@dataclass(frozen=True)
class Told:
    """A run as the page shows it."""

    one: RunComparison
    anchor: str
    charts: tuple[Chart, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # outcome, cells
    findings: tuple[tuple[str, tuple[Finding, ...]], ...]  # under the words new and gone
    remarks: tuple[str, ...]


def as_html(comparison: Comparison) -> str:
    """One self-contained page."""
    ordered = worst_first(comparison)
    anchors = clean.slugs([one.run for one in ordered])
    told, left = [], PICTURES
    for one in ordered[:FULL]:
        pictures = _pictures(comparison, one, left)
        left -= len(pictures)
        told.append(_told(one, anchors[one.run], pictures))
    style = own_file("style.css", None)
    policy = f"default-src 'none'; style-src '{policy_hash(style)}'; base-uri 'none'; form-action 'none'"
    return (
        environment(for_html)
        .get_template("comparison.html")
        .render(
            told=told,
            others=ordered[FULL : FULL + LISTED],
            unlisted=max(len(ordered) - FULL - LISTED, 0),
            unpaired=comparison.unpaired,
            worst=ordered[0] if ordered else None,
            summary=summary_line(comparison),
            counts=counts(comparison),
            head=HEAD[1:],
            version=comparison.version,
            margin=MARGIN,
            policy=Markup(policy),
            style=Markup(style),
        )
        .lstrip()
    )


def _told(one: RunComparison, anchor: str, pictures: tuple[Chart, ...]) -> Told:
    rows = tuple((m.change.outcome, cells_of(m)[1:]) for m in one.metrics[:METRICS])
    findings = tuple((word, found) for word, found in (("New", one.new), ("Gone", one.gone)) if found)
    return Told(one, anchor, pictures, rows, findings, tuple(remarks_of(one, findings=False)))


def _pictures(comparison: Comparison, one: RunComparison, most: int) -> tuple[Chart, ...]:
    """The metrics that tell most, over those of the baseline."""
    if comparison.baseline is None or comparison.candidate is None:
        return ()
    before, after = [comparison.baseline[run] for run in one.baseline], comparison.candidate[one.run]
    wanted = min(most, EACH if one.verdict in ("worse", "better") else 1)
    drawn = (overlay_of(before, after, m.tag, charts.FIRST_HEIGHT) for m in one.metrics[:wanted])
    return tuple(chart for chart in drawn if chart)

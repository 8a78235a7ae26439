"""The report as one HTML page: everything is there without a script; the script makes tables sort and curves zoom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from loglens.reporters import across, charts, explore
from loglens.reporters.outline import worst_first
from loglens.reporters.page import TOP, environment, for_html, view_of
from loglens.reporters.templating import faults_of, own_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loglens.model import Finding, Group
    from loglens.report import Report
    from loglens.reporters.across import Band, Setting

BANDS = 6  # groups with a chart of their own
INLINE = "'unsafe-inline'"  # Plotly sets style attributes, which no policy by hashes lets it do


@dataclass(frozen=True)
class Beside:
    """A group of runs as the page shows it; `group` is None for all runs of the report."""

    group: Group | None
    title: str
    band: Band | None
    setting: str
    outcomes: tuple[Setting, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Machinery:
    """Script, curves and drawing library of a page, and the policy that lets them run and nothing else."""

    policy: Markup
    style: Markup
    script: Markup | None
    chunks: tuple[Markup, ...] = ()
    library: Markup | None = None
    points: int = 0  # of each curve at most
    without: str = ""  # why runs cannot be opened


def html(report: Report, top: int = TOP, interactive: bool = True, template: str | None = None) -> str:
    """One self-contained page that loads nothing; without `interactive` it holds no script.

    `template` is a folder whose templates go before ours.
    """
    view = view_of(report, top)
    beside = _beside(report, BANDS if top else 0) if len(report.runs) > 1 else []
    curves = charts.all_of(report.runs[0]) if len(report.runs) == 1 and top else None
    machinery = _machinery(view, interactive, template)
    with faults_of(template):
        page = environment(for_html, template).get_template("report.html")
        return page.render(**view, machinery=machinery, beside=beside, curves=curves, chunk=explore.CHUNK).lstrip()


def _machinery(view: Mapping[str, Any], interactive: bool, template: str | None) -> Machinery:
    style = own_file("style.css", template)
    styled = f"'{explore.policy_hash(style)}'"
    if not interactive:
        return Machinery(_policy(styled), Markup(style), None)
    script = own_file("report.js", template)
    scripts = [explore.policy_hash(script)]
    runs = [row.run for row in view["rows"]]
    plotly = explore.library()
    if plotly is None or not any(run.curves for run in runs):
        why = "the package plotly is not installed" if plotly is None else "the report holds no curves"
        return Machinery(_policy(styled, scripts), Markup(style), Markup(script), without=why)
    targets = {(e.run.run, e.finding.rule): e.anchor for s in view["sections"] for e in s.entries}
    return Machinery(
        policy=_policy(INLINE, [*scripts, plotly.hash]),
        style=Markup(style),
        script=Markup(script),
        chunks=tuple(map(Markup, explore.chunks(runs, targets))),  # base64
        library=Markup(plotly.packed),
        points=explore.points_per_curve(runs),
    )


def _policy(styled: str, scripts: Sequence[str] = ()) -> Markup:
    """Nothing is loaded; only our own scripts run, known by their hashes."""
    parts = ["default-src 'none'", f"style-src {styled}"]
    known = " ".join(f"'{each}'" for each in scripts)
    parts += [f"script-src {known}"] if scripts else []
    return Markup("; ".join([*parts, "base-uri 'none'", "form-action 'none'"]))


def _beside(report: Report, bands: int) -> list[Beside]:
    """The groups of the report, the first `bands` with a chart; all runs together where no group has one."""
    by_name = {run.run: run for run in report.runs}
    shown = []
    for number, group in enumerate(report.groups):
        runs = [by_name[name] for name in group.runs if name in by_name]
        band = across.band_of(runs) if number < bands else None
        setting = across.explained_by(group, runs) or ""
        outcomes = across.outcomes(runs, setting) if setting else ()
        if band or group.findings or group.text:
            title = {"sweep": "Sweep", "folds": "Folds", "restarts": "Restarts"}[group.kind]
            shown.append(Beside(group, title, band, setting, outcomes, group.findings))
    if bands and not any(each.band for each in shown) and (band := across.band_of(worst_first(report.runs))):
        shown.append(Beside(None, "All runs", band, "", (), ()))
    return shown

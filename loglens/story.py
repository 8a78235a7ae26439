"""From findings to a story: what caused what, the verdict, one sentence, what was lost, where to go on from."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import polars as pl

from loglens.binding import objective_of
from loglens.boosting import OF_GRADIENTS, grows_trees
from loglens.chains import link, root_of
from loglens.course import Course, course_of, headline, patience_of
from loglens.curves import curves_of
from loglens.doubts import weigh
from loglens.ends import ends_of
from loglens.engine import judge
from loglens.lognext import log_next
from loglens.lossreading import objective, reading_of
from loglens.metrics import hparams_of, metrics_of
from loglens.model import ABOUT_GROUPS, ONLY_GROUPS, Checkpoint, Finding, RunReport, Source, Verdict
from loglens.resume import last_good, resume_from
from loglens.series import series_of
from loglens.waste import devices_of, waste_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from loglens.engine import Judgement
    from loglens.model import Logs
    from loglens.rule import Rule
    from loglens.series import SeriesSet

CHECKPOINTS_PER_RUN = 1000
Extent = tuple[tuple[int, int] | None, float | None]


def tell(
    logs: Logs,
    rules: Iterable[Rule],
    spent: Callable[[str, float], None] | None = None,
    narrowed: bool = False,
) -> tuple[RunReport, ...]:
    """Judge a batch of runs and reduce each to what reports need; `spent` is told the seconds of each rule.

    `narrowed`: these are not all rules, so that nothing found means less.
    """
    by_id = {rule.id: rule for rule in rules}
    series = series_of(logs)
    judgements = judge(series, by_id.values(), spent)
    metrics, extents = metrics_of(logs, ends_of(series)), _extents(logs)
    sources: dict[str, list[Source]] = {}
    for source in logs.sources:
        sources.setdefault(source.run, []).append(source)
    hparams = hparams_of(logs)
    checkpoints = _checkpoints(logs)
    asked = len(by_id) if narrowed else None
    told = []
    wishes: dict[Hashable, str] = {}
    for i, (run, judgement) in enumerate(zip(logs.names, judgements, strict=True)):
        blank = RunReport(
            run=run, verdict="unknown", headline="", sources=tuple(sources.get(run, ())),
            steps=extents.get(run, (None, None))[0], wall_seconds=extents.get(run, (None, None))[1],
            wasted_fraction=None, last_good_step=None, metrics=metrics.get(run, ()), findings=(),
            clear=judgement.clear, not_checked=judgement.not_checked, hparams=hparams.get(run, {}),
            checkpoints=checkpoints.get(run, ()),
        )  # fmt: skip
        told.append(_told(blank, series, i, judgement, by_id, asked, wishes))
    return tuple(told)


def _told(
    run: RunReport,
    series: SeriesSet,
    number: int,
    judgement: Judgement,
    rules: Mapping[str, Rule],
    asked: int | None,
    wishes: dict[Hashable, str],
) -> RunReport:
    """The run with its findings linked and its story told; `asked` is how many rules were selected, None for all."""
    linked = link(judgement.findings, {rule.id: rule.explained_by for rule in rules.values()})
    findings = tuple(weigh(finding, series, number) for finding in linked)
    root = root_of(findings)
    course = course_of(series, number, run.metrics, patience_of(run.hparams))
    if asked is not None and not judgement.clear and not findings:
        course = Course(_not_judged(asked, judgement), fine=False)
    verdict = _verdict(findings, course)
    troubled = verdict in ("failed", "suspect")
    good = last_good(root, findings, series, number) if troubled else None
    waste, share = waste_of(findings, series, number, run.wall_seconds, devices_of(run.hparams))
    roles = series.by_run.get(number, {})
    aim = objective(set(roles), objective_of(set(roles)))
    tree = grows_trees(roles, [metric.tag for metric in run.metrics], run.hparams)
    without = OF_GRADIENTS if tree else frozenset()
    points = {role: max(series.counts[i] for i in members) for role, members in roles.items()}
    return replace(
        run,
        verdict=verdict,
        headline=headline(verdict, root, findings, course, asked),
        findings=findings,
        root=root.rule if root is not None and troubled else None,
        wasted_fraction=share,
        waste=waste,
        last_good_step=good.step if good else None,
        resume=resume_from(good, run.checkpoints, series, number),
        objective=aim,
        reading=reading_of(run.metrics, run.hparams, aim, _broken(series, number)),
        log_next=log_next(rules, judgement.not_checked, points, wishes, without),
        curves=curves_of(series, number, findings),
    )


def _broken(series: SeriesSet, number: int) -> set[str]:
    """The series of a run that end in what is no number."""
    records = series.records
    mine = [i for i in series.members_of(number).series if records.count[i]]
    ends = {series.tag[i]: records.value[records.start[i] + records.count[i] - 1] for i in mine}
    return {tag for tag, value in ends.items() if not isfinite(value)}


def _checkpoints(logs: Logs) -> dict[str, tuple[Checkpoint, ...]]:
    """The checkpoints of each run, by step; of very many the last."""
    found: dict[str, list[Checkpoint]] = {}
    for run, *values in logs.checkpoints.with_columns(pl.col("run").cast(pl.String)).iter_rows():
        found.setdefault(run, []).append(Checkpoint(*values))
    return {run: tuple(some[-CHECKPOINTS_PER_RUN:]) for run, some in found.items()}


def _not_judged(asked: int, judgement: Judgement) -> str:
    """Why none of the selected rules could judge a run, by the reason of the first."""
    if all(missing.reason == ABOUT_GROUPS for missing in judgement.not_checked):
        return ONLY_GROUPS
    why = next((f": {missing.reason}" for missing in judgement.not_checked), "")
    return (
        f"{'The selected rule could not' if asked == 1 else f'None of the {asked} selected rules could'} judge it{why}."
    )


def _verdict(findings: tuple[Finding, ...], course: Course) -> Verdict:
    severities = {f.severity for f in findings}
    if "error" in severities:
        return "failed"
    if "warning" in severities:
        return "suspect"
    return "healthy" if course.fine else "unknown"


def _extents(logs: Logs) -> dict[str, Extent]:
    """First and last step (of the finest axis) and the seconds that the job ran, of each run.

    The time is that of the longest series, session by session: what lies between two sessions was not spent, and
    series may have clocks of their own.
    """
    text = [pl.col("run").cast(pl.String), pl.col("tag").cast(pl.String)]
    axis = logs.metrics.select(
        *text,
        pl.col("axis").cast(pl.String).replace_strict({"step": 0, "epoch": 1, "row": 2}, default=2).alias("order"),
    )
    wall = pl.col("wall_time").filter(pl.col("wall_time").is_finite())
    sessions = logs.scalars.group_by("run", "tag", "segment").agg(
        pl.col("step").min().alias("low"), pl.col("step").max().alias("high"), (wall.max() - wall.min()).alias("took")
    )
    took = pl.when(pl.col("took").is_not_null().any()).then(pl.col("took").sum())
    spans = sessions.group_by("run", "tag").agg(pl.col("low").min(), pl.col("high").max(), took)
    rows = spans.with_columns(text).join(axis, on=["run", "tag"])
    finest = pl.col("order") == pl.col("order").min()
    per_run = rows.group_by("run").agg(
        pl.col("low").filter(finest).min(), pl.col("high").filter(finest).max(), pl.col("took").max()
    )
    found: dict[str, Extent] = {}
    for run, low, high, seconds in per_run.iter_rows():
        found[run] = (low, high) if low is not None else None, None if seconds is None else round(seconds, 3)
    return found

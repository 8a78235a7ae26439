"""Runs the cases of rules about groups: the members are written down as series, or are real logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.casedata import series_of_roles
from loglens.ends import ends_of
from loglens.engine import Judgement
from loglens.grouping import judge_groups
from loglens.groups import Together, groups_of
from loglens.model import Metric, NotChecked, RunReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.engine import Watch
    from loglens.groups import Kind
    from loglens.model import Direction
    from loglens.rule import Case, Member, Rule
    from loglens.series import SeriesSet


def judge_members(rule: Rule, case: Case, watch: Watch | None = None) -> Judgement:
    """What the rule says of the members of a case as one group."""
    members = [member for member in case.members for _ in range(member.times)]
    name = "run-{}" if rule.scope == "sweep" else "fold-{}"
    runs = [_run(name.format(i), member, case.seed + 100 * i) for i, member in enumerate(members)]
    kind: Kind = "sweep" if rule.scope == "sweep" else "folds"
    return _judgement(rule, [Together(kind, tuple(runs), "case")], watch)


def judge_logs(rule: Rule, runs: Sequence[RunReport], watch: Watch | None = None) -> Judgement:
    """What the rule says of real runs: of the first group on which it fires, else of the first that it is about."""
    return _judgement(rule, groups_of(runs), watch)


def _judgement(rule: Rule, groups: Sequence[Together], watch: Watch | None) -> Judgement:
    verdicts = judge_groups(groups, rule, watch=watch)
    verdict = next((v for v in verdicts if v.finding), verdicts[0] if verdicts else None)
    if verdict is None:
        return Judgement((), (), (NotChecked(rule.id, "no such group of runs"),))
    if verdict.finding is not None:
        return Judgement((verdict.finding,), (), ())
    if verdict.reason is not None:
        return Judgement((), (), (NotChecked(rule.id, verdict.reason),))
    return Judgement((), (rule.id,), ())


def _run(name: str, member: Member, seed: int) -> RunReport:
    """The summary of one member, as an analysis would leave it."""
    metrics: list[Metric] = []
    if member.series:
        series = series_of_roles(member.series, seed, run=name)
        ends = ends_of(series)
        metrics = [_metric(series, i, *ends.get((name, tag), (None, None))) for i, tag in enumerate(series.tag)]
    return RunReport(
        run=name, verdict=member.verdict, headline="", sources=(), steps=None, wall_seconds=None, wasted_fraction=None,
        last_good_step=None, metrics=tuple(metrics), findings=(), clear=(), not_checked=(), hparams=member.settings,
    )  # fmt: skip


def _metric(series: SeriesSet, i: int, tail: float | None, noise: float | None) -> Metric:
    role, points = series.role[i], series.points
    value = points.value[points.start[i] : points.start[i] + points.count[i]]
    least = role.partition(":")[0].endswith("loss")
    way: Direction = "min" if least else "max"
    if not len(value):
        return Metric(role, role, "said by the case", way, "step", 0, None, None, None)
    best = float(value.min() if least else value.max())
    first, last = float(value[0]), float(value[-1])
    return Metric(role, role, "said by the case", way, "step", len(value), first, best, last, tail, noise)

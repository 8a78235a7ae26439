"""Judges groups of runs by the rules about groups: each run's summary is one point of a series, its place the step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.engine import apply
from loglens.groupfacts import GROUP_FACTS, group_facts, short_names
from loglens.groups import groups_of
from loglens.model import FIRED_ON_GROUP, NEEDS_SEVERAL, Group, NotChecked
from loglens.roles import matches
from loglens.series import Ragged, SeriesSet
from loglens.spending import spent_by

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from loglens.engine import Watch
    from loglens.groups import Together
    from loglens.model import Finding, Metric, RunReport
    from loglens.rule import Need, Rule

Facts = dict[tuple[str, str], dict[str, Any]]  # kind and name of a group → its facts
NO_GROUP = {
    "folds": "in no group of runs that differ in fold or seed only",
    "sweep": "in no sweep of runs that differ in hyper-parameters",
    "group": "in no group of runs",
}


@dataclass(frozen=True)
class GroupVerdict:
    """What one rule says about one group: a finding, or why it could not judge, or neither."""

    group: Together
    rule: str
    finding: Finding | None
    reason: str | None


def group_runs(runs: Sequence[RunReport], rules: Iterable[Rule]) -> tuple[tuple[RunReport, ...], tuple[Group, ...]]:
    """The groups with their findings, and the runs, each now with a status for every rule about groups.

    A rule that fired on a group is not-checked on its runs: the finding is the group's.
    """
    groups, rules = groups_of(runs), [rule for rule in rules if rule.scope != "run"]
    known: Facts = {}
    said = [verdict for rule in rules for verdict in judge_groups(groups, rule, known)]
    held: dict[tuple[str, str], GroupVerdict] = {}
    for verdict in said:
        for run in verdict.group.runs:
            key = run.run, verdict.rule
            if key not in held or _weight(verdict) > _weight(held[key]):
                held[key] = verdict
    found = [
        Group(
            g.kind,
            tuple(run.run for run in g.runs),
            tuple(v.finding for v in said if v.group is g and v.finding),
            *spent_by(g.runs),
            g.text,
        )
        for g in groups
    ]
    alone = len(runs) == 1
    return tuple(_with_status(run, rules, held, alone) for run in runs), tuple(found)


def _weight(verdict: GroupVerdict) -> int:
    return 2 if verdict.finding else 1 if verdict.reason is None else 0


def _with_status(
    run: RunReport, rules: Sequence[Rule], held: dict[tuple[str, str], GroupVerdict], alone: bool
) -> RunReport:
    ids = {rule.id for rule in rules}
    clear, skipped = list(run.clear), [missing for missing in run.not_checked if missing.rule not in ids]
    for rule in rules:
        verdict = held.get((run.run, rule.id))
        if verdict is None:
            skipped.append(NotChecked(rule.id, NEEDS_SEVERAL if alone else NO_GROUP[rule.scope]))
        elif verdict.finding is not None:
            skipped.append(NotChecked(rule.id, FIRED_ON_GROUP))
        elif verdict.reason is not None:
            skipped.append(NotChecked(rule.id, verdict.reason))
        else:
            clear.append(rule.id)
    return replace(run, clear=tuple(clear), not_checked=tuple(skipped))


def judge_groups(
    groups: Sequence[Together], rule: Rule, known: Facts | None = None, watch: Watch | None = None
) -> list[GroupVerdict]:
    """Judge every group that the rule is about; one verdict each, in their order. `known` is shared between rules."""
    groups = [group for group in groups if rule.scope in ("group", group.kind)]
    rows = _Rows([])
    owners: list[int] = []
    index: list[tuple[int, ...]] = []
    reasons: dict[int, str] = {}
    for number, group in enumerate(groups):
        found = _candidates(rule.needs, group, number, rows)
        if isinstance(found, str):
            reasons[number] = found
        else:
            owners += [number] * len(found)
            index += found
    table = np.array(index, np.int64).reshape(len(index), len(rule.needs))
    columns = {need.name: table[:, i] for i, need in enumerate(rule.needs)}
    cache: dict[Hashable, Any] = {}
    series = _series_set(groups, rows, {} if known is None else known)
    fired, skipped = apply(rule, series, np.array(owners, np.int64), columns, cache, watch)
    reasons |= skipped
    return [
        GroupVerdict(group, rule.id, _of_group(fired[i]) if i in fired else None, reasons.get(i))
        for i, group in enumerate(groups)
    ]


def _of_group(finding: Finding) -> Finding:
    """A place in a list of runs is no step."""
    return replace(finding, first_step=None, last_step=None, first_wall_time=None)


@dataclass(frozen=True)
class _Row:
    """One value of one metric for each member that has it."""

    group: int
    metric: Metric  # of the first such member
    place: list[int]
    value: list[float]


@dataclass(frozen=True)
class _Rows:
    rows: list[_Row]

    def add(self, row: _Row) -> int:
        self.rows.append(row)
        return len(self.rows) - 1


def _candidates(needs: tuple[Need, ...], group: Together, number: int, rows: _Rows) -> list[tuple[int, ...]] | str:
    """For every metric that the first need can be, the row of each need; the rows are added to `rows`."""
    first = _tags_for(needs[0], group)
    if not first and not needs[0].optional:
        return _reason(needs[0], group)
    found = []
    for tag in first or [""]:
        row: list[int] = []
        chosen_for: dict[str, str] = {}
        for need in needs:
            possible = [tag] if tag and need is needs[0] else _tags_for(need, group, chosen_for.get(need.same))
            chosen = chosen_for[need.name] = tag if tag in possible else next(iter(possible), "")
            if not chosen and not need.optional:
                return _reason(need, group)
            row.append(rows.add(_row(need, chosen, group, number)) if chosen else -1)
        found.append(tuple(row))
    return found


def _tags_for(need: Need, group: Together, same: str | None = None) -> list[str]:
    """The metrics of the first role of the need that enough members have; or, if they have it, the `same` metric."""
    if need.same:
        known = [_value(need, m) for run in group.runs for m in run.metrics if m.tag == same]
        return [same] if same and len(known) - known.count(None) >= need.points else []
    for wanted in need.roles:
        counted: dict[str, int] = {}
        for run in group.runs:
            for metric in run.metrics:
                if metric.role is not None and matches(metric.role, wanted) and _value(need, metric) is not None:
                    counted[metric.tag] = counted.get(metric.tag, 0) + 1
        enough = sorted(tag for tag, count in counted.items() if count >= need.points)
        if enough:
            return enough
    return []


def _value(need: Need, metric: Metric) -> float | None:
    return float(metric.points) if need.value == "points" else getattr(metric, need.value)


def _row(need: Need, tag: str, group: Together, number: int) -> _Row:
    members = [(i, metric) for i, run in enumerate(group.runs) for metric in run.metrics if metric.tag == tag]
    known = [(i, value) for i, metric in members if (value := _value(need, metric)) is not None]
    return _Row(number, members[0][1], [i for i, _ in known], [value for _, value in known])


def _reason(need: Need, group: Together) -> str:
    if len(group.runs) < need.points:
        return f"too few runs in its group: {len(group.runs)} of {need.points}"
    wanted = " or ".join(need.roles)
    return f"no {wanted} in at least {need.points} of the {len(group.runs)} runs of its group"


def _series_set(groups: Sequence[Together], rows: _Rows, known: Facts) -> SeriesSet:
    """Groups as if they were runs."""
    every = rows.rows
    count = np.array([len(row.value) for row in every], np.int64)
    total = int(count.sum())
    records = Ragged(
        (np.cumsum(count) - count).astype(np.int64),
        count,
        np.array([i for row in every for i in row.place], np.int64),
        np.array([value for row in every for value in row.value], float),
        np.full(total, np.nan),
        np.zeros(total, np.int32),
    )
    for group in groups:
        if (group.kind, group.name) not in known:
            known[group.kind, group.name] = group_facts(group.kind, group.runs)
    facts = [known[group.kind, group.name] for group in groups]
    return SeriesSet(
        runs=tuple(group.name for group in groups),
        run=np.array([row.group for row in every], np.int64),
        tag=[row.metric.tag for row in every],
        role=[row.metric.role or "" for row in every],
        stem=[row.metric.tag for row in every],
        axis=[row.metric.axis for row in every],
        direction=[row.metric.direction for row in every],
        records=records,
        facts={name: np.array([one[name] for one in facts]) for name in GROUP_FACTS},
        members=tuple(short_names(group.runs) for group in groups),
    )

"""Which series of a run a rule looks at: candidates, and the reasons why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loglens.roles import matches

if TYPE_CHECKING:
    from loglens.rule import Need, Objective, Rule
    from loglens.series import SeriesSet


@dataclass(frozen=True, eq=False)
class Binding:
    """The candidates of one rule over a batch: entry i of every array is one (run, series …) to judge."""

    run: np.ndarray  # int64 (candidates,)
    index: dict[str, np.ndarray]  # need → series, int64 (candidates,), -1 where an optional one is missing
    reasons: dict[int, str]  # run → why it has no candidate


def objective_of(roles: set[str]) -> Objective:
    """What kind of training the roles of a run speak of."""
    if {"generator_loss", "discriminator_loss"} <= roles:
        return "gan"
    if roles & {"reward", "policy_loss", "value_loss", "kl", "explained_variance", "episode_length"}:
        return "rl"
    losses = any(role.startswith(("train/", "val/", "test/")) for role in roles)
    return "supervised" if losses else "unknown"


def bind(rule: Rule, series: SeriesSet, objectives: dict[int, Objective]) -> Binding:
    """Find the candidates of `rule` in every run of the batch."""
    rows: list[tuple[int, ...]] = []
    owners: list[int] = []
    reasons: dict[int, str] = {}
    known: dict[int, list[tuple[int, ...]]] = {}  # kind of run → its candidates, as places among its series
    for run in range(len(series.runs)):
        objective = objectives[run]
        if objective not in rule.objectives:
            reasons[run] = f"does not apply: {_KINDS[objective]}"
            continue
        members = series.members_of(run)
        alike = known.get(members.kind)
        if alike is None:
            fitting = [[members.series[k] for k in _places(need, members.roles)] for need in rule.needs]
            found = _candidates(rule.needs, series, fitting)
            if isinstance(found, str):
                reasons[run] = found  # names tags, so that no other run can share it
                continue
            place = {-1: -1, **{i: k for k, i in enumerate(members.series)}}
            alike = known[members.kind] = [tuple(place[i] for i in row) for row in found]
        numbers = (*members.series, -1)
        rows += [tuple(numbers[k] for k in row) for row in alike]
        owners += [run] * len(alike)
    table = np.array(rows, np.int64).reshape(len(rows), len(rule.needs))
    return Binding(np.array(owners, np.int64), {n.name: table[:, i] for i, n in enumerate(rule.needs)}, reasons)


_KINDS = {
    "rl": "reinforcement learning, whose losses need not fall",
    "gan": "adversarial training, whose losses need not fall",
    "supervised": "supervised training",
    "unknown": "no loss or score was recognised",
}


def _candidates(needs: tuple[Need, ...], series: SeriesSet, fitting: list[list[int]]) -> list[tuple[int, ...]] | str:
    count = series.counts
    options: list[list[int]] = []
    for need, found in zip(needs, fitting, strict=True):
        enough = [i for i in found if count[i] >= need.points]
        if not enough and not need.optional:
            return _reason(need, series, found)
        options.append(enough)
    first, rest = options[0] or [-1], options[1:]  # with an optional first need the run itself is judged
    return [(i, *(_partner(series, i, others) for others in rest)) for i in first]


def _places(need: Need, roles: tuple[str, ...]) -> list[int]:
    """Which of the roles of a run's series fit."""
    found: list[int] = []
    for wanted in need.roles:
        found += [k for k, role in enumerate(roles) if matches(role, wanted)]
        if found and not need.each:
            break
    return found


def _partner(series: SeriesSet, first: int, others: list[int]) -> int:
    """The series of the same layer or part, else of the same stem, else the one with most points; -1: there is none."""
    if first < 0:
        return (others or [-1])[0]
    part = _part(series.role[first])
    if part and any(_part(series.role[i]) for i in others):
        return next((i for i in others if _part(series.role[i]) == part), -1)
    same = [i for i in others if series.stem[i] == series.stem[first]]
    return (same or others or [-1])[0]


def _part(role: str) -> str:
    return role.partition(":")[2]


def _reason(need: Need, series: SeriesSet, found: list[int]) -> str:
    wanted = " or ".join(need.roles)
    if not found:
        return f"no {wanted} logged" + (f"; log {need.log}" if need.log else "")
    most = max(found, key=lambda i: int(series.points.count[i]))
    have = int(series.points.count[most])
    if have == 0:
        return f"{series.tag[most]} has no finite value ({need.points} needed)"
    return f"too few points: {have} of {need.points} in {series.tag[most]}"

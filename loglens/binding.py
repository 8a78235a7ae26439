"""Which series of a run a rule looks at: candidates, and the reasons why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loglens.habits import column
from loglens.roles import matches

if TYPE_CHECKING:
    from loglens.rule import Need, Objective, Rule
    from loglens.series import Kind, SeriesSet


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


def bind(rule: Rule, series: SeriesSet) -> Binding:
    """Find the candidates of `rule` in every run of the batch, for all runs that log the same things at once."""
    run, rows, reasons = [np.zeros(0, np.int64)], [np.zeros((0, len(rule.needs)), np.int64)], {}
    for kind in series.kinds:
        found = _candidates(rule, series, kind)
        if isinstance(found, str):
            reasons.update(dict.fromkeys(kind.runs.tolist(), found))
            continue
        table = np.hstack([kind.table, np.full((len(kind.runs), 1), -1)])  # the last place stands for none
        rows.append(table[:, np.array(found, np.int64)].reshape(-1, len(rule.needs)))
        run.append(np.repeat(kind.runs, len(found)))
    owners, index = np.concatenate(run), np.concatenate(rows)
    order = np.argsort(owners, kind="stable")
    return Binding(owners[order], {n.name: index[order, i] for i, n in enumerate(rule.needs)}, reasons)


_KINDS = {
    "rl": "reinforcement learning, whose losses need not fall",
    "gan": "adversarial training, whose losses need not fall",
    "supervised": "supervised training",
    "unknown": "no loss or score was recognised",
}


def _candidates(rule: Rule, series: SeriesSet, kind: Kind) -> list[tuple[int, ...]] | str:
    """The candidates of each run of a kind, as places among its series; or why there are none."""
    objective = objective_of(set(kind.roles))
    if objective not in rule.objectives:
        return f"does not apply: {_KINDS[objective]}"
    first = kind.table[0]
    options: list[list[int]] = []
    for need in rule.needs:
        found = _places(need, kind.roles)
        enough = [k for k in found if series.counts[first[k]] >= need.points]
        if not enough and not need.optional:
            return _reason(need, series, kind, found)
        options.append(enough)
    judged, others = options[0] or [-1], options[1:]  # with an optional first need the run itself is judged
    return [(k, *(_partner(series, kind, k, found) for found in others)) for k in judged]


def _places(need: Need, roles: tuple[str, ...]) -> list[int]:
    """Which of the roles of a run's series fit."""
    found: list[int] = []
    for wanted in need.roles:
        found += [k for k, role in enumerate(roles) if matches(role, wanted)]
        if found and not need.each:
            break
    return found


def _partner(series: SeriesSet, kind: Kind, judged: int, others: list[int]) -> int:
    """The series of the same layer or part, else of the same stem, else the one with most points; -1: there is none."""
    if judged < 0:
        return (others or [-1])[0]
    part = _part(kind.roles[judged])
    if part and any(_part(kind.roles[k]) for k in others):
        return next((k for k in others if _part(kind.roles[k]) == part), -1)
    stem = series.stem[kind.table[0, judged]]
    same = [k for k in others if series.stem[kind.table[0, k]] == stem]
    return (same or others or [-1])[0]


def _part(role: str) -> str:
    return role.partition(":")[2]


def _reason(need: Need, series: SeriesSet, kind: Kind, found: list[int]) -> str:
    """What to log: a column that is missing, by the name that this run would give it, or more of one."""
    if not found:
        name = column(need.roles[0], dict(zip(kind.tags, kind.roles, strict=True)))
        shown = f", for instance as {name}" if name and name not in need.log else ""
        what = f"; log {need.log or 'it'}{shown}" if need.log or shown else ""
        return f"no {' or '.join(need.roles)} logged{what}"
    most = max((int(kind.table[0, k]) for k in found), key=lambda i: series.counts[i])
    have = series.counts[most]
    if have == 0:
        return f"{series.tag[most]} has no finite value ({need.points} needed)"
    return f"too few points: {have} of {need.points} in {series.tag[most]}; log it more often"

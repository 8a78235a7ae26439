"""Conditions point by point: how often they hold, for how long, and since when."""

from __future__ import annotations

import numpy as np

from loglens.kernels.order import counted, stretches
from loglens.kernels.values import BlocksArg, PointsArg, SeriesArg


def records(x: SeriesArg) -> PointsArg:
    """Everything that was logged, non-finite values and overwritten steps included, in the order of the log."""
    return x.records


def at(x: SeriesArg, base: SeriesArg) -> PointsArg:
    """The last value of `x` at or before each step of `base`; NaN before its first."""
    mine, theirs = x.points.layout, base.points.layout
    if not len(mine.step):
        return PointsArg(theirs, np.full(len(theirs.step), np.nan))
    if np.array_equal(mine.count, theirs.count) and np.array_equal(mine.step, theirs.step):
        return PointsArg(theirs, mine.value)
    out = np.full(len(theirs.step), np.nan)
    for i, wanted in stretches(theirs):
        begin, end = mine.start[i], mine.start[i] + mine.count[i]
        found = np.searchsorted(mine.step[begin:end], theirs.step[wanted], side="right")
        out[wanted][found > 0] = mine.value[begin:end][found[found > 0] - 1]
    return PointsArg(theirs, out)


def nonfinite(x: PointsArg) -> PointsArg:
    """Where a value is NaN or infinite."""
    return PointsArg(x.layout, ~np.isfinite(x.value))


def share(x: PointsArg) -> np.ndarray:
    """Share of the points at which a condition holds; NaN without points."""
    return number(x) / np.where(x.layout.count > 0, x.layout.count, np.nan)


def number(x: PointsArg) -> np.ndarray:
    """Number of points at which a condition holds."""
    return counted(x.layout, x.value).astype(float)


def longest(x: PointsArg) -> np.ndarray:
    """Length of the longest run of points at which a condition holds."""
    _, size, owner = runs(x)
    out = np.zeros(len(x.layout.start))
    np.maximum.at(out, owner, size)
    return out


def trailing(x: PointsArg) -> np.ndarray:
    """Number of points, up to the last, at which a condition holds without a break."""
    first, size, owner = runs(x)
    end = (x.layout.start + x.layout.count)[owner]
    out = np.zeros(len(x.layout.start))
    last = first + size == end
    out[owner[last]] = size[last]
    return out


def step_of_first(x: PointsArg) -> np.ndarray:
    """Step of the first point at which a condition holds."""
    return held_since(x, np.ones(len(x.layout.start)))


def step_of_last(x: PointsArg) -> np.ndarray:
    """Step of the last point at which a condition holds."""
    first, size, owner = runs(x)
    position = np.full(len(x.layout.start), np.nan)
    position[owner] = first + size - 1
    return _step(x, position)


def place_of_first(x: PointsArg) -> np.ndarray:
    """How many points lie before the first at which a condition holds; NaN where it never does."""
    first, _, owner = runs(x)
    out = np.full(len(x.layout.start), np.nan)
    out[owner[::-1]] = (first - x.layout.start[owner])[::-1]
    return out


def step_of_trailing(x: PointsArg) -> np.ndarray:
    """Step from which on a condition holds up to the last point."""
    size = trailing(x)
    return _step(x, np.where(size > 0, x.layout.start + x.layout.count - size, np.nan))


def held_since(x: PointsArg, least: np.ndarray) -> np.ndarray:
    """Step at which a condition first began to hold for `least` points on end; NaN where it never did."""
    first, size, owner = runs(x)
    enough = size >= least[owner]
    at_point = np.full(len(x.layout.start), np.nan)
    at_point[owner[enough][::-1]] = first[enough][::-1]
    return _step(x, at_point)


def value_before(x: PointsArg, step: np.ndarray) -> np.ndarray:
    """The last finite value logged before `step`."""
    ok = np.isfinite(x.value) & (x.layout.step < x.spread(step))
    out = np.full(len(x.layout.start), np.nan)
    out[x.layout.owner[ok]] = x.value[ok]
    return out


def share_of_last(x: PointsArg, part: np.ndarray) -> np.ndarray:
    """Share of the last `part` of the points (at least one) at which a condition holds."""
    count = x.layout.count
    size = np.clip(np.nan_to_num(np.ceil(part * count)), np.minimum(count, 1), count).astype(np.int64).tolist()
    out = np.full(len(count), np.nan)
    for i, mine in stretches(x.layout):
        out[i] = np.count_nonzero(x.value[mine.stop - size[i] : mine.stop]) / size[i]
    return np.where(np.isnan(part), np.nan, out)


def trailing_blocks(x: BlocksArg) -> np.ndarray:
    """Number of blocks, up to the last, at which a condition holds without a break."""
    width = x.value.shape[1]
    column = np.arange(width)[None, :]
    broken = np.where((column < x.count[:, None]) & ~x.value.astype(bool), column, -1).max(axis=1, initial=-1)
    return np.nan_to_num(x.count) - 1 - broken


def step_of_trailing_blocks(x: BlocksArg) -> np.ndarray:
    """Step at which that run of blocks begins."""
    size = trailing_blocks(x)
    column = np.clip(np.nan_to_num(x.count) - size, 0, x.value.shape[1] - 1).astype(np.int64)
    first = np.take_along_axis(x.of.pick(lambda f: f.blocks.first), column[:, None], axis=1)[:, 0]
    return x.of.step_at(np.where(size > 0, first, np.nan))


def runs(x: PointsArg) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maximal runs of a condition: (first point, length, series), each (runs,)."""
    held = x.value.astype(bool)
    changes = np.ones(len(held) + 1, bool)  # at each point: whether it differs from the one before it
    np.not_equal(held[1:], held[:-1], out=changes[1:-1])
    changes[x.layout.start] = True  # a run ends where its series does
    edge = np.flatnonzero(changes)
    begins = np.flatnonzero(held[edge[:-1]]) if len(edge) else edge
    first = edge[begins]
    return first, edge[begins + 1] - first, x.layout.owners(first)


def _step(x: PointsArg, position: np.ndarray) -> np.ndarray:
    ok = ~np.isnan(position)
    where = np.where(ok, position, 0).astype(np.int64)
    return np.where(ok, x.layout.step[where] if len(x.layout.step) else np.nan, np.nan)


def lag(x: PointsArg, by: np.ndarray) -> PointsArg:
    """The value `by` points earlier; NaN at the first ones."""
    out = np.full(len(x.value), np.nan)
    shift = np.clip(np.nan_to_num(by), 0, x.layout.count).astype(np.int64).tolist()
    for i, mine in stretches(x.layout):
        out[mine.start + shift[i] : mine.stop] = x.value[mine.start : mine.stop - shift[i]]
    return PointsArg(x.layout, out)


def slope(x: PointsArg, over: np.ndarray) -> PointsArg:
    """Least-squares slope per point over the last `over` points (2 to 1,000) up to each; NaN at the first ones."""
    size = np.clip(np.nan_to_num(over, nan=2), 2, 1000).astype(np.int64)
    window, place, value = x.spread(size), x.place, x.value.astype(float)
    total = np.zeros(len(value))
    for back in range(int(size[x.layout.count > 0].max(initial=0))):
        reached = np.flatnonzero((back < window) & (place >= back))
        total[reached] += ((window[reached] - 1) / 2 - back) * value[reached - back]
    return PointsArg(x.layout, np.where(place >= window - 1, total / (window * (window**2 - 1.0) / 12), np.nan))


def running_max(x: PointsArg) -> PointsArg:
    """The largest value so far."""
    out = x.value.astype(float).copy()
    for first, size in zip(x.layout.start, x.layout.count, strict=True):
        part = out[first : first + size]
        np.fmax.accumulate(part, out=part)
    return PointsArg(x.layout, out)


def position(x: PointsArg) -> PointsArg:
    """Where each point lies in its series: 0 for the first, 1 for the last."""
    return PointsArg(x.layout, x.place / np.maximum(x.spread(x.layout.count) - 1, 1))

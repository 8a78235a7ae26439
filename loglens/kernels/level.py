"""Where a series is: its head, best, tail and noise, in the space in which it is analysed."""

from __future__ import annotations

import numpy as np

from loglens.kernels.blocks import argmin, mann_kendall, nanmedian, nanmin
from loglens.kernels.points import held_since
from loglens.kernels.values import BlocksArg, PointsArg, SeriesArg


def has(x: SeriesArg) -> np.ndarray:
    """Whether the run logs such a series with at least one finite value."""
    return np.nan_to_num(x.pick(x.series.points.count)) > 0


def count(x: SeriesArg) -> np.ndarray:
    """Number of finite points."""
    return x.pick(x.series.points.count)


def head(x: SeriesArg) -> np.ndarray:
    """Where the series began (level)."""
    return x.pick(x.features.head)


def head_noise(x: SeriesArg) -> np.ndarray:
    """Standard error of the head: a median of h points has variance 1.57 sd² / h (level)."""
    f = x.features
    return x.pick(np.sqrt(1.57 / np.maximum(f.head_points, 1)) * np.nan_to_num(f.roughness))


def best(x: SeriesArg) -> np.ndarray:
    """Lowest smoothed block (level)."""
    return x.pick(x.features.best)


def tail(x: SeriesArg) -> np.ndarray:
    """Median of the last three blocks (level)."""
    return x.pick(x.features.tail)


def noise(x: SeriesArg) -> np.ndarray:
    """Noise of a block median, slow wander included (level)."""
    return x.pick(x.features.noise)


def roughness(x: SeriesArg) -> np.ndarray:
    """Robust sd of a single point from first differences (level)."""
    return x.pick(x.features.roughness)


def trend(x: SeriesArg) -> np.ndarray:
    """Mann-Kendall z over the blocks; positive = rising."""
    return x.pick(mann_kendall(x.features.blocks.median))


def delta(x: SeriesArg, share: np.ndarray) -> np.ndarray:
    """What a change by `share` is in level units: log(1 + share), or share × median |value| for a series with signs."""
    size = nanmedian(np.abs(x.features.blocks.median))
    return np.where(x.pick(x.features.logged), np.log1p(share), share * x.pick(size))


def positive(x: SeriesArg) -> np.ndarray:
    """Whether all values are positive, so that levels are logarithms."""
    return x.pick(x.features.logged)


def natural(x: SeriesArg, level: np.ndarray) -> np.ndarray:
    """A level in the units of the series."""
    return np.where(x.missing, np.nan, np.where(x.pick(x.features.logged), np.exp(level), level))


def constant(x: SeriesArg) -> np.ndarray:
    """Whether all points are equal to within 1e-9 of their median."""
    low, high = _reduce(x, np.minimum), _reduce(x, np.maximum)
    middle = np.abs(natural(x, x.pick(nanmedian(x.features.blocks.median))))
    return high - low <= 1e-9 * middle


def minimum(x: SeriesArg) -> np.ndarray:
    """Smallest finite value."""
    return _reduce(x, np.minimum)


def maximum(x: SeriesArg) -> np.ndarray:
    """Largest finite value."""
    return _reduce(x, np.maximum)


def first_value(x: SeriesArg) -> np.ndarray:
    """First finite value."""
    return _value_at(x, np.zeros(len(x.index)))


def last_value(x: SeriesArg) -> np.ndarray:
    """Last finite value."""
    return _value_at(x, count(x) - 1)


def first_step(x: SeriesArg) -> np.ndarray:
    """Step of the first finite point."""
    return x.step_at(np.zeros(len(x.index)))


def last_step(x: SeriesArg) -> np.ndarray:
    """Step of the last finite point."""
    return x.step_at(count(x) - 1)


def best_step(x: SeriesArg) -> np.ndarray:
    """Step at which the best block begins."""
    blocks = x.features.blocks
    at = np.take_along_axis(blocks.first, argmin(blocks.smooth)[:, None], axis=1)[:, 0]
    return x.step_at(x.pick(at))


def best_place(x: SeriesArg) -> np.ndarray:
    """How many blocks lie after the best one."""
    blocks = x.features.blocks
    return x.pick(np.where(blocks.count > 0, blocks.count - 1 - argmin(blocks.smooth), np.nan))


def recent_best(x: SeriesArg, share: np.ndarray) -> np.ndarray:
    """Lowest block that lies wholly or partly in the last `share` of the series (level)."""
    blocks = x.features.blocks
    column = np.arange(blocks.median.shape[1])[None, :]
    rows = x.pick(blocks.median)
    width = x.pick(blocks.count)[:, None]
    return nanmin(np.where(column >= np.floor(width * (1 - share[:, None])), rows, np.nan))


def opening(x: SeriesArg) -> np.ndarray:
    """Median of the first three points (level)."""
    f = x.features
    first = f.start[:, None] + np.arange(3)[None, :]
    known = np.arange(3)[None, :] < f.count[:, None]
    if not len(f.level):
        return np.full(len(x.index), np.nan)
    return x.pick(nanmedian(np.where(known, f.level[np.where(known, first, 0)], np.nan)))


def blocks(x: SeriesArg) -> BlocksArg:
    """The block medians (level)."""
    return BlocksArg(x, x.pick(x.features.blocks.median))


def reference(x: SeriesArg) -> np.ndarray:
    """Median of the second to fifth block: the early level, past the first jumps (level)."""
    return x.pick(nanmedian(x.features.blocks.median[:, 1:5]))


def _reduce(x: SeriesArg, how: np.ufunc) -> np.ndarray:
    points = x.series.points
    if not len(points.value):
        return np.full(len(x.index), np.nan)
    out = np.full(len(points.start), np.nan)
    some = points.count > 0  # the series lie end to end: each part ends where the next begins
    out[some] = how.reduceat(points.value, points.start[some])
    return x.pick(out)


def _value_at(x: SeriesArg, position: np.ndarray) -> np.ndarray:
    points = x.series.points
    start, size = np.nan_to_num(x.pick(points.start)), np.nan_to_num(x.pick(points.count))
    ok = (position >= 0) & (position < size)
    at = np.where(ok, start + np.nan_to_num(position), 0).astype(np.int64)
    return np.where(ok, points.value[at] if len(points.value) else np.nan, np.nan)


def leaves_best(x: SeriesArg, margin: np.ndarray) -> np.ndarray:
    """First step beyond `margin` (level) above the best block, once no later block comes so near again; NaN: none.

    A fortieth of the points, one to five of them, must lie there in a row.
    """
    blocks, layout = x.features.blocks, x.points.layout
    rows, limit = x.pick(blocks.median), x.pick(x.features.best) + margin
    near = rows <= limit[:, None]
    last = rows.shape[1] - 1 - np.argmax(near[:, ::-1], axis=1)
    begin = np.take_along_axis(x.pick(blocks.first), last[:, None], axis=1)[:, 0]
    begin = np.where(near.any(axis=1) & (last + 1 < np.nan_to_num(x.pick(blocks.count))), begin, np.inf)
    logged = np.repeat(x.pick(x.features.logged), layout.count)
    level = np.where(logged, np.log(np.where(logged, layout.value, 1.0)), layout.value)
    beyond = (level > np.repeat(limit, layout.count)) & (x.points.place >= np.repeat(begin, layout.count))
    return held_since(PointsArg(layout, beyond), np.clip(layout.count // 40, 1, 5).astype(float))


def step_of_minimum(x: SeriesArg) -> np.ndarray:
    """Step of the smallest value; of equal ones the first."""
    return _step_of_extreme(x, minimum(x))


def step_of_maximum(x: SeriesArg) -> np.ndarray:
    """Step of the largest value; of equal ones the first."""
    return _step_of_extreme(x, maximum(x))


def _step_of_extreme(x: SeriesArg, extreme: np.ndarray) -> np.ndarray:
    layout = x.points.layout
    hit = layout.value == np.repeat(extreme, layout.count)
    out = np.full(len(layout.start), np.nan)
    out[layout.owner[hit][::-1]] = layout.step[hit][::-1]
    return out

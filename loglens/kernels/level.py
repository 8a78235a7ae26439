"""Where a series is: its head, best, tail and noise, in the space in which it is analysed."""

from __future__ import annotations

import numpy as np

from loglens.kernels.blocks import argmin, mann_kendall, nanmedian, nanmin
from loglens.kernels.values import BlocksArg, SeriesArg


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
    """Step of the first block after the last one that lies within `margin` (level) of the best; NaN when there is none."""
    blocks = x.features.blocks
    rows, best_level = x.pick(blocks.median), x.pick(x.features.best)
    near = rows <= (best_level + margin)[:, None]
    last = rows.shape[1] - 1 - np.argmax(near[:, ::-1], axis=1)
    after = np.minimum(last + 1, rows.shape[1] - 1)
    first = np.take_along_axis(x.pick(blocks.first), after[:, None], axis=1)[:, 0]
    found = near.any(axis=1) & (last + 1 < np.nan_to_num(x.pick(blocks.count)))
    return x.step_at(np.where(found, first, np.nan))

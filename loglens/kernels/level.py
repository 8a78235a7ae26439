"""Where a series is: its head, best, tail and noise, in the space in which it is analysed."""

from __future__ import annotations

import numpy as np

from loglens.kernels.blocks import mann_kendall, nanmedian, nanmin
from loglens.kernels.points import held_since, step_of_first
from loglens.kernels.values import BlocksArg, PointsArg, SeriesArg


def has(x: SeriesArg) -> np.ndarray:
    """Whether the run logs such a series with at least one finite value."""
    return x.points.layout.count > 0


def count(x: SeriesArg) -> np.ndarray:
    """Number of finite points."""
    return x.rows(x.series.points.count)


def head(x: SeriesArg) -> np.ndarray:
    """Where the series began (level)."""
    return x.pick(lambda f: f.head)


def head_noise(x: SeriesArg) -> np.ndarray:
    """Standard error of the head: a median of h points has variance 1.57 sd² / h (level)."""
    return x.pick(lambda f: np.sqrt(1.57 / np.maximum(f.head_points, 1)) * np.nan_to_num(f.roughness))


def best(x: SeriesArg) -> np.ndarray:
    """Lowest smoothed block (level)."""
    return x.pick(lambda f: f.best)


def crest(x: SeriesArg) -> np.ndarray:
    """Highest smoothed block (level)."""
    return x.pick(lambda f: -nanmin(-f.blocks.smooth))


def tail(x: SeriesArg) -> np.ndarray:
    """Median of the last three blocks (level)."""
    return x.pick(lambda f: f.tail)


def noise(x: SeriesArg) -> np.ndarray:
    """Noise of a block median, slow wander included (level)."""
    return x.pick(lambda f: f.noise)


def roughness(x: SeriesArg) -> np.ndarray:
    """Robust sd of a single point from first differences (level)."""
    return x.pick(lambda f: f.roughness)


def trend(x: SeriesArg) -> np.ndarray:
    """Mann-Kendall z over the blocks; positive = rising."""
    return mann_kendall(x.pick(lambda f: f.blocks.median))


def delta(x: SeriesArg, share: np.ndarray) -> np.ndarray:
    """What a change by `share` is in level units: log(1 + share), or share × median |value| for a series with signs."""
    logged = x.pick(lambda f: f.logged)
    if logged.all():
        return np.log1p(share)
    return np.where(logged, np.log1p(share), share * nanmedian(np.abs(x.pick(lambda f: f.blocks.median))))


def lower_is_better(x: SeriesArg) -> np.ndarray:
    """Whether it is known that less is better, as of most losses; not of an ELBO, which people log with either sign."""
    return x.rows(np.array([way == "min" for way in x.series.direction], bool))


def higher_is_better(x: SeriesArg) -> np.ndarray:
    """Whether it is known that more is better, as of an accuracy or a reward."""
    return x.rows(np.array([way == "max" for way in x.series.direction], bool))


def positive(x: SeriesArg) -> np.ndarray:
    """Whether all values are positive, so that levels are logarithms."""
    return x.pick(lambda f: f.logged)


def natural(x: SeriesArg, level: np.ndarray) -> np.ndarray:
    """A level in the units of the series."""
    return np.where(x.missing, np.nan, np.where(x.pick(lambda f: f.logged), np.exp(level), level))


def constant(x: SeriesArg) -> np.ndarray:
    """Whether all points are equal to within 1e-9 of their median."""
    middle = np.abs(natural(x, nanmedian(x.pick(lambda f: f.blocks.median))))
    return maximum(x) - minimum(x) <= 1e-9 * middle


def minimum(x: SeriesArg) -> np.ndarray:
    """Smallest finite value."""
    return x.pick(lambda f: f.lowest)


def maximum(x: SeriesArg) -> np.ndarray:
    """Largest finite value."""
    return x.pick(lambda f: f.highest)


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
    return x.step_at(x.pick(lambda f: f.blocks.place_of_lowest))


def best_place(x: SeriesArg) -> np.ndarray:
    """How many blocks lie after the best one."""
    return x.pick(lambda f: f.blocks.after_lowest)


def recent_best(x: SeriesArg, share: np.ndarray) -> np.ndarray:
    """Lowest block that lies wholly or partly in the last `share` of the series (level)."""
    rows, width = x.pick(lambda f: f.blocks.median), x.pick(lambda f: f.blocks.count)[:, None]
    column = np.arange(rows.shape[1])[None, :]
    return nanmin(np.where(column >= np.floor(width * (1 - share[:, None])), rows, np.nan))


def opening(x: SeriesArg) -> np.ndarray:
    """Median of the first three points (level)."""
    return x.pick(lambda f: nanmedian(f.points_at(np.arange(3)[None, :])))


def blocks(x: SeriesArg) -> BlocksArg:
    """The block medians (level)."""
    return BlocksArg(x, x.pick(lambda f: f.blocks.median))


def reference(x: SeriesArg) -> np.ndarray:
    """Median of the second to fifth block: the early level, past the first jumps (level)."""
    return nanmedian(x.pick(lambda f: f.blocks.median[:, 1:5]))


def _value_at(x: SeriesArg, position: np.ndarray) -> np.ndarray:
    points = x.series.points
    start, size = np.nan_to_num(x.rows(points.start)), np.nan_to_num(x.rows(points.count))
    ok = (position >= 0) & (position < size)
    at = np.where(ok, start + np.nan_to_num(position), 0).astype(np.int64)
    return np.where(ok, points.value[at] if len(points.value) else np.nan, np.nan)


def leaves_best(x: SeriesArg, margin: np.ndarray) -> np.ndarray:
    """First step beyond `margin` (level) above the best block, once no later block comes so near again; NaN: none.

    A fortieth of the points, one to five of them, must lie there in a row.
    """
    layout, limit = x.points.layout, x.pick(lambda f: f.best) + margin
    rows, first = x.pick(lambda f: f.blocks.median), x.pick(lambda f: f.blocks.first)
    near = rows <= limit[:, None]
    last = rows.shape[1] - 1 - np.argmax(near[:, ::-1], axis=1)
    begin = np.take_along_axis(first, last[:, None], axis=1)[:, 0]
    begin = np.where(near.any(axis=1) & (last + 1 < np.nan_to_num(x.pick(lambda f: f.blocks.count))), begin, np.inf)
    logged = np.repeat(x.pick(lambda f: f.logged), layout.count)
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
    return step_of_first(PointsArg(layout, layout.value == np.repeat(extreme, layout.count)))

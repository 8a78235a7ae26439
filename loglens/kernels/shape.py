"""The shape of a series: parts of it, spikes above its own past, swings, agreement with another series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.kernels.blocks import NORMAL, mann_kendall, nanmedian
from loglens.kernels.order import known, medians, stretches
from loglens.kernels.points import at, runs
from loglens.kernels.values import PointsArg

if TYPE_CHECKING:
    from loglens.kernels.values import SeriesArg

PAST = 51  # values that a local scale, and at most a surprise, are read from
_CHUNK = 200_000  # points at a time, so that they stay in the cache


def level_from(x: SeriesArg, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Median of the blocks between two shares of the series (level)."""
    rows, width = x.pick(lambda f: f.blocks.median), x.pick(lambda f: f.blocks.count)[:, None]
    column = np.arange(rows.shape[1])[None, :]
    first = np.minimum(np.floor(width * begin[:, None]), width - 1)
    inside = (column >= first) & (column < np.maximum(np.ceil(width * end[:, None]), first + 1))
    return nanmedian(np.where(inside, rows, np.nan))


def trend_from(x: SeriesArg, begin: np.ndarray) -> np.ndarray:
    """Mann-Kendall z over the bins from a share of the series on; positive = rising."""
    rows, width = x.pick(lambda f: f.bins.median), np.nan_to_num(x.pick(lambda f: f.bins.count))
    return mann_kendall(rows, np.floor(width * begin))


def level_at_share(x: SeriesArg, where: np.ndarray) -> np.ndarray:
    """Median of the three points around a share of the series (level)."""
    size, level = x.points.layout.count, x.levels
    if not len(level):
        return np.full(len(x.index), np.nan)
    place = np.floor(where * np.maximum(size - 1, 0))[:, None] + np.array([-1, 0, 1])[None, :]
    known = (place >= 0) & (place < size[:, None])
    at_point = np.where(known, x.points.layout.start[:, None] + place, 0).astype(np.int64)
    return nanmedian(np.where(known, level[at_point], np.nan))


def middle(x: SeriesArg) -> np.ndarray:
    """Median of all blocks (level)."""
    return nanmedian(x.pick(lambda f: f.blocks.median))


def surprise(x: SeriesArg) -> PointsArg:
    """Distance (level) of each point from the median of those before it: 11 to 51 of them, a tenth of the series.

    NaN at the first five points, which have too little of a past.
    """
    layout, level = x.points.layout, x.levels
    out = np.full(len(level), np.nan)
    for _, mine in stretches(layout):
        part = level[mine]
        out[mine][5:] = part[5:] - _past_median(pl.Series(part), _window(len(part)))
    return PointsArg(layout, out)


def surprise_at_most(x: SeriesArg) -> PointsArg:
    """No less than `surprise` at any point, and many times as fast to work out: ask it first."""
    layout, level = x.points.layout, x.levels
    out = np.full(len(level), np.nan)
    for count in np.unique(layout.count[layout.count > 5]).tolist():
        rows = np.flatnonzero(layout.count == count)
        for few in np.array_split(rows, -(-len(rows) * count // _CHUNK)):
            mine = [slice(first, first + count) for first in layout.start[few].tolist()]
            matrix = np.stack([level[part] for part in mine])
            matrix[:, 5:] -= _past_median_at_least(matrix, _window(count))
            for part, row in zip(mine, matrix, strict=True):
                out[part][5:] = row[5:]
    return PointsArg(layout, out)


def _window(count: int) -> int:
    """How many values before a point its surprise is read from: a tenth of the series, 11 to 51."""
    return min(max(count // 10, 11), PAST)


def _past_median_at_least(level: np.ndarray, size: int) -> np.ndarray:
    """No more than the median of the `size` values before each point from the sixth on; (series, points - 5).

    The windows of `apart` points in a row share all but `apart - 1` of their values, so the median of each is at least
    the value that lies `apart - 1` ranks below the middle among those that they share: one sort serves them all.
    """
    apart = size // 3
    lowest = np.minimum.accumulate(level[:, :size], axis=1)[:, 4:-1]  # where the past is shorter
    if level.shape[1] <= size:
        return lowest
    shared = np.lib.stride_tricks.sliding_window_view(level, size - apart + 1, axis=1)[:, apart - 1 : -1 : apart]
    ranked = np.sort(shared, axis=2)[:, :, (size - 1) // 2 - (apart - 1)]
    return np.hstack([lowest, np.repeat(ranked, apart, axis=1)[:, : level.shape[1] - size]])


def local_scale(x: PointsArg) -> PointsArg:
    """Robust sd of the 51 values before each point, not below half of that of the whole series.

    The first values, without a past, have the scale of the whole series.
    """
    size = np.abs(x.value)
    out = x.spread(NORMAL * medians(x.layout, size))
    for _, mine in stretches(x.layout):
        past = NORMAL * _past_median(pl.Series(size[mine]).fill_nan(None), PAST)[1:]
        whole = out[mine][6:]
        out[mine][6:] = np.where(np.isnan(past), whole, np.fmax(past, whole / 2))
    return PointsArg(x.layout, out)


def stands_out(x: PointsArg, scales: np.ndarray) -> PointsArg:
    """Where a value exceeds `scales` times its `local_scale`.

    The scale is worked out only where it could be exceeded: it is never below half of that of the whole series.
    """
    held = np.zeros(len(x.value), bool)
    for i, mine in stretches(x.layout):
        value, out = x.value[mine], held[mine]
        whole = _scale(value, 1)
        out[:6] = value[:6] > scales[i] * whole
        for place in (np.flatnonzero(value[6:] > scales[i] * whole / 2) + 6).tolist():
            past = _scale(value[max(place - PAST, 0) : place], 5)
            out[place] = value[place] > scales[i] * (whole if np.isnan(past) else max(past, whole / 2))
    return PointsArg(x.layout, held)


def _scale(value: np.ndarray, least: int) -> float:
    """Robust sd around zero of the values that are not NaN; NaN where there are fewer than `least`."""
    size = np.abs(value)
    size.sort()  # NaNs last
    known_size = len(size) - int(np.count_nonzero(np.isnan(value)))
    if known_size < least:
        return float("nan")
    return float(NORMAL * (size[(known_size - 1) // 2] + size[known_size // 2]) / 2)


def _past_median(value: pl.Series, size: int) -> np.ndarray:
    """Median of the `size` values before each point from the sixth on; NaN where fewer than five are known."""
    return value.rolling_median(size, min_samples=5)[4:-1].to_numpy() if len(value) > 5 else np.zeros(0)


def lower_tail(x: PointsArg, share: np.ndarray) -> np.ndarray:
    """How far the lowest values lie below zero: the `share` quantile of minus the values, at least 0."""
    most = np.maximum(known(x.layout, x.value) - 1, 0)
    rank = (most - np.floor(share * most)).astype(np.int64).tolist()
    out = np.full(len(x.layout.start), np.nan)
    for i, mine in stretches(x.layout):
        out[i] = -np.partition(x.value[mine], rank[i])[rank[i]]  # NaNs come last
    return np.fmax(out, 0)


def episodes(x: PointsArg, apart: np.ndarray) -> np.ndarray:
    """Number of separate stretches in which a condition holds; those fewer than `apart` points apart count as one."""
    first, size, owner = runs(x)
    end = first + size
    joined = np.zeros(len(first), bool)
    joined[1:] = (owner[1:] == owner[:-1]) & (first[1:] - end[:-1] < apart[owner[1:]])
    return np.bincount(owner[~joined], minlength=len(x.layout.start)).astype(float)


def swing(x: SeriesArg, begin: np.ndarray) -> np.ndarray:
    """Median distance (level) between neighbouring bins from a share of the series on."""
    rows, width = x.pick(lambda f: f.bins.median), np.nan_to_num(x.pick(lambda f: f.bins.count))
    column = np.arange(rows.shape[1] - 1)[None, :]
    step = np.abs(np.diff(rows, axis=1))
    return nanmedian(np.where(column >= np.floor(width * begin)[:, None], step, np.nan))


def turns(x: SeriesArg, begin: np.ndarray) -> np.ndarray:
    """Share of the bins from a share of the series on at which the series turns round; 2/3 for pure noise."""
    rows, width = x.pick(lambda f: f.bins.median), np.nan_to_num(x.pick(lambda f: f.bins.count))
    step = np.diff(rows, axis=1)
    product = step[:, 1:] * step[:, :-1]
    column = np.arange(product.shape[1])[None, :]
    inside = (column >= np.floor(width * begin)[:, None]) & ~np.isnan(product)
    total = inside.sum(axis=1)
    return np.where(total > 0, (inside & (product < 0)).sum(axis=1) / np.maximum(total, 1), np.nan)


def rank_correlation(x: SeriesArg, y: SeriesArg) -> np.ndarray:
    """Spearman's rho of `x` and `y` over the points of `y`, with the last value of `x` at or before each."""
    aligned, base = at(x, y), y.points
    known = ~np.isnan(aligned.value)
    frame = pl.DataFrame({"owner": base.layout.owner[known], "x": aligned.value[known], "y": base.value[known]})
    ranked = frame.group_by("owner").agg(pl.corr("x", "y", method="spearman").alias("rho"))
    out = np.full(len(x.index), np.nan)
    out[ranked["owner"].to_numpy()] = ranked["rho"].fill_null(float("nan")).to_numpy()
    return out

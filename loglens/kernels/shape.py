"""The shape of a series: parts of it, spikes above its own past, swings, agreement with another series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.kernels.blocks import NORMAL, mann_kendall, nanmedian
from loglens.kernels.points import at, runs
from loglens.kernels.values import PointsArg

if TYPE_CHECKING:
    from loglens.kernels.values import SeriesArg


def level_from(x: SeriesArg, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Median of the blocks between two shares of the series (level)."""
    rows, width = x.pick(x.features.blocks.median), x.pick(x.features.blocks.count)[:, None]
    column = np.arange(rows.shape[1])[None, :]
    first = np.minimum(np.floor(width * begin[:, None]), width - 1)
    inside = (column >= first) & (column < np.maximum(np.ceil(width * end[:, None]), first + 1))
    return nanmedian(np.where(inside, rows, np.nan))


def trend_from(x: SeriesArg, begin: np.ndarray) -> np.ndarray:
    """Mann-Kendall z over the bins from a share of the series on; positive = rising."""
    rows, width = x.pick(x.series.evaluations.median), np.nan_to_num(x.pick(x.series.evaluations.count))
    return mann_kendall(rows, np.floor(width * begin))


def level_at_share(x: SeriesArg, where: np.ndarray) -> np.ndarray:
    """Median of the three points around a share of the series (level)."""
    points, level = x.series.points, x.features.level
    if not len(level):
        return np.full(len(x.index), np.nan)
    size = np.nan_to_num(x.pick(points.count))
    place = np.floor(where * np.maximum(size - 1, 0))[:, None] + np.array([-1, 0, 1])[None, :]
    known = (place >= 0) & (place < size[:, None])
    at_point = np.where(known, np.nan_to_num(x.pick(points.start))[:, None] + place, 0).astype(np.int64)
    return nanmedian(np.where(known, level[at_point], np.nan))


def middle(x: SeriesArg) -> np.ndarray:
    """Median of all blocks (level)."""
    return x.pick(nanmedian(x.features.blocks.median))


def surprise(x: SeriesArg) -> PointsArg:
    """Distance (level) of each point from the median of those before it: 11 to 51 of them, a tenth of the series.

    NaN at the first five points, which have too little of a past.
    """
    layout = x.points.layout
    level = np.where(np.repeat(x.pick(x.features.logged), layout.count), np.log(np.abs(layout.value)), layout.value)
    window = np.clip(layout.count // 10, 11, 51)
    out = np.full(len(level), np.nan)
    for size in np.unique(window[layout.count > 0]):
        mine = np.repeat(window == size, layout.count)
        frame = pl.DataFrame({"owner": layout.owner[mine], "level": level[mine]})
        past = frame.select(pl.col("level").rolling_median(int(size), min_samples=5).shift(1).over("owner"))
        out[mine] = level[mine] - past["level"].fill_null(float("nan")).to_numpy()
    return PointsArg(layout, out)


def local_scale(x: PointsArg) -> PointsArg:
    """Robust sd of the 51 values before each point, not below half of that of the whole series.

    The first values, without a past, have the scale of the whole series.
    """
    size = np.abs(x.value)
    overall = NORMAL * _median_by(x.layout.owner, size, len(x.layout.start))
    frame = pl.DataFrame({"owner": x.layout.owner, "size": size}).with_columns(pl.col("size").fill_nan(None))
    rolled = frame.select(pl.col("size").rolling_median(51, min_samples=5).shift(1).over("owner"))
    past = NORMAL * rolled["size"].to_numpy().astype(float)
    past = np.where(x.place > 5, past, np.nan)
    whole = x.spread(overall)
    return PointsArg(x.layout, np.where(np.isnan(past), whole, np.fmax(past, whole / 2)))


def lower_tail(x: PointsArg, share: np.ndarray) -> np.ndarray:
    """How far the lowest values lie below zero: the `share` quantile of minus the values, at least 0."""
    out = np.zeros(len(x.layout.start))
    order = np.lexsort((-x.value, x.layout.owner))
    known = np.bincount(x.layout.owner, weights=~np.isnan(x.value), minlength=len(out)).astype(np.int64)
    where = x.layout.start + np.floor(share * np.maximum(known - 1, 0)).astype(np.int64)
    if len(order):
        out = np.where(known > 0, np.fmax(-x.value[order][np.minimum(where, len(order) - 1)], 0), 0)
    return out


def episodes(x: PointsArg, apart: np.ndarray) -> np.ndarray:
    """Number of separate stretches in which a condition holds; those fewer than `apart` points apart count as one."""
    first, size, owner = runs(x)
    end = first + size
    joined = np.zeros(len(first), bool)
    joined[1:] = (owner[1:] == owner[:-1]) & (first[1:] - end[:-1] < apart[owner[1:]])
    return np.bincount(owner[~joined], minlength=len(x.layout.start)).astype(float)


def swing(x: SeriesArg, begin: np.ndarray) -> np.ndarray:
    """Median distance (level) between neighbouring bins from a share of the series on."""
    rows, width = x.pick(x.series.evaluations.median), np.nan_to_num(x.pick(x.series.evaluations.count))
    column = np.arange(rows.shape[1] - 1)[None, :]
    step = np.abs(np.diff(rows, axis=1))
    return nanmedian(np.where(column >= np.floor(width * begin)[:, None], step, np.nan))


def turns(x: SeriesArg, begin: np.ndarray) -> np.ndarray:
    """Share of the bins from a share of the series on at which the series turns round; 2/3 for pure noise."""
    rows, width = x.pick(x.series.evaluations.median), np.nan_to_num(x.pick(x.series.evaluations.count))
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


def _median_by(owner: np.ndarray, value: np.ndarray, size: int) -> np.ndarray:
    frame = pl.DataFrame({"owner": owner, "value": value}).filter(pl.col("value").is_not_nan())
    found = frame.group_by("owner").agg(pl.col("value").median())
    out = np.full(size, np.nan)
    out[found["owner"].to_numpy()] = found["value"].to_numpy()
    return out

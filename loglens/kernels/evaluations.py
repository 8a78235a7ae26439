"""Curves with few points, such as held-out losses: up to 64 bins, a point a bin where there are no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.kernels.blocks import argmin, mann_kendall, nanmin
from loglens.kernels.order import ascending, counted, lowest

if TYPE_CHECKING:
    from loglens.kernels.values import SeriesArg


def low(x: SeriesArg) -> np.ndarray:
    """Minimum of the rolling median over three evaluations (level)."""
    return x.pick(lambda f: nanmin(f.bins.smooth))


def low_step(x: SeriesArg) -> np.ndarray:
    """Step of that minimum."""
    return x.step_at(x.pick(lambda f: f.bins.place_of_lowest))


def after_low(x: SeriesArg) -> np.ndarray:
    """Number of evaluations (bins) after the minimum."""
    return x.pick(lambda f: f.bins.after_lowest)


def finish(x: SeriesArg) -> np.ndarray:
    """Median of the last three evaluations (level)."""
    return x.pick(lambda f: f.bins.last(3))


def wiggle(x: SeriesArg) -> np.ndarray:
    """Noise of one evaluation from second differences (level)."""
    return x.pick(lambda f: f.bins.noise)


def climb(x: SeriesArg) -> np.ndarray:
    """Mann-Kendall z from the minimum on; positive = rising."""
    return mann_kendall(x.pick(lambda f: f.bins.median), x.pick(lambda f: argmin(f.bins.smooth)))


def distinct(x: SeriesArg) -> np.ndarray:
    """Number of different values among the points."""
    points = x.points.layout
    value = ascending(points, points.value)
    again = np.zeros(len(value), bool)
    np.equal(value[1:], value[:-1], out=again[1:])
    again[points.start[points.count > 0]] = False
    return np.where(x.missing, np.nan, points.count - counted(points, again))


def level_at(x: SeriesArg, step: np.ndarray) -> np.ndarray:
    """Smoothed level of the bin that holds `step` (the last one that begins at or before it)."""
    return _bin_level(x, step, 0)


def level_before(x: SeriesArg, step: np.ndarray) -> np.ndarray:
    """Smoothed level of the bin two before the one that holds `step`, out of reach of what happens there."""
    return _bin_level(x, step, 2)


def level_after(x: SeriesArg, step: np.ndarray) -> np.ndarray:
    """Smoothed level of the bin six after the one that holds `step` (a tenth of the series), or of the last one."""
    return _bin_level(x, step, -6)


def _bin_level(x: SeriesArg, step: np.ndarray, earlier: int) -> np.ndarray:
    points = x.points.layout
    if not len(points.step):
        return np.full(len(x.index), np.nan)
    smooth, used = x.pick(lambda f: f.bins.smooth), x.pick(lambda f: f.bins.count)
    begin = points.start[:, None] + np.nan_to_num(x.pick(lambda f: f.bins.first))
    column = np.arange(smooth.shape[1])[None, :]
    begun = points.step[np.minimum(begin.astype(np.int64), len(points.step) - 1)] <= step[:, None]
    at = np.sum(begun & (column < used[:, None]), axis=1) - 1 - earlier
    at = np.minimum(at, np.nan_to_num(used).astype(np.int64) - 1)
    value = np.take_along_axis(smooth, np.maximum(at, 0)[:, None], axis=1)[:, 0]
    return np.where(np.isnan(step), np.nan, value)


def grain(x: SeriesArg) -> np.ndarray:
    """Smallest distance between two different values: 1/n for an accuracy over n examples."""
    points = x.points.layout
    value = ascending(points, points.value)
    step = np.full(len(value), np.inf)  # of each value above the one before it
    np.subtract(value[1:], value[:-1], out=step[1:])
    step[step <= 1e-9 * np.abs(value)] = np.inf
    step[points.start[points.count > 0]] = np.inf
    out = lowest(points, step)
    return np.where(np.isinf(out), np.nan, out)

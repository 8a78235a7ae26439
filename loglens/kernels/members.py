"""Points against one another, whatever their order: how far apart they lie and which of them stands alone.

Made for the members of a group, which are the points of one series; no member counts for another's yardstick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.kernels.blocks import NORMAL
from loglens.kernels.values import PointsArg

if TYPE_CHECKING:
    from collections.abc import Callable


def median(x: PointsArg) -> np.ndarray:
    """Median of the points; NaN without any."""
    return _reduced(x, np.median, 1)


def deviation(x: PointsArg) -> np.ndarray:
    """Standard deviation of the points; NaN below two of them."""
    return _reduced(x, lambda value: np.std(value, ddof=1), 2)


def robust_deviation(x: PointsArg) -> np.ndarray:
    """1.4826 × the median distance from the median; half of the points may be anything."""
    return _reduced(x, lambda value: NORMAL * np.median(np.abs(value - np.median(value))), 2)


def largest_point(x: PointsArg) -> np.ndarray:
    """The largest of the points."""
    return _reduced(x, np.max, 1)


def smallest_point(x: PointsArg) -> np.ndarray:
    """The smallest of the points."""
    return _reduced(x, np.min, 1)


def others(x: PointsArg) -> PointsArg:
    """For each point the median of all the others; NaN where there are none."""
    return _against(x, _medians_without)


def others_deviation(x: PointsArg) -> PointsArg:
    """For each point the standard deviation of all the others; NaN below two others."""
    return _against(x, _deviations_without)


def lone_z(x: PointsArg, floor: np.ndarray) -> PointsArg:
    """How unlikely each point is given the others, as a z: the leave-one-out t with n - 2 degrees of freedom.

    `floor` bounds the deviation of the others from below, as two that agree by chance would make any third one odd.
    From t to z: Wallace 1959, Bounds on normal approximations to Student's and the chi-square distributions.
    """

    def zs(value: np.ndarray, least: float) -> np.ndarray:
        n = len(value)
        centred = value - np.median(value)
        mean = (centred.sum() - centred) / max(n - 1, 1)
        spread = np.fmax(_deviations_without(value), np.nan_to_num(least))
        t = (centred - mean) / (spread * np.sqrt(1 + 1 / max(n - 1, 1)))
        free = max(n - 2, 1)
        z = (8 * free + 1) / (8 * free + 3) * np.sqrt(free * np.log1p(t**2 / free))
        return np.copysign(z, t) if n > 2 else np.full(n, np.nan)

    return _against(x, zs, floor)


def where_highest(x: PointsArg, rank: PointsArg) -> np.ndarray:
    """The point at which `rank` is highest; NaN where it is nowhere known."""
    out = np.full(len(x.layout.start), np.nan)
    for i, (first, size) in enumerate(zip(x.layout.start, x.layout.count, strict=True)):
        mine = rank.value[first : first + size]
        if np.any(~np.isnan(mine)):
            out[i] = x.value[first + int(np.nanargmax(mine))]
    return out


def whose(x: PointsArg) -> np.ndarray:
    """The members at which a condition holds: for each group the tuple of their places."""
    out = np.empty(len(x.layout.start), object)
    for i, (first, size) in enumerate(zip(x.layout.start, x.layout.count, strict=True)):
        held = x.value[first : first + size].astype(bool)
        out[i] = tuple(int(step) for step in x.layout.step[first : first + size][held])
    return out


def _medians_without(value: np.ndarray, _: float = 0) -> np.ndarray:
    n = len(value)
    if n < 2:
        return np.full(n, np.nan)
    order = np.argsort(value, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    ordered = value[order]
    low, high = (n - 2) // 2, (n - 1) // 2  # places of the middle among the n - 1 others
    return (ordered[low + (rank <= low)] + ordered[high + (rank <= high)]) / 2


def _deviations_without(value: np.ndarray, _: float = 0) -> np.ndarray:
    n = len(value)
    if n < 3:
        return np.full(n, np.nan)
    if n <= 64:  # exact: a far point would cancel the digits of the others in running sums
        rest = np.broadcast_to(value, (n, n))[~np.eye(n, dtype=bool)].reshape(n, n - 1)
        return rest.std(axis=1, ddof=1)
    centred = value - np.median(value)
    mean = (centred.sum() - centred) / (n - 1)
    square = (centred**2).sum() - centred**2 - (n - 1) * mean**2
    return np.sqrt(np.maximum(square, 0) / (n - 2))


def _reduced(x: PointsArg, how: Callable[[np.ndarray], float], least: int) -> np.ndarray:
    out = np.full(len(x.layout.start), np.nan)
    for i, (first, size) in enumerate(zip(x.layout.start, x.layout.count, strict=True)):
        known = x.value[first : first + size]
        known = known[~np.isnan(known)]
        if len(known) >= least:
            out[i] = how(known)
    return out


def _against(
    x: PointsArg, how: Callable[[np.ndarray, float], np.ndarray], floor: np.ndarray | None = None
) -> PointsArg:
    out = np.full(len(x.value), np.nan)
    for i, (first, size) in enumerate(zip(x.layout.start, x.layout.count, strict=True)):
        at = first + np.flatnonzero(~np.isnan(x.value[first : first + size]))
        if len(at):
            out[at] = how(x.value[at], 0.0 if floor is None else float(floor[i]))
    return PointsArg(x.layout, out)

"""Order statistics within each series of flat arrays, one stretch at a time: sorting a stretch in place is many times
as fast as sorting all points by series and value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.series import Ragged


def stretches(layout: Ragged) -> Iterator[tuple[int, slice]]:
    """(series, its points) of every series that has any."""
    for i, (first, count) in enumerate(zip(layout.start.tolist(), layout.count.tolist(), strict=True)):
        if count:
            yield i, slice(first, first + count)


def ascending(layout: Ragged, value: np.ndarray) -> np.ndarray:
    """The values sorted within each series, NaNs last; (points,)."""
    out = value.copy()
    for _, mine in stretches(layout):
        out[mine].sort()
    return out


def known(layout: Ragged, value: np.ndarray) -> np.ndarray:
    """Number of values of each series that are not NaN; int64 (series,)."""
    total = np.concatenate(([0], np.cumsum(~np.isnan(value))))
    return total[layout.start + layout.count] - total[layout.start]


def ranked(layout: Ragged, ordered: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The value of `rank` (from 0) of each series among values sorted by `ascending`; NaN in an empty series."""
    if not len(ordered):
        return np.full(len(layout.start), np.nan)
    at = np.minimum(layout.start + rank, len(ordered) - 1)
    return np.where(layout.count > 0, ordered[at], np.nan)


def medians(layout: Ragged, value: np.ndarray) -> np.ndarray:
    """Median of each series without its NaNs; NaN where nothing is left."""
    ordered, size = ascending(layout, value), known(layout, value)
    low, high = ranked(layout, ordered, np.maximum(size - 1, 0) // 2), ranked(layout, ordered, size // 2)
    return np.where(size > 0, (low + high) / 2, np.nan)

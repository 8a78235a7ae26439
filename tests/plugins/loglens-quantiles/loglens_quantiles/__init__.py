"""A kernel of its own: the interquartile range of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.kernels import kernel

if TYPE_CHECKING:
    from loglens.kernels.values import SeriesArg


def quartile_range(x: SeriesArg) -> np.ndarray:
    """Distance of the quartiles, in the units of the series; NaN for a series without points."""
    points = x.points.layout
    ends = zip(points.start.tolist(), (points.start + points.count).tolist(), strict=True)
    values = [points.value[first:end] for first, end in ends]
    return np.array([np.subtract(*np.percentile(some, [75, 25])) if len(some) else np.nan for some in values])


KERNELS = {"quartile_range": kernel("series -> number", quartile_range)}

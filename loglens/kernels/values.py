"""What kernels are handed: series by index, and points that know their steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from loglens.kernels.blocks import Features
    from loglens.series import Ragged, SeriesSet


@dataclass(frozen=True, eq=False)
class SeriesArg:
    """One series for each judged run; -1 where the run has none."""

    series: SeriesSet
    index: np.ndarray  # int64 (judged,)

    @property
    def features(self) -> Features:
        """Block statistics of all series of the batch; read with `pick`."""
        return self.series.features

    @property
    def missing(self) -> np.ndarray:
        """Where there is no series; bool (judged,)."""
        return self.index < 0

    def pick(self, per_series: np.ndarray) -> np.ndarray:
        """Rows of a per-series array for these series, NaN (False for flags) where there is none."""
        if per_series.dtype == bool:
            return np.where(self.missing, False, _rows(per_series, self.index))
        gathered = _rows(per_series, self.index).astype(float)
        gathered[self.missing] = np.nan
        return gathered

    @cached_property
    def points(self) -> PointsArg:
        """The cleaned points, in the series' own units."""
        ragged = self.series.points.take(self.index)
        return PointsArg(ragged, ragged.value)

    @cached_property
    def levels(self) -> np.ndarray:
        """The level of every cleaned point; float64 (points,)."""
        return self.series.points.gather(self.features.level, self.index)

    @cached_property
    def records(self) -> PointsArg:
        """Everything that was logged, in the order of the log."""
        ragged = self.series.records.take(self.index)
        return PointsArg(ragged, ragged.value)

    def step_at(self, position: np.ndarray) -> np.ndarray:
        """Step of the point at `position` within each series, NaN where there is none."""
        points = self.series.points
        start, count = self.pick(points.start), self.pick(points.count)
        ok = ~np.isnan(position) & ~np.isnan(start) & (position >= 0) & (position < count)
        at = np.where(ok, np.nan_to_num(start) + np.nan_to_num(position), 0).astype(np.int64)
        return np.where(ok, points.step[at] if len(points.step) else 0, np.nan)


def _rows(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    if len(array) == 0:
        return np.full((len(index), *array.shape[1:]), False if array.dtype == bool else np.nan)
    return array[np.maximum(index, 0)]


@dataclass(frozen=True, eq=False)
class PointsArg:
    """A value for each point of one series for each judged run."""

    layout: Ragged
    value: np.ndarray  # float64 or bool (points,)

    def spread(self, per_run: np.ndarray) -> np.ndarray:
        """Repeat one value a run over its points."""
        return np.repeat(per_run, self.layout.count)

    @property
    def place(self) -> np.ndarray:
        """Position of each point within its series; int64 (points,)."""
        return self.layout.place


@dataclass(frozen=True, eq=False)
class BlocksArg:
    """A value for each block of one series for each judged run; NaN (False) beyond `count`."""

    of: SeriesArg
    value: np.ndarray  # float64 or bool (judged, width)

    @property
    def count(self) -> np.ndarray:
        """Number of blocks; float64 (judged,), NaN without a series."""
        return self.of.pick(self.of.features.blocks.count)

"""What kernels are handed: series by index, and points that know their steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from loglens.kernels.blocks import Features
    from loglens.series import Ragged, SeriesSet


@dataclass(frozen=True, eq=False)
class SeriesArg:
    """One series for each judged run; -1 where the run has none."""

    series: SeriesSet
    index: np.ndarray  # int64 (judged,)

    @property
    def missing(self) -> np.ndarray:
        """Where there is no series; bool (judged,)."""
        return self.index < 0

    def pick(self, read: Callable[[Features], np.ndarray]) -> np.ndarray:
        """What `read` says of these series, a row each, as `lambda f: f.head`; NaN (False for flags) without one."""
        return self.series.features.pick(self.index, read)

    def rows(self, per_series: np.ndarray) -> np.ndarray:
        """Rows of an array with one a series of the batch, NaN (False for flags) where there is none."""
        if per_series.dtype == bool:
            return np.where(self.missing, False, _rows(per_series, self.index))
        gathered = _rows(per_series, self.index).astype(float)
        gathered[self.missing] = np.nan
        return gathered

    @cached_property
    def points(self) -> PointsArg:
        """The cleaned points, in the series' own units."""
        ragged = self.series.features.whole(self.index) or self.series.points.take(self.index)
        return PointsArg(ragged, ragged.value)

    @cached_property
    def levels(self) -> np.ndarray:
        """The level of every cleaned point; float64 (points,)."""
        return self.series.features.levels(self.index)

    @cached_property
    def records(self) -> PointsArg:
        """Everything that was logged, in the order of the log."""
        if self.series.points is self.series.records:  # nothing had to be cleaned away
            return self.points
        ragged = self.series.records.take(self.index)
        return PointsArg(ragged, ragged.value)

    def step_at(self, position: np.ndarray) -> np.ndarray:
        """Step of the point at `position` within each series, NaN where there is none."""
        points = self.series.points
        start, count = self.rows(points.start), self.rows(points.count)
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

    @cached_property
    def somewhere(self) -> np.ndarray:
        """Whether a condition holds at any point of each run; bool (judged,)."""
        out = np.zeros(len(self.layout.start), bool)
        some = self.layout.count > 0  # the series lie end to end: each ends where the next begins
        if some.any():
            out[some] = np.maximum.reduceat(self.value.view(np.int8), self.layout.start[some]) > 0
        return out

    def narrowed(self, runs: np.ndarray, other: PointsArg) -> PointsArg:
        """Where both conditions hold; `other` has only the points of `runs`, outside of which this one never holds."""
        if runs.all():
            return PointsArg(self.layout, self.value & other.value)
        held = self.value.copy()
        for first, count, begin in zip(
            self.layout.start[runs].tolist(), self.layout.count[runs].tolist(), other.layout.start.tolist(), strict=True
        ):
            held[first : first + count] &= other.value[begin : begin + count]
        return PointsArg(self.layout, held)


@dataclass(frozen=True, eq=False)
class BlocksArg:
    """A value for each block of one series for each judged run; NaN (False) beyond `count`."""

    of: SeriesArg
    value: np.ndarray  # float64 or bool (judged, width)

    @property
    def count(self) -> np.ndarray:
        """Number of blocks; float64 (judged,), NaN without a series."""
        return self.of.pick(lambda f: f.blocks.count)

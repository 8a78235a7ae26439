"""Where the rows of each series lie in a long frame: looked up once, so that no row is looked at on its own again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.stretches import first_rows, laid_out, rows_of, stable_order

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class SeriesRows:
    """A frame whose rows lie series by series, and the first row and number of rows of each."""

    frame: pl.DataFrame
    starts: np.ndarray  # int64 (series,)
    counts: np.ndarray  # int64 (series,)

    def first(self, column: str) -> list[object]:
        """The value of a column in the first row of each series."""
        some = self.frame[column][self.starts]
        return (some if some.dtype.is_numeric() else some.cast(pl.String)).to_list()

    def last_segment(self) -> list[int]:
        """The highest number of a segment in each series."""
        segment = self.frame["segment"].to_numpy()
        return np.maximum.reduceat(segment, self.starts).tolist() if len(self.starts) else []

    def take(self, series: Sequence[int], columns: Sequence[str]) -> pl.DataFrame:
        """These columns of the rows of these series, one behind the other."""
        which = np.asarray(series, dtype=np.int64)
        if np.array_equal(which, np.arange(len(self.starts))):
            return self.frame.select(columns)
        starts, counts = self.starts[which], self.counts[which]
        return pl.DataFrame([_taken(self.frame[name], starts, counts) for name in columns])


def _taken(column: pl.Series, starts: np.ndarray, counts: np.ndarray) -> pl.Series:
    """Stretches of a column; of plain numbers as copies of whole stretches, which is quicker than row by row."""
    if column.null_count() == len(column):
        return pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, int(counts.sum()))
    if column.null_count() == 0 and column.dtype.is_numeric():
        return pl.Series(column.name, laid_out(column.to_numpy(), starts, counts), dtype=column.dtype)
    return column[rows_of(starts, counts)]


def series_rows(frame: pl.DataFrame) -> SeriesRows:
    """The rows of a frame by `file` and `tag`; those of each series keep their order."""
    found = _stretches(frame)
    key, starts = found
    series, first, back = np.unique(key, return_index=True, return_inverse=True)
    if len(series) < len(key):  # a series lies in several places
        counts = np.diff(starts, append=frame.height)
        rank = np.argsort(np.argsort(first))
        frame = frame[stable_order(np.repeat(rank[back], counts))]
        _, starts = _stretches(frame)
    return SeriesRows(frame, starts, np.diff(starts, append=frame.height))


def _stretches(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A number for the series of each stretch of rows, and its first row."""
    file = frame["file"].cast(pl.UInt32).to_numpy()
    tag = frame["tag"].cast(pl.Categorical).to_physical().cast(pl.UInt32).to_numpy()
    starts = first_rows(file, tag)
    return file[starts].astype(np.uint64) << np.uint64(32) | tag[starts], starts

"""Many files with the same columns, each full: their rows laid out file by file and series by series.

This is the order that the frames of `Logs` have in the end, so that the rows need not be moved once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.axis import plan_rows
from loglens.sources.base import axis_type
from loglens.sources.stretches import laid_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.sources.axis import Plan
    from loglens.sources.wide import Wide


def plans_of(wide: Wide) -> list[Plan]:
    """The plan of each file; files whose counters and clocks are equal row by row share that of the first."""
    places = range(len(wide.counts))
    full = all(col.rows is None for col in wide.columns.values())
    if len(places) < 2 or not full or wide.breaks or len(set(wide.counts)) > 1 or not wide.counts[0]:
        return [plan_rows(wide, place) for place in places]
    first = plan_rows(wide, 0)
    same = np.ones(len(places), dtype=bool)
    for values in wide.arrays.values():
        table = values.reshape(len(places), -1)
        same &= (table == table[0]).all(axis=1)
    return [first if alike else plan_rows(wide, place) for place, alike in enumerate(same.tolist())]


def by_file(wide: Wide, plans: Sequence[Plan], series: Sequence[tuple[str, pl.Series]]) -> pl.DataFrame:
    """Long scalars of named series that have a value in every row. All plans have the same shape."""
    counts, width = np.asarray(wide.counts, dtype=np.int64), len(series)
    total = int(counts.sum())
    ordered = sorted(series, key=lambda pair: pair[0])
    each, rows = np.repeat(counts, width), total * width
    names = pl.Series("tag", [name for name, _ in ordered], dtype=pl.Categorical)
    codes = np.tile(np.arange(width, dtype=np.uint32), len(counts))
    wall = _told([plan.wall for plan in plans], counts, np.nan)
    segment = _told([plan.segment for plan in plans], counts, np.int32(0))
    return pl.DataFrame(
        [
            pl.Series("file", np.repeat(np.repeat(np.asarray(wide.files, dtype=np.uint32), width), each)),
            names[np.repeat(codes, each)],
            pl.Series("step", _again(np.concatenate([plan.step for plan in plans]), counts, width)),
            _constant("wall_time", None, pl.Float64(), rows)
            if wall is None
            else pl.Series("wall_time", _again(wall, counts, width), nan_to_null=True),
            pl.Series("value", _side_by_side([values.to_numpy() for _, values in ordered], counts)),
            _constant("segment", 0, pl.Int32(), rows)
            if segment is None
            else pl.Series("segment", _again(segment, counts, width)),
            _constant("axis", plans[0].shape.axis, axis_type(), rows),
        ]
    )


def _constant(name: str, value: object, dtype: pl.DataType, rows: int) -> pl.Series:
    return pl.Series(name, [value], dtype=dtype).new_from_index(0, rows)


def _told(parts: Sequence[np.ndarray | None], counts: np.ndarray, missing: float | np.integer) -> np.ndarray | None:
    """What some files tell of each row as one array, `missing` for the others; None when none tells."""
    if all(part is None for part in parts):
        return None
    filled = [np.full(n, missing) if p is None else p for p, n in zip(parts, counts.tolist(), strict=True)]
    return np.concatenate(filled)


def _again(values: np.ndarray, counts: np.ndarray, width: int) -> np.ndarray:
    """The rows of each file `width` times, one behind the other."""
    if (counts == counts[0]).all():
        return np.repeat(values.reshape(len(counts), 1, counts[0]), width, axis=1).reshape(-1)
    return laid_out(values, np.repeat(np.cumsum(counts) - counts, width), np.repeat(counts, width))


def _side_by_side(columns: Sequence[np.ndarray], counts: np.ndarray) -> np.ndarray:
    """The columns' rows of the first file, one column behind the other, then those of the second, and so on."""
    flat, width = np.concatenate(columns), len(columns)
    if (counts == counts[0]).all():
        return flat.reshape(width, len(counts), counts[0]).transpose(1, 0, 2).reshape(-1)
    starts = (np.cumsum(counts) - counts)[:, None] + np.arange(width) * int(counts.sum())
    return laid_out(flat, starts.reshape(-1), np.repeat(counts, width))

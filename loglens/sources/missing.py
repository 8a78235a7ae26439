"""Losses that stop being written while the log goes on, as NaN looks where it became null or an empty cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.model import Problem
from loglens.sources.reading import read_name
from loglens.sources.textshapes import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.sources.base import LogFile
    from loglens.sources.wide import Wide

LEAST = 10  # records without a break that show that a loss was written in every one
TAIL = 5  # records without it, up to the last, that are told
SHARE = 0.02  # of all records, that they are at least


def missing_ends(wide: Wide, files: Sequence[LogFile]) -> Iterator[Problem]:
    """A problem for each loss that every record had up to some point, and none behind it up to the end of the file.

    Not where other columns begin there: those records are of another kind, as evaluations at the end are.
    """
    for place, index in enumerate(wide.files):
        end = int(wide.ends[place])
        begin = end - wide.counts[place]
        spans = {name: _span(col.rows, begin, end) for name, col in wide.columns.items()}
        for name in (name for name, col in wide.columns.items() if col.rows is not None):
            first, last, count = spans[name]
            if not _ends(first, last, count, end - begin) or not _is_loss(name):
                continue
            if any(other > last for other, _, held in spans.values() if held):
                continue
            behind, total = end - begin - last - 1, end - begin
            message = (
                f"{name[:60]!r} is missing in the last {behind:,} of {total:,} records, "
                "as NaN looks when it is written as null or left out"
            )
            yield Problem(files[index].name, "missing", message)


def _span(rows: np.ndarray | None, begin: int, end: int) -> tuple[int, int, int]:
    """First and last row of a column within a file, counted from 0, and how many there are."""
    if rows is None:
        return 0, end - begin - 1, end - begin
    low, high = np.searchsorted(rows, (begin, end))
    return (int(rows[low]) - begin, int(rows[high - 1]) - begin, int(high - low)) if high > low else (0, -1, 0)


def _ends(first: int, last: int, count: int, total: int) -> bool:
    behind = total - last - 1
    return count >= LEAST and count == last - first + 1 and behind >= max(TAIL, SHARE * total)


def _is_loss(name: str) -> bool:
    quantity = read_name(table(), name).quantity
    return quantity is not None and quantity.role == "loss"

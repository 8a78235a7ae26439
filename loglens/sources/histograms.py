"""Histograms of event files: buckets of both encodings, and what is read off them.

`mean` and `std` are the logged sums where the encoding has them (TensorFlow 1), else from the middles of the buckets.
`low` and `high` are the shares of the count in the first and the last bucket that is not empty. `zeros` is the share
of the buckets that hold 0 and are at most 2 % of the range wide; null when a wider bucket holds 0, for then nobody can
tell zeros from small values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

NARROW = 0.02
COLUMNS = ("min", "max", "mean", "std", "count", "zeros", "low", "high")


@dataclass(frozen=True, slots=True)
class Buckets:
    """Flat buckets of many histograms; `sizes` says how many each has, `bad` which could not be read."""

    left: np.ndarray
    right: np.ndarray
    count: np.ndarray
    sizes: np.ndarray
    bad: np.ndarray


def from_histo(histo: pa.StructArray) -> Buckets:
    """Buckets of HistogramProto: empty ends dropped, outer edges are the least and greatest value."""
    limits, counts = histo.field("bucket_limit"), histo.field("bucket")
    sizes, other = np.diff(np.asarray(limits.offsets)), np.diff(np.asarray(counts.offsets))
    bad = sizes != other
    limit = np.asarray(limits.values)[np.repeat(~bad, sizes)]
    count = np.asarray(counts.values)[np.repeat(~bad, other)]
    row = np.repeat(np.arange(len(sizes)), np.where(bad, 0, sizes))
    first, last = _filled(row, count, len(sizes))
    position = np.arange(len(row))
    left = np.where(position == first[row], np.asarray(histo.field("min"))[row], np.roll(limit, 1))
    right = np.where(position == last[row], np.asarray(histo.field("max"))[row], limit)
    keep = (position >= first[row]) & (position <= last[row])
    return Buckets(left[keep], right[keep], count[keep], np.bincount(row[keep], minlength=len(sizes)), bad)


def from_tensors(tensor: pa.StructArray) -> Buckets:
    """Buckets of [k, 3] tensors of left edge, right edge and count."""
    tables = [_table(item) for item in _tensor_rows(tensor)]
    bad = np.array([table is None for table in tables], dtype=bool)
    good = [np.zeros((0, 3)) if table is None else table for table in tables]
    flat = np.concatenate([np.zeros((0, 3)), *good])
    return Buckets(flat[:, 0], flat[:, 1], flat[:, 2], np.array([len(table) for table in good], dtype=np.int64), bad)


def describe(buckets: Buckets, histo: pa.StructArray | None = None) -> pl.DataFrame:
    """min, max, mean, std, count, zeros, low, high, edges, counts: one row a histogram, `histo` giving exact sums."""
    import polars as pl

    rows = len(buckets.sizes)
    row = np.repeat(np.arange(rows), buckets.sizes)
    ends = np.cumsum(buckets.sizes)
    full = np.flatnonzero(buckets.sizes)
    first, last = (ends - buckets.sizes)[full], ends[full] - 1
    out = {name: np.full(rows, np.nan) for name in ("min", "max", "low", "high")}
    with np.errstate(all="ignore"):
        total = np.bincount(row, buckets.count, rows)
        out["min"][full], out["max"][full] = buckets.left[first], buckets.right[last]
        out["low"][full], out["high"][full] = buckets.count[first] / total[full], buckets.count[last] / total[full]
        middle = (buckets.left + buckets.right) / 2
        out["mean"] = np.bincount(row, middle * buckets.count, rows) / total
        out["std"] = np.sqrt(np.bincount(row, (middle - out["mean"][row]) ** 2 * buckets.count, rows) / total)
        out["count"] = total
        out["zeros"] = _zeros(buckets, row, out["max"] - out["min"]) / total
        if histo is not None:
            out |= _logged(histo)
    frame = pl.DataFrame(out).select(COLUMNS).with_columns(pl.col(*COLUMNS[2:4], *COLUMNS[5:]).fill_nan(None))
    return frame.with_columns(edges=_edges(buckets, row, full), counts=_lists(buckets.count, buckets.sizes))


def _filled(row: np.ndarray, count: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions of the first and last bucket that is not empty, for each row; last before first when none is."""
    at = np.flatnonzero(count > 0)
    first, last = np.full(rows, len(row)), np.full(rows, -1)
    first[row[at][::-1]] = at[::-1]
    last[row[at]] = at
    return first, last


def _tensor_rows(tensor: pa.StructArray) -> list[tuple[int, list[int], bytes, list[float]]]:
    """Type, shape, content and typed values of each tensor."""
    dims = [[dim["size"] for dim in (shape or {}).get("dim", [])] for shape in tensor.field("tensor_shape").to_pylist()]
    typed = (
        floats or doubles
        for floats, doubles in zip(
            tensor.field("float_val").to_pylist(), tensor.field("double_val").to_pylist(), strict=True
        )
    )
    return list(
        zip(tensor.field("dtype").to_pylist(), dims, tensor.field("tensor_content").to_pylist(), typed, strict=True)
    )


def _table(item: tuple[int, list[int], bytes, list[float]]) -> np.ndarray | None:
    """A tensor as float64 (k, 3), or None when it is no histogram."""
    dtype, dims, content, typed = item
    stored = {1: "<f4", 2: "<f8"}.get(dtype)
    if stored is None or len(dims) != 2 or dims[1] != 3 or len(content) % np.dtype(stored).itemsize:
        return None
    flat = np.frombuffer(content, dtype=stored) if content else np.array(typed)
    return flat.astype(np.float64).reshape(-1, 3) if len(flat) == dims[0] * 3 else None


def _zeros(buckets: Buckets, row: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Counts of the buckets that are as good as 0; NaN where 0 lies in a bucket too wide to tell."""
    around = (buckets.left <= 0) & (buckets.right >= 0) & (buckets.count > 0)
    # A constant is logged as one bucket about its value, half a unit to each side, or of no width.
    constant = (buckets.sizes == 1)[row] & (buckets.left + buckets.right == 0)
    tight = (buckets.right - buckets.left <= NARROW * span[row]) | constant
    mass = np.bincount(row, np.where(around & tight, buckets.count, 0.0), len(span))
    # A bucket that merely begins at 0 beside a tight one does not blur the answer.
    blurred = np.bincount(row, around & ~tight, len(span)) > 0
    return np.where(blurred & (mass == 0), np.nan, mass)


def _logged(histo: pa.StructArray) -> dict[str, np.ndarray]:
    """What HistogramProto states outright."""
    get = {name: np.asarray(histo.field(name)) for name in ("min", "max", "num", "sum", "sum_squares")}
    mean = get["sum"] / get["num"]
    variance = np.maximum(get["sum_squares"] / get["num"] - mean**2, 0.0)
    return {"min": get["min"], "max": get["max"], "mean": mean, "std": np.sqrt(variance), "count": get["num"]}


def _edges(buckets: Buckets, row: np.ndarray, full: np.ndarray) -> pl.Series:
    """All left edges and the last right one, as lists."""
    sizes = buckets.sizes + (buckets.sizes > 0)
    shift = np.cumsum(buckets.sizes > 0)[row] - 1
    flat = np.empty(int(sizes.sum()))
    flat[np.arange(len(row)) + shift] = buckets.left
    flat[np.cumsum(sizes)[full] - 1] = buckets.right[np.cumsum(buckets.sizes)[full] - 1]
    return _lists(flat, sizes)


def _lists(flat: np.ndarray, sizes: np.ndarray) -> pl.Series:
    import polars as pl
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return pl.Series(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.float64())))

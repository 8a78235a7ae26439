"""From decoded events to rows: which values are scalars, histograms, texts or hyper-parameters, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from loglens.sources.histograms import describe, from_histo, from_tensors
from loglens.sources.tensors import content_numbers, typed_numbers
from loglens.sources.wire import OTHER_PLUGINS

if TYPE_CHECKING:
    from collections.abc import Iterable

SCALAR_CLASS = 1  # DATA_CLASS_SCALAR of summary.proto
SESSION_START = 1  # SessionLog.START
STRING = 7
HPARAMS_TAG = "_hparams_/session_start_info"


@dataclass(frozen=True, slots=True)
class Values:
    """The summary values of a batch of events, one row each; `record` is the index of their event in the slice."""

    record: np.ndarray
    step: np.ndarray
    wall_time: np.ndarray
    tag: pa.StringArray
    items: pa.StructArray

    def take(self, rows: np.ndarray) -> Values:
        """Only these rows."""
        if len(rows) == len(self.record):
            return self
        at = pa.array(rows)
        return Values(self.record[rows], self.step[rows], self.wall_time[rows], self.tag.take(at), self.items.take(at))

    def frame(self, **columns: pl.Series | np.ndarray) -> pl.DataFrame:
        """Rows of record, tag, step and wall time, and these columns."""
        tag = pl.Series(self.tag).cast(pl.Categorical)
        base = {"record": self.record, "tag": tag, "step": self.step, "wall_time": self.wall_time}
        return pl.DataFrame(base | columns)


def session_starts(batch: pa.RecordBatch, records: np.ndarray) -> np.ndarray:
    """Those of `records` that say a session (re)started."""
    log = batch.column("session_log")
    status = np.asarray(log.field("status")) == SESSION_START
    started: np.ndarray = records[status & log.is_valid().to_numpy(zero_copy_only=False)]
    return started


def values(batch: pa.RecordBatch, records: np.ndarray) -> Values:
    """All summary values of decoded events, `records` being the indices of the events."""
    lists = batch.column("summary").field("value")
    parent = np.asarray(pc.list_parent_indices(lists))
    items = lists.flatten()
    step, wall = np.asarray(batch.column("step")), np.asarray(batch.column("wall_time"))
    if len(parent) == len(records) and (parent == np.arange(len(records))).all():
        return Values(records, step, wall, items.field("tag"), items)
    return Values(records[parent], step[parent], wall[parent], items.field("tag"), items)


def narrow_scalars(found: Values) -> tuple[pl.DataFrame, np.ndarray]:
    """Scalars of narrowly decoded events, and the records that must be decoded in full to be understood.

    No record is in both: the rows of one that must be decoded again are left to that.
    """
    simple = found.items.field("simple_value")
    if simple.null_count == 0:
        return found.frame(value=np.asarray(simple, dtype=np.float64)), found.record[:0]
    is_simple = simple.is_valid().to_numpy(zero_copy_only=False)
    tensor = found.items.field("tensor")
    plugin = _plugin(found.items)
    numbers, readable = content_numbers(np.asarray(tensor.field("dtype")), tensor.field("tensor_content"))
    scalar = is_simple | (readable & _equals(plugin, "scalars"))
    unclear = ~scalar & ~_is_in(plugin, OTHER_PLUGINS)
    again = np.unique(found.record[unclear])
    rows = np.flatnonzero(scalar & ~np.isin(found.record, again) if len(again) else scalar)
    numbers[is_simple] = np.asarray(simple.fill_null(0.0), dtype=np.float64)[is_simple]
    return found.take(rows).frame(value=numbers[rows]), again


@dataclass(frozen=True, slots=True)
class Rows:
    """What fully decoded events hold; every frame has record, tag, step and wall_time first.

    `hparams` has the serialized content; `faults` are rows of records with a tag and what is wrong with the value.
    """

    scalars: pl.DataFrame
    histograms: list[pl.DataFrame]
    texts: pl.DataFrame
    hparams: pl.DataFrame
    faults: list[tuple[int, str]]


def full_rows(found: Values, plugin: np.ndarray) -> Rows:
    """Sort fully decoded values by kind; `plugin` is the name of the plugin of each (object (n,)), inherited or own."""
    tensor = found.items.field("tensor")
    is_tensor = tensor.is_valid().to_numpy(zero_copy_only=False)
    scalars, faults = _scalars(found, plugin, is_tensor)
    histograms, more = _histograms(found, is_tensor & (plugin == "histograms"))
    text = np.flatnonzero(is_tensor & (plugin == "text"))
    hparams = np.flatnonzero((plugin == "hparams") & _equals(found.tag, HPARAMS_TAG))
    content = found.items.field("metadata").field("plugin_data").field("content")
    return Rows(
        scalars,
        histograms,
        found.take(text).frame(text=_texts(tensor.field("string_val").take(pa.array(text)))),
        found.take(hparams).frame(content=pl.Series(content.take(pa.array(hparams)))),
        faults + more,
    )


def own_plugin(found: Values) -> np.ndarray:
    """The plugin that each value names itself, or an empty string; object (n,)."""
    names: np.ndarray = _plugin(found.items).to_numpy(zero_copy_only=False)
    return names


def _scalars(found: Values, plugin: np.ndarray, is_tensor: np.ndarray) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """simple_value, tensors of the scalars plugin or data class, and bare tensors of rank 0."""
    simple, tensor = found.items.field("simple_value"), found.items.field("tensor")
    is_simple = simple.is_valid().to_numpy(zero_copy_only=False)
    dtype = np.asarray(tensor.field("dtype"))
    numbers, readable = content_numbers(dtype, tensor.field("tensor_content"))
    typed, typed_found = typed_numbers(dtype, tensor)
    rank, single = _shape(tensor.field("tensor_shape").field("dim"))
    numbers = np.where(readable, numbers, typed)
    readable = (readable | typed_found) & single
    marked = is_tensor & ((plugin == "scalars") | (np.asarray(_data_class(found.items)) == SCALAR_CLASS))
    scalar = is_simple | (readable & (marked | (is_tensor & (plugin == "") & (rank == 0))))
    numbers[is_simple] = np.asarray(simple.fill_null(0.0), dtype=np.float64)[is_simple]
    rows = np.flatnonzero(scalar)
    faults = [(int(found.record[i]), f"scalar {_shown(found.tag[i])} holds no single number") for i in
              np.flatnonzero(marked & ~scalar)]  # fmt: skip
    return found.take(rows).frame(value=numbers[rows]), faults


def _histograms(found: Values, is_tensor: np.ndarray) -> tuple[list[pl.DataFrame], list[tuple[int, str]]]:
    frames, faults = [], []
    is_histo = found.items.field("histo").is_valid().to_numpy(zero_copy_only=False)
    for old, mask in ((True, is_histo), (False, is_tensor)):
        rows = np.flatnonzero(mask)
        if not len(rows):
            continue
        some = found.take(rows)
        histo = some.items.field("histo") if old else None
        buckets = from_histo(histo) if old else from_tensors(some.items.field("tensor"))
        faults += [(int(some.record[i]), f"histogram {_shown(some.tag[i])} has no readable buckets")
                   for i in np.flatnonzero(buckets.bad)]  # fmt: skip
        described = describe(buckets, histo)
        frames.append(some.frame().hstack(described).filter(pl.Series(~buckets.bad)))
    return frames, faults


def _shape(dims: pa.ListArray) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each tensor, and whether its shape is of one element."""
    offsets = np.asarray(dims.offsets)
    rank = np.diff(offsets)
    wide = np.concatenate([[0], np.cumsum(np.asarray(dims.values.field("size")) != 1)])
    return rank, wide[offsets[1:]] == wide[offsets[:-1]]


def _texts(strings: pa.ListArray) -> pl.Series:
    """The strings of each tensor, in lines."""
    joined = ["\n".join(part.decode("utf-8", "replace") for part in parts) for parts in strings.to_pylist()]
    return pl.Series(joined, dtype=pl.String)


def _plugin(items: pa.StructArray) -> pa.StringArray:
    return items.field("metadata").field("plugin_data").field("plugin_name")


def _data_class(items: pa.StructArray) -> pa.Int32Array:
    return items.field("metadata").field("data_class")


def _equals(array: pa.StringArray, text: str) -> np.ndarray:
    mask: np.ndarray = pc.equal(array, text).to_numpy(zero_copy_only=False)
    return mask


def _is_in(array: pa.StringArray, names: Iterable[str]) -> np.ndarray:
    mask: np.ndarray = pc.is_in(array, pa.array(list(names), pa.string())).to_numpy(zero_copy_only=False)
    return mask


def _shown(tag: pa.StringScalar) -> str:
    return repr(tag.as_py()[:80])

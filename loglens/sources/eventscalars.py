"""The scalars of event files as they come, slice by slice, and at the end as one frame, series by series."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.base import axis_type, scalar_schema
from loglens.sources.eventtags import Tags
from loglens.sources.restarts import restarts
from loglens.sources.stretches import first_rows, laid_out, stable_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.sources.eventslices import Slice
    from loglens.sources.lanes import Lane

_NONE = np.uint32(0xFFFFFFFF)


@dataclass
class Scalars:
    """Guards the scalars found so far: slice by slice, in each series by series."""

    tags: Tags = field(default_factory=Tags)
    parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def add(self, part: Slice, lanes: Sequence[Lane], frames: Sequence[pl.DataFrame]) -> None:
        """The scalars of one slice: `lanes`, and decoded `frames` of record, tag, step, wall time and value."""
        if not lanes and not frames:
            return
        record, *columns = _side_by_side(len(part.starts), lanes)
        if frames:
            more = pl.concat(frames)
            rows = [more["record"].to_numpy(), self.tags.of_series(more["tag"]), *map(pl.Series.to_numpy, more[:, 2:])]
            record = np.concatenate([record, rows[0]])
            # A slice has at most 65,536 records: 16-bit keys are sorted by radix.
            order = np.argsort(record.astype(np.uint16), kind="stable")
            record = record[order]
            columns = [np.concatenate(pair)[order] for pair in zip(columns, rows[1:], strict=True)]
        file, at = part.file[record], part.at[record]
        # Series by series within the slice, while it is in the cache.
        order = stable_order((file - file[:1]).astype(np.int64) * len(self.tags.names) + columns[0])
        self.parts.append(tuple(column[order] for column in (file, at, *columns)))

    def finished(self, starts: dict[int, list[int]]) -> tuple[pl.DataFrame | None, dict[int, np.ndarray]]:
        """All scalars with the columns of `Tables.scalars`, and the offsets at which restarts begin in each file.

        `starts` are offsets of session starts.
        """
        if not self.parts:
            return None, {}
        file, at, tag, step, wall_time, value = map(np.concatenate, zip(*self.parts, strict=True))
        self.parts.clear()
        begins = first_rows(file, tag)
        series = file[begins].astype(np.int64) * len(self.tags.names) + self.tags.ranks()[tag[begins]]
        order = stable_order(series)
        counts = np.diff(begins, append=len(file))[order]
        begins, series = begins[order], series[order]
        key, steps = np.repeat(series, counts), laid_out(step, begins, counts)
        back = np.flatnonzero((steps[1:] < steps[:-1]) & (key[1:] == key[:-1]))
        looked_at = {*(key[back] // len(self.tags.names)).tolist(), *starts}
        bounds = _restarts(looked_at, file, tag, step, at, starts)
        segment = laid_out(segments(file, at, bounds), begins, counts) if bounds else np.zeros(len(file), np.int32)
        columns = {
            "file": np.repeat(file[begins], counts),
            "tag": self.tags.series()[np.repeat(tag[begins], counts)],
            "step": steps,
            "wall_time": laid_out(wall_time, begins, counts),
            "value": laid_out(value, begins, counts),
            "segment": segment,
        }
        frame = pl.DataFrame(columns).with_columns(axis=pl.lit("step", dtype=axis_type()))
        return frame.select(list(scalar_schema())), bounds


def _side_by_side(count: int, lanes: Sequence[Lane]) -> list[np.ndarray]:
    """record, tag, step, wall time and value of the scalars of all lanes, in the order of their records."""
    if len(lanes) == 1:
        lane = lanes[0]
        return [lane.record, lane.tag, lane.step, lane.wall_time, lane.value]
    tag = np.full(count, _NONE)
    step, wall_time, value = np.empty(count, dtype=np.int64), np.empty(count), np.empty(count)
    for lane in lanes:
        tag[lane.record] = lane.tag
        step[lane.record] = lane.step
        wall_time[lane.record] = lane.wall_time
        value[lane.record] = lane.value
    record = np.flatnonzero(tag != _NONE)
    if len(record) == count:
        return [record, tag, step, wall_time, value]
    return [record, *(column[record] for column in (tag, step, wall_time, value))]


def _restarts(
    wanted: set[int], file: np.ndarray, tag: np.ndarray, step: np.ndarray, at: np.ndarray, starts: dict[int, list[int]]
) -> dict[int, np.ndarray]:
    """For each file with restarts, the offsets where they begin; only `wanted` files are looked at.

    The rows of a file lie together, in any order.
    """
    if not wanted:
        return {}
    edges = [0, *(np.flatnonzero(np.diff(file)) + 1).tolist(), len(file)]
    out = {}
    for begin, end in pairwise(edges):
        one = int(file[begin])
        if one not in wanted:
            continue
        sessions = np.array(starts.get(one, []), dtype=np.int64)
        records = begin + np.argsort(at[begin:end], kind="stable")
        found = restarts(tag[records], step[records], at[records], sessions)
        if len(found):
            out[one] = found
    return out


def segments(file: np.ndarray, at: np.ndarray, bounds: dict[int, np.ndarray]) -> np.ndarray:
    """The number of restarts before each record; `file` ascending, int32 (n,)."""
    segment = np.zeros(len(file), dtype=np.int32)
    for one, offsets in bounds.items():
        begin, end = np.searchsorted(file, [one, one + 1])
        segment[begin:end] = np.searchsorted(offsets, at[begin:end], side="right")
    return segment

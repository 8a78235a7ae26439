"""Reader of `.wandb` files, as W&B writes them beside every run, on line or off."""

from __future__ import annotations

import json
from collections import deque
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from loglens.sources.base import Tables
from loglens.sources.delimited import numbers
from loglens.sources.eventproto import Field, decode, decoder
from loglens.sources.jsonlogs import hparams_frame
from loglens.sources.places import opened
from loglens.sources.records import flat, number
from loglens.sources.text import LFS, Faults
from loglens.sources.wandbrecords import MAGIC, payloads
from loglens.sources.wide import Column, Wide, melt
from loglens.sources.wire import BYTES, fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile
    from loglens.sources.eventproto import Decoder, Messages
    from loglens.sources.packing import Readable

SLICE = 20_000  # records decoded together
SLICE_BYTES = 16 << 20
SUSPICIOUS = 1 << 20  # bytes from which on the values of a record are counted: empty ones swell when decoded
MOST = 100_000  # values of one record
LONGEST_SETTING = 400
STEP = "_step"
# wandb_internal.proto, less what is not analysed.
ITEM = {"key": Field(1, "string"), "nested_key": Field(2, "string", repeated=True), "value_json": Field(16, "string")}
RECORD: Messages = {
    "Item": ITEM,
    "Step": {"num": Field(1, "int64")},
    "History": {"item": Field(1, "Item", repeated=True), "step": Field(2, "Step")},
    "Config": {"update": Field(1, "Item", repeated=True)},
    "Run": {"config": Field(4, "Config")},
    "Record": {"history": Field(2, "History"), "config": Field(5, "Config"), "run": Field(17, "Run")},
}


def read(files: Sequence[LogFile]) -> Tables:
    """The history of each file as scalars, its configuration as hyper-parameters."""
    problems: list[Problem] = []
    frames: list[pl.DataFrame] = []
    hparams: list[tuple[int, str, str]] = []
    for index, file in enumerate(files):
        faults = Faults(file, problems)
        history, config = _History(), dict[str, object]()
        try:
            with opened(file, problems) as stream:
                if head := _head(stream, faults):
                    for batch in _batches(payloads(head, stream, faults), faults):
                        history.add(batch.column("history"))
                        config |= dict(_config(batch))
        except OSError as error:
            faults.add("unreadable", f"cannot be read: {error.strerror or error}")
        hparams += [(index, name, shown) for name, value in flat(config) if (shown := _shown(value)) is not None]
        wide = history.wide(index)
        if wide is not None:
            frames += melt(wide)
        elif not faults.counts:
            faults.skip("nothing in its history")
    scalars = pl.concat(frames, rechunk=False) if frames else None
    return Tables(scalars=scalars, hparams=hparams_frame(hparams), problems=problems)


def _head(stream: Readable, faults: Faults) -> bytes:
    """The header of the file, empty when there is no more; what follows a damaged one is read all the same."""
    head = stream.read(len(MAGIC))
    if not head:
        faults.add("skipped", "empty file (0 bytes): the run logged nothing, or never wrote it out")
    elif head.startswith(LFS[: len(MAGIC)]):
        faults.add("unreadable", "a git-LFS pointer: the log itself was not downloaded (git lfs pull)")
    elif len(head) < len(MAGIC):
        faults.add("truncated", f"the file ends inside its header ({len(head)} of {len(MAGIC)} bytes)", offset=0)
    else:
        if head != MAGIC:
            faults.add("corrupt", "the header of the file is not that of a W&B log", offset=0)
        return head
    return b""


def _batches(records: Iterator[tuple[int, bytes]], faults: Faults) -> Iterator[pa.RecordBatch]:
    """The records, decoded some at a time; one that cannot be decoded is told."""
    for offsets, parts in _slices(records, faults):
        for rows, batch in decode(_record(), pa.array(parts, pa.binary()), np.arange(len(parts))):
            if isinstance(batch, str):
                message = f"a record cannot be decoded: {batch[:80]}"
                faults.add("corrupt", message, offset=offsets[int(rows[0])], of="damaged places")
            else:
                yield batch


def _slices(records: Iterator[tuple[int, bytes]], faults: Faults) -> Iterator[tuple[list[int], list[bytes]]]:
    offsets: list[int] = []
    parts: list[bytes] = []
    size = 0
    for offset, data in records:
        if len(data) > SUSPICIOUS and _crowded(data):
            faults.add("corrupt", f"a record with more than {MOST} values is skipped", offset=offset)
            continue
        offsets.append(offset)
        parts.append(data)
        size += len(data)
        if len(parts) >= SLICE or size >= SLICE_BYTES:
            yield offsets, parts
            offsets, parts, size = [], [], 0
    if parts:
        yield offsets, parts


def _crowded(data: bytes) -> bool:
    """Has a record more than MOST fields in its parts? Those of one that is no protobuf do not count."""
    budget = iter(range(MOST))
    try:
        for token in fields(data, 0, len(data), budget):
            if token.wire == BYTES:
                deque(fields(data, token.start, token.end, budget), maxlen=0)
    except ValueError:
        return next(budget, None) is None
    return False


@cache
def _record() -> Decoder:
    return decoder("wandb", RECORD, "Record")


# --- items ------------------------------------------------------------------------------------------------------------


def _items(lists: pa.ListArray) -> pl.DataFrame:
    """place (in the lists), name and text of every item; the parts of a nested name are joined with `/`."""
    offsets = np.asarray(lists.offsets)
    items = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
    frame = pl.DataFrame(
        {
            "place": np.repeat(np.arange(len(lists)), np.diff(offsets)),
            "key": pl.Series(items.field("key"), dtype=pl.String),
            "nested": pl.Series(items.field("nested_key"), dtype=pl.List(pl.String)).list.join("/"),
            "text": pl.Series(items.field("value_json"), dtype=pl.String),
        }
    )
    name = pl.when(pl.col("key") == "").then(pl.col("nested")).otherwise(pl.col("key"))
    return frame.select("place", name.alias("name"), "text")


def _config(batch: pa.RecordBatch) -> Iterator[tuple[str, object]]:
    """The configuration as it is told at the start and changed later; W&B's own notes in it are left out."""
    for config in (batch.column("run").field("config"), batch.column("config")):
        for name, text in _items(config.field("update")).select("name", "text").iter_rows():
            if name.partition("/")[0] != "_wandb" and (value := _loads(text)) is not None:
                yield name, value


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shown(value: object) -> str | None:
    """A setting as text; longer lists are none."""
    if isinstance(value, str):
        return value
    shown = json.dumps(value)
    return shown if len(shown) <= LONGEST_SETTING and value is not None else None


class _History:
    """Guards the values so far: one row for each record that has any."""

    def __init__(self) -> None:
        self.rows = 0
        self.frames: list[pl.DataFrame] = []

    def add(self, history: pa.StructArray) -> None:
        """The records of a batch; those without history take no row."""
        items = _items(history.field("item"))
        if not items.height:
            return
        steps = np.asarray(history.field("step").field("num").fill_null(0))
        places = items["place"].unique(maintain_order=True)
        told = items.filter(pl.col("name") == STEP)["place"]
        missing = places.filter(~places.is_in(told.implode()))
        counted = pl.DataFrame({"place": missing, "name": STEP, "value": steps[missing.to_numpy()].astype(float)})
        row = pl.DataFrame({"place": places, "row": np.arange(self.rows, self.rows + len(places))})
        values = pl.concat([_numbers(items), counted.select("place", "name", "value").cast({"value": pl.Float64})])
        self.frames.append(values.join(row, on="place", maintain_order="left").select("row", "name", "value"))
        self.rows += len(places)

    def wide(self, index: int) -> Wide | None:
        """The rows as a table of file `index`; None when nothing was logged but time and step."""
        if not self.frames:
            return None
        frame = (
            pl.concat(self.frames)
            .unique(["row", "name"], keep="last", maintain_order=True)
            .sort("row", maintain_order=True)
        )
        columns = {}
        for (name,), part in frame.partition_by("name", as_dict=True, maintain_order=True).items():
            rows = None if part.height == self.rows else part["row"].to_numpy()
            columns[str(name)] = Column(part["value"], rows)
        if all(name.startswith("_") for name in columns):
            return None
        return Wide([index], [self.rows], columns)


def _numbers(items: pl.DataFrame) -> pl.DataFrame:
    """place, name and value of the items that are numbers; objects, as older clients write them, are taken apart."""
    text = items["text"].str.strip_chars('" ')
    values, _ = numbers(text)
    plain = items.select("place", "name").with_columns(value=values).filter(values.is_not_null())
    inner = [
        (place, below, value)
        for place, name, told in items.filter(text.str.starts_with("{")).iter_rows()
        for below, item in flat({name: _loads(told)})
        if (value := number(item)) is not None
    ]
    taken = pl.DataFrame(inner, schema=plain.schema, orient="row")
    return pl.concat([plain, taken])

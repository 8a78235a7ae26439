"""Records of one layout, read column by column.

A training log repeats itself: thousands of records of one length differ only in time, step, tag and value. One of them
is parsed to learn where those four lie; every other record of that length whose remaining bytes are the same has the
same fields, and its numbers are taken from their places without decoding it. All else is left to the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from google_crc32c import value as crc32c

from loglens.sources.checksums import MAX_WIDTH, MIN_GROUP, by_length, columns_crc, equal_rows, mask_all
from loglens.sources.tensors import STORED, binary_parts, widened
from loglens.sources.wire import BYTES, FIXED32, FIXED64, VARINT, Token, fields, plugin_name, varint

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LAYOUTS = 4  # layouts tried for one length in one slice
NO_TOKEN = Token(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a scalar record keeps its parts; `fixed` are the positions of all other bytes, which `sample` shows."""

    wall_time: Token
    step: Token
    tag: Token
    value: Token
    dtype: int
    fixed: np.ndarray
    sample: np.ndarray


@dataclass(frozen=True, slots=True)
class Lane:
    """Scalars of records of one layout; `record` are indices into the slice, ascending."""

    record: np.ndarray
    tag: pa.StringArray
    step: np.ndarray
    wall_time: np.ndarray
    value: np.ndarray


def scan(payloads: pa.BinaryArray, stored: np.ndarray) -> tuple[np.ndarray, list[Lane]]:
    """Which payloads agree with their `stored` masked checksums (bool (n,)), and the scalars that could be read off."""
    good = np.zeros(len(stored), dtype=bool)
    lanes: list[Lane] = []
    offsets, data = binary_parts(payloads)
    for length, group in by_length(np.diff(offsets)):
        if len(group) < MIN_GROUP or not 0 < length <= MAX_WIDTH:
            crcs = [crc32c(data[begin : begin + length].tobytes()) for begin in offsets[group].tolist()]
            good[group] = mask_all(np.array(crcs, dtype=np.uint32)) == stored[group]
            continue
        columns = equal_rows(data, offsets[group], length)
        fine = mask_all(columns_crc(columns)) == stored[group]
        good[group] = fine
        lanes.extend(_lanes(columns, group, fine))
    return good, lanes


def _lanes(columns: np.ndarray, group: np.ndarray, fine: np.ndarray) -> Iterator[Lane]:
    """Lanes of the records `group`, whose bytes are the uint8 (length, n) `columns`; only `fine` ones are read."""
    rest = fine.copy()
    for _ in range(MAX_LAYOUTS):
        if not rest.any():
            return
        layout = learn(columns[:, int(rest.argmax())].tobytes())
        if layout is None:
            return
        rows = np.flatnonzero(rest & matches(layout, columns))
        rest[rows] = False
        whole = len(rows) == len(group)
        yield _read(layout, columns if whole else columns[:, rows], group if whole else group[rows])
        if len(rows) < MIN_GROUP:
            return


def learn(payload: bytes) -> Layout | None:
    """The layout of an event with one scalar of a usual form; None for any other."""
    try:
        event = _unique(payload, Token(0, BYTES, 0, len(payload)), {1: FIXED64, 2: VARINT, 5: BYTES})
        value = _unique(payload, _unique(payload, event[5], {1: BYTES})[1], {1: BYTES, 2: FIXED32, 8: BYTES, 9: BYTES})
        number, dtype = (value[2], 1) if 8 not in value else _tensor(payload, value)
    except (ValueError, KeyError):
        return None
    parts = (event.get(1, NO_TOKEN), event.get(2, NO_TOKEN), value.get(1, NO_TOKEN), number)
    fixed = np.ones(len(payload), dtype=bool)
    for part in parts:
        fixed[part.start : part.end] = False
    return Layout(*parts, dtype, np.flatnonzero(fixed), np.frombuffer(payload, dtype=np.uint8))


def _tensor(payload: bytes, value: dict[int, Token]) -> tuple[Token, int]:
    """Where the number of a rank 0 tensor of the scalars plugin lies, and its type; KeyError for any other value."""
    tensor = _unique(payload, value[8], {1: VARINT, 2: BYTES, 4: BYTES})
    dtype, _ = varint(payload, tensor[1].start, tensor[1].end)
    whole = tensor[4].end - tensor[4].start == np.dtype(STORED[dtype]).itemsize
    shaped = 2 in tensor and tensor[2].start < tensor[2].end
    if 2 in value or shaped or not whole or plugin_name(payload, value[9]) != "scalars":
        raise KeyError(8)
    return tensor[4], dtype


def _unique(payload: bytes, message: Token, expected: dict[int, int]) -> dict[int, Token]:
    """The fields of a message by number; KeyError when one is repeated, unexpected or of another wire type."""
    out: dict[int, Token] = {}
    for token in fields(payload, message.start, message.end):
        if token.number in out or expected[token.number] != token.wire:
            raise KeyError(token.number)
        out[token.number] = token
    return out


def matches(layout: Layout, columns: np.ndarray) -> np.ndarray:
    """Which records have the fields of `layout` in the same places; bool (n,)."""
    same = np.ones(columns.shape[1], dtype=bool)
    for position in layout.fixed:
        same &= columns[position] == layout.sample[position]
    step = columns[layout.step.start : layout.step.end]
    if len(step):
        same &= (step[:-1] >= 0x80).all(axis=0) & (step[-1] < 0x80)
    same &= (columns[layout.tag.start : layout.tag.end] < 0x80).all(axis=0)  # others may be no UTF-8
    return same


def _read(layout: Layout, columns: np.ndarray, record: np.ndarray) -> Lane:
    count = len(record)
    step = np.zeros(count, dtype=np.int64)
    for place, row in enumerate(columns[layout.step.start : layout.step.end]):
        step |= (row & 0x7F).astype(np.int64) << (7 * place)
    wall_time = _numbers(columns, layout.wall_time, "<f8") if layout.wall_time.end else np.zeros(count)
    value = widened(_numbers(columns, layout.value, STORED[layout.dtype]), layout.dtype).astype(np.float64)
    return Lane(record, _strings(columns, layout.tag), step, wall_time, value)


def _numbers(columns: np.ndarray, part: Token, stored: str) -> np.ndarray:
    return np.ascontiguousarray(columns[part.start : part.end].T).view(stored).ravel()


def _strings(columns: np.ndarray, part: Token) -> pa.StringArray:
    count, width = columns.shape[1], part.end - part.start
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32) if width else np.zeros(count + 1, dtype=np.int32)
    text = np.ascontiguousarray(columns[part.start : part.end].T)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))

"""Records of one layout, read column by column.

A training log repeats itself: thousands of records of one length differ only in time, step, tag and value. One of them
is parsed to learn where those four lie; every other record of that length whose remaining bytes are the same has the
same fields, and its numbers are taken from their places without decoding it. All else is left to the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from google_crc32c import value as crc32c

from loglens.sources.checksums import MAX_WIDTH, MIN_GROUP, by_length, mask_all
from loglens.sources.equals import gathered
from loglens.sources.framing import words
from loglens.sources.tensors import STORED, widened
from loglens.sources.wire import BYTES, FIXED32, FIXED64, VARINT, Token, fields, plugin_name, varint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.sources.equals import Equals
    from loglens.sources.eventslices import Slice
    from loglens.sources.eventtags import Tags

MAX_LAYOUTS = 4  # layouts tried for one length in one slice
NO_TOKEN = Token(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a scalar record like `sample` keeps its parts; `fixed` are the positions of all other bytes."""

    wall_time: Token
    step: Token
    tag: Token
    value: Token
    dtype: int
    fixed: frozenset[int]
    sample: bytes


@dataclass(frozen=True, slots=True)
class Lane:
    """Scalars of records of one layout; `record` are indices into the slice, ascending, `tag` numbers of names."""

    record: np.ndarray
    tag: np.ndarray
    step: np.ndarray
    wall_time: np.ndarray
    value: np.ndarray


def scan(part: Slice, tags: Tags) -> tuple[np.ndarray, list[Lane]]:
    """Which records agree with their checksums (bool (n,)), and the scalars that could be read off."""
    good = np.zeros(len(part.starts), dtype=bool)
    lanes: list[Lane] = []
    for length, group in by_length(part.lengths):
        starts = part.starts[group] + 12
        if len(group) < MIN_GROUP or not 0 < length <= MAX_WIDTH:
            good[group] = _one_by_one(part.buffer, starts, length)
            continue
        equals = gathered(part.buffer, starts, length + 4)
        fine = mask_all(equals.crc(length)) == equals.numbers(length, "<u4")
        good[group] = fine
        lanes.extend(_lanes(equals, group, fine, tags))
    return good, lanes


def _one_by_one(buffer: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    crcs = [crc32c(buffer[begin : begin + length].tobytes()) for begin in starts.tolist()]
    fine: np.ndarray = mask_all(np.array(crcs, dtype=np.uint32)) == words(buffer, "<u4")[starts + length]
    return fine


def _lanes(equals: Equals, group: np.ndarray, fine: np.ndarray, tags: Tags) -> Iterator[Lane]:
    """Lanes of the records `group`, each with its checksum behind it; only `fine` ones are read."""
    rest = fine.copy()
    for _ in range(MAX_LAYOUTS):
        if not rest.any():
            return
        layout = learn(equals.rows[int(rest.argmax()), : equals.length - 4].tobytes())
        if layout is None:
            return
        rows = np.flatnonzero(rest & matches(layout, equals))
        rest[rows] = False
        if not len(rows):
            return
        whole = len(rows) == len(group)
        yield _read(layout, equals if whole else equals.take(rows), group if whole else group[rows], tags)
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
    moving = {place for part in parts for place in range(part.start, part.end)}
    return Layout(*parts, dtype, frozenset(range(len(payload))) - moving, payload)


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


def matches(layout: Layout, equals: Equals) -> np.ndarray:
    """Which records have this layout, which one of them has: where all are equal, there is nothing to compare."""
    fits = np.ones(len(equals), dtype=bool)
    for place, column in equals.columns.items():
        if place in layout.fixed:
            fits &= column == layout.sample[place]
    for place, column in equals.varying(layout.step.start, layout.step.end).items():
        fits &= (column < 0x80) == (place == layout.step.end - 1)
    if not layout.sample[layout.tag.start : layout.tag.end].isascii():  # others may be no UTF-8
        fits[:] = False
    for column in equals.varying(layout.tag.start, layout.tag.end).values():
        fits &= column < 0x80
    return fits


def _read(layout: Layout, equals: Equals, record: np.ndarray, tags: Tags) -> Lane:
    count = len(record)
    wall_time = equals.numbers(layout.wall_time.start, "<f8") if layout.wall_time.end else np.zeros(count)
    value = widened(equals.numbers(layout.value.start, STORED[layout.dtype]), layout.dtype).astype(np.float64)
    tag = layout.sample[layout.tag.start : layout.tag.end]
    columns = equals.varying(layout.tag.start, layout.tag.end)
    numbered = tags.of_columns(tag, {place - layout.tag.start: column for place, column in columns.items()}, count)
    return Lane(record, numbered, _steps(layout, equals), wall_time, value)


def _steps(layout: Layout, equals: Equals) -> np.ndarray:
    """Numbers of seven bits a byte, the lowest first."""
    shared = 0
    varying = np.zeros(len(equals), dtype=np.int64)
    for place in range(layout.step.start, layout.step.end):
        shift = 7 * (place - layout.step.start)
        if place in equals.columns:
            varying |= (equals.columns[place] & 0x7F).astype(np.int64) << shift
        else:
            shared |= (layout.sample[place] & 0x7F) << shift
    varying |= np.uint64(shared & 0xFFFFFFFFFFFFFFFF).view(np.int64)
    return varying

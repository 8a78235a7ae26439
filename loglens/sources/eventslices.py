"""Event files as slices: the records of many small files, or of a part of a large one, in one buffer.

The buffer is used again and again, which is several times cheaper than new memory for each. Large payloads are looked
into and passed over unread when they hold nothing to analyse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from loglens.sources import wire
from loglens.sources.equals import SPARE
from loglens.sources.framing import FRAME, Block, Damage, after, length_at, pattern_of, recover, stretch
from loglens.sources.notevents import no_events
from loglens.sources.places import random_access
from loglens.sources.sidebyside import Framed, Mistaken, Region, framed, last_pattern, tell
from loglens.sources.stored import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile
    from loglens.sources.eventnotes import Notes
    from loglens.sources.framing import Pattern
    from loglens.sources.stored import Held, Stored

MAX_RECORDS = 1 << 16  # also lets the records of a slice be numbered in 16 bits
CHUNK = 4 << 20  # bytes framed and decoded together
HOP = 16 << 10  # bytes read behind a payload that was passed over, for a start
LARGE = 32 << 10  # payloads from this size on are looked into before they are decoded
CROWDED = 5 << 20  # payloads from this size on might be made of nothing but empty values
MAX_PAYLOAD = 256 << 20
AHEAD = 1 << 10  # bytes of a large payload that hold the names of what is in it


@dataclass(frozen=True, slots=True)
class Slice:
    """Records: where they start in the buffer, the length of the payload, index of the file, offset in the file.

    The buffer is only valid until the next slice is asked for.
    """

    buffer: np.ndarray  # uint8
    starts: np.ndarray  # int64 (n,)
    lengths: np.ndarray  # int64 (n,)
    file: np.ndarray  # uint32 (n,)
    at: np.ndarray  # int64 (n,)

    def payloads(self, records: np.ndarray) -> pa.BinaryArray:
        """The payloads of these records (ascending indices), copied."""
        if not len(records):
            return pa.array([], pa.binary())
        starts, lengths = self.starts[records], self.lengths[records]
        begin, end = int(starts[0]), int(starts[-1] + lengths[-1]) + 12
        count = len(starts)
        # Every second item of an array that tiles the bytes from the first record to the last.
        offsets = np.zeros(2 * count + 1, dtype=np.int64)
        offsets[1::2] = starts + 12 - begin
        offsets[2::2] = offsets[1::2] + lengths
        data = pa.py_buffer(self.buffer).slice(begin, end - begin)
        whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 2 * count, [None, pa.py_buffer(offsets), data])
        return whole.take(pa.array(np.arange(1, 2 * count, 2))).cast(pa.binary())


class _Space:
    """Guards the buffer and what lies in it."""

    def __init__(self, notes: Notes) -> None:
        self.view = memoryview(bytearray(CHUNK + SPARE))
        self.notes = notes
        self.regions: list[Region] = []
        self.guess: Pattern | None = None
        self.fill = 0

    @property
    def room(self) -> int:
        return CHUNK - self.fill

    def add(self, index: int, size: int, base: int = 0, found: list[Block] | None = None, guess: bool = False) -> None:
        """Keep the next `size` bytes of the buffer, which are of a file from `base` on."""
        if size:
            blocks = None if found is None else tuple(found)
            self.regions.append(Region(index, self.fill, self.fill + size, base, blocks, guess))
            self.fill += size

    def flush(self) -> Iterator[Slice]:
        """What was kept, as slices; the buffer is then free again. May raise `Mistaken` at its end."""
        regions, self.regions, self.fill = self.regions, [], 0
        some: list[Framed] = []
        wrong: Mistaken | None = None
        try:
            some.extend(framed(self.view, regions, self.notes, self.guess))
        except Mistaken as mistaken:
            wrong = mistaken
        self.guess = last_pattern(self.view, some)
        yield from _sliced(self.view, some, self.notes)
        if wrong is not None:
            raise wrong


def slices(files: Sequence[LogFile], notes: Notes) -> Iterator[Slice]:
    """All records of `files`, in order, that may hold something to analyse; faults go to `notes`."""
    space = _Space(notes)
    for index, file in enumerate(files):
        source = _opened(index, file, notes)
        if source is None:
            continue
        size = len(source)
        if size > space.room:
            yield from space.flush()
        if size > CHUNK:
            yield from _Long(index, source, space, notes).read()
        else:
            got = source.into(space.view[space.fill : space.fill + size], 0)
            fault = no_events(space.view[space.fill : space.fill + got])
            if fault is not None:
                notes.add(index, fault.kind, fault.message, fault.offset)
            else:
                space.add(index, got)
        source.close()
    yield from space.flush()


def _opened(index: int, file: LogFile, notes: Notes) -> Stored | Held | None:
    """The bytes of an event file; None, with a note, when there is none to read."""
    told: list[Problem] = []
    try:
        source = random_access(file, told)
    except OSError as error:
        notes.add(index, "unreadable", error.strerror or str(error))
        return None
    for problem in told:
        notes.add(index, problem.kind, problem.message, problem.offset)
    return source


class _Long:
    """Guards how far a file that is larger than the buffer was read."""

    def __init__(self, index: int, source: Stored | Held, space: _Space, notes: Notes) -> None:
        self.index, self.source, self.space, self.notes = index, source, space, notes
        self.size = len(source)
        self.position = self.floor = 0
        self.last: int | None = None  # the record before
        self.want = CHUNK
        self.run = 0  # bytes that lay between the last two payloads that were passed over
        self.trust = True
        self.known: dict[int, int] = {}
        self.guess: Pattern | None = None
        self.damage: list[Damage] = []

    def read(self) -> Iterator[Slice]:
        """All records that may hold something."""
        fault = no_events(self.source[:512])
        if fault is not None:
            self.notes.add(self.index, fault.kind, fault.message, fault.offset)
            return
        while self.position < self.size:
            if self.space.room < self.want:
                yield from self.flush()
            yield from self.window()
            if self.position >= self.size:
                yield from self.flush()  # which may take the position back
        tell(self.notes, self.index, self.damage, self.notes.records.get(self.index, 0))

    def flush(self) -> Iterator[Slice]:
        try:
            yield from self.space.flush()
        except Mistaken as mistaken:
            self.position, self.want, self.trust = mistaken.base, CHUNK, False

    def window(self) -> Iterator[Slice]:
        """Read on for one window, and past the record that it cuts."""
        fill = self.space.fill
        asked = min(self.want, self.size - self.position)
        got = self.source.into(self.space.view[fill : fill + asked], self.position)
        if got < asked:
            self.size = self.position + got  # the file has become shorter
        used = self.frame(fill, got)
        self.position += used
        rest = self.size - self.position
        if not rest:
            return
        length = length_at(self.space.view[fill + used : fill + got], 0) if got - used >= 12 else None
        if length is None and got - used < min(12, rest):
            self.want = min(CHUNK, 4 * self.want)  # the window ends inside a header
        elif length is None or FRAME + length > rest:
            self.lost()
        elif FRAME + length > CHUNK or length >= LARGE:
            yield from self.large(length, bytes(self.space.view[fill + used : fill + min(got, used + AHEAD)]))
        else:
            self.want = min(CHUNK, max(FRAME + length, 4 * self.want))

    def frame(self, fill: int, got: int) -> int:
        """Keep the whole records of a window; how many bytes they are."""
        view, run = self.space.view, self.run
        if self.trust and run > 0 and run + 12 <= got:
            large = length_at(view[fill + run : fill + run + 12], 0)
            if large is not None and large >= LARGE and run + FRAME + large > got:
                self.space.add(self.index, run, self.position, guess=True)
                return run
        found = list(stretch(view, fill, fill + got, self.known, self.guess))
        if not found:
            return 0
        used = after(found[-1]) - fill
        self.guess = pattern_of(view, found[-1:])
        self.last = self.position + int(found[-1].starts[-1]) - fill
        self.space.add(self.index, used, self.position, found)
        self.run = used if used < got else 0
        return used

    def large(self, length: int, begin: bytes) -> Iterator[Slice]:
        """A record that the window cuts: passed over, or read whole."""
        start, end = self.position, self.position + FRAME + length
        try:
            useless = wire.useless(begin, 12, end - start - 4)
        except IndexError:  # what tells lies further on
            useless = wire.useless(Ahead(begin, start, self.source), start + 12, end - 4)
        fault = None if useless or end - start <= CHUNK else _too_much(self.source, start + 12, length)
        if not useless and end - start <= CHUNK:
            self.want = CHUNK
            return
        if not useless and not fault:
            yield from self.flush()
            if self.position < start:
                return
            yield from self.alone(start, end)
        self.last, self.position, self.want = start, end, HOP
        self.notes.records[self.index] = self.notes.records.get(self.index, 0) + 1
        if fault:
            self.notes.add(self.index, "unreadable", fault, start)

    def alone(self, start: int, end: int) -> Iterator[Slice]:
        """One record as a slice; nothing when the file has become too short for it."""
        data = np.frombuffer(self.source[start:end], dtype=np.uint8)
        if len(data) == end - start:
            one, zero = np.array([end - start - FRAME]), np.zeros(1, dtype=np.int64)
            yield Slice(data, zero, one, np.array([self.index], dtype=np.uint32), np.array([start]))
        else:
            self.damage.append(Damage("truncated", start, "the file was cut while it was read"))
            self.size = end

    def lost(self) -> None:
        """What stands here is no record, or one that is cut: go on where the next one starts."""
        inside = self.last if self.last is not None and self.last >= self.floor else None
        self.floor, self.want, self.guess, self.run = self.position, HOP, None, 0
        self.position = recover(self.source, self.position, self.size, inside, self.damage)


def _sliced(view: memoryview, found: Sequence[Framed], notes: Notes) -> Iterator[Slice]:
    if not found:
        return
    regions = [region for part in found for region in part.regions]
    counts = np.concatenate([part.counts for part in found])
    file = np.repeat(np.array([region.index for region in regions], dtype=np.uint32), counts)
    shift = np.repeat(np.array([region.base - region.begin for region in regions]), counts)
    starts = np.concatenate([part.block.starts for part in found])
    lengths = np.concatenate([part.block.lengths for part in found])
    keep = _useful(view, starts, lengths)
    for i in keep[lengths[keep] >= CROWDED].tolist():
        fault = _too_much(view, int(starts[i]) + 12, int(lengths[i]))
        if fault:
            notes.add(int(file[i]), "unreadable", fault, int(starts[i] + shift[i]))
            keep = keep[keep != i]
    buffer = np.frombuffer(view, dtype=np.uint8)
    for first in range(0, len(keep), MAX_RECORDS):
        piece = keep[first : first + MAX_RECORDS]
        yield Slice(buffer, starts[piece], lengths[piece], file[piece], starts[piece] + shift[piece])


def _too_much(buffer: wire.Buffer, start: int, length: int) -> str | None:
    """Why a payload is not decoded for fear of the memory it would take, or None."""
    if length > MAX_PAYLOAD:
        return f"record of {length} bytes was not decoded (limit {MAX_PAYLOAD})"
    if length >= CROWDED and wire.crowded(buffer, start, start + length):
        return f"record of {length} bytes with over {wire.MAX_VALUES} values was not decoded"
    return None


def _useful(view: memoryview, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Indices of the records that are not large payloads with nothing to analyse."""
    large = np.flatnonzero(lengths >= LARGE)
    if not len(large):
        return np.arange(len(starts))
    keep = np.ones(len(starts), dtype=bool)
    keep[large] = [
        not wire.useless(view, start + 12, start + 12 + length)
        for start, length in zip(starts[large].tolist(), lengths[large].tolist(), strict=True)
    ]
    return np.flatnonzero(keep)

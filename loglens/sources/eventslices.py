"""Event files as slices: the payloads of many records, of one large file or of many small ones, in one Arrow array."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from loglens.sources import wire
from loglens.sources.checksums import masked
from loglens.sources.framing import HEADER, Block, Damage, blocks, pattern_of, words
from loglens.sources.places import contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile
    from loglens.sources.eventnotes import Notes
    from loglens.sources.framing import Buffer, Pattern

MAX_RECORDS = 1 << 16  # also lets the records of a slice be numbered in 16 bits
GOAL_BYTES = 5 << 20
JOINED = 16 << 20  # small files are read side by side up to this size
LARGE = 32 << 10  # payloads from this size on are looked into before they are decoded
MAX_PAYLOAD = 256 << 20
LFS = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Slice:
    """Records: payload, index of the file, offset of the header, stored checksum of the payload."""

    payloads: pa.BinaryArray
    file: np.ndarray  # uint32 (n,)
    at: np.ndarray  # int64 (n,)
    stored: np.ndarray  # uint32 (n,)


@dataclass(frozen=True, slots=True)
class Region:
    """The bytes of the file with this index inside a buffer."""

    index: int
    begin: int
    end: int


def slices(files: Sequence[LogFile], notes: Notes) -> Iterator[Slice]:
    """All records of `files`, in order, that may hold something to analyse; faults go to `notes`."""
    for buffer, regions in _buffers(files, notes):
        waiting: list[tuple[Region, Block]] = []
        count = 0
        for region, block in _framed(buffer, regions, notes):
            if count + len(block.starts) > MAX_RECORDS:
                yield from _gathered(buffer, waiting, notes)
                waiting, count = [], 0
            waiting.append((region, block))
            count += len(block.starts)
        if waiting:
            yield from _gathered(buffer, waiting, notes)


def _buffers(files: Sequence[LogFile], notes: Notes) -> Iterator[tuple[Buffer, list[Region]]]:
    """The bytes of the files: large ones mapped one by one, small ones side by side."""
    small: list[bytes] = []
    regions: list[Region] = []
    size = 0
    for index, file in enumerate(files):
        buffer = _opened(index, file, notes)
        if isinstance(buffer, bytes):
            if buffer:
                small.append(buffer)
                regions.append(Region(index, size, size + len(buffer)))
                size += len(buffer)
            if size < JOINED:
                continue
        if small:
            yield b"".join(small), regions
            small, regions, size = [], [], 0
        if not isinstance(buffer, bytes):
            yield buffer, [Region(index, 0, len(buffer))]
    if small:
        yield b"".join(small), regions


def _framed(buffer: Buffer, regions: list[Region], notes: Notes) -> Iterator[tuple[Region, Block]]:
    """The records of each region; what is wrong with their framing goes to `notes`."""
    guess: Pattern | None = None
    for region in regions:
        damage: list[Damage] = []
        found: list[Block] = []
        for block in blocks(buffer, damage, region.begin, region.end, guess):
            notes.records[region.index] = notes.records.get(region.index, 0) + len(block.starts)
            if len(regions) > 1:
                found.append(block)
            yield region, block
        guess = None if damage else pattern_of(buffer, found)
        if damage and region.index not in notes.records:
            damage = [replace(damage[0], message=f"no readable record: {damage[0].message}")]
        for fault in damage:
            notes.add(region.index, fault.kind, fault.message, fault.offset - region.begin)


def _opened(index: int, file: LogFile, notes: Notes) -> Buffer:
    """The bytes of an event file; empty, with a note, when there is none to read."""
    told: list[Problem] = []
    try:
        buffer = contents(file, told)
    except OSError as error:
        notes.add(index, "unreadable", error.strerror or str(error))
        return b""
    for problem in told:
        notes.add(index, problem.kind, problem.message, problem.offset)
    fault = _no_events(buffer)
    if fault is None:
        return buffer
    notes.add(index, fault.kind, fault.message, fault.offset)
    return b""


def _no_events(buffer: Buffer) -> Damage | None:
    """Why a file is no event file at all, judged by its beginning."""
    if not len(buffer):
        return Damage("skipped", 0, "empty file (0 bytes)")
    if len(buffer) >= 12 and masked(buffer[:8]) == HEADER.unpack_from(buffer)[1]:
        return None
    head = bytes(buffer[:512])
    if head.startswith(LFS):
        return Damage("unreadable", 0, "git-LFS pointer: the events themselves were not fetched (git lfs pull)")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8")
    if not all(char.isprintable() or char in "\r\n\t" for char in text):
        return None
    if len(buffer) < 512 and "/" in text and len(text.split()) == 1:
        return Damage("unreadable", 0, f"symbolic link checked out as text, to {text.strip()[:200]!r}")
    return Damage("skipped", 0, "not an event file: plain text")


def _gathered(buffer: Buffer, waiting: list[tuple[Region, Block]], notes: Notes) -> Iterator[Slice]:
    """Copy the payloads of these blocks side by side, in slices of limited bytes."""
    counts = [len(block.starts) for _, block in waiting]
    file = np.repeat(np.array([region.index for region, _ in waiting], dtype=np.uint32), counts)
    begin = np.repeat(np.array([region.begin for region, _ in waiting]), counts)
    starts = np.concatenate([block.starts for _, block in waiting])
    lengths = np.concatenate([block.lengths for _, block in waiting])
    keep = _useful(buffer, starts, lengths)
    for i in keep[lengths[keep] > GOAL_BYTES].tolist():
        fault = _too_much(buffer, int(starts[i]) + 12, int(lengths[i]))
        if fault:
            notes.add(int(file[i]), "unreadable", fault, int(starts[i] - begin[i]))
            keep = keep[keep != i]
    for piece in _pieces(keep, lengths):
        yield Slice(
            _payloads(buffer, starts[piece], lengths[piece]),
            file[piece],
            starts[piece] - begin[piece],
            words(buffer, "<u4")[starts[piece] + 12 + lengths[piece]],
        )
    _release(buffer, int(starts[0]), int(starts[-1] + lengths[-1]))


def _too_much(buffer: Buffer, start: int, length: int) -> str | None:
    """Why a payload is not decoded for fear of the memory it would take, or None."""
    if length > MAX_PAYLOAD:
        return f"record of {length} bytes was not decoded (limit {MAX_PAYLOAD})"
    if wire.crowded(buffer, start, start + length):
        return f"record of {length} bytes with over {wire.MAX_VALUES} values was not decoded"
    return None


def _useful(buffer: Buffer, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Indices of the records that are not large payloads with nothing to analyse."""
    large = np.flatnonzero(lengths >= LARGE)
    keep = np.ones(len(starts), dtype=bool)
    keep[large] = [
        not wire.useless(buffer, start + 12, start + 12 + length)
        for start, length in zip(starts[large].tolist(), lengths[large].tolist(), strict=True)
    ]
    return np.flatnonzero(keep)


def _pieces(keep: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """The indices `keep` in runs of limited bytes and at most MAX_RECORDS."""
    for first in range(0, len(keep), MAX_RECORDS):
        some = keep[first : first + MAX_RECORDS]
        weights = np.cumsum(lengths[some]) // GOAL_BYTES
        yield from (piece for piece in np.split(some, np.flatnonzero(np.diff(weights)) + 1) if len(piece))


def _payloads(buffer: Buffer, starts: np.ndarray, lengths: np.ndarray) -> pa.BinaryArray:
    """Payloads as every second item of an array that tiles the bytes from the first record to the last."""
    begin, end = int(starts[0]), int(starts[-1] + lengths[-1]) + 12
    count = len(starts)
    offsets = np.zeros(2 * count + 1, dtype=np.int64)
    offsets[1::2] = starts + 12 - begin
    offsets[2::2] = offsets[1::2] + lengths
    whole = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 2 * count, [None, pa.py_buffer(offsets), pa.py_buffer(buffer).slice(begin, end - begin)]
    )
    return whole.take(pa.array(np.arange(1, 2 * count, 2))).cast(pa.binary())


def _release(buffer: Buffer, begin: int, end: int) -> None:
    """Let go of these pages of a mapped file, so that memory does not grow with it."""
    if isinstance(buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        start = begin // mmap.PAGESIZE * mmap.PAGESIZE
        buffer.madvise(mmap.MADV_DONTNEED, start, end - start)

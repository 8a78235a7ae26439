"""Event files as slices: the payloads of many records, of one large file or of many small ones, in one Arrow array."""

from __future__ import annotations

import mmap
import os
import stat
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from loglens.sources import wire
from loglens.sources.checksums import masked
from loglens.sources.framing import HEADER, Block, Damage, blocks, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.sources.base import LogFile
    from loglens.sources.eventnotes import Notes
    from loglens.sources.framing import Buffer

MAX_RECORDS = 1 << 16  # also lets the records of a slice be numbered in 16 bits
GOAL_RECORDS = 1 << 15
GOAL_BYTES = 16 << 20
MAPPED = 16 << 20  # files from this size on are mapped instead of read
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


def slices(files: Sequence[LogFile], notes: Notes) -> Iterator[Slice]:
    """All records of `files`, in order, that may hold something to analyse; faults go to `notes`."""
    waiting: list[Slice] = []
    records = size = 0
    for index, file in enumerate(files):
        for part in _parts(index, file, notes):
            if waiting and records + len(part.at) > MAX_RECORDS:
                yield _joined(waiting)
                waiting, records, size = [], 0, 0
            waiting.append(part)
            records, size = records + len(part.at), size + part.payloads.nbytes
            if records >= GOAL_RECORDS or size >= GOAL_BYTES:
                yield _joined(waiting)
                waiting, records, size = [], 0, 0
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[Slice]) -> Slice:
    if len(parts) == 1:
        return parts[0]
    return Slice(
        pa.concat_arrays([part.payloads for part in parts]),
        np.concatenate([part.file for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.stored for part in parts]),
    )


def _parts(index: int, file: LogFile, notes: Notes) -> Iterator[Slice]:
    """The slices of one file, each small enough to be decoded at once."""
    buffer = _opened(index, file.path, notes)
    if not buffer:
        return
    damage: list[Damage] = []
    for block in blocks(buffer, damage):
        notes.records[index] = notes.records.get(index, 0) + len(block.starts)
        for piece in _pieces(_useful(index, buffer, block, notes)):
            yield _gathered(index, buffer, piece)
        _release(buffer, block)
    if index not in notes.records and damage:
        damage = [Damage(damage[0].kind, 0, f"no readable record in {len(buffer)} bytes: {damage[0].message}")]
    for fault in damage:
        notes.add(index, fault.kind, fault.message, fault.offset)


def _opened(index: int, path: str, notes: Notes) -> Buffer:
    """The bytes of an event file; empty, with a note, when there is none to read."""
    try:
        with Path(path).open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                notes.add(index, "unreadable", "not a regular file")
                return b""
            if status.st_size < MAPPED:
                buffer: Buffer = stream.read()
            else:
                buffer = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        notes.add(index, "unreadable", getattr(error, "strerror", None) or str(error))
        return b""
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


def _pieces(block: Block) -> Iterator[Block]:
    """`block` in pieces of limited bytes; nothing when it is empty."""
    weights = np.cumsum(block.lengths) // GOAL_BYTES
    edges = (np.flatnonzero(np.diff(weights)) + 1).tolist()
    for start, stop in pairwise([0, *edges, len(block.starts)]):
        if stop > start:
            yield Block(block.starts[start:stop], block.lengths[start:stop])


def _useful(index: int, buffer: Buffer, block: Block, notes: Notes) -> Block:
    """`block` without large payloads that hold nothing to analyse, or are too large."""
    large = np.flatnonzero(block.lengths >= LARGE)
    if not len(large):
        return block
    keep = np.ones(len(block.starts), dtype=bool)
    for i in large:
        start, length = int(block.starts[i]), int(block.lengths[i])
        keep[i] = not wire.useless(buffer, start + 12, start + 12 + length)
        if keep[i] and length > MAX_PAYLOAD:
            keep[i] = False
            notes.add(index, "unreadable", f"record of {length} bytes was not decoded (limit {MAX_PAYLOAD})", start)
    return Block(block.starts[keep], block.lengths[keep])


def _gathered(index: int, buffer: Buffer, block: Block) -> Slice:
    """Copy the payloads of `block` side by side: every second item of an array that tiles the bytes of the block."""
    begin = int(block.starts[0])
    end = int(block.starts[-1] + block.lengths[-1]) + 12
    count = len(block.starts)
    offsets = np.zeros(2 * count + 1, dtype=np.int64)
    offsets[1::2] = block.starts + 12 - begin
    offsets[2::2] = offsets[1::2] + block.lengths
    whole = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 2 * count, [None, pa.py_buffer(offsets), pa.py_buffer(buffer).slice(begin, end - begin)]
    )
    payloads = whole.take(pa.array(np.arange(1, 2 * count, 2))).cast(pa.binary())
    stored = words(buffer, "<u4")[block.starts + 12 + block.lengths]
    return Slice(payloads, np.full(count, index, dtype=np.uint32), block.starts, stored)


def _release(buffer: Buffer, block: Block) -> None:
    """Let go of the mapped pages of `block`, so that memory does not grow with the file."""
    if isinstance(buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        page = mmap.PAGESIZE
        start = int(block.starts[0]) // page * page
        buffer.madvise(mmap.MADV_DONTNEED, start, int(block.starts[-1] + block.lengths[-1]) - start)

"""Record framing of event files: where each record starts, how long it is, and where the file is damaged.

A record is `length: uint64, masked crc of length: uint32, payload, masked crc of payload: uint32`, little-endian.
Headers are walked one by one until their lengths repeat; the next lengths are then predicted and checked with one
gather. Payloads are hopped over, so a mapped file is only touched where its headers are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from google_crc32c import extend
from google_crc32c import value as crc32c

from loglens.sources.checksums import byte_table, mask, mask_all, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.model import ProblemKind
    from loglens.sources.stored import Held, Stored

    Bytes = bytes | Stored | Held  # in memory or on the disk
    Buffer = bytes | memoryview

HEADER = struct.Struct("<QI")
FRAME = 16  # bytes of a record that are not payload
PROBE = 96
MAX_PROBE = 4096
MAX_PERIOD = 512
FIRST_PREDICTION = 1 << 10
MAX_PREDICTION = 1 << 14
MAX_DAMAGE = 1000  # places of damage after which the rest of a file is given up
MAX_KNOWN = 1 << 16
FIRST_SCAN = 1 << 10
MAX_SCAN = 1 << 20
SEARCHED = 256 << 20  # bytes in which the next record is looked for; of zeros, as a full disk leaves them, ZEROS times
ZEROS = 8  # that many


@dataclass(frozen=True, slots=True)
class Damage:
    """A fault of the framing at byte `offset`."""

    kind: ProblemKind
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records: `starts` are header offsets, `lengths` are those of the payloads; int64 (n,)."""

    starts: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lengths that are expected to follow each other, with their masked checksums (int64, uint32)."""

    lengths: np.ndarray
    checks: np.ndarray


def words(buffer: Buffer | np.ndarray, kind: str) -> np.ndarray:
    """`buffer` seen as a little-endian word at every byte offset; `kind` is a NumPy type such as "<u4"."""
    size = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(buffer) - size + 1),), dtype=kind, buffer=buffer, strides=(1,))


def pattern_of(buffer: Buffer, found: list[Block]) -> Pattern | None:
    """What a file just read lets one expect of the next: the runs of a sweep log alike."""
    if not found:
        return None
    starts = np.concatenate([block.starts for block in found])
    return Pattern(np.concatenate([block.lengths for block in found]), words(buffer, "<u4")[starts + 8])


def blocks(
    buffer: Buffer, damage: list[Damage], begin: int = 0, end: int | None = None, guess: Pattern | None = None
) -> Iterator[Block]:
    """The records of the file at buffer[begin:end] in order; faults of their framing are appended to `damage`.

    All offsets are those of the buffer. `guess` is tried first.
    """
    end = len(buffer) if end is None else end
    known: dict[int, int] = {}
    position, last, floor = begin, -1, begin
    while position < end:
        for block in stretch(buffer, position, end, known, guess):
            last, position = int(block.starts[-1]), after(block)
            yield block
        # No byte is searched twice: an overlap is only looked for beyond the last place of damage.
        inside = last if last >= floor else None
        floor, guess = position, None
        position = recover(buffer, position, end, inside, damage)


def stretch(
    buffer: Buffer, position: int, end: int, known: dict[int, int], guess: Pattern | None = None
) -> Iterator[Block]:
    """Records from `position` on, up to the first that is damaged or does not end by `end`.

    `known` are lengths with their verified masked checksums, and grows.
    """
    if guess is not None:
        block, _ = predict(buffer, position, end, guess, len(guess.lengths))
        if len(block.starts):
            position = after(block)
            yield block
    probe = count = PROBE
    while count == probe and position < end:
        starts, lengths, position = walk(buffer, position, end, known, probe)
        count = len(starts)
        if count:
            yield Block(np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64))
        pattern = period(lengths) if count == probe else []
        for block in predicted(buffer, position, end, pattern, known):
            position = after(block)
            yield block
        if count == probe:
            probe = count = PROBE if pattern else min(MAX_PROBE, probe * 2)
        if len(known) > MAX_KNOWN:
            known.clear()


def predicted(buffer: Buffer, position: int, end: int, pattern: list[int], known: dict[int, int]) -> Iterator[Block]:
    """Ever longer blocks of records from `position` on, for as long as their lengths repeat `pattern`."""
    count, whole = FIRST_PREDICTION, bool(pattern)
    expected = Pattern(np.array(pattern, dtype=np.int64), np.array([known[n] for n in pattern], dtype=np.uint32))
    while whole and position < end:
        block, whole = predict(buffer, position, end, expected, count)
        if len(block.starts):
            yield block
            position = after(block)
        count = min(MAX_PREDICTION, count * 4)


def predict(buffer: Buffer, position: int, end: int, pattern: Pattern, count: int) -> tuple[Block, bool]:
    """Records from `position` while their headers repeat `pattern`; true when all of at least `count` did."""
    times = -(-count // len(pattern.lengths))
    lengths = np.tile(pattern.lengths, times)
    ends = position + np.cumsum(lengths + FRAME)
    fit = int(np.searchsorted(ends, end, side="right"))
    starts, lengths = (ends - lengths - FRAME)[:fit], lengths[:fit]
    checks = np.tile(pattern.checks, times)[:fit]
    same = words(buffer, "<u8")[starts] == lengths.view(np.uint64)
    same &= words(buffer, "<u4")[starts + 8] == checks
    good = fit if same.all() else int(same.argmin())
    return Block(starts[:good], lengths[:good]), good == len(ends)


def walk(
    buffer: Buffer, position: int, end: int, known: dict[int, int], count: int
) -> tuple[list[int], list[int], int]:
    """Up to `count` records from `position`: starts, lengths, and where the walk ended (fewer: the end, or damage)."""
    starts: list[int] = []
    lengths: list[int] = []
    unpack = HEADER.unpack_from
    while len(starts) < count and position + FRAME <= end:
        length, crc = unpack(buffer, position)
        if known.get(length) != crc:
            if masked(bytes(buffer[position : position + 8])) != crc:
                break
            known[length] = crc
        if position + FRAME + length > end:
            break
        starts.append(position)
        lengths.append(length)
        position += FRAME + length
    return starts, lengths, position


def after(block: Block) -> int:
    """Where the last of these records ends."""
    return int(block.starts[-1] + block.lengths[-1]) + FRAME


def period(lengths: list[int]) -> list[int]:
    """The shortest pattern that the last three quarters of `lengths` repeat at least twice, else an empty list."""
    tail = lengths[len(lengths) // 4 :]
    for size in range(1, min(MAX_PERIOD, len(tail) // 2) + 1):
        if tail[size] == tail[0] and tail[-1] == tail[-1 - size] and tail[size:] == tail[:-size]:
            return tail[-size:]
    return []


def recover(buffer: Bytes | memoryview, position: int, size: int, inside: int | None, damage: list[Damage]) -> int:
    """Note what is wrong at `position`, and find where the next record starts (`size` when nowhere).

    `inside` is the record before: when its payload is damaged, records can lie inside it.
    """
    if position == size:
        return size
    if len(damage) >= MAX_DAMAGE:
        damage.append(Damage("corrupt", position, f"over {MAX_DAMAGE} damaged places; the rest was not read"))
        return size
    nested = inside is not None and not payload_intact(buffer, inside)
    found = find_header(buffer, inside + 12 if inside is not None and nested else position + 1, size)
    if found is None:
        damage.append(_tail(buffer, position, size))
        return size
    lost = found - position
    what = f"bad record header; the next one is {lost} bytes on" if lost > 0 else "bytes are missing before this place"
    damage.append(Damage("corrupt", position, what))
    return found


def _tail(buffer: Bytes | memoryview, position: int, size: int) -> Damage:
    """Why the file ends at `position` for a reader."""
    rest = size - position
    if rest < 12:
        return Damage("truncated", position, f"file ends inside a record header ({rest} of 12 bytes)")
    length = length_at(buffer, position)
    if length is not None:
        return Damage("truncated", position, f"last record is cut: {rest - 12} of {length + 4} bytes are there")
    if rest > SEARCHED:
        message = f"bad record header; no other was found near it, and the rest was not read ({rest} bytes)"
        return Damage("corrupt", position, message)
    return Damage("corrupt", position, f"bad record header; the last {rest} bytes hold no readable record")


def length_at(buffer: Bytes | memoryview, position: int) -> int | None:
    """The length that the header at `position` tells; None when there is no whole header, or a damaged one."""
    header = bytes(buffer[position : position + 12])
    if len(header) < 12 or masked(header[:8]) != int.from_bytes(header[8:], "little"):
        return None
    return int.from_bytes(header[:8], "little")


def payload_intact(buffer: Bytes | memoryview, start: int) -> bool:
    """Does the payload of the record at `start` agree with its checksum?"""
    at = start + 12
    end = at + int.from_bytes(buffer[start : start + 8], "little")
    crc = 0
    while at < end:
        part = bytes(buffer[at : min(end, at + MAX_SCAN)])
        if not part:
            return False
        crc, at = extend(crc, part), at + len(part)
    return mask(crc) == int.from_bytes(buffer[end : end + 4], "little")


def find_header(buffer: Bytes | memoryview, start: int, size: int) -> int | None:
    """Offset of the first valid record header at or after `start` whose record ends by `size`.

    It is looked for in so many bytes only that a file of nothing else does not take minutes.
    """
    step, left = FIRST_SCAN, SEARCHED
    while start + FRAME <= size and left > 0:
        part = np.frombuffer(buffer[start : min(size, start + step + 11)], dtype=np.uint8)
        if len(part) < FRAME:
            return None  # the file has become shorter
        filled = bool(part.any())
        found = _first_header(part, size - start - FRAME) if filled else None
        if found is not None:
            return start + found
        left -= step if filled else -(-step // ZEROS)
        start, step = start + step, min(MAX_SCAN, step * 4)
    return None


def _first_header(part: np.ndarray, room: int) -> int | None:
    """Index of the first header in `part` with a payload of at most `room` bytes, counted from its start."""
    lengths = words(part, "<u8")[: max(0, len(part) - 11)]
    checks = words(part, "<u4")[8:]
    space = room - np.arange(len(lengths), dtype=np.int64)
    # Lengths that fit are rare among random bytes; the second test passes over regions of zeros.
    at = np.flatnonzero((space >= 0) & (lengths <= space.clip(0).view(np.uint64)) & (checks != 0))
    crcs = np.full(len(at), crc32c(bytes(8)), dtype=np.uint32)
    for i in range(8):
        crcs ^= byte_table(7 - i)[part[at + i]]
    good = at[mask_all(crcs) == checks[at]]
    return int(good[0]) if len(good) else None

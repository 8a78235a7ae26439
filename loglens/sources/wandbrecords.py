"""The framing of `.wandb` files: LevelDB's log format with the checksum of zlib.

A header of 7 bytes, then blocks of 32 KiB. In a block, records of `checksum: uint32, length: uint16, kind: uint8` and
the payload; one that does not fit is cut into a first, middle and last fragment. The last bytes of a block that hold no
header are zeros, and so is what was set aside at the end of the file and never written.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.sources.packing import Readable
    from loglens.sources.text import Faults

IDENT = b":W&B"
MAGIC = IDENT + b"\xe1\xbe\x00"
BLOCK = 1 << 15
LARGEST = 32 << 20  # bytes of one record
SEARCHED = 256 << 20  # bytes checked for the next record behind damage, in the whole file
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
_HEADER = struct.Struct("<IHB")
_SEEDS = {kind: zlib.crc32(bytes([kind])) for kind in (FULL, FIRST, MIDDLE, LAST)}


def payloads(head: bytes, stream: Readable, faults: Faults) -> Iterator[tuple[int, bytes]]:
    """Offset and payload of every whole record behind the `head` of a file; what is damaged, missing or cut is told."""
    return _Reading(faults).run(head, stream)


class _Reading:
    """Guards the fragments of the record that is being joined, and what is known of the damage around them."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.begin: int | None = None  # of the record whose fragments are being joined
        self.pieces: list[bytes] = []
        self.size = 0
        self.lost = False  # its end is still to come, of a record that is lost
        self.zeros: int | None = None
        self.budget = SEARCHED

    def run(self, head: bytes, stream: Readable) -> Iterator[tuple[int, bytes]]:
        base, block = 0, head + stream.read(BLOCK - len(head))
        while block:
            following = stream.read(BLOCK) if len(block) == BLOCK else b""
            for start, kind, data in self.fragments(block, base, last=not following):
                yield from self.joined(start, kind, data)
            base, block = base + len(block), following
        if self.begin is not None:
            message = f"the last record is cut: {self.size} bytes of it are there"
            self.faults.add("truncated", message, offset=self.begin)

    def damage(self, offset: int, message: str) -> None:
        """Tell of it; the record that is being joined is lost with it."""
        self.faults.add("corrupt", message, offset=offset, of="damaged places")
        self.begin, self.lost = None, True

    def joined(self, start: int, kind: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Add a fragment; the record is given when it is whole."""
        if self.zeros is not None:
            self.damage(self.zeros, f"{start - self.zeros} bytes of zeros between records")
            self.zeros = None
        if kind in (FULL, FIRST):
            if self.begin is not None:
                self.damage(self.begin, "a record without its end")
            self.begin, self.pieces, self.size, self.lost = start, [], 0, False
        elif self.begin is None:
            if not self.lost:
                self.damage(start, "a record without its beginning")
            self.lost = kind == MIDDLE
            return
        self.pieces.append(data)
        self.size += len(data)
        if self.size > LARGEST:
            self.damage(self.begin or 0, f"a record of more than {LARGEST >> 20} MB is skipped")
        elif kind in (FULL, LAST) and self.begin is not None:
            yield self.begin, b"".join(self.pieces)
            self.begin = None

    def fragments(self, block: bytes, base: int, *, last: bool) -> Iterator[tuple[int, int, bytes]]:
        """Offset, kind and bytes of the whole fragments of a block."""
        at = 0 if base else len(MAGIC)
        while at + _HEADER.size <= len(block):
            check, length, kind = _HEADER.unpack_from(block, at)
            end = at + _HEADER.size + length
            if end <= len(block) and _intact(block, at, end, kind, check):
                yield base + at, kind, block[at + _HEADER.size : end]
                at = end
                continue
            found = self.next_fragment(block, at + 1)
            if not any(block[at:found]):
                self.zeros = base + at if self.zeros is None else self.zeros
            elif last and found == len(block) and kind in _SEEDS and end > len(block):
                message = f"the last record is cut: {found - at - _HEADER.size} of {length} bytes are there"
                self.faults.add("truncated", message, offset=base + at)
                self.begin = None
            else:
                self.damage(base + at, f"a damaged record; the next one is {found - at} bytes on")
            at = found
        if last and len(block) < BLOCK and any(block[at:]):
            message = f"the file ends inside a record header ({len(block) - at} of {_HEADER.size} bytes)"
            self.faults.add("truncated", message, offset=base + at)

    def next_fragment(self, block: bytes, at: int) -> int:
        """Where the next whole fragment of a block begins; its length when there is none."""
        if not any(block[at:]):
            return len(block)
        for place in range(at, len(block) - _HEADER.size + 1):
            if block[place + 6] not in _SEEDS:
                continue
            check, length, kind = _HEADER.unpack_from(block, place)
            end = place + _HEADER.size + length
            if end > len(block) or self.budget < 0:
                continue
            self.budget -= length
            if _intact(block, place, end, kind, check):
                return place
        return len(block)


def _intact(block: bytes, at: int, end: int, kind: int, check: int) -> bool:
    """Does the fragment at block[at:end] agree with its checksum?"""
    return kind in _SEEDS and zlib.crc32(block[at + _HEADER.size : end], _SEEDS[kind]) == check

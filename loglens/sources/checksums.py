"""CRC-32C as event files use it: one value, or many records of one length at once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from google_crc32c import value as crc32c

if TYPE_CHECKING:
    from collections.abc import Iterator

POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
MASK_DELTA = 0xA282EAD8  # added by the record format, so that a checksum of checksums stays good
MIN_GROUP = 48  # below this many equal lengths one call per record is cheaper
MAX_WIDTH = 160  # above this length likewise


def masked(data: bytes) -> int:
    """The checksum of `data` as it is stored beside it."""
    return mask(int(crc32c(data)))


def mask(crc: int) -> int:
    """A plain checksum as it is stored."""
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def mask_all(crcs: np.ndarray) -> np.ndarray:
    """`masked` for an array of plain checksums (uint32)."""
    rotated: np.ndarray = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    rotated += np.uint32(MASK_DELTA)
    return rotated


@cache
def byte_table(distance: int) -> np.ndarray:
    """What each byte value adds to a checksum when `distance` bytes follow it; uint32 (256,)."""
    if distance == 0:
        table = np.arange(256, dtype=np.uint32)
        for _ in range(8):
            table = np.where(table & 1, (table >> 1) ^ np.uint32(POLYNOMIAL), table >> 1)
        return table
    before = byte_table(distance - 1)
    after: np.ndarray = byte_table(0)[before & 0xFF] ^ (before >> np.uint32(8))
    return after


def by_length(lengths: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every distinct length with the ascending indices of the records that have it."""
    # NumPy sorts 16-bit keys by radix, several times faster; only longer records need the wider key.
    narrow = len(lengths) and lengths.max() < 1 << 16
    order = np.argsort(lengths.astype(np.uint16) if narrow else lengths, kind="stable")
    edges = np.flatnonzero(np.diff(lengths[order])) + 1
    for group in np.split(order, edges):
        if len(group):
            yield int(lengths[group[0]]), group

"""Records of one length side by side: most bytes are the same in all, the others are looked at as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from google_crc32c import value as crc32c

from loglens.sources.checksums import byte_table

_WORD = 8
SPARE = 2 * _WORD  # bytes that a buffer must have behind its last record


@dataclass(frozen=True, slots=True)
class Equals:
    """Messages of `length` bytes; `rows` is uint8 (n, at least length), C-ordered.

    `columns` are the positions at which they differ, each uint8 (n,); all other bytes are those of `sample`.
    """

    length: int
    rows: np.ndarray
    sample: bytes
    columns: dict[int, np.ndarray]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: np.ndarray) -> Equals:
        """Only these messages; columns that no longer differ stay."""
        columns = {place: column[index] for place, column in self.columns.items()}
        return Equals(self.length, self.rows[index], self.sample, columns)

    def varying(self, start: int, end: int) -> dict[int, np.ndarray]:
        """The columns within these positions."""
        return {place: self.columns[place] for place in range(start, end) if place in self.columns}

    def numbers(self, start: int, kind: str) -> np.ndarray:
        """The number at this position of each message; `kind` is a NumPy type such as "<f4"."""
        count, width = self.rows.shape
        return np.ndarray((count,), dtype=kind, buffer=self.rows, offset=start, strides=(width,)).copy()

    def crc(self, length: int) -> np.ndarray:
        """Plain checksums of the first `length` bytes: a checksum is linear in the bytes, so those that all messages
        share are reckoned once."""
        shared = bytearray(self.sample[:length])
        varying = self.varying(0, length)
        for place in varying:
            shared[place] = 0
        out = np.full(len(self.rows), crc32c(bytes(shared)), dtype=np.uint32)
        for place, column in varying.items():
            out ^= np.take(byte_table(length - 1 - place), column, mode="clip")  # quicker than to check each index
        return out


def gathered(data: np.ndarray, starts: np.ndarray, length: int) -> Equals:
    """The `length` bytes at each start of `data`, behind which SPARE bytes must follow."""
    count, width = len(starts), -(-length // _WORD) * _WORD
    windows = np.ndarray((len(data) - width + 1,), dtype=f"V{width}", buffer=data, strides=(1,))
    rows = windows[starts].view(np.uint8).reshape(count, width)
    words = np.ascontiguousarray(rows.view(np.uint64).T)
    differ = np.bitwise_or.reduce(words ^ words[:, :1], axis=1).view(np.uint8)[:length]
    places = words.view(np.uint8).reshape(width // _WORD, count, _WORD)
    columns = {at: np.ascontiguousarray(places[at // _WORD, :, at % _WORD]) for at in np.flatnonzero(differ).tolist()}
    return Equals(length, rows, rows[0, :length].tobytes(), columns)

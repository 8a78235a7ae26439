"""Numbers for the tags of event files: records keep the number, and each name is looked at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

_FEW = 2  # bytes by which tags differ, for which a table serves


@dataclass
class Tags:
    """Guards the names found so far, by their numbers."""

    names: dict[str, int] = field(default_factory=dict)

    def number(self, names: Iterable[str]) -> np.ndarray:
        """The numbers of these names, uint32 (n,)."""
        return np.array([self.names.setdefault(name, len(self.names)) for name in names], dtype=np.uint32)

    def of_series(self, names: pl.Series) -> np.ndarray:
        """The number of each name of a Categorical series, uint32 (n,)."""
        codes = names.to_physical().to_numpy()
        _, first, back = np.unique(codes, return_index=True, return_inverse=True)
        found: np.ndarray = self.number(names[first].cast(pl.String).to_list())[back]
        return found

    def of_columns(self, sample: bytes, columns: dict[int, np.ndarray], count: int) -> np.ndarray:
        """The numbers of `count` ASCII names that differ from `sample` in these columns of bytes; uint32 (n,)."""
        if not columns:
            return np.repeat(self.number([sample.decode("ascii")]), count)
        if len(columns) > _FEW:
            return self._of_strings(sample, columns, count)
        key = next(iter(columns.values()))
        for column in list(columns.values())[1:]:
            key = key.astype(np.uint16) << np.uint16(8) | column
        size = 1 << 8 * key.itemsize
        first = np.full(size, -1, dtype=np.int32)
        first[key] = np.arange(count, dtype=np.int32)
        present = np.flatnonzero(first >= 0)
        table = np.zeros(size, dtype=np.uint32)
        table[present] = self.number(_name(sample, columns, int(row)) for row in first[present])
        found: np.ndarray = table[key]
        return found

    def _of_strings(self, sample: bytes, columns: dict[int, np.ndarray], count: int) -> np.ndarray:
        width = len(sample)
        text = np.tile(np.frombuffer(sample, dtype=np.uint8), (count, 1))
        for place, column in columns.items():
            text[:, place] = column
        offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
        strings = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text)).dictionary_encode()
        found: np.ndarray = self.number(strings.dictionary.to_pylist())[np.asarray(strings.indices)]
        return found

    def ranks(self) -> np.ndarray:
        """The place of each name among the sorted ones, by its number; int64 (n,)."""
        names = list(self.names)
        out = np.zeros(len(names), dtype=np.int64)
        out[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        return out

    def series(self) -> pl.Series:
        """All names, by their numbers."""
        return pl.Series("tag", list(self.names), dtype=pl.Categorical)


def _name(sample: bytes, columns: dict[int, np.ndarray], row: int) -> str:
    name = bytearray(sample)
    for place, column in columns.items():
        name[place] = column[row]
    return name.decode("ascii")

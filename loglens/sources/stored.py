"""The bytes of a file at any place, read when they are asked for.

A mapped file would do the same, but reading a page that is gone kills the process: a log may be cut while it is read.
"""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from mmap import mmap

_BLOCK = 1 << 12


class Stored:
    """An open file of the disk as a sequence of bytes. What was cut off after it was opened is missing from slices.

    Threads may share one: the members of an archive are read by several.
    """

    def __init__(self, path: str) -> None:
        self._stream = io.FileIO(path)
        self._size = self._stream.seek(0, io.SEEK_END)
        self._near = (b"", 0)  # some bytes, and where they are
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> bytes: ...

    def __getitem__(self, at: int | slice) -> int | bytes:
        if isinstance(at, slice):
            start, stop, _ = at.indices(self._size)
            return self._read(start, stop - start)
        block, begin = self._near
        if not begin <= at < begin + len(block):
            block, begin = self._near = self._read(at, _BLOCK), at
        return block[at - begin] if block else 0

    def into(self, view: memoryview, at: int) -> int:
        """Fill `view` with the bytes from `at` on; how many there were."""
        done = 0
        with self._lock:
            self._stream.seek(at)
            while done < len(view) and (got := self._stream.readinto(view[done:])):
                done += got
        return done

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def __del__(self) -> None:
        if hasattr(self, "_stream"):
            self._stream.close()

    def _read(self, at: int, count: int) -> bytes:
        with self._lock:
            self._stream.seek(at)
            data = self._stream.read(max(0, count))
            while len(data) < count and (more := self._stream.read(count - len(data))):
                data += more
        return data


class Held:
    """Bytes in memory, or of a temporary file of our own, in the same shape."""

    def __init__(self, buffer: bytes | mmap) -> None:
        self._buffer = buffer

    def __len__(self) -> int:
        return len(self._buffer)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> bytes: ...

    def __getitem__(self, at: int | slice) -> int | bytes:
        return self._buffer[at]

    def into(self, view: memoryview, at: int) -> int:
        """Fill `view` with the bytes from `at` on; how many there were."""
        part = self._buffer[at : at + len(view)]
        view[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Nothing is open."""


class Ahead:
    """The bytes of a file, of which those from `at` on are in memory already."""

    def __init__(self, begin: bytes, at: int, source: Stored | Held) -> None:
        self._begin, self._at, self._source = begin, at, source

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> bytes: ...

    def __getitem__(self, at: int | slice) -> int | bytes:
        if isinstance(at, int) and 0 <= at - self._at < len(self._begin):
            return self._begin[at - self._at]
        return self._source[at]

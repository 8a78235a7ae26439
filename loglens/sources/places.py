"""Where files are (the disk, an archive, an object store), and the one way to their bytes."""

from __future__ import annotations

import io
import mmap
import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from loglens.model import Problem
from loglens.sources.packing import LIMIT, Stream, expanded
from loglens.sources.stored import Held, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.sources.base import LogFile
    from loglens.sources.packing import Readable

    Buffer = bytes | mmap.mmap

MAPPED = 16 << 20  # unpacked bytes beyond which they are kept in a temporary file, and that is mapped
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a place. `path` opens it there, `name` has `/` between its parts; `refused` says why it is not read."""

    path: str
    name: str
    size: int
    refused: str = ""


class Place(Protocol):
    """What holds files. Hashable, and small when pickled: what it has open is kept beside it."""

    def members(self) -> Iterator[Member]:
        """All files, in the order of their names. OSError when they cannot be listed."""
        ...

    def open(self, path: str) -> Stream:
        """The bytes of a file. OSError when there is no such file, or it cannot be read."""
        ...


@contextmanager
def opened(file: LogFile, told: list[Problem], limit: int = LIMIT) -> Iterator[Readable]:
    """The bytes of a log, decompressed up to a limit.

    What stops the reading early is told at the end. OSError when nothing opens.
    """
    with _raw(file) as raw:
        stream = expanded(raw, limit=limit) if file.packed else raw
        yield stream
        for one in (raw, stream):
            if isinstance(one, Stream) and one.fault is not None:
                told.append(Problem(file.name, one.fault.kind, one.fault.message, one.fault.offset))
                break


@contextmanager
def _raw(file: LogFile) -> Iterator[Readable]:
    if file.place is not None:
        yield file.place.open(file.path)
        return
    with open(file.path, "rb", opener=_at_once) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        # A file of no bytes that has some all the same is the kernel's own, and may never end.
        yield stream if status.st_size else io.BytesIO()


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer: what was a file may have become a pipe since it was looked at."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def random_access(file: LogFile, told: list[Problem]) -> Stored | Held:
    """The bytes of a log at any place, decompressed. What is missing is told; OSError if all is."""
    if file.place is None and not file.packed:
        return Stored(file.path)
    with opened(file, told) as stream:
        return Held(gathered(stream))


def head(file: LogFile, size: int) -> bytes:
    """The first bytes of a log, decompressed. OSError when it cannot be opened."""
    with _raw(file) as raw:
        return (expanded(raw) if file.packed else raw).read(size)


def gathered(stream: Readable) -> Buffer:
    """All that a stream gives; more than a little is kept in a temporary file without a name."""
    with tempfile.SpooledTemporaryFile(MAPPED, prefix="loglens-") as spool:
        while data := stream.read(_BLOCK):
            spool.write(data)
        return kept(spool)


def kept(spool: tempfile.SpooledTemporaryFile[bytes]) -> Buffer:
    """What was written to a temporary file, for longer than it is open."""
    if spool.tell() <= MAPPED:
        spool.seek(0)
        return spool.read()
    spool.flush()
    return _mapped(spool.fileno())


def _mapped(handle: int) -> Buffer:
    try:
        return mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
    except ValueError as error:  # it has become empty meanwhile
        raise OSError(str(error)) from None

"""Logs from standard input."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from loglens.errors import LoglensError
from loglens.sources.packing import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "stdin"


@contextmanager
def spooled(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    """`paths`, with `-` as the only one replaced by a file that holds what standard input gives.

    The readers look at a file more than once and map it, so it is kept on disk as long as the context lasts. The
    folder is called as the run is to be called.
    """
    if list(paths) != ["-"]:
        yield paths
        return
    with tempfile.TemporaryDirectory(prefix="loglens-") as place:
        file = Path(place) / NAME / NAME
        file.parent.mkdir()
        with file.open("wb") as out:
            _copy(out)
        yield [str(file)]


def _copy(out: BinaryIO) -> None:
    """All of standard input, up to the limit. LoglensError when there is no end to it, or it is closed."""
    if sys.stdin is None:
        raise LoglensError("-: standard input is closed")
    while data := sys.stdin.buffer.read(1 << 20):
        out.write(data)
        if out.tell() > LIMIT:
            raise LoglensError(f"-: more than {LIMIT >> 20} MB on standard input: write them to a file, and name that")

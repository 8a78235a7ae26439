"""Logs from standard input."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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
            shutil.copyfileobj(sys.stdin.buffer, out, 1 << 20)
        yield [str(file)]

"""What workers do in the tests; a module of its own, so that it can be imported in other processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def double(number: int) -> int:
    return 2 * number


def slow_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0)
    return number


def dies_once(item: tuple[int, str]) -> int:
    """Kills its process on 3, unless it has done so before."""
    number, folder = item
    mark = Path(folder) / "died"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    return number


def dies(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    return number


def out_of_memory(number: int) -> int:
    if number == 1:
        raise MemoryError
    return number


def threads(_: int) -> str | None:
    return os.environ.get("POLARS_MAX_THREADS")

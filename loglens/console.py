"""Standard output and standard error: encodings, colour, progress, closed pipes."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import dataclass, field
from time import monotonic
from typing import TextIO

from loglens.errors import LoglensError

EVERY = 5.0  # seconds between lines of progress where there is no terminal


def use_utf8() -> None:
    """Make both streams speak UTF-8, whatever the system's code page; half characters of odd names are escaped.

    A stream that was closed before the start (`>&-`) leads nowhere.
    """
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (a stream for as long as the process lives)


def wants_color(choice: str, stream: TextIO) -> bool:
    """`always` and `never` decide; `auto` asks NO_COLOR, FORCE_COLOR and the terminal, in this order."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def text_width(stream: TextIO) -> int:
    """Columns for text: COLUMNS, else those of the terminal; 100 where there is none."""
    if stream.isatty():
        return shutil.get_terminal_size((100, 24)).columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isascii() and columns.isdigit() and 0 < len(columns) < 5 and int(columns) else 100


def emit(text: str) -> None:
    """Write a result to standard output. Whoever closed the pipe has read enough: no error then.

    LoglensError when it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        raise LoglensError(f"standard output cannot be written: {error.strerror or error}") from None


def discard_output() -> None:
    """Point standard output at nothing, so that the flush at exit cannot fail on a closed pipe."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def note(text: str) -> None:
    """Write a line for people to standard error."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody listens, or there is no room: the exit code must not depend on it


@dataclass
class Progress:
    """Counts files and runs on standard error: one line that changes on a terminal, a line every few seconds elsewhere.

    Silent unless `wanted`.
    """

    terminal: bool
    wanted: bool
    runs: int = 0
    files: int = 0
    told: float = field(default_factory=monotonic)

    def add(self, runs: int, files: int) -> None:
        """Count `runs` and `files` more: those before them have been judged."""
        text = f"{_many(self.files + files, 'file')} read, {_many(self.runs, 'run')} analysed"
        self.runs += runs
        self.files += files
        if self.wanted and self.terminal:
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
        elif self.wanted and monotonic() - self.told > EVERY:
            self.told = monotonic()
            note(text)

    def clear(self) -> None:
        """Remove the line; where it cannot be removed, say how it ended."""
        if self.wanted and self.runs:
            if self.terminal:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
            else:
                note(f"{_many(self.files, 'file')} read, {_many(self.runs, 'run')} analysed")


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

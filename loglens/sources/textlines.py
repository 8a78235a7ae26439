"""Lines of a plain-text log as a person sees them: without colours, bars, times and the prefixes of loggers."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.sources.text import Piece

LONGEST = 20_000  # characters of a line; logs of sweeps print hundreds of numbers, dumps of arrays millions
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
_BACK = re.compile("\b+")
_MOMENT = re.compile(r"(\d{4})[-/.](\d\d)[-/.](\d\d)[ T_]?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_HAS_CLOCK = re.compile(r"\d:\d\d")
_DAY = re.compile(
    r"(?:\b\d{4}[-/.]\d\d[-/.]\d\d[ T_]?|\b\d\d[/-]\d\d(?:[/-]\d{2,4})?[ T]+(?=\d)|\b[IWEF]\d{4} +(?=\d)"
    r"|\b[A-Z][a-z]{2} +\d+ +(?=\d+:))"
)
_CLOCK = re.compile(r"(?<![\w.])\d+:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?(?![\w:])")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_LEVEL = re.compile(r"^.{0,100}?\b(?:INFO|DEBUG|WARNING|WARN|ERROR|CRITICAL|TRACE|NOTICE)\b[\]:)>\s|-]*")
_SOURCE = re.compile(r"[\w./\\-]+\.(?:py|pyx|cc|cpp|cu|rs|go|h|ipynb):\d+(?::\w+)?|, line \d+")
_ENDINGS = (".py:", ".cc:", ".cpp:", ".cu:", ".pyx:", ".rs:", ".go:", ".h:", ".ipynb:", ", line ")
_HAS_MINUTES = re.compile(r"\d ?m(?:in)? ?\d")
_BLOCKS = dict.fromkeys(map(ord, "█▉▊▋▌▍▎▏▐░▒▓▕━╸╺─═╾╼●○◼◻■□⣿\0"), " ")
_BAR = re.compile(r"[=>.#*_~-]{4,}>?")
_QUOTES = re.compile(r"(?<![A-Za-z0-9])'|'(?![A-Za-z])|[\"`]")
_RANGE = re.compile(r"(\d\.\d+):(\d\.\d+)")
_TENSOR = re.compile(r"\btensor\(([^][(),]+)(?:,[^()]*)?\)")
_DURATION = re.compile(r"(?<![\w.])(?:\d+\s?[dh]\s?){0,2}\d+\s?m(?:in)?\s?\d+(?:\.\d+)?\s?s\b")
_ORDINAL = re.compile(r"第\s*(\d+)\s*(轮|輪|回|周期|エポック|步|ステップ)")
_TOP = re.compile(r"\b(top)[- ](?=\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """`overwritten`: something was written over it, as progress bars do. `ended`: a line end follows."""

    text: str
    number: int
    overwritten: bool
    ended: bool


def lines(piece: Piece) -> Iterator[Line]:
    """The filled lines of a piece; where a carriage return goes back to the start of a line, each state of it."""
    rows = piece.data.decode(errors="replace").split("\n")
    last = len(rows) - 1
    for place, row in enumerate(rows):
        if "\r" not in row and "\b" not in row:
            if row and not row.isspace():
                yield Line(row[:LONGEST], piece.line + place, overwritten=False, ended=place < last)
            continue
        states = [state for state in _BACK.sub("\r", row).split("\r") if state and not state.isspace()]
        for number, state in enumerate(states, 1):
            final = number == len(states)
            yield Line(state[:LONGEST], piece.line + place, overwritten=not final, ended=place < last or not final)


def moment(text: str) -> float:
    """Seconds since 1970 of the time that a line gives, read as UTC; NaN when it gives none."""
    found = _MOMENT.search(text, 0, 80) if ":" in text else None
    if found is None:
        return float("nan")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    if not (1970 <= year < 2200 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return float("nan")
    return timegm((year, month, day, hour, minute, second, 0, 0, 0)) + float(f"0.{found[7] or 0}")


def _counted(found: re.Match[str]) -> str:
    """`第3轮`, the third round, as lines in other languages count."""
    return f" {'step' if found[2] in ('步', 'ステップ') else 'epoch'} {found[1]} , "


def plain(text: str) -> str:
    """The line without colours, times, places in source files, quotes and the drawing of bars; blanks made single."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if _HAS_CLOCK.search(text):
        text = _CLOCK.sub(" , ", _DAY.sub(" , ", text))
    elif text.count("-") > 1:
        text = _DATE.sub(" ", text)
    if any(ending in text for ending in _ENDINGS):
        text = _SOURCE.sub(" ", text)
    if ":0." in text:
        text = _RANGE.sub(r"\1_\2", text)
    if _HAS_MINUTES.search(text):
        text = _DURATION.sub(" , ", text)
    text = _LEVEL.sub("", text, count=1)
    if "第" in text:
        text = _ORDINAL.sub(_counted, text)
    text = _BAR.sub(" ", text if text.isascii() and "\0" not in text else text.translate(_BLOCKS))
    if "tensor(" in text:
        text = _TENSOR.sub(r"\1", text)
    if "'" in text or '"' in text or "`" in text:
        text = _QUOTES.sub("", text)
    if "op" in text:
        text = _TOP.sub(r"\1", text)
    return " ".join(text.split())

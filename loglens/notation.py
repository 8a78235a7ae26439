"""Series in a few characters, for the cases of rules; after promtool's notation, with trends, noise and NaN.

A series is a list of words separated by blanks:
  2.3  nan  inf  -inf     one value
  _                       no value at this step
  2.3x20                  20 times 2.3 (any of the words below takes a count the same way)
  0+10x5  8-2x3  1*2x6    arithmetic and geometric progressions: 0 10 20 30 40; 8 6 4; 1 2 4 8 16 32
  2..0.5x100              100 values in a straight line from 2 to 0.5
  2~>0.5x100              100 values falling (or rising) exponentially from 2 towards 0.5
  2..0.5x100@0.05         the same with normal noise of sd 0.05
  2..0.5x100@5%           the same with noise of 5 % of each value
  |  |30                  the job is restarted, and goes on at the next step, or from step 30
  !7200                   nothing is logged for 7,200 s; else a step takes a second
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MAX_VALUES = 100_000
_NUMBER = r"[-+]?(?:nan|inf|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
_PLAIN = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_WORD = re.compile(
    rf"(?P<a>_|{_NUMBER})(?:(?P<op>\+|-|\*|\.\.|~>)(?P<b>[-+]?{_PLAIN}))?"
    rf"(?:x(?P<n>[1-9]\d{{0,5}}))?(?:@(?P<noise>{_PLAIN})(?P<percent>%)?)?\Z"
)
_RESTART = re.compile(r"\|(?P<step>\d{1,9})?\Z")
_PAUSE = re.compile(r"!(?P<seconds>\d{1,9})\Z")
_DECAY = 5.0  # time constants that an exponential goes through


@dataclass(frozen=True, eq=False)
class Records:
    """What a series in notation stands for; flat arrays, one entry a record."""

    step: np.ndarray  # int64
    value: np.ndarray  # float64
    wall: np.ndarray  # float64, seconds since the first step
    segment: np.ndarray  # int32


def mistakes_in(text: str) -> list[tuple[int, str]]:
    """What is wrong with a series: (position in the text, message), one a word."""
    words = list(re.finditer(r"\S+", text))
    found = [(word.start(), fault) for word in words if (fault := _fault(word[0]))]
    if not any(_WORD.match(word[0]) for word in words) and not found:
        found.append((0, "no values"))
    if sum(int(m["n"] or 1) for m in (_WORD.match(word[0]) for word in words) if m) > MAX_VALUES:
        found.append((0, f"more than {MAX_VALUES:,} values"))
    return found


def _fault(word: str) -> str:
    match = _WORD.match(word)
    if match is None and _RESTART.match(word) is None and _PAUSE.match(word) is None:
        return f"'{word}' is no value: write 2.3, nan, 2.3x20, 0+10x5, 2..0.5x100, 2~>0.5x100 or 2..0.5x100@0.05"
    if match is not None and match["op"] and not match["n"]:
        return f"'{word}' has no count: write {word}x20"
    return ""


def records_of(text: str, seed: int = 0) -> Records:
    """A value a step from 0 on. The text must be free of mistakes."""
    import numpy as np

    rng = np.random.default_rng(seed)
    parts: list[tuple[np.ndarray, ...]] = []
    step, clock, segment = 0, 0.0, 0
    for word in text.split():
        restart, pause, match = _RESTART.match(word), _PAUSE.match(word), _WORD.match(word)
        if restart is not None:
            step, segment = int(restart["step"] or step), segment + 1
        elif pause is not None:
            clock += float(pause["seconds"])
        elif match is not None:
            value = _values(match, rng)
            place = np.arange(len(value))
            if match["a"] != "_":  # nothing is logged at these steps
                parts.append((step + place, value, clock + place, np.full(len(value), segment)))
            step, clock = step + len(value), clock + len(value)
    empty = (np.zeros(0),) * 4
    steps, values, wall, segments = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    return Records(steps.astype(np.int64), values, wall, segments.astype(np.int32))


def _values(match: re.Match[str], rng: np.random.Generator) -> np.ndarray:
    import numpy as np

    n = int(match["n"] or 1)
    a = float("nan") if match["a"] == "_" else float(match["a"])
    i = np.arange(n)
    base = np.full(n, a) if match["op"] is None else _progression(match["op"], a, float(match["b"]), i, n)
    if match["noise"]:
        scale = float(match["noise"])
        jitter = rng.standard_normal(n)
        base = base * np.exp(scale / 100 * jitter) if match["percent"] else base + scale * jitter
    return base


def _progression(op: str, a: float, b: float, i: np.ndarray, n: int) -> np.ndarray:
    import numpy as np

    if op == "+":
        return a + b * i
    if op == "-":
        return a - b * i
    if op == "*":
        return a * b**i
    share = i / max(n - 1, 1)
    return a + (b - a) * (share if op == ".." else 1 - np.exp(-_DECAY * share))

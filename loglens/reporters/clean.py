"""Untrusted text and plain values made fit for people's eyes. Logs name things; we only show the names."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from loglens.numbers import human

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loglens.model import Value

NAME_LIMIT = 60
TEXT_LIMIT = 600

# C0 and C1 controls, soft hyphen, bidi marks and overrides, zero-width and line separators, surrogates,
# noncharacters, variation-free "tag" characters: whatever hides, reorders or breaks a line
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    "\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
    "|[" + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)) + "]"
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"


def visible(text: object, limit: int = TEXT_LIMIT) -> str:
    """`text` with everything invisible made visible, cut in the middle to `limit` characters."""
    plain = str(text)
    if len(plain) > 4 * limit:  # never work through megabytes only to throw them away
        plain = f"{plain[: 2 * limit]}{plain[-2 * limit :]}"
    plain = _HIDDEN.sub(_picture, plain)
    if len(plain) <= limit:
        return plain
    tail = limit // 3
    return f"{plain[: limit - tail - 1]}…{plain[-tail:]}"


def name(text: object, limit: int = NAME_LIMIT) -> str:
    """A run's, tag's or file's name as people are shown it."""
    return visible(text, limit) or "(no name)"


def utf8(text: str) -> str:
    """`text` as valid UTF-8 can hold it: lone surrogates, as undecodable file names have them, written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def slug(text: str, limit: int = 48) -> str:
    """ASCII letters, digits, `_` and `-` of `text`, for anchors and file names."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", visible(text, 400)).strip("-")[:limit].rstrip("-") or "run"


def digest(text: str) -> str:
    """Eight hex digits that tell names apart whose slugs are equal."""
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A unique slug for every name; those that would clash carry a digest."""
    wanted = {each: slug(each) for each in names}
    taken: dict[str, int] = {}
    for each in wanted.values():
        taken[each] = taken.get(each, 0) + 1
    return {each: short if taken[short] == 1 else f"{short}-{digest(each)}" for each, short in wanted.items()}


def whole(number: int | None) -> str:
    """A step or a count: 32,550."""
    return "–" if number is None else f"{number:,}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: 1 run, 12 runs."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float | None) -> str:
    """A span of time: 0.4 s, 12 s, 3.5 min, 1.2 h, 3.1 d."""
    if seconds is None or not seconds >= 0:
        return "–"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size * (1 if unit != "d" else 2):
            return f"{_two(seconds / size)} {unit}"
    return f"{_two(seconds)} s"


def size(number: int) -> str:
    """A file's size: 812 B, 1.2 MB."""
    for unit, power in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= power:
            return f"{_two(number / power)} {unit}"
    return f"{number} B"


def _two(value: float) -> str:
    """Two significant digits below ten, none after the point from ten on."""
    return human(round(value)) if value >= 9.95 or value == 0 else human(float(f"{value:.2g}"))


def moment(wall_time: float | None) -> str | None:
    """A logged wall time, in UTC; None when it is no time at all."""
    if wall_time is None or not 0 < wall_time < 253402300800:
        return None
    return datetime.fromtimestamp(int(wall_time), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def value(thing: Value) -> str:
    """A piece of evidence."""
    if isinstance(thing, bool):
        return "yes" if thing else "no"
    if isinstance(thing, int):
        return whole(thing)
    if isinstance(thing, float):
        return human(thing)
    return "–" if thing is None else visible(thing, 2 * NAME_LIMIT)


def setting(text: str) -> str:
    """The value of a hyper-parameter: a number with a point as people write it, all else as it was logged."""
    plain = text.strip()
    if re.fullmatch(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?", plain) and len(plain) < 40:
        number = float(plain)
        return human(number) if abs(number) < float("inf") else plain
    return name(text, 24)


def label(key: str) -> str:
    """A key of the evidence as words: best_val -> best val."""
    return name(key).replace("_", " ")


def sentence(text: str) -> str:
    """`text` with a capital, unless it begins with a name such as `lr`, `grad_norm`, `val/loss` or `clip(…)`."""
    first = text.split(" ", 1)[0].rstrip(".,:;")
    return text if first == "lr" or re.search(r"[_.(/=]", first) else text[:1].upper() + text[1:]

"""What names a user's pattern fits: a glob, or with `re:` before it a regular expression. Both match in linear time."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import lru_cache

PREFIX = "re:"
NAMES = 1 << 16  # remembered: the runs of a tree log the same names


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression for whole names, in the syntax of RE2, which has no backtracking."""

    text: str

    def match(self, name: str) -> bool:
        """Whether it fits the whole of `name`."""
        return _fits(self.text, name)


def compiled(pattern: str) -> re.Pattern[str] | Expression:
    """A pattern to match whole names with; ValueError says why an expression is none."""
    if not pattern.startswith(PREFIX):
        # fnmatch writes atomic groups for `*`, so that matching is linear whatever the pattern
        return re.compile(fnmatch.translate(pattern))
    expression = Expression(pattern.removeprefix(PREFIX))
    if fault := fault_of(pattern):
        raise ValueError(fault)
    return expression


def fault_of(pattern: str) -> str:
    """Why a pattern cannot be used; empty when it can. Globs always can."""
    if not pattern.startswith(PREFIX):
        return ""
    if pattern == PREFIX:
        return "no expression after re:"
    import pyarrow as pa

    try:
        _search(pattern.removeprefix(PREFIX), "")
    except pa.ArrowInvalid as error:
        return " ".join(str(error).removeprefix("Invalid regular expression: ").split())
    return ""


@lru_cache(maxsize=NAMES)
def _fits(expression: str, name: str) -> bool:
    return _search(rf"\A(?:{expression})\z", name)


def _search(expression: str, name: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = name.encode("utf-8", "replace").decode()  # names out of file names may hold lone surrogates
    return bool(pc.match_substring_regex(pa.array([text]), expression)[0].as_py())

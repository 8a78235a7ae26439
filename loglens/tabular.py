"""Plain tables for the terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = (), right: Sequence[int] = (), indent: str = "") -> str:
    """Columns as wide as their widest cell, two blanks between; the columns in `right` are aligned to the right."""
    lines = [list(map(visible, row)) for row in ([head, *rows] if head else rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(indent + _line(row, widths, right) for row in lines)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    cells = []
    for i, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (wide - width(cell))
        cells.append(blanks + cell if i in right else cell + blanks)
    return "  ".join(cells).rstrip()


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def visible(text: str) -> str:
    """The text with characters that could steer a terminal or reorder the line written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)

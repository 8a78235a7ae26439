"""Rows of numbers below a header, as fastai, spaCy and scikit-learn print them: `epoch  train_loss  valid_loss`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from loglens.sources.columns import is_counter
from loglens.sources.textshapes import NUMBER, shape_of_table

if TYPE_CHECKING:
    from loglens.sources.textshapes import Shape

LONGEST = 400  # characters of a header
_CELL = re.compile(r"(?:[^\W\d]|#)[\w #@./%()-]{0,39}")
_GAP = re.compile(r"\s{2,}|\t")
_BEGINS = re.compile(r"[-+.\d]|nan|inf", re.IGNORECASE)


def header_of(text: str) -> tuple[str, ...] | None:
    """The names in a line that can head a table: a counter and something that is measured, and nothing but names."""
    if not text or not (text[0].isalpha() or text[0] == "#") or len(text) > LONGEST or ":" in text or "=" in text:
        return None
    return _header_of(text)


@lru_cache(maxsize=1024)
def _header_of(text: str) -> tuple[str, ...] | None:
    wide, close = _GAP.split(text), text.split()
    cells = wide if len(wide) > 1 else close if is_counter(close[0]) else []
    if not 2 <= len(cells) <= 40 or len(set(cells)) < len(cells) or not all(map(_CELL.fullmatch, cells)):
        return None
    if "#" in cells:  # spaCy counts epochs in `E` and steps in `#`
        cells = [{"#": "step", "E": "epoch"}.get(cell, cell) for cell in cells]
    shape = shape_of_row(tuple(cells))
    return tuple(cells) if shape.telling and shape.counted else None


def row_below(header: tuple[str, ...], text: str) -> dict[str, str] | None:
    """The numbers of a line with as many cells as the header has names, by these; None for any other line."""
    cells = text.split()
    if len(cells) != len(header) or not all(map(_BEGINS.match, cells)):
        return None
    found = {name: cell for name, cell in zip(header, cells, strict=True) if NUMBER.fullmatch(cell)}
    return found if len(found) > 1 and any(map(is_counter, found)) else None


@lru_cache(maxsize=256)
def shape_of_row(names: tuple[str, ...]) -> Shape:
    """The shape of a row with these names."""
    return shape_of_table(names)

"""The columns of a delimited text: which hold numbers, which words, and which number the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.columns import bare, is_clock, is_split
from loglens.sources.delimited import BOOLEAN, Head, numbers
from loglens.sources.wide import Column, column, long_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.sources.text import Faults

TENSORBOARD = ["walltime", "step", "value"]


@dataclass(frozen=True, eq=False)
class Parsed:
    """Columns of one or more files as read: Float64, or String where cells are not plain numbers."""

    files: list[int]
    counts: list[int]
    names: list[str]
    columns: list[list[pl.Series]]  # the parts of each column
    lines: Sequence[int] | None = None  # line of each row; None when row 0 of each file is below a header of `above`
    breaks: Sequence[int] = ()


Odd = list[tuple[str, pl.Series, pl.Series]]


def numeric(parsed: Parsed, head: Head) -> tuple[dict[str, Column], dict[str, pl.Series], Odd]:
    """Columns of numbers, columns of text, and cells in columns of numbers that hold something else.

    A column is one of numbers when at least half of its filled cells are.
    """
    comma = head.separator != ","
    columns: dict[str, Column] = {}
    labels: dict[str, pl.Series] = {}
    odd: Odd = []
    for name, parts in zip(parsed.names, parsed.columns, strict=True):
        read = [numbers(part, comma) if part.dtype == pl.String else (part, None) for part in parts]
        values = pl.concat([part for part, _ in read])
        filled = len(values) - values.null_count()
        strange = sum(int(wrong.sum()) for _, wrong in read if wrong is not None)
        if filled < strange or (not filled and any(wrong is not None for _, wrong in read)):
            labels[name] = pl.concat([part.cast(pl.String) for part in parts])
            continue
        if strange:
            wrongs = [part.is_nan() & False if wrong is None else wrong for part, wrong in read]
            odd.append((name, pl.concat([part.cast(pl.String) for part in parts]), pl.concat(wrongs)))
        if filled:
            columns[name] = column(values)
    return columns, labels, odd


def name_odd(odd: Odd, parsed: Parsed, faults: Faults) -> None:
    """Tell of the cells in columns of numbers that hold something else."""
    for name, series, wrong in odd:
        places = wrong.arg_true()
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        line = parsed.lines[places[0]] if parsed.lines is not None else None
        message = f"column {name[:60]!r} holds {series[places[0]][:40]!r}, which is no number{more}"
        faults.add("corrupt", message, line=line, of="columns with cells that are no numbers")


def telling(labels: dict[str, pl.Series], parsed: Parsed) -> list[str]:
    """Text columns whose cells tell the rows apart, as names of experiments or samples do."""
    out = []
    for name, series in labels.items():
        texts = series.drop_nulls()
        if is_clock(name) or is_split(name) or texts.str.to_lowercase().is_in([*BOOLEAN, ""]).all():
            continue
        kinds = texts.n_unique()
        if kinds > max(1, sum(parsed.counts) // 2) or (kinds > 1 and re.match(r"column \d", name)):
            out.append(name)
    return out


def index_names(columns: dict[str, Column], head: Head, parsed: Parsed) -> Iterator[str]:
    """Nameless columns that number the rows: the index that a data frame was written with."""
    for name, cell in zip(head.names, head.cells, strict=False):
        if cell or name not in columns or columns[name].rows is not None:
            continue
        values = columns[name].values.to_numpy()
        counted = np.concatenate([np.arange(count) for count in parsed.counts])
        if np.array_equal(values, counted) or np.array_equal(values, counted + 1):
            yield name


def spread_out(columns: dict[str, Column], labels: dict[str, pl.Series], path: str) -> dict[str, Column]:
    """Tables with a column of tags and one of values, and those with a column that says train or val, spread out."""
    if [bare(name) for name in columns] == TENSORBOARD:
        *others, value = columns.items()
        return {**dict(others), _tag_of(path): value[1]}
    return long_form(columns, labels)


def _tag_of(path: str) -> str:
    """The tag of a series saved from TensorBoard, which is in the name of the file only."""
    stem = PurePosixPath(path).stem
    return stem.rpartition("-tag-")[2] or stem

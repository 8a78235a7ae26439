"""Reader of CSV, TSV and their relatives.

Small clean files with the same header are parsed as one body; any other file goes through a parser that keeps what it
can and names the rest.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.base import Tables
from loglens.sources.columns import bare, is_clock, is_split, why_no_log
from loglens.sources.delimited import (
    BOOLEAN,
    Head,
    Rows,
    add_clean,
    is_number,
    lines_in,
    numbers,
    read_head,
    strict,
    tolerant,
)
from loglens.sources.text import Faults, Piece, pieces
from loglens.sources.wide import Column, Wide, column, long_form, melt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile

BATCH = 8 << 20  # bytes parsed together: more of them no longer fit the cache
WIDEST = 20_000  # columns
TENSORBOARD = ["walltime", "step", "value"]


@dataclass
class _Group:
    """Clean bodies below the same header."""

    head: Head
    members: list[tuple[int, Piece]] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, eq=False)
class _Parsed:
    """Columns of one or more files as read: Float64, or String where cells are not plain numbers."""

    files: list[int]
    counts: list[int]
    names: list[str]
    columns: list[list[pl.Series]]  # the parts of each column
    lines: Sequence[int] | None = None  # line of each row; None when row 0 of each file is below a header of `above`
    breaks: Sequence[int] = ()


def read(files: Sequence[LogFile]) -> Tables:
    """The scalars of delimited text files; a file that is no training log is a problem of kind `skipped`."""
    return _Reading(files).run()


class _Reading:
    """Guards what one call has gathered so far."""

    def __init__(self, files: Sequence[LogFile]) -> None:
        self.files = files
        self.frames: list[pl.DataFrame] = []
        self.problems: list[Problem] = []
        self.hparams: list[tuple[int, str, str]] = []

    def run(self) -> Tables:
        groups: dict[bytes, _Group] = {}
        for index, file in enumerate(self.files):
            faults = Faults(file, self.problems)
            stream = pieces(file, faults)
            first = next(stream, None)
            if first is None:
                continue
            second = next(stream, None)
            key = _clean_header(first) if second is None else None
            if key is None:
                rest = () if second is None else itertools.chain((second,), stream)
                self.careful(index, faults, first, rest)
                continue
            self.join(groups, key, index, first)
        for group in groups.values():
            self.flush(group)
        scalars = pl.concat(self.frames, rechunk=False) if self.frames else None
        return Tables(scalars=scalars, hparams=_hparams(self.hparams), problems=self.problems)

    def join(self, groups: dict[bytes, _Group], key: bytes, index: int, piece: Piece) -> None:
        """Put a clean file beside those with the same header."""
        group = groups.get(key)
        if group is None:
            head = read_head(piece.data)
            if head is None or head.body != len(key) or _unnamed(head):
                self.careful(index, Faults(self.files[index], self.problems), piece, ())
                return
            group = groups[key] = _Group(head)
        group.members.append((index, piece))
        group.size += len(piece.data)
        if group.size > BATCH:
            self.flush(group)
            groups[key] = _Group(group.head)

    def flush(self, group: _Group) -> None:
        """Parse the bodies of a group as one; those that are not clean after all one by one."""
        if not group.members or len(group.head.names) > WIDEST:
            for index, piece in group.members:
                self.careful(index, Faults(self.files[index], self.problems), piece, ())
            return
        parsed = _parse_clean(group.head, group.members)
        if parsed is not None and self.keep(parsed, group.head):
            return
        for index, piece in group.members:
            alone = _parse_clean(group.head, [(index, piece)]) if len(group.members) > 1 else None
            if alone is None or not self.keep(alone, group.head):
                self.careful(index, Faults(self.files[index], self.problems), piece, ())

    def careful(self, index: int, faults: Faults, first: Piece, rest: Iterable[Piece]) -> None:
        """Read a file of any size and in any state."""
        head = read_head(first.data)
        if head is None or len(head.names) > WIDEST or _unnamed(head):
            reason = f"a table of {len(head.names)} columns" if head is not None else "no header"
            if head is not None and _unnamed(head):
                reason = "its first line holds numbers, not the names of columns"
            faults.skip(reason)
            return
        self.start(index, head)
        parsed = _parse_tolerant(index, head, faults, itertools.chain((first,), rest))
        if isinstance(parsed, str):
            faults.skip(parsed, cut=why_no_log(head.names) is None)
        else:
            self.keep(parsed, head, faults)

    def start(self, index: int, head: Head) -> None:
        """Keep the values of a comment above the header."""
        for name, value in head.comment.items():
            if isinstance(value, str | int | float):
                self.hparams.append((index, name, str(value)))

    def keep(self, parsed: _Parsed, head: Head, faults: Faults | None = None) -> bool:
        """Turn parsed columns into long scalars. Without `faults` only when nothing is wrong with them."""
        columns, labels, odd = _numeric(parsed, head)
        if odd and faults is None:
            return False
        if faults is not None:
            _name_odd(odd, parsed, faults)
        monitor = "t_start" in head.comment and "t" in columns
        columns = _long_form(columns, labels, self.files[parsed.files[0]].name)
        reason = None if monitor else why_no_log(list(columns), _telling(labels, parsed))
        if reason is not None:
            return self.skip(parsed, reason, cut=why_no_log(head.names) is None)
        start = head.comment.get("t_start")
        wide = Wide(
            parsed.files,
            parsed.counts,
            columns,
            parsed.breaks,
            clock="t" if monitor else None,
            start=float(start) if monitor and isinstance(start, int | float) else 0.0,
            dropped=frozenset(_index_names(columns, head, parsed)),
        )
        self.frames += melt(wide)
        return True

    def skip(self, parsed: _Parsed, reason: str, *, cut: bool) -> bool:
        """Name files that are no training logs; `cut` when their header is that of a log, which has lost its rows."""
        for index in parsed.files:
            Faults(self.files[index], self.problems).skip(reason, cut=cut)
        return True


# --- parsing ----------------------------------------------------------------------------------------------------------


def _clean_header(piece: Piece) -> bytes | None:
    """The header line with its end, of a file that may be parsed together with others; else None."""
    data = piece.data
    end = data.find(b"\n", 0, 1 << 20) + 1
    if not end or end == len(data) or not data.endswith(b"\n") or piece.width or piece.offset:
        return None
    header = data[:end]
    if header[:1] in b"#<=>|\n\r" or not header.strip() or b'"' in data or b"\0" in data:
        return None
    return header


def _unnamed(head: Head) -> bool:
    return all(is_number(cell) for cell in head.cells)


def _parse_clean(head: Head, members: list[tuple[int, Piece]]) -> _Parsed | None:
    """Files with the same header as one, or None when one of them is not clean."""
    counts = [lines_in(piece.data) - head.lines for _, piece in members]
    body = b"".join(memoryview(piece.data)[head.body :] for _, piece in members)
    frame = strict(body, head, sum(counts), body[: body.find(b"\n")])
    if frame is None or (frame[:, -1].null_count() and not _even(head, members, counts)):
        return None
    return _Parsed(
        [index for index, _ in members], counts, list(head.names), [[series] for series in frame.get_columns()]
    )


def _even(head: Head, members: list[tuple[int, Piece]], counts: list[int]) -> bool:
    """True when the rows have as many separators as the header; too many in one row the parser has refused."""
    separator, width = head.separator.encode(), len(head.names) - 1
    if not width:
        return False
    found = (piece.data.count(separator, head.body) for _, piece in members)
    return all(count == rows * width for count, rows in zip(found, counts, strict=True))


def _parse_tolerant(index: int, head: Head, faults: Faults, stream: Iterable[Piece]) -> _Parsed | str:
    """A file through the tolerant parser, or why it is no table."""
    rows = Rows(list(head.names))
    for number, piece in enumerate(stream):
        begin, above = (head.body, head.lines) if number == 0 else (0, 0)
        small = len(piece.data) < BATCH  # small files have been through the strict parser before
        if small or not add_clean(piece, head, rows, begin, above=above):
            tolerant(piece, head, rows, faults, begin, above=above)
    total = len(rows.lines)
    if not total:
        return "a header without rows"
    if rows.ragged * 2 > total and rows.ragged > 2:
        return f"{rows.ragged} of {total} rows do not have the {len(head.names)} cells of the header"
    frames = [_widened(frame, len(rows.names)) for frame in rows.frames]
    columns = [list(parts) for parts in zip(*(frame.get_columns() for frame in frames), strict=True)]
    return _Parsed([index], [total], rows.names, columns, rows.lines, rows.breaks)


def _widened(frame: pl.DataFrame, width: int) -> pl.DataFrame:
    missing = [pl.lit("").alias(str(place)) for place in range(frame.width, width)]
    return frame.with_columns(missing) if missing else frame


# --- columns ----------------------------------------------------------------------------------------------------------

_Odd = list[tuple[str, pl.Series, pl.Series]]


def _numeric(parsed: _Parsed, head: Head) -> tuple[dict[str, Column], dict[str, pl.Series], _Odd]:
    """Columns of numbers, columns of text, and cells in columns of numbers that hold something else.

    A column is one of numbers when at least half of its filled cells are.
    """
    comma = head.separator != ","
    columns: dict[str, Column] = {}
    labels: dict[str, pl.Series] = {}
    odd: _Odd = []
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


def _name_odd(odd: _Odd, parsed: _Parsed, faults: Faults) -> None:
    for name, series, wrong in odd:
        places = wrong.arg_true()
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        line = parsed.lines[places[0]] if parsed.lines is not None else None
        message = f"column {name[:60]!r} holds {series[places[0]][:40]!r}, which is no number{more}"
        faults.add("corrupt", message, line=line, of="columns with cells that are no numbers")


def _telling(labels: dict[str, pl.Series], parsed: _Parsed) -> list[str]:
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


def _index_names(columns: dict[str, Column], head: Head, parsed: _Parsed) -> Iterator[str]:
    """Nameless columns that number the rows: the index that a data frame was written with."""
    for name, cell in zip(head.names, head.cells, strict=False):
        if cell or name not in columns or columns[name].rows is not None:
            continue
        values = columns[name].values.to_numpy()
        counted = np.concatenate([np.arange(count) for count in parsed.counts])
        if np.array_equal(values, counted) or np.array_equal(values, counted + 1):
            yield name


def _long_form(columns: dict[str, Column], labels: dict[str, pl.Series], path: str) -> dict[str, Column]:
    """Tables with a column of tags and one of values, and those with a column that says train or val, spread out."""
    if [bare(name) for name in columns] == TENSORBOARD:
        *others, value = columns.items()
        return {**dict(others), _tag_of(path): value[1]}
    return long_form(columns, labels)


def _tag_of(path: str) -> str:
    """The tag of a series saved from TensorBoard, which is in the name of the file only."""
    stem = PurePosixPath(path).stem
    return stem.rpartition("-tag-")[2] or stem


def _hparams(found: list[tuple[int, str, str]]) -> pl.DataFrame | None:
    if not found:
        return None
    frame = pl.DataFrame(found, schema={"file": pl.UInt32, "name": pl.String, "value": pl.String}, orient="row")
    return frame.with_columns(pl.col("value").cast(pl.Float64, strict=False).alias("number"))

"""Reader of CSV, TSV and their relatives.

Small clean files with the same header are parsed as one body; any other file goes through a parser that keeps what it
can and names the rest.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from loglens.sources.base import Tables
from loglens.sources.columns import why_no_log
from loglens.sources.delimited import (
    Head,
    Rows,
    add_clean,
    is_number,
    lines_in,
    read_head,
    strict,
    tolerant,
)
from loglens.sources.inmemory import tables_of
from loglens.sources.missing import missing_ends
from loglens.sources.several import EXPORTED, Part, frame_of, parts_of, run_names, told_roles
from loglens.sources.tablecolumns import Parsed, index_names, name_odd, numeric, spread_out, telling
from loglens.sources.text import Faults, Piece, blocks_of, pieces
from loglens.sources.wide import Wide, melt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile

BATCH = 8 << 20  # bytes parsed together: more of them no longer fit the cache
WIDEST = 20_000  # columns
RAGGED = 20_000  # uneven rows after which the rest is not looked at, when they are most


@dataclass
class _Group:
    """Clean bodies below the same header."""

    head: Head
    members: list[tuple[int, Piece]] = field(default_factory=list)
    size: int = 0


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
        self.more: list[LogFile] = []
        self.roles: dict[tuple[int, str], str | None] = {}

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
        hparams = _hparams(self.hparams)
        return Tables(scalars, hparams=hparams, problems=self.problems, roles=self.roles, more=self.more)

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

    def keep(self, parsed: Parsed, head: Head, faults: Faults | None = None) -> bool:
        """Turn parsed columns into long scalars. Without `faults` only when nothing is wrong with them."""
        columns, labels, odd = numeric(parsed, head)
        if odd and faults is None:
            return False
        if faults is not None:
            name_odd(odd, parsed, faults)
        total = sum(parsed.counts)
        exported = {*columns, *labels} >= EXPORTED and not EXPORTED.isdisjoint(labels)
        inside = [] if exported else parts_of(columns, labels, total)
        if (exported or inside) and len(parsed.files) > 1:
            return False
        if exported:
            self.exported(parsed.files[0], frame_of(columns, labels, total))
            return True
        if inside:
            self.inside(parsed, inside)
            return True
        monitor = "t_start" in head.comment and "t" in columns
        columns = spread_out(columns, labels, self.files[parsed.files[0]].name)
        reason = None if monitor else why_no_log(list(columns), telling(labels, parsed))
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
            dropped=frozenset(index_names(columns, head, parsed)),
        )
        self.frames += melt(wide)
        self.problems += missing_ends(wide, self.files)
        return True

    def exported(self, index: int, frame: pl.DataFrame) -> None:
        """Read a table that `loglens export` wrote."""
        runs, found = tables_of(frame)
        places = self.named(index, runs)
        self.roles.update(told_roles(frame, dict(zip(runs, places, strict=True))))
        if found.scalars is not None:
            file = pl.Series(places, dtype=pl.UInt32).gather(found.scalars["file"])
            self.frames.append(found.scalars.with_columns(file=file))

    def inside(self, parsed: Parsed, parts: Sequence[Part]) -> None:
        """Read the runs of one table, each as a log of its own."""
        index = parsed.files[0]
        places = self.named(index, [part.run for part in parts])
        for place, part in zip(places, parts, strict=True):
            columns = spread_out(part.columns, part.labels, self.files[index].name)
            if why_no_log(list(columns)) is None:
                self.frames += melt(Wide([place], [part.count], columns))

    def named(self, index: int, runs: Sequence[str]) -> list[int]:
        """Places of new logs for the runs in a file, each in the folder of its run."""
        file = self.files[index]
        folder, _, base = file.name.rpartition("/")
        begin = len(self.files) + len(self.more)
        names = run_names(runs)
        inside = [replace(file, name=f"{folder}/{names[run]}/{base}".lstrip("/"), part=run) for run in runs]
        self.more += [replace(one, origin=file.origin or file.name) for one in inside]
        return list(range(begin, begin + len(runs)))

    def skip(self, parsed: Parsed, reason: str, *, cut: bool) -> bool:
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


def _parse_clean(head: Head, members: list[tuple[int, Piece]]) -> Parsed | None:
    """Files with the same header as one, or None when one of them is not clean."""
    counts = [lines_in(piece.data) - head.lines for _, piece in members]
    body = b"".join(memoryview(piece.data)[head.body :] for _, piece in members)
    frame = strict(body, head, sum(counts), body[: body.find(b"\n")])
    if frame is None or (frame[:, -1].null_count() and not _even(head, members, counts)):
        return None
    return Parsed(
        [index for index, _ in members], counts, list(head.names), [[series] for series in frame.get_columns()]
    )


def _even(head: Head, members: list[tuple[int, Piece]], counts: list[int]) -> bool:
    """True when the rows have as many separators as the header; too many in one row the parser has refused."""
    separator, width = head.separator.encode(), len(head.names) - 1
    if not width:
        return False
    found = (piece.data.count(separator, head.body) for _, piece in members)
    return all(count == rows * width for count, rows in zip(found, counts, strict=True))


def _parse_tolerant(index: int, head: Head, faults: Faults, stream: Iterable[Piece]) -> Parsed | str:
    """A file through the tolerant parser, or why it is no table."""
    rows = Rows(list(head.names))
    for number, piece in enumerate(stream):
        begin, above = (head.body, head.lines) if number == 0 else (0, 0)
        small = len(piece.data) < BATCH  # small files have been through the strict parser before
        if not small and add_clean(piece, head, rows, begin, above=above):
            continue
        body = replace(piece, data=piece.data[begin:], offset=piece.at(begin), line=piece.line + above)
        for block in blocks_of(body):
            if len(block.data) == len(body.data) or not add_clean(block, head, rows):
                tolerant(block, head, rows, faults)
            if rows.ragged > RAGGED and rows.ragged * 2 > len(rows.lines):
                return _uneven(rows, head)
    total = len(rows.lines)
    if not total:
        return "a header without rows"
    if rows.ragged * 2 > total and rows.ragged > 2:
        return _uneven(rows, head)
    frames = [_widened(frame, len(rows.names)) for frame in rows.frames]
    columns = [list(parts) for parts in zip(*(frame.get_columns() for frame in frames), strict=True)]
    return Parsed([index], [total], rows.names, columns, rows.lines, rows.breaks)


def _uneven(rows: Rows, head: Head) -> str:
    return f"{rows.ragged} of {len(rows.lines)} rows do not have the {len(head.names)} cells of the header"


def _widened(frame: pl.DataFrame, width: int) -> pl.DataFrame:
    missing = [pl.lit("").alias(str(place)) for place in range(frame.width, width)]
    return frame.with_columns(missing) if missing else frame


def _hparams(found: list[tuple[int, str, str]]) -> pl.DataFrame | None:
    if not found:
        return None
    frame = pl.DataFrame(found, schema={"file": pl.UInt32, "name": pl.String, "value": pl.String}, orient="row")
    return frame.with_columns(pl.col("value").cast(pl.Float64, strict=False).alias("number"))

"""Reader of JSON lines and JSON documents.

Clean files of flat records with the same keys are parsed as one body by Arrow (which reads NaN and Infinity); any other
file line by line, so that every good line is kept and every bad one named.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.json as arrow_json

from loglens.sources.base import Tables
from loglens.sources.columns import is_split, why_no_log
from loglens.sources.delimited import lines_in, numbers
from loglens.sources.jsondocs import parse, tables_of
from loglens.sources.records import Gathered
from loglens.sources.text import PIECE, Faults, Piece, is_marker, pieces
from loglens.sources.wide import Wide, column, joined, melt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile

BATCH = 16 << 20  # bytes parsed together
BLOCK = 4 << 20  # bytes Arrow parses at a time; no line of a clean file is longer
SAMPLE = 30  # lines whose keys are looked at
WIDEST = 1000  # keys
KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:')
RECORD = re.compile(rb'\{\s*"')
PREFIX = b"DLLL "
BAD_LINES = "lines that are no JSON objects"
decoder = json.JSONDecoder()


@dataclass
class _Group:
    """Clean files whose first records have the same keys."""

    members: list[tuple[int, Piece]] = field(default_factory=list)
    size: int = 0


def read(files: Sequence[LogFile]) -> Tables:
    """The scalars of JSON lines and documents; a file that is no training log is a problem of kind `skipped`."""
    return _Reading(files).run()


class _Reading:
    """Guards what one call has gathered so far."""

    def __init__(self, files: Sequence[LogFile]) -> None:
        self.files = files
        self.frames: list[pl.DataFrame] = []
        self.problems: list[Problem] = []
        self.hparams: list[tuple[int, str, str]] = []

    def run(self) -> Tables:
        groups: dict[tuple[str, ...], _Group] = {}
        for index, file in enumerate(self.files):
            faults = Faults(file, self.problems)
            stream = pieces(file, faults)
            first = next(stream, None)
            if first is None:
                continue
            second = next(stream, None)
            key = _clean_keys(first) if second is None else None
            if key is None:
                self.careful(index, faults, first, itertools.chain(() if second is None else (second,), stream))
                continue
            group = groups.setdefault(key, _Group())
            group.members.append((index, first))
            group.size += len(first.data)
            if group.size > BATCH:
                self.flush(groups.pop(key))
        for group in groups.values():
            self.flush(group)
        scalars = pl.concat(self.frames, rechunk=False) if self.frames else None
        return Tables(scalars=scalars, hparams=hparams_frame(self.hparams), problems=self.problems)

    def flush(self, group: _Group) -> None:
        """Parse the files of a group as one, or one by one where they are not clean after all."""
        wide = _parse_clean(group.members)
        if wide is not None:
            self.keep(wide)
            return
        for index, piece in group.members:
            alone = _parse_clean([(index, piece)]) if len(group.members) > 1 else None
            if alone is not None:
                self.keep(alone)
            else:
                self.careful(index, Faults(self.files[index], self.problems), piece, ())

    def careful(self, index: int, faults: Faults, first: Piece, rest: Iterable[Piece]) -> None:
        """Read a file of any size and in any state."""
        kind = _kind(first.data)
        following = iter(rest)
        if kind == "document":
            second = next(following, None)
            if second is None:
                self.document(index, faults, first)
            elif _loads(first.data.strip().partition(b"\n")[0]) is not None:
                self.lines(index, faults, itertools.chain((first, second), following))
            else:
                faults.add("unreadable", f"a JSON document of more than {PIECE >> 20} MB is not read")
        elif kind == "lines":
            self.lines(index, faults, itertools.chain((first,), following))
        else:
            self.skip([index], "no JSON object or list")

    def document(self, index: int, faults: Faults, piece: Piece) -> None:
        """Read one JSON value."""
        before = len(self.problems)
        value = parse(piece, faults)
        if value is None and _several(piece.data):
            self.lines(index, faults, (piece,))
            return
        if value is None:
            if len(self.problems) == before:
                self.skip([index], "no JSON object or list")
            return
        file = self.files[index]
        found = tables_of(value, index, file.name, single=file.format == "jsonl")
        if found.reason is not None:
            self.skip([index], found.reason)
            return
        self.hparams += [(index, name, shown) for name, shown in found.hparams]
        for table in found.tables:
            self.frames += melt(table)

    def lines(self, index: int, faults: Faults, stream: Iterable[Piece]) -> None:
        """Read records line by line."""
        gathered = Gathered()
        parts: list[Wide] = []
        for piece in stream:
            clean = _parse_clean([(index, piece)]) if len(piece.data) > BATCH and _clean_keys(piece) else None
            if clean is not None:
                parts += [gathered.wide(index)] if gathered.count else []
                parts.append(clean)
                gathered = Gathered()
                continue
            for record in _records(piece, faults):
                gathered.add(record)
        bad = sum(number for (_, of), number in faults.counts.items() if of == BAD_LINES)
        if bad > 2 * gathered.count + 3 and not parts:
            self.skip([index], f"text with {gathered.count} JSON objects in {bad + gathered.count} lines")
            return
        self.hparams += [(index, name, shown) for name, shown in gathered.hparams]
        if gathered.count:
            parts.append(gathered.wide(index))
        if parts:
            self.keep(parts[0] if len(parts) == 1 else joined(parts))
        elif not faults.counts:
            self.skip([index], "hyper-parameters only, no records")

    def keep(self, wide: Wide) -> None:
        """Turn rows into long scalars, unless they are no log."""
        reason = why_no_log(list(wide.columns))
        if reason is None:
            self.frames += melt(wide)
        else:
            self.skip(wide.files, reason)

    def skip(self, indexes: Sequence[int], reason: str) -> None:
        """Name files that are no training logs."""
        for index in indexes:
            Faults(self.files[index], self.problems).skip(reason, cut=True)


def _kind(data: bytes) -> str:
    """document, lines or other, by the first lines."""
    filled = [line for line in map(bytes.strip, data[:262144].splitlines()) if line]
    if not filled:
        return "other"
    records = [bool(line.startswith(PREFIX) or RECORD.match(line)) for line in filled[:20]]
    if filled[0].startswith(b"["):
        return "document" if sum(records) < 2 else "lines"
    if filled[0].startswith(b"{") and not any(records[1:]):
        return "lines" if len(filled) > 1 and _loads(filled[0]) is not None else "document"
    return "lines" if any(records) else "other"


def _several(data: bytes) -> bool:
    """True for whole objects one behind the other on the same line."""
    return len(_rest(data.decode(errors="replace").strip())[0]) > 1


# --- clean files ------------------------------------------------------------------------------------------------------


def _clean_keys(piece: Piece) -> tuple[str, ...] | None:
    """The keys of the first record of a file of flat records, one a line; None when it is not such a file."""
    data = piece.data
    end = data.find(b"\n")
    if data[:1] != b"{" or data[-1:] != b"\n" or piece.width or end == len(data) - 1:
        return None
    rows = lines_in(data)
    if b"[" in data or b"\0" in data or data.count(b"{") != rows or data.count(b"}") != rows:
        return None
    found = _loads(data[:end])
    return tuple(found) if found else None


def _loads(line: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _parse_clean(members: list[tuple[int, Piece]]) -> Wide | None:
    """Flat records of several files as one table, or None when they are not clean."""
    counts = [lines_in(piece.data) for _, piece in members]
    body = b"".join(piece.data for _, piece in members) if len(members) > 1 else members[0][1].data
    types = _sampled(members[0][1].data)
    table = None if types is None else _arrow(body, types)
    if table is None and types is not None:
        late = set(KEY.findall(body)) if len(body) <= 2 * BATCH else set()
        names = [name.decode() for name in late if b"\\" not in name]
        fresh = [name for name in names if name not in types]
        if fresh and len(names) <= WIDEST:
            table = _arrow(body, {**types, **dict.fromkeys(sorted(fresh), pa.float64())})
    if table is None or table.num_rows != sum(counts):
        return None
    frame = pl.from_arrow(table)
    return _wide(frame, [index for index, _ in members], counts) if isinstance(frame, pl.DataFrame) else None


def _sampled(data: bytes) -> dict[str, pa.DataType] | None:
    """Types of the keys in the first records; None when a value is neither a number, a text, a boolean nor null."""
    types: dict[str, pa.DataType] = {}
    for line in data[: SAMPLE * 4096].splitlines()[:SAMPLE]:
        for name, value in (_loads(line) or {}).items():
            kind = pa.bool_() if isinstance(value, bool) else pa.string() if isinstance(value, str) else pa.float64()
            if types.setdefault(name, kind) != kind and value is not None:
                return None
    return types if types and "" not in types else None


def _arrow(body: bytes, types: dict[str, pa.DataType]) -> pa.Table | None:
    if len(types) > WIDEST:
        return None
    schema = pa.schema(list(types.items()))
    try:
        return arrow_json.read_json(
            pa.BufferReader(body),
            read_options=arrow_json.ReadOptions(block_size=BLOCK),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None


def _wide(frame: pl.DataFrame, files: list[int], counts: list[int]) -> Wide | None:
    columns = {}
    for series in frame.get_columns():
        if series.dtype == pl.String:
            if is_split(series.name):
                return None
            values, _ = numbers(series)
        elif series.dtype == pl.Float64:
            values = series.rechunk()
        else:
            continue
        if values.null_count() < len(values):
            columns[series.name] = column(values)
    return Wide(files, counts, columns)


# --- any other lines --------------------------------------------------------------------------------------------------


def _records(piece: Piece, faults: Faults) -> Iterator[dict[str, object]]:
    """The records of a piece; what is none is a problem with its line and offset."""
    position, number = 0, piece.line - 1
    for raw in piece.data.splitlines(keepends=True):
        number, place = number + 1, position
        position += len(raw)
        line = raw.strip()
        if not line:
            continue
        offset = piece.at(place)
        if is_marker(line):
            faults.add("corrupt", "a merge-conflict marker", offset=offset, line=number, of="merge-conflict markers")
            continue
        found, message = _line(line.removeprefix(PREFIX).decode(errors="replace"))
        yield from found
        if message is not None:
            cut = raw[-1:] not in (b"\n", b"\r") and message.startswith("not JSON")
            if cut:
                faults.add("truncated", "the last line is cut", offset=offset, line=number)
            else:
                faults.add("corrupt", message, offset=offset, line=number, of=BAD_LINES)


def _line(source: str) -> tuple[list[dict[str, object]], str | None]:
    """The records of a line, and what is wrong with it.

    Where a writer died in the middle of a line, the next one has gone on behind it: the record behind the cut is kept.
    """
    try:
        value = json.loads(source)
    except ValueError as error:
        found, whole = _rest(source)
        return found, None if whole else f"not JSON: {getattr(error, 'msg', error)}"
    except RecursionError:
        return [], "nested too deeply"
    return ([value], None) if isinstance(value, dict) else ([], "not a JSON object")


def _rest(source: str) -> tuple[list[dict[str, object]], bool]:
    """Whole records in a line that is not one record: those at its begin, or the last one; and whether that is all."""
    found: list[dict[str, object]] = []
    place = 0
    while source.startswith("{", place):
        try:
            value, place = decoder.raw_decode(source, place)
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict):
            found.append(value)
        while source[place : place + 1].isspace():
            place += 1
    if place == len(source):
        return found, True
    behind = source.rfind('{"', place)
    if behind > place and source[place:behind].rstrip()[-1:] not in ("", ":", ",", "["):  # else it is nested
        last = _loads(source[behind:].encode(errors="replace"))
        found += [last] if last is not None else []
    return found, False


def hparams_frame(found: list[tuple[int, str, str]]) -> pl.DataFrame | None:
    """Hyper-parameters with the columns of `Tables.hparams`; None when there are none."""
    if not found:
        return None
    frame = pl.DataFrame(found, schema={"file": pl.UInt32, "name": pl.String, "value": pl.String}, orient="row")
    return frame.with_columns(pl.col("value").cast(pl.Float64, strict=False).alias("number"))

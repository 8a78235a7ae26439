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

from loglens.sources.base import Tables
from loglens.sources.columns import why_no_log
from loglens.sources.jsonclean import BATCH, clean_keys, loads, parse_clean
from loglens.sources.jsondocs import parse, tables_of
from loglens.sources.missing import missing_ends
from loglens.sources.records import Gathered
from loglens.sources.serials import serials, single_record
from loglens.sources.text import PIECE, Faults, Piece, blocks_of, is_marker, pieces
from loglens.sources.wide import Wide, joined, melt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile

RECORD = re.compile(rb'\{\s*"')
PREFIX = b"DLLL "
PATIENCE = 50_000  # lines that are no JSON, beyond twice those that are
NAMES = 20_000  # keys of all records
BAD_LINES = "lines that are no JSON objects"
decoder = json.JSONDecoder(strict=False)  # control characters in a text are harmless


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
        told = {index for places in serials(self.files) for index in self.serial(places)}
        for index, file in enumerate(self.files):
            if index in told:
                continue
            faults = Faults(file, self.problems)
            stream = pieces(file, faults)
            first = next(stream, None)
            if first is None:
                continue
            second = next(stream, None)
            key = clean_keys(first) if second is None else None
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

    def serial(self, places: Sequence[int]) -> list[int]:
        """Read files of one record each as one log, which the first of them stands for; the files that are in it."""
        found = {index: record for index in places if (record := single_record(self.files[index]))}
        gathered = Gathered()
        for record in found.values():
            gathered.add(record)
        wide = gathered.wide(next(iter(found), 0))
        if 2 * len(found) < len(places) or why_no_log(list(wide.columns)) is not None:
            return []
        self.keep(wide)
        return list(found)

    def flush(self, group: _Group) -> None:
        """Parse the files of a group as one, or one by one where they are not clean after all."""
        wide = parse_clean(group.members)
        if wide is not None:
            self.keep(wide)
            return
        for index, piece in group.members:
            alone = parse_clean([(index, piece)]) if len(group.members) > 1 else None
            if alone is not None:
                self.keep(alone)
            else:
                self.careful(index, Faults(self.files[index], self.problems), piece, ())

    def careful(self, index: int, faults: Faults, first: Piece, rest: Iterable[Piece]) -> None:
        """Read a file of any size and in any state."""
        kind = _kind(first.data)
        following = iter(rest)
        if (
            kind == "lines"
            and first.data.lstrip()[:2].rstrip() in (b"{", b"[")
            and parse(first, Faults(faults.file, []))
        ):
            kind = "document"  # with its records on lines of their own
        if kind == "document":
            second = next(following, None)
            if second is None:
                self.document(index, faults, first)
            elif loads(first.data.strip().partition(b"\n")[0]) is not None:
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
        if value is None and len(self.problems) == before and self.concatenated(index, faults, piece):
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
            self.problems += missing_ends(table, self.files)

    def concatenated(self, index: int, faults: Faults, piece: Piece) -> bool:
        """Read whole objects one behind the other, over any number of lines; False when there are not several."""
        found, whole = _rest(piece.data.decode(errors="replace").strip())
        if len(found) < 2:
            return False
        gathered = Gathered()
        for record in found:
            gathered.add(record)
        self.hparams += [(index, name, shown) for name, shown in gathered.hparams]
        self.keep(gathered.wide(index))
        if not whole:
            faults.add("truncated", "the last object is cut or damaged", offset=piece.offset)
        return True

    def lines(self, index: int, faults: Faults, stream: Iterable[Piece]) -> None:
        """Read records line by line."""
        gathered = Gathered()
        parts: list[Wide] = []
        for piece in stream:
            clean = parse_clean([(index, piece)]) if len(piece.data) > BATCH and clean_keys(piece) else None
            if clean is not None:
                parts += [gathered.wide(index)] if gathered.count else []
                parts.append(clean)
                gathered = Gathered()
                continue
            for block in blocks_of(piece):
                for record in _records(block, faults):
                    gathered.add(record)
                reason = None if parts else _no_log(gathered, faults, PATIENCE)
                if reason is not None:
                    self.skip([index], reason)
                    return
        reason = None if parts else _no_log(gathered, faults, 3)
        if reason is not None:
            self.skip([index], reason)
            return
        self.hparams += [(index, name, shown) for name, shown in gathered.hparams]
        if gathered.count:
            parts.append(gathered.wide(index))
        if parts:
            self.keep(parts[0] if len(parts) == 1 else joined(parts), gathered.telling())
        elif not faults.counts:
            self.skip([index], "hyper-parameters only, no records")

    def keep(self, wide: Wide, labels: Iterable[str] = ()) -> None:
        """Turn rows into long scalars, unless they are no log."""
        reason = why_no_log(list(wide.columns), labels)
        if reason is None:
            self.frames += melt(wide)
            self.problems += missing_ends(wide, self.files)
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
        return "lines" if len(filled) > 1 and loads(filled[0]) is not None else "document"
    return "lines" if any(records) else "other"


# --- any other lines --------------------------------------------------------------------------------------------------


def _no_log(gathered: Gathered, faults: Faults, patience: int) -> str | None:
    """Why what was read so far is no log, once more than `patience` lines speak against it."""
    bad = sum(number for (_, of), number in faults.counts.items() if of == BAD_LINES)
    if bad > 2 * gathered.count + patience:
        return f"text with {gathered.count} JSON objects in {bad + gathered.count} lines"
    return f"records of more than {NAMES} names" if len(gathered.rows) > NAMES else None


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
    source = source.lstrip("\ufeff")  # files put behind each other each begin with a mark
    try:
        value = decoder.decode(source)
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
        last = loads(source[behind:].encode(errors="replace"))
        found += [last] if last is not None else []
    return found, False


def hparams_frame(found: list[tuple[int, str, str]]) -> pl.DataFrame | None:
    """Hyper-parameters with the columns of `Tables.hparams`; None when there are none."""
    if not found:
        return None
    frame = pl.DataFrame(found, schema={"file": pl.UInt32, "name": pl.String, "value": pl.String}, orient="row")
    return frame.with_columns(pl.col("value").cast(pl.Float64, strict=False).alias("number"))

"""Delimited text to columns: the head of the file, a strict parser for clean bodies and a tolerant one for the rest."""

from __future__ import annotations

import csv
import json
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.columns import is_counter, is_metric, unique_names
from loglens.sources.text import is_marker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loglens.sources.text import Faults, Piece

HEAD = 1 << 20  # bytes within which the header must end
MOST = 30_000  # cells of a line that are looked at
MOST_FRESH = 100  # columns that later headers may add: every row takes a cell of each
SEPARATORS = (",", ";", "\t", "|")
BLANK = frozenset({"", "none", "null", "na", "n/a", "<na>", "nil", "-", "--"})
MINUS = "\u2212"  # as typesetting and spreadsheets write it
BOOLEAN = frozenset({"true", "false"})
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Head:
    """What stands above the rows: separator, unique column names, values of a JSON comment, where the rows begin."""

    separator: str
    names: tuple[str, ...]
    cells: tuple[str, ...]  # the header as written, stripped
    body: int  # position in the first piece
    lines: int  # number of lines above the rows
    comment: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Rows:
    """Rows as strings, column by column; `lines` are their line numbers, `breaks` rows before which a header stood."""

    names: list[str]
    frames: list[pl.DataFrame] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))
    breaks: list[int] = field(default_factory=list)
    ragged: int = 0
    slots: list[int] | None = None  # column of each cell since a header with other columns


def is_number(cell: str) -> bool:
    """True when the whole cell is a number as a log writes it."""
    return NUMBER.fullmatch(cell.strip().removesuffix("%")) is not None


def split(line: str, separator: str) -> list[str]:
    """The cells of a line, stripped. A quoted cell ends with its line: logs hold numbers, and a lost quote must not
    swallow the rest of the file."""
    if '"' in line:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]
        except csv.Error:
            pass
    return [cell.strip() for cell in line.split(separator, MOST)]


# --- the head ---------------------------------------------------------------------------------------------------------


def read_head(data: bytes) -> Head | None:
    """The head of a file from its first piece; None when there is no line but comments."""
    comment: dict[str, object] = {}
    described = ""
    for number, start, raw in _lines(data):
        text = raw.decode(errors="replace").strip()
        if not text or is_marker(raw):
            continue
        if text.startswith("#") and not text.startswith("#,"):
            described = text.lstrip("# ")
            comment.update(_values(described))
            continue
        sample = [text, *_sample(data[start + len(raw) :])]
        separator = _sniff([described, *sample] if described and _headless(text) else sample)
        if described and _headless(text) and len(split(described, separator)) == len(split(text, separator)):
            return _head(separator, split(described, separator), start, number, comment)
        cells = split(text, separator)
        if _all(sample[1:], separator, len(cells) + 1):
            cells = ["", *cells]  # an index without a name
        return _head(separator, cells, start + len(raw), number + 1, comment)
    return None


def _head(separator: str, cells: list[str], body: int, lines: int, comment: Mapping[str, object]) -> Head:
    return Head(separator, tuple(unique_names(cells)), tuple(cells), body, lines, comment)


def _lines(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number from 0, position and bytes of each line with its end, in the first megabyte."""
    position = 0
    for number, raw in enumerate(data[:HEAD].splitlines(keepends=True)):
        yield number, position, raw
        position += len(raw)


def _sample(data: bytes) -> list[str]:
    """Up to 20 lines that hold something."""
    found: list[str] = []
    for raw in data[:65536].splitlines():
        text = raw.decode(errors="replace")
        if text.strip() and not text.startswith("#"):
            found.append(text)
        if len(found) == 20:
            break
    return found


def _values(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _headless(text: str) -> bool:
    return any(is_number(cell) for cell in re.split(r"[,;\t|]", text))


def _all(lines: Sequence[str], separator: str, width: int) -> bool:
    rows = [split(line, separator) for line in lines]
    return bool(rows) and all(len(row) == width and row[-1] for row in rows)


def _sniff(lines: Sequence[str]) -> str:
    """The separator that gives most lines as many cells as the header; among equals the one with most cells."""
    best, found = (0.0, 0), ","
    for separator in SEPARATORS:
        widths = Counter(len(split(line, separator)) for line in lines)
        width = len(split(lines[0], separator))
        score = (round(widths[width] / len(lines), 3), width)
        if width > 1 and score > best:
            best, found = score, separator
    return found


# --- clean bodies -----------------------------------------------------------------------------------------------------


def lines_in(data: bytes) -> int:
    """Number of line ends; four times as fast as `bytes.count` on short lines."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == 10))


def strict(body: bytes, head: Head, rows: int, probe: bytes) -> pl.DataFrame | None:
    """The columns of a clean body (`rows` lines, every line ended), Float64 or String, named by place; else None.

    `probe` is a line of it. Rows with too few cells are not noticed here when their last column may be empty: the
    caller counts separators then.
    """
    types = _types(probe.decode(errors="replace"), head)
    if types is None:
        return None
    try:
        frame = pl.read_csv(body, has_header=False, schema=types, separator=head.separator, quote_char=None)
    except (pl.exceptions.PolarsError, ValueError):
        return None
    return frame if frame.height == rows else None


def _types(probe: str, head: Head) -> dict[str, pl.DataType] | None:
    cells = probe.rstrip("\r\n").split(head.separator)
    if len(cells) != len(head.names):
        return None
    plain = [not cell or NUMBER.fullmatch(cell) for cell in cells]
    return {str(place): pl.Float64() if easy else pl.String() for place, easy in enumerate(plain)}


def numbers(texts: pl.Series, comma: bool = False) -> tuple[pl.Series, pl.Series]:
    """Float64 values (null where a cell holds none), and a mask of cells that hold something that is no number.

    Percent signs are dropped (45% is 45); with `comma` a decimal comma is understood.
    """
    plain = texts.str.strip_chars().fill_null("")
    values = plain.cast(pl.Float64, strict=False)
    odd = values.is_null() & (plain != "")
    if not odd.any():
        return values, odd
    other = plain.str.strip_suffix("%").str.strip_chars_end().str.replace_all(MINUS, "-", literal=True)
    if comma:
        other = other.str.replace(r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$", "$1.$2")
    again = other.cast(pl.Float64, strict=False)
    values = values.zip_with(~odd, again)
    return values, odd & values.is_null() & ~plain.str.to_lowercase().is_in(list(BLANK | BOOLEAN))


# --- damaged bodies ---------------------------------------------------------------------------------------------------


def tolerant(piece: Piece, head: Head, rows: Rows, faults: Faults, begin: int = 0, *, above: int = 0) -> None:
    """Add the rows of a piece to `rows` as strings, each problem with its line.

    `begin` is the position of the first row in the piece, `above` the number of lines before it.
    """
    table: list[list[str]] = []
    done = len(rows.lines)
    number, position = piece.line + above - 1, begin
    for raw in (piece.data[begin:] if begin else piece.data).splitlines(keepends=True):
        number, place = number + 1, position
        position += len(raw)
        part = raw.rstrip(b"\r\n")
        if not part.strip() or part.lstrip().startswith(b"#"):
            continue
        if is_marker(part):
            faults.add("corrupt", "a merge-conflict marker", offset=piece.at(place), line=number, of="markers")
            continue
        cells = split(part.decode(errors="replace"), head.separator)
        if part == raw:
            width = len(rows.slots or head.names)
            cells = _cut(part, cells, head, piece, place, number, faults)[:width]
            cells += [""] * (width - len(cells))
        if _is_header(cells, rows.names):
            rows.slots = _slots(cells, head, rows.names)
            if rows.slots is not None and -1 in rows.slots:
                message = f"a header that adds to {MOST_FRESH} columns beyond the first: the others are not read"
                faults.add("unreadable", message, line=number, of="headers with further columns")
            rows.breaks.append(done + len(table))
            continue
        table.append(_fitted(cells, rows, head, faults, number))
        rows.lines.append(number)
    _store(table, rows)


def _cut(part: bytes, cells: list[str], head: Head, piece: Piece, place: int, number: int, faults: Faults) -> list[str]:
    """The last line of a file without a line end: its last cell may be half a number, so it is none."""
    last = part.rfind(head.separator.encode()) + 1
    message = "the last line has no end; its last cell may be cut and is not used"
    faults.add("truncated", message, offset=piece.at(place + last), line=number)
    return [*cells[:-1], ""]


def _is_header(cells: list[str], names: list[str]) -> bool:
    """A row of names: the header again, after a restart perhaps with other columns."""
    if not cells or is_number(cells[0]) or any(is_number(cell) for cell in cells):
        return False
    known = sum(cell in names for cell in cells)
    if known == len(cells):
        return True
    filled = all(cell and cell.lower() not in BLANK for cell in cells)
    return filled and known * 2 >= len(cells) and any(is_counter(cell) or is_metric(cell) for cell in cells)


def _slots(cells: list[str], head: Head, names: list[str]) -> list[int] | None:
    """The place of each cell in the columns, -1 beyond the most there may be; None for those of the first header."""
    fresh = unique_names(cells)
    if tuple(fresh) == head.names:
        return None
    room = len(head.names) + MOST_FRESH - len(names)
    names.extend([name for name in fresh if name not in names][:room])
    places = {name: place for place, name in enumerate(names)}
    return [places.get(name, -1) for name in fresh]


def _fitted(cells: list[str], rows: Rows, head: Head, faults: Faults, number: int) -> list[str]:
    """The cells by column; a row of another length keeps what it has."""
    slots = rows.slots
    width = len(head.names) if slots is None else len(slots)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) != width:
        message = f"a row with {len(cells)} cells where the header has {width}"
        faults.add("corrupt", message, line=number, of="rows with a wrong number of cells")
        rows.ragged += 1
        cells = cells[:width] + [""] * (width - len(cells))
    if any("\0" in cell for cell in cells):
        faults.add("corrupt", "a row with NUL bytes", line=number, of="rows with NUL bytes")
        cells = ["" if "\0" in cell else cell for cell in cells]
    if slots is None:
        return cells
    out = [""] * len(rows.names)
    for slot, cell in zip(slots, cells, strict=True):
        if slot >= 0:
            out[slot] = cell
    return out


def add_clean(piece: Piece, head: Head, rows: Rows, begin: int = 0, *, above: int = 0) -> bool:
    """Add the rows of a piece of a large file by the strict parser; False when it is not clean."""
    data = piece.data[begin:] if begin else piece.data
    if rows.slots is not None or piece.width or data[-1:] != b"\n" or b'"' in data or b"\0" in data:
        return False
    count = lines_in(data)
    frame = strict(data, head, count, data[: data.find(b"\n")])
    separators = count * (len(head.names) - 1)
    if frame is None or data.count(head.separator.encode()) != separators:
        return False
    if not separators and (frame[:, 0].null_count() or data.startswith(b"\n") or b"\n\n" in data):
        return False  # a blank line is no row
    if any(numbers(series, head.separator != ",")[1].any() for series in frame if series.dtype == pl.String):
        return False
    rows.frames.append(frame)
    rows.lines.extend(range(piece.line + above, piece.line + above + count))
    return True


def _store(table: list[list[str]], rows: Rows) -> None:
    if not table:
        return
    width = len(rows.names)
    for row in table:
        row.extend([""] * (width - len(row)))
    columns = zip(*table, strict=True)
    rows.frames.append(pl.DataFrame({str(place): pl.Series(cells) for place, cells in enumerate(columns)}))

"""Clean JSON lines: flat records with the same keys, of many files at once, parsed by Arrow (which reads NaN)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.json as arrow_json

from loglens.sources.columns import TAGS, VALUES, bare, is_split
from loglens.sources.delimited import lines_in, numbers
from loglens.sources.wide import Wide, column

if TYPE_CHECKING:
    from loglens.sources.text import Piece

BATCH = 16 << 20  # bytes parsed together
BLOCK = 4 << 20  # bytes Arrow parses at a time; no line of a clean file is longer
SAMPLE = 30  # lines whose keys are looked at
WIDEST = 1000  # keys
KEY = re.compile(rb'"((?:[^"\\]++|\\.)*+)"\s*:')


def clean_keys(piece: Piece) -> tuple[str, ...] | None:
    """The keys of the first record of a file of flat records, one a line; None when it is not such a file."""
    data = piece.data
    end = data.find(b"\n")
    if data[:1] != b"{" or data[-1:] != b"\n" or piece.width or end == len(data) - 1:
        return None
    rows = lines_in(data)
    if b"[" in data or b"\0" in data or data.count(b"{") != rows or data.count(b"}") != rows:
        return None
    found = loads(data[:end])
    return tuple(found) if found else None


def loads(line: bytes) -> dict[str, object] | None:
    """The object that a line is, None when it is none."""
    try:
        found = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def parse_clean(members: list[tuple[int, Piece]]) -> Wide | None:
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
        for name, value in (loads(line) or {}).items():
            kind = pa.bool_() if isinstance(value, bool) else pa.string() if isinstance(value, str) else pa.float64()
            if types.setdefault(name, kind) != kind and value is not None:
                return None
    return types if types and "" not in types else None


def _arrow(body: bytes, types: dict[str, pa.DataType]) -> pa.Table | None:
    if len(types) > WIDEST:
        return None
    try:
        schema = pa.schema(list(types.items()))
        return arrow_json.read_json(
            pa.BufferReader(body),
            read_options=arrow_json.ReadOptions(block_size=BLOCK),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
    except (pa.ArrowException, UnicodeError):  # a name with half a character has no UTF-8
        return None


def _wide(frame: pl.DataFrame, files: list[int], counts: list[int]) -> Wide | None:
    columns = {}
    for series in frame.get_columns():
        if series.dtype == pl.String:
            if is_split(series.name) or (bare(series.name) in TAGS and any(bare(n) in VALUES for n in frame.columns)):
                return None
            values, _ = numbers(series)
        elif series.dtype == pl.Float64:
            values = series.rechunk()
        else:
            continue
        if values.null_count() < len(values):
            columns[series.name] = column(values)
    return Wide(files, counts, columns)

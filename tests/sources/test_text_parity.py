"""Every value of real tables and JSON lines, as pandas and json read them."""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from textlogs import series

from loglens.sources import jsonlogs, tables
from loglens.sources.base import LogFile, Tables
from loglens.sources.columns import is_clock, is_counter
from loglens.sources.delimited import read_head

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ["real", "labelled"]


def read_one(path: Path, form: str) -> Tables:
    file = LogFile(str(path), path.name, path.stat().st_size, form)
    return (tables if form == "csv" else jsonlogs).read([file])


def number(cell: object) -> float | None:
    """The number of a cell or JSON value, None for anything else."""
    if isinstance(cell, bool) or cell is None:
        return None
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def compare(found: Tables, wanted: dict[str, list[float]], path: Path) -> int:
    """Assert that each column is there with all its values, unless it is the axis or the clock of the others."""
    mine = series(found)
    for name, values in wanted.items():
        if name not in mine:
            assert is_counter(name) or is_clock(name) or not name.strip(), (path, name)
            continue
        if any(problem.kind == "truncated" for problem in found.problems):  # the last number may be cut: it is no value
            values = values[: max(len(mine[name]), len(values) - 1)]
        assert list(map(repr, mine[name])) == list(map(repr, values)), (path, name)
    assert set(mine) <= set(wanted), path
    return sum(map(len, mine.values()))


@pytest.mark.parametrize("part", PARTS)
def test_tables(corpus: Path, part: str) -> None:
    compared = 0
    for path in sorted(path for path in (corpus / part).rglob("*") if path.suffix in (".csv", ".tsv")):
        found = read_one(path, "csv")
        head = read_head(path.read_bytes()[:100_000])
        if found.scalars is None or head is None or head.comment:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pd.read_csv(path, sep=head.separator, dtype=str, keep_default_na=False, skipinitialspace=True)
        wanted = {}
        for name, cells in frame.items():
            values = [value for cell in cells if (value := number(str(cell).strip())) is not None]
            if values and 2 * len(values) >= sum(bool(str(cell).strip()) for cell in cells):
                wanted[str(name).strip()] = values
        compared += compare(found, wanted, path)
    assert compared > (20_000 if part == "real" else 2_000)


def flat(record: dict[str, object], folder: str = "") -> dict[str, object]:
    """Names joined by `/`, without media (objects with a `_type`), which are no values."""
    out: dict[str, object] = {}
    if "_type" in record:
        return out
    for name, value in record.items():
        out |= flat(value, f"{folder}{name}/") if isinstance(value, dict) else {folder + name: value}
    return out


@pytest.mark.parametrize("part", PARTS)
def test_json_lines(corpus: Path, part: str) -> None:
    compared = 0
    for path in sorted(path for path in (corpus / part).rglob("*") if path.suffix in (".jsonl", ".ndjson", ".json")):
        try:
            records = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        except ValueError:
            continue  # documents, prefixes, damage: other tests
        if len(records) < 2 or not all(isinstance(record, dict) for record in records):
            continue
        found = read_one(path, "jsonl")
        if found.scalars is None:
            continue
        wanted: dict[str, list[float]] = defaultdict(list)
        for record in records:
            for name, value in flat(record).items():
                if (read := number(value)) is not None:
                    wanted[name].append(read)
        compared += compare(found, wanted, path)
    assert compared > (5_000 if part == "real" else 1_000)

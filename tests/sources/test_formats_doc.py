"""The page on formats says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from loglens.sources import (
    archives,
    claims,
    columnar,
    framing,
    jsonlogs,
    names,
    packing,
    tables,
    text,
    textlog,
)
from loglens.sources.checkpoints import ENDINGS
from loglens.sources.formats import FORMATS
from loglens.sources.remote import SCHEMES

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", ["tensorboard", "csv", "jsonl", "json", "parquet", "arrow"])
def test_every_ending_is_named(key: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{key}` |")]
    assert [ending for ending in FORMATS[key].endings if f"`{ending}`" not in row] == []


def test_endings_and_schemes_are_named() -> None:
    assert [ending for ending in (*packing.ENDINGS, *ENDINGS) if f"`{ending}`" not in PAGE] == []
    assert [s for s in SCHEMES if s not in ("gcs", "viewfs", "abfss") and f"`{s}://" not in PAGE] == []


@pytest.mark.parametrize(
    "told",
    [
        f"to {packing.LIMIT >> 30} GiB, and beyond {packing.UNSUSPECTED >> 20} MiB to at most {packing.RATIO} times",
        f"| {archives.MEMBERS:,}, {claims.MEMBERS:,} |",
        f"| {claims.NESTED} |",
        f"| {archives.KEPT >> 30} GiB; {archives.EXPANDED >> 30} GiB |",
        f"| {claims.STREAMED >> 30} GiB |",
        f"| {archives.DIRECTORY >> 20} MiB |",
        f"columns of a CSV, Parquet or Arrow table | {tables.WIDEST:,} |",
        f"keys in all records of a JSON-lines file | {jsonlogs.NAMES:,} |",
        f"beyond twice those that are | {jsonlogs.PATIENCE:,} |",
        f"uneven rows of a CSV, when they are most | {tables.RAGGED:,} |",
        f"a line of a text file | {text.PIECE >> 20} MiB |",
        f"kinds of lines of a text log | {textlog.KINDS[0]:,}, and one more for {textlog.KINDS[1]} lines |",
        f"names in a text log | {textlog.NAMES:,} |",
        f"first {textlog.HOPELESS >> 20} MB or its first {textlog.HOPELESS_LINES:,} lines with numbers",
        f"names of one run whose role is looked for | {names.LOOKED_AT:,}, telling ones first |",
        f"| {framing.SEARCHED >> 20} MiB, {framing.SEARCHED * framing.ZEROS >> 30} GiB of zeros |",
        f"places of damage in an event file | {framing.MAX_DAMAGE:,} |",
        f"problems of one sort in one file | {text.SHOWN} |",
        f"{packing.LINES // 1_000_000} million lines of less than {packing.TINY} bytes",
    ],
)
def test_limits_are_those_of_the_code(told: str) -> None:
    assert told in PAGE


def test_two_limits_on_columns_are_one() -> None:
    assert columnar.COLUMNS == tables.WIDEST

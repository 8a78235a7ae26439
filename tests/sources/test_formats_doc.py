"""The page on formats says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from loglens.sources import archives, claims, packing
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
    ],
)
def test_limits_are_those_of_the_code(told: str) -> None:
    assert told in PAGE

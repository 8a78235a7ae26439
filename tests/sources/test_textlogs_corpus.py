"""Every number of every CSV and JSONL of the collection, against what the csv and json modules give."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from textlogs import READERS

from loglens.sources.base import LogFile
from loglens.sources.columns import is_clock, is_counter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from loglens.sources.base import Tables

NO_LOGS = {"summary.csv", "MANIFEST.csv"}


def _number(cell: object) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _flat(record: dict, folder: str = "") -> Iterable[tuple[str, object]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from () if "_type" in value else _flat(value, f"{folder}{name}/")
        else:
            yield folder + name, value


def _csv_rows(path: Path) -> list[dict[str, object]]:
    with path.open(newline="") as stream:
        lines = [line for line in stream if not line.startswith("#")]
    if not lines[-1].endswith("\n"):  # its last number may be cut
        lines[-1] = lines[-1].rpartition(",")[0]
    separator = max(",;\t", key=lines[0].count)
    header, *rows = csv.reader(lines, delimiter=separator)
    names = [name.strip() for name in header]
    return [dict(zip(names, row, strict=False)) for row in rows if row != header]


def _json_rows(path: Path) -> list[dict[str, object]]:
    return [dict(_flat(json.loads(line))) for line in path.read_text().splitlines() if line.startswith("{")]


def _compare(found: Tables, rows: list[dict[str, object]]) -> None:
    wanted: dict[str, list[str]] = {}
    for row in rows:
        for name, cell in row.items():
            value = _number(cell)
            if value is not None:
                wanted.setdefault(name, []).append(repr(value))
    assert found.scalars is not None
    got: dict[str, list[str]] = {}
    for tag, value in found.scalars.select("tag", "value").iter_rows():
        got.setdefault(tag, []).append(repr(value))
    assert got.keys() <= wanted.keys()
    assert all(got[tag] == wanted[tag] for tag in got)
    missing = wanted.keys() - got.keys()
    assert all(is_counter(name) or is_clock(name) or name == "t" for name in missing), missing


@pytest.mark.parametrize(("pattern", "form"), [("*.csv", "csv"), ("*.tsv", "csv"), ("*.jsonl", "jsonl")])
def test_every_value(corpus: Path, pattern: str, form: str) -> None:
    paths = [path for path in sorted(corpus.rglob(pattern)) if path.name not in {*NO_LOGS, "labels.jsonl"}]
    assert paths
    for path in paths:
        found = READERS[form]([LogFile(str(path), path.name, path.stat().st_size, form)])
        _compare(found, _csv_rows(path) if form == "csv" else _json_rows(path))


def test_files_read_in_one_call_give_the_same(corpus: Path) -> None:
    paths = sorted(path for path in corpus.rglob("*.csv") if path.name not in NO_LOGS)
    files = [LogFile(str(path), str(path.relative_to(corpus)), path.stat().st_size, "csv") for path in paths]
    together = READERS["csv"](files)
    assert together.scalars is not None
    columns = ["tag", "step", "wall_time", "value", "segment", "axis"]
    for place, file in enumerate(files):
        alone = READERS["csv"]([file])
        assert alone.scalars is not None
        one, other = (
            frame.select(columns).cast({"tag": str}).sort("tag", maintain_order=True)
            for frame in (alone.scalars, together.scalars.filter(together.scalars["file"] == place))
        )
        assert one.equals(other), file.name
        mine = [problem for problem in together.problems if problem.path == file.name]
        assert mine == alone.problems


def test_table_of_features_is_skipped(corpus: Path) -> None:
    path = corpus / "real/decoy_feature_table/summary.csv"
    found = READERS["csv"]([LogFile(str(path), "summary.csv", path.stat().st_size, "csv")])
    assert found.scalars is None
    assert [problem.kind for problem in found.problems] == ["skipped"]


RESTARTS = {
    "real/keras_csv_semicolon_single_hidden_layer/single_hidden_layer.csv": 11,
    "real/lightning_csv_dccrn_sisdr/lightning_logs/version_7/metrics.csv": 0,
    "labelled/run-22efab/log.csv": 1,
}


@pytest.mark.parametrize("name", RESTARTS)
def test_restarts(corpus: Path, name: str) -> None:
    path = corpus / name
    found = READERS["csv"]([LogFile(str(path), name, path.stat().st_size, "csv")])
    assert found.scalars is not None
    assert found.scalars["segment"].max() == RESTARTS[name]

"""Trackio's databases."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from loglens.errors import LoglensError
from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path

NOW = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY, run_id TEXT, run_name TEXT, config TEXT, created_at TEXT);
"""
BEFORE = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, run_name TEXT NOT NULL,
    step INTEGER NOT NULL, metrics TEXT NOT NULL);
CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT, created_at TEXT);
"""


def database(path: Path, records: list[tuple[str, str, int, object]], *, early: bool = False) -> None:
    """Records of identifier, name, step and metrics; those of the early layout have no identifier."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(BEFORE if early else NOW)
        for run, name, step, metrics in records:
            data = metrics if isinstance(metrics, str | bytes) else json.dumps(metrics).encode()
            time = f"2026-01-01T00:00:{step % 60:02d}.500000+00:00"
            given = (time, name, step, data) if early else (run, time, name, step, data)
            columns = "timestamp, run_name, step, metrics"
            columns = columns if early else f"run_id, {columns}"
            connection.execute(f"INSERT INTO metrics ({columns}) VALUES ({', '.join('?' * len(given))})", given)
        config = json.dumps({"lr": 0.1, "opt": {"name": "adam"}, "_Username": "me"})
        for run, name in {run: name for run, name, *_ in records}.items():
            columns, given = ("run_name", (name,)) if early else ("run_id, run_name", (run, name))
            marks = ", ".join("?" * (len(given) + 1))
            connection.execute(f"INSERT INTO configs ({columns}, config) VALUES ({marks})", (*given, config))
        connection.commit()


@pytest.mark.parametrize("early", [False, True])
def test_each_run_is_a_run(early: bool, tmp_path: Path) -> None:
    records = [
        (run, f"run-{run}", step, {"loss": 1 / (step + 1), "n": {"acc": step}, "bad": "NaN" if step == 3 else 1})
        for run in "ab"
        for step in range(5)
    ]
    database(tmp_path / "proj.db", records, early=early)
    logs = read(tmp_path)
    assert logs.names == ("proj.db/run-a", "proj.db/run-b")
    frame = logs.scalars.cast({"tag": str, "run": str})
    loss = frame.filter(tag="loss", run="proj.db/run-b")
    assert loss["value"].to_list() == [1 / (step + 1) for step in range(5)]
    assert loss["step"].to_list() == list(range(5))
    assert loss["wall_time"].to_list() == [1767225600.5 + step for step in range(5)]
    assert frame.filter(tag="n/acc").height == 10
    assert frame.filter(tag="bad")["value"].is_nan().sum() == 2
    told = [(name, value) for run, name, value, *_ in logs.hparams.iter_rows() if run == "proj.db/run-a"]
    assert told == [("lr", "0.1"), ("opt/name", "adam")]
    assert logs.problems == ()


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    database(tmp_path / "proj.db", [(run, "same", step, {"loss": step}) for run in "ab" for step in range(3)])
    assert read(tmp_path).names == ("proj.db/same (a)", "proj.db/same (b)")


def test_what_is_no_json_object_is_counted(tmp_path: Path) -> None:
    bad: list[object] = ["{", "[1]", b"\xff\xfe", "[" * 100_000, "1"]
    records: list[tuple[str, str, int, object]] = [("a", "a", step, {"loss": step}) for step in range(3)]
    database(tmp_path / "proj.db", [*records, *(("a", "a", 9, data) for data in bad)])
    logs = read(tmp_path)
    assert logs.scalars["value"].to_list() == [0, 1, 2]
    assert [(problem.kind, problem.message[:6]) for problem in logs.problems] == [("corrupt", "5 rows")]


def test_a_database_without_runs_is_said(tmp_path: Path) -> None:
    database(tmp_path / "proj.db", [])
    with pytest.raises(LoglensError, match="a database of Trackio without runs"):
        read(tmp_path)


def test_the_last_writes_of_a_killed_writer_arrive(tmp_path: Path) -> None:
    """They lie in a log beside the file, which only a copy may apply: what is analyzed stays as it is."""
    path = tmp_path / "there" / "proj.db"
    path.parent.mkdir()
    database(path, [("a", "a", step, {"loss": step}) for step in range(3)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        rows = [("a", "2026-01-01T00:00:00+00:00", "a", step, json.dumps({"loss": step})) for step in range(3, 9)]
        connection.executemany(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?, ?)", rows
        )
        connection.commit()
        killed = tmp_path / "killed"
        killed.mkdir()
        for name in ("proj.db", "proj.db-wal"):
            (killed / name).write_bytes((path.parent / name).read_bytes())
    before = {name.name: name.read_bytes() for name in killed.iterdir()}
    logs = read(killed)
    assert logs.scalars["value"].to_list() == list(range(9))
    assert logs.problems == ()
    assert {name.name: name.read_bytes() for name in killed.iterdir()} == before

"""Databases that are hostile, damaged, or none."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from test_mlflow import OTHER, RUN, SCHEMA, database, rows_of

from loglens.errors import LoglensError
from loglens.sources import read, sqlitefile
from loglens.sources.base import LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Problem
    from loglens.sources.sqlitefile import Database

ROWS = rows_of(RUN, "loss", [3, 2, 1])
PLAIN = "CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN"

COMPUTED = "value AS (printf('%.*c', 20000000, 'x'))"


def script(path: Path, *parts: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA + f"INSERT INTO runs VALUES ('{RUN}', 'one', 0, 'active');" + "".join(parts))
        connection.commit()


HOSTILE = {
    "a view in the place of a table": (
        "DROP TABLE metrics; CREATE VIEW metrics AS WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r) "
        f"SELECT 'loss' AS key, i AS value, i AS timestamp, '{RUN}' AS run_uuid, i AS step, 0 AS is_nan FROM r;",
        "neither of MLflow nor of Trackio",
    ),
    "a computed column": (
        f"DROP TABLE metrics; {PLAIN.replace('value FLOAT', COMPUTED)});"
        f"INSERT INTO metrics (key, timestamp, run_uuid, step, is_nan) VALUES ('loss', 1, '{RUN}', 1, 0);",
        "has no stored column value",
    ),
    "a column that is not there": (
        f"DROP TABLE metrics; {PLAIN.replace('step BIGINT, ', '')});",
        "no stored column step",
    ),
    "a huge text": (f"INSERT INTO metrics VALUES (printf('%.*c', 20000000, 'x'), 1, 1, '{RUN}', 1, 0);", "too big"),
    "a virtual table": (
        "DROP TABLE metrics; CREATE VIRTUAL TABLE metrics USING fts5(key, value, timestamp, run_uuid, step, is_nan);",
        "neither of MLflow nor of Trackio",
    ),
    "a table without row numbers": (
        f"DROP TABLE metrics; {PLAIN}, PRIMARY KEY (key)) WITHOUT ROWID;"
        f"INSERT INTO metrics VALUES ('loss', 1, 1, '{RUN}', 1, 0);",
        "no such column: rowid",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_databases_are_a_named_problem(name: str, tmp_path: Path) -> None:
    parts, message = HOSTILE[name]
    script(tmp_path / "mlflow.db", parts)
    (tmp_path / "log.csv").write_text("epoch,loss\n1,3\n2,2\n")
    (problem,) = read(tmp_path).problems
    assert problem.path == "mlflow.db"
    assert message in problem.message


def test_triggers_and_functions_never_run(tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON metrics BEGIN DELETE FROM runs; END;"
    view = "CREATE VIEW v AS SELECT load_extension('/tmp/x.so');"
    script(tmp_path / "mlflow.db", trigger, view, *(f"INSERT INTO metrics VALUES {row};" for row in ROWS[:0]))
    database_bytes = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(LoglensError, match="1 file looked at"):
        read(tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == database_bytes


def test_nothing_but_reading_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    script(path)
    told: list[Problem] = []
    for query in ("DELETE FROM runs", "ATTACH 'x' AS x", "SELECT abs(1)", "PRAGMA writable_schema=ON"):

        def use(base: Database, query: str = query) -> None:
            base._connection.execute(query).fetchall()

        sqlitefile.with_database(LogFile(str(path), "mlflow.db", path.stat().st_size, "mlflow"), told, use)
    assert len(told) == 4
    assert all("authoriz" in problem.message or "prohibited" in problem.message for problem in told), told


def test_pages_that_lead_in_circles_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the file makes SQLite work without end, it is stopped."""
    path = tmp_path / "mlflow.db"
    database(path, ROWS)
    monkeypatch.setattr(sqlitefile, "_ALLOWED", sqlitefile._ALLOWED | {sqlite3.SQLITE_RECURSIVE})
    endless = "WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r) SELECT i FROM r WHERE i < 0"
    told: list[Problem] = []

    def use(base: Database) -> None:
        base._connection.execute(endless).fetchall()

    sqlitefile.with_database(LogFile(str(path), "mlflow.db", path.stat().st_size, "mlflow"), told, use)
    assert [("circles" in problem.message, problem.kind) for problem in told] == [(True, "unreadable")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SQLite format 3\0", "not readable as a database"),
        (b"SQLite format 3\0" + bytes(5000), "not readable as a database"),
        (b"\0" * 100, "binary file of an unknown format"),
        (b"", "empty file"),
        (b"CREATE TABLE metrics", "plain text"),
    ],
)
def test_what_is_no_database(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(data)
    with pytest.raises(LoglensError, match=message):
        read(tmp_path)


def test_other_databases_are_said(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "places.sqlite")) as connection:
        connection.execute("CREATE TABLE metrics (x)")
    with pytest.raises(LoglensError, match="neither of MLflow nor of Trackio"):
        read(tmp_path)


def test_random_damage_is_named_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "whole.db"
    database(path, [*rows_of(RUN, "loss", list(range(900))), *rows_of(OTHER, "val/acc", list(range(900)))])
    data = path.read_bytes()
    path.unlink()
    rng = random.Random(3)
    broken_path = tmp_path / "mlflow.db"
    for turn in range(60):
        broken = bytearray(data[: rng.randrange(len(data))] if turn % 3 == 0 else data)
        for _ in range(rng.choice([1, 20, 400])):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        broken_path.write_bytes(broken)
        (tmp_path / "log.csv").write_text("epoch,loss\n1,3\n2,2\n")  # so that there is something to read
        logs = read(tmp_path)
        assert len(logs.names) > 1 or "mlflow.db" in {problem.path for problem in logs.problems}

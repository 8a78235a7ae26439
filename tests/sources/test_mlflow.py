"""MLflow's stores: the tree of files and the database."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from loglens.errors import LoglensError
from loglens.sources import mlflow, read
from loglens.sources.base import LogFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loglens.model import Logs
    from loglens.sources.base import Tables

RUN = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
SCHEMA = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256) NOT NULL);
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), experiment_id INTEGER, lifecycle_stage TEXT);
CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32), PRIMARY KEY (key, run_uuid));
CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT DEFAULT 0,
    is_nan BOOLEAN DEFAULT 0, PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
INSERT INTO experiments VALUES (0, 'Default'), (1, 'a/b');
"""


def tree(root: Path, metrics: dict[str, str], run: str = RUN, stage: str = "active") -> None:
    """A run of the file store."""
    folder = root / "mlruns" / "0" / run
    texts = {f"metrics/{name}": text for name, text in metrics.items()}
    texts |= {"params/lr": "0.1", "params/opt/name": "adam\n", "tags/mlflow.note.content": "loss 1\nloss 2\nloss 3\n"}
    for name, text in (texts | {"meta.yaml": f"lifecycle_stage: {stage}\nrun_id: {run}\n"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def points(values: Sequence[float], steps: Sequence[int] | None = None, begin: int = 1_600_000_000_000) -> str:
    return "".join(f"{begin + i * 1000} {v} {i if steps is None else steps[i]}\n" for i, v in enumerate(values))


def curve(logs: Logs, tag: str, run: str | None = None) -> list[float]:
    frame = logs.scalars.filter(logs.scalars["tag"].cast(str) == tag)
    return frame.filter(frame["run"].cast(str) == run)["value"].to_list() if run else frame["value"].to_list()


# --- the tree of files ------------------------------------------------------------------------------------------------


def test_a_run_folder_is_a_run(tmp_path: Path) -> None:
    tree(tmp_path, {"loss": points([3, math.nan, math.inf]), "val/acc": points([0.1, 0.2])})
    tree(tmp_path, {"loss": points([2])}, OTHER)
    logs = read(tmp_path)
    assert logs.names == (f"mlruns/0/{RUN}", f"mlruns/0/{OTHER}")
    assert repr(curve(logs, "loss", f"mlruns/0/{RUN}")) == "[3.0, nan, inf]"
    assert curve(logs, "val/acc") == [0.1, 0.2]
    assert logs.scalars["wall_time"].min() == 1.6e9
    assert {(name, value) for _, name, value, *_ in logs.hparams.iter_rows()} == {("lr", "0.1"), ("opt/name", "adam")}
    assert {source.path for source in logs.sources} >= {f"mlruns/0/{RUN}/metrics/val/acc"}
    assert logs.problems == ()


@pytest.mark.parametrize("inside", ["mlruns", "mlruns/0", f"mlruns/0/{RUN}", f"mlruns/0/{RUN}/metrics"])
def test_from_whatever_folder(inside: str, tmp_path: Path) -> None:
    tree(tmp_path, {"loss": points([3, 2, 1]), "val/f1.micro": points([0.1, 0.2])})
    logs = read(tmp_path / inside)
    assert len(logs.names) == 1
    assert curve(logs, "loss") == [3, 2, 1]
    assert curve(logs, "val/f1.micro") == [0.1, 0.2]
    assert logs.hparams.height == 2


def test_one_metric_by_itself(tmp_path: Path) -> None:
    tree(tmp_path, {"loss": points([3, 2, 1])})
    assert curve(read(tmp_path / f"mlruns/0/{RUN}/metrics/loss"), "loss") == [3, 2, 1]


@pytest.mark.parametrize(
    ("steps", "axis", "expected", "segments"),
    [
        ([0, 10, 20, 30], "step", [0, 10, 20, 30], [0, 0, 0, 0]),
        ([0, 0, 0, 0], "row", [0, 1, 2, 3], [0, 0, 0, 0]),
        ([0, 10, 0, 10], "step", [0, 10, 0, 10], [0, 0, 1, 1]),
    ],
)
def test_steps(steps: list[int], axis: str, expected: list[int], segments: list[int], tmp_path: Path) -> None:
    tree(tmp_path, {"loss": points([4, 3, 2, 1], steps)})
    logs = read(tmp_path)
    assert logs.scalars["step"].to_list() == expected
    assert logs.scalars["segment"].to_list() == segments
    assert logs.metrics["axis"].to_list() == [axis]


@pytest.mark.parametrize(
    ("line", "count", "kinds"),
    [
        ("1600000000000 0.5 7\n", 2, []),
        ("1600000000000 0.5\n", 2, []),
        ("1600000000000 0.5 7 data digest\n", 2, []),
        ("1600000000000 0.5 7 data digest model\n", 2, []),
        ("1600000000000 0.5 7", 1, ["truncated"]),
        ("1600000000000 0.", 1, ["truncated"]),
        ("0.5\n", 1, ["corrupt"]),
        ("1600000000000 half 7\n", 1, ["corrupt"]),
        (f"1600000000000 0.5 {2**70}\n", 1, ["corrupt"]),
        ("\n", 1, []),
    ],
)
def test_lines(line: str, count: int, kinds: list[str], tmp_path: Path) -> None:
    tree(tmp_path, {"loss": "1600000000000 1.0 0\n" + line})
    logs = read(tmp_path)
    assert logs.scalars.height == count
    assert [problem.kind for problem in logs.problems] == kinds
    assert all(problem.line == 2 and problem.offset == 20 for problem in logs.problems)
    assert all(problem.path == f"mlruns/0/{RUN}/metrics/loss" for problem in logs.problems)


def test_deleted_runs_are_left_out_and_said(tmp_path: Path) -> None:
    tree(tmp_path, {"loss": points([3, 2])}, stage="deleted")
    tree(tmp_path, {"loss": points([3, 2])}, OTHER)
    logs = read(tmp_path)
    assert logs.names == (f"mlruns/0/{OTHER}",)
    assert [(problem.kind, "deleted" in problem.message) for problem in logs.problems] == [("skipped", True)]


def test_other_folders_called_metrics_stay_what_they_were(tmp_path: Path) -> None:
    (tmp_path / "run/metrics").mkdir(parents=True)
    (tmp_path / "run/metrics/log.csv").write_text("epoch,loss\n1,2\n2,1\n")
    (tmp_path / "run/metrics/f1.best").write_text("0.3\n")
    assert read(tmp_path).names == ("run/metrics",)


# --- the database -----------------------------------------------------------------------------------------------------


def database(path: Path, rows: Sequence[tuple[object, ...]], names: tuple[str, str] = ("one", "two")) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        runs = [(RUN, names[0], 1, "active"), (OTHER, names[1], 0, "active"), ("d", "gone", 0, "deleted")]
        connection.executemany("INSERT INTO runs VALUES (?, ?, ?, ?)", runs)
        connection.executemany("INSERT INTO params VALUES (?, ?, ?)", [("lr", "0.1", RUN), ("lr", "0.2", OTHER)])
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()


def rows_of(run: str, tag: str, values: Sequence[float]) -> list[tuple[object, ...]]:
    return [(tag, value, 1_600_000_000_000 + step * 1000, run, step, 0) for step, value in enumerate(values)]


def test_each_run_of_a_database_is_a_run(tmp_path: Path) -> None:
    one, two = [3.0, 2.0, 1.0], [0.5, 0.25]
    largest = 1.7976931348623157e308
    odd = [("loss", 0.0, 9, RUN, 3, 1), ("loss", largest, 9, RUN, 4, 0), ("loss", -largest, 9, RUN, 5, 0)]
    database(tmp_path / "mlflow.db", [*rows_of(RUN, "loss", one), *rows_of(OTHER, "val/acc", two), *odd])
    logs = read(tmp_path)
    assert logs.names == ("mlflow.db/Default/two", "mlflow.db/a_b/one")
    assert repr(curve(logs, "loss")) == "[3.0, 2.0, 1.0, nan, inf, -inf]"
    assert curve(logs, "val/acc", "mlflow.db/Default/two") == two
    assert dict(logs.hparams.select("run", "number").cast({"run": str}).iter_rows()) == {
        "mlflow.db/a_b/one": 0.1,
        "mlflow.db/Default/two": 0.2,
    }
    assert {source.path for source in logs.sources} == {"mlflow.db"}
    assert logs.problems == ()


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", rows_of(RUN, "loss", [1]) + rows_of(OTHER, "loss", [2]), ("same", "same"))
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("UPDATE runs SET experiment_id = 1")
        connection.commit()
    assert read(tmp_path).names == (f"mlflow.db/a_b/same ({RUN})", f"mlflow.db/a_b/same ({OTHER})")


@pytest.mark.parametrize("name", ["..", "../../x", "/", "", "\x1b[31m", "x" * 500, " "])
def test_hostile_names_of_runs_stay_in_their_place(name: str, tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", rows_of(RUN, "loss", [1, 2]), (name, "two"))
    (run,) = (run for run in read(tmp_path).names if "a_b" in run)
    assert run.startswith("mlflow.db/a_b/")
    assert run.count("/") == 2
    assert run.isprintable()
    assert ".." not in run.split("/")
    assert len(run) < 150


def test_rows_of_the_wrong_kind_are_counted(tmp_path: Path) -> None:
    bad = [("loss", "high", 9, RUN, 3, 0), ("loss", 1.0, 9, RUN, "last", 0), ("loss", None, 9, RUN, 4, 0)]
    database(tmp_path / "mlflow.db", [*rows_of(RUN, "loss", [2, 1]), *bad])
    logs = read(tmp_path)
    assert curve(logs, "loss") == [2, 1]
    (problem,) = logs.problems
    assert (problem.kind, problem.path) == ("corrupt", "mlflow.db")
    assert problem.message.startswith("3 rows")


def test_a_database_without_runs_is_said(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.executescript(SCHEMA)
    with pytest.raises(LoglensError, match="a database of MLflow without runs"):
        read(tmp_path)


def test_many_runs_in_batches_give_the_same(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.executescript(SCHEMA)
        names = [f"{i:032x}" for i in range(1200)]
        connection.executemany("INSERT INTO runs VALUES (?, ?, 0, 'active')", [(name, name) for name in names])
        rows = [row for i, name in enumerate(names) for row in rows_of(name, "loss", [i, i + 1])]
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    logs = read(tmp_path)
    assert len(logs.names) == 1200
    assert sorted(logs.scalars["value"]) == sorted(row[1] for row in rows)
    assert logs.scalars.equals(read(tmp_path, batch_folders=100).scalars)


def test_real_files(corpus: Path) -> None:
    root = corpus / "real/mlflow_filestore_imageclass"
    files = [
        LogFile(str(path), str(path.relative_to(root)), path.stat().st_size, "mlflow")
        for path in sorted(root.rglob("metrics/*"))
    ]
    found: Tables = mlflow.read(files)
    assert found.problems == []
    assert found.scalars is not None
    expected = [float((root / file.name).read_text().split()[1]) for file in files]
    assert found.scalars.sort("file")["value"].to_list() == expected

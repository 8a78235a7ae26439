"""Parquet and Arrow: what was exported reads back as it was; wide tables; damage."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import plant

from loglens.errors import LoglensError
from loglens.export import export
from loglens.sources import columnar, read

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Logs

E1 = "events.out.tfevents.1600000000.host"
TREE = {
    f"s/a/{E1}": "events: loss lr",
    "s/b/learn_error.tsv": "csv: iter\tLogloss",
    "s/b/test_error.tsv": "csv: iter\tLogloss",
    f"u/train/{E1}": "events: epoch_loss",
    f"u/validation/{E1}": "events: epoch_loss",
    "many/one.csv": "csv: epoch,loss",
    "many/two.csv": "csv: epoch,loss",
    f"w/{E1}.1": "events: r/x",
    f"w/{E1}.2": "events: r/x",
}
WIDE = pl.DataFrame(
    {"step": range(50), "loss": np.linspace(2, 1, 50), "val_loss": [None, float("nan")] * 25, "note": ["x"] * 50}
)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_ipc(path, compression="zstd" if path.suffix == ".feather" else "uncompressed")


def _reasons(logs: Logs) -> dict[str, str]:
    return {problem.path: problem.message for problem in logs.problems}


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".csv"])
def test_an_export_reads_back_as_it_was(ending: str, tmp_path: Path) -> None:
    plant(tmp_path / "runs", TREE)
    logs = read(tmp_path / "runs")
    export([logs], tmp_path / f"x{ending}")
    again = read(tmp_path / f"x{ending}")
    assert again.names == logs.names
    assert _plain(again.scalars).equals(_plain(logs.scalars))
    assert _plain(again.metrics.select("role", "axis")).equals(_plain(logs.metrics.select("role", "axis")))
    assert {"epoch", "step"} <= set(again.metrics["axis"].cast(pl.String))
    assert {source.path for source in again.sources} == {f"x{ending}"}
    assert again.problems == ()


def test_an_export_reads_back_batch_by_batch(tmp_path: Path) -> None:
    plant(tmp_path / "runs", TREE)
    logs = read(tmp_path / "runs")
    export([logs], tmp_path / "x.parquet")
    again = read(tmp_path / "x.parquet", batch_folders=1)
    assert _plain(again.scalars).equals(_plain(logs.scalars))


def test_an_export_below_a_folder_names_its_runs_there(tmp_path: Path) -> None:
    _write(
        pl.DataFrame({"run": ["a", "b"], "tag": "loss", "step": [0, 0], "value": [1.0, 2.0]}),
        tmp_path / "old/x.parquet",
    )
    plant(tmp_path, {"new/log.csv": "csv: epoch,loss"})
    assert read(tmp_path).names == ("new", "old/a", "old/b")


def test_the_real_logs_read_back_as_they_were(corpus: Path, tmp_path: Path) -> None:
    logs = read(corpus / "real")
    export([logs], tmp_path / "x.parquet")
    assert _plain(read(tmp_path / "x.parquet").scalars).equals(_plain(logs.scalars))


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".feather"])
def test_a_wide_table_is_like_a_csv(ending: str, tmp_path: Path) -> None:
    _write(WIDE, tmp_path / "p" / f"metrics{ending}")
    (tmp_path / "c").mkdir()
    WIDE.write_csv(tmp_path / "c" / "metrics.csv")
    table, text = read(tmp_path / "p"), read(tmp_path / "c")
    assert table.scalars.drop("run").sort("tag").equals(text.scalars.drop("run").sort("tag"))
    assert table.scalars.height == 75
    assert table.problems == ()


def test_an_arrow_stream(tmp_path: Path) -> None:
    sink = io.BytesIO()
    rows = WIDE.drop("note").to_arrow()
    with pa.ipc.new_stream(sink, rows.schema) as out:
        out.write_table(rows)
    (tmp_path / "m.arrow").write_bytes(sink.getvalue())
    assert read(tmp_path).scalars.height == 75


def test_several_runs_in_a_wide_table(tmp_path: Path) -> None:
    frame = pl.concat([WIDE.with_columns(run=pl.lit(name, pl.String)) for name in ("x/1", "x/2", None)])
    _write(frame, tmp_path / "m.parquet")
    logs = read(tmp_path)
    assert logs.names == ("run", "x/1", "x/2")
    assert logs.scalars.height == 3 * 75


def test_names_of_runs_are_not_trusted(tmp_path: Path) -> None:
    runs = ["../../etc", "/a", "a", "", "b\n\x1b[31m", "x" * 5000]
    frame = pl.DataFrame({"run": runs, "tag": "loss", "step": 0, "value": 1.0})
    _write(frame, tmp_path / "m.parquet")
    names = read(tmp_path).names
    assert sorted(names) == sorted(["etc", "a", "a (2)", "run", "b\\n\\x1b[31m", "x" * 1000])


def test_columns_of_one_name_are_left_out(tmp_path: Path) -> None:
    table = pa.table([[1, 2], [0.5, 0.25], [3.0, 4.0]], names=["step", "loss", "loss"])
    pq.write_table(table, tmp_path / "data.parquet")
    plant(tmp_path, {"log.csv": "csv: epoch,loss"})
    assert "no column holds numbers" in _reasons(read(tmp_path))["data.parquet"]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pl.DataFrame({"text": ["a"], "label": [3]}), "neither a step or epoch column"),
        (pl.DataFrame({"text": ["a"]}), "no column holds numbers"),
        (pl.DataFrame({"step": [], "loss": []}, schema={"step": pl.Int64, "loss": pl.Float64}), "without rows"),
        (pl.DataFrame({"step": [1], "x": [[1.0]]}), "nothing but a counter"),
    ],
)
@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_what_is_no_log_is_said(frame: pl.DataFrame, reason: str, ending: str, tmp_path: Path) -> None:
    _write(frame, tmp_path / f"data{ending}")
    plant(tmp_path, {"log.csv": "csv: epoch,loss"})
    logs = read(tmp_path)
    assert reason in _reasons(logs)[f"data{ending}"]
    assert {problem.kind for problem in logs.problems} == {"skipped"}


def test_too_many_values_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes of run-length encoding may stand for any number of rows."""
    _write(pl.DataFrame({"step": range(3000), "loss": 1.0}), tmp_path / "m.parquet")
    monkeypatch.setattr(columnar, "VALUES", 1000)
    with pytest.raises(LoglensError, match="more than 1000 values"):
        read(tmp_path)


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".feather"])
@settings(max_examples=80, deadline=None)
@given(cut=st.floats(0, 1), place=st.integers(0, 1 << 20), bits=st.integers(1, 255))
def test_damage_never_raises(
    ending: str, cut: float, place: int, bits: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    plant(folder, {"log.csv": "csv: epoch,loss"})
    _write(WIDE.with_columns(run=pl.lit("a")), folder / f"m{ending}")
    data = bytearray((folder / f"m{ending}").read_bytes())
    data[place % len(data)] ^= bits
    (folder / f"m{ending}").write_bytes(data[: int(len(data) * cut)])
    logs = read(folder)
    assert len(logs.names) >= 1
    if cut < 1:
        assert f"m{ending}" in _reasons(logs)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    plant(tmp_path, {"log.csv": "csv: epoch,loss", "m.parquet": "", "n.arrow": "", "o.parquet": "words"})
    logs = read(tmp_path)
    assert set(_reasons(logs)) == {"m.parquet", "n.arrow", "o.parquet"}
    assert "0 bytes" in _reasons(logs)["m.parquet"]


def test_a_table_of_too_many_columns_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "COLUMNS", 3)
    _write(WIDE, tmp_path / "a" / "metrics.parquet")
    with pytest.raises(LoglensError, match="a table of 4 columns"):
        read(tmp_path)

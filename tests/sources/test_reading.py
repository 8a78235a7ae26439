"""From paths to `Logs`, batch by batch; and over the collection of real logs."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest
from trees import plant

from loglens.errors import LoglensError
from loglens.sources import FORMATS, read, read_batches
from loglens.sources.formats import reader
from loglens.sources.frames import SCHEMAS

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Logs

E1 = "events.out.tfevents.1600000000.host"
TREE = {
    f"s/{E1}": "events: loss lr",
    "t/log.csv": "csv: epoch,loss,val_loss",
    f"u/train/{E1}": "events: loss",
    f"u/val/{E1}": "events: loss",
    "v/m.jsonl": "jsonl: loss",
    "notes.log": "nothing but words\n",
}


def _same(one: Logs, other: Logs) -> None:
    assert one.names == other.names
    assert one.sources == other.sources
    assert set(one.problems) == set(other.problems)
    for name in SCHEMAS:
        assert getattr(one, name).equals(getattr(other, name)), name


def test_batches_are_the_whole(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    whole = read(tmp_path)
    parts = list(read_batches(tmp_path, batch_folders=1))
    assert [part.names for part in parts] == [("s",), ("t",), ("u",), ("v",)]
    assert [len(part.problems) for part in parts] == [1, 0, 0, 0]
    _same(whole, read(tmp_path, batch_folders=1))


@pytest.mark.parametrize("seed", range(20))
def test_no_batch_tears_a_run_apart(seed: int, tmp_path: Path) -> None:
    """Whatever the tree: each family in a batch of its own gives what all together give."""
    dice = random.Random(seed)
    names = ["train", "val", "Test", "x", "Loss_a", "loss_b", "loss", "1600000000.5", "fold_0", "node_modules"]
    kinds = ["events: loss", "events: Loss", "events: loss acc", "events:", "hparams", "csv: epoch,loss", "jsonl: loss"]
    files = {"events": E1, "hparam": f"{E1}.h", "csv: e": "log.csv", "jsonl:": "log.jsonl"}
    for _ in range(25):
        folder = "/".join(dice.choices(names, k=dice.randrange(4)))
        kind = dice.choice(kinds)
        plant(tmp_path / "root" / folder, {files[kind[:6]]: kind})
    whole = read(tmp_path / "root")
    _same(whole, read(tmp_path / "root", batch_folders=1, batch_bytes=1))
    assert len(set(whole.names)) == len(whole.names)
    assert sum(source.points for source in whole.sources) == whole.scalars.height


def test_frames_have_their_columns_and_types(tmp_path: Path) -> None:
    plant(tmp_path, {**TREE, f"w/{E1}": "hparams: loss"})
    logs = read(tmp_path)
    for name, schema in SCHEMAS.items():
        assert dict(getattr(logs, name).schema) == schema, name
    assert logs.hparams.height == 2
    assert logs.scalars["segment"].null_count() == logs.scalars["step"].null_count() == 0


def test_runs_by_name(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    logs = read(tmp_path, runs=["s", "[uv]"])
    assert logs.names == ("s", "u", "v")
    assert set(logs.scalars["run"].cast(pl.String)) == {"s", "u", "v"} == {source.run for source in logs.sources}
    assert [problem.path for problem in logs.problems] == ["notes.log"]
    with pytest.raises(LoglensError, match=r"no run under .* matches x\*"):
        read(tmp_path, runs=["x*"])


def test_problems_carry_the_run_they_belong_to(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    with (tmp_path / "s" / E1).open("r+b") as file:
        file.truncate(os.path.getsize(file.name) - 3)  # noqa: PTH202
    damaged = [problem for problem in read(tmp_path).problems if problem.kind == "truncated"]
    assert [(problem.path, problem.run) for problem in damaged] == [(f"s/{E1}", "s")]


def test_a_file_without_values_is_named_or_in_its_run(tmp_path: Path) -> None:
    plant(tmp_path, {**TREE, f"s/{E1}.empty": "events:", f"w/{E1}": "events: "})
    logs = read(tmp_path)
    said = {source.path for source in logs.sources} | {problem.path for problem in logs.problems}
    assert {f"s/{E1}.empty", f"w/{E1}"} <= said
    assert "w" not in logs.names


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({}, "0 files looked at"),
        ({"a.png": "x", "b.log": "words"}, r"2 files looked at; b.log: not a training log: plain text"),
        ({f"{i}.log": "words" for i in range(5)}, "5 files looked at; .*; and 2 more"),
        ({"a.csv": "id,name\n1,x\n2,y\n"}, "1 file looked at; a.csv: not a training log"),
        ({E1: ""}, "1 file looked at; events"),
    ],
)
def test_nothing_to_read(tree: dict[str, str], message: str, tmp_path: Path) -> None:
    plant(tmp_path, tree)
    with pytest.raises(LoglensError, match=message) as caught:
        read(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_finding_logs_needs_no_heavy_library(tmp_path: Path) -> None:
    plant(tmp_path, TREE)
    code = f"""
import sys
from loglens.sources import discover
assert len(discover([{str(tmp_path)!r}]).families) == 5
print(sorted({{"polars", "numpy", "pyarrow", "tensorboard", "ptars", "jinja2"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("epoch,loss\n0,1\n1,0.5\n2,0.25\n", "csv"),
        ("".join(f'{{"step": {i}, "loss": {i}}}\n' for i in range(3)), "jsonl"),
    ],
)
def test_standard_input(text: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    logs = read("-")
    assert logs.names == ("stdin",)
    assert [(s.path, s.format, s.points) for s in logs.sources] == [("stdin", form, 3)]


def test_standard_input_without_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(LoglensError, match="no training logs under -: 1 file looked at; stdin: empty file"):
        read("-")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_reader(name: str) -> None:
    assert reader(name)([]).problems == []


# --- the collection ---------------------------------------------------------------------------------------------------

# What nobody takes for a log.
PASSED = (".yaml", ".py")


def test_every_real_file_is_read_or_named(corpus: Path) -> None:
    logs = read(corpus / "real")
    said = {source.path for source in logs.sources} | {problem.path for problem in logs.problems}
    files = {path.relative_to(corpus / "real").as_posix() for path in (corpus / "real").rglob("*") if path.is_file()}
    silent = files - said
    assert {name for name in silent if not name.endswith(PASSED)} == set()
    assert said <= files
    assert len(logs.names) > 50


def test_real_and_labelled_logs_do_not_depend_on_batches(corpus: Path) -> None:
    for part in ("real", "labelled"):
        _same(read(corpus / part), read(corpus / part, batch_folders=7, batch_bytes=1 << 20))


def test_tags_of_real_logs_are_unique_and_series_complete(corpus: Path) -> None:
    logs = read(corpus / "real")
    assert logs.metrics.select("run", "tag").is_unique().all()
    counted = logs.scalars.group_by("run", "tag").len()
    joined = logs.metrics.filter(pl.col("tag").is_in(counted["tag"])).join(counted, on=["run", "tag"])
    assert joined.height == counted.height
    assert joined["points"].cast(pl.UInt32).equals(joined["len"])
    assert sum(source.points for source in logs.sources) == logs.scalars.height


def test_every_labelled_run_is_there(corpus: Path) -> None:
    tops = {path.name for path in (corpus / "labelled").iterdir() if path.is_dir()}
    assert tops <= {run.split("/")[0] for run in read(corpus / "labelled").names}

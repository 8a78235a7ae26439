"""Which folders and files make which run, and what the run and its series are called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest
from trees import events, plant

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path

E1 = "events.out.tfevents.1600000000.host"
E2 = "events.out.tfevents.1600000900.host"
CSV = "csv: epoch,loss,val_loss"
SAVED = "Wall time,Step,Value\n1600000000,0,1\n1600000001,1,0.5\n1600000002,2,0.4\n"

# what it is: (tree, runs)
RUNS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a folder is a run": ({f"a/{E1}": "events: loss", "b/log.csv": CSV}, ["a", "b"]),
    "the root is called by its own name": ({"log.csv": CSV}, ["root"]),
    "the root's name gives way to a folder of that name": ({"log.csv": CSV, "root/log.csv": CSV}, ["root", "root (2)"]),
    "folds are runs": ({f"cv/fold_{i}/log.csv": CSV for i in range(3)}, ["cv/fold_0", "cv/fold_1", "cv/fold_2"]),
    "train and validation share a tag": (
        {f"x/train/{E1}": "events: epoch_loss", f"x/validation/{E1}": "events: epoch_loss extra"},
        ["x"],
    ),
    "splits in any case": ({f"x/Train/{E1}": "events: loss", f"x/Val/{E1}": "events: loss"}, ["x"]),
    "splits at the root": ({f"train/{E1}": "events: loss", f"eval/{E1}": "events: loss"}, ["root"]),
    "splits of tables": ({"x/train/log.csv": CSV, "x/val/log.csv": CSV}, ["x"]),
    "learn and test": ({f"x/learn/{E1}": "events: Logloss", f"x/test/{E1}": "events: Logloss"}, ["x"]),
    "train and val without a shared tag": (
        {f"detect/train/{E1}": "events: box_loss", f"detect/val/{E1}": "events: map50"},
        ["detect/train", "detect/val"],
    ),
    "a third split that shares nothing stays by itself": (
        {f"x/train/{E1}": "events: loss", f"x/val/{E1}": "events: loss", f"x/test/{E1}": "events: bleu"},
        ["x", "x/test"],
    ),
    "two held-out names are two runs": (
        {f"runs/test/{E1}": "events: loss", f"runs/dev/{E1}": "events: loss"},
        ["runs/dev", "runs/test"],
    ),
    "a lone split folder is a run": ({f"runs/train/{E1}": "events: loss"}, ["runs/train"]),
    "splits below event files": (
        {f"x/{E1}": "events: lr", f"x/val/{E1}": "events: other", f"x/test/{E1}": "events: more"},
        ["x"],
    ),
    "a split below a text log only": ({"x/log.csv": CSV, f"x/val/{E1}": "events: loss"}, ["x", "x/val"]),
    "add_scalars, one folder a key": (
        {f"x/{E1}": "events: lr", f"x/Loss_train/{E1}": "events: Loss", f"x/Loss_val/{E1}": "events: Loss"},
        ["x"],
    ),
    "add_scalars beside an event file without a record": (
        {f"x/{E1}": "events:", f"x/Loss_train/{E1}": "events: Loss", f"x/Loss_val/{E1}": "events: Loss"},
        ["x"],
    ),
    "add_scalars with a slash": ({f"x/{E1}": "events: lr", f"x/Loss_all_train/{E1}": "events: Loss/all"}, ["x"]),
    "add_scalars in nested folders": ({f"x/{E1}": "events: lr", f"x/loss/train/{E1}": "events: loss"}, ["x"]),
    "runs below a stray event file": (
        {E1: "events: lr", f"lr_1/{E1}": "events: loss acc", f"lr_2/{E1}": "events: loss acc"},
        ["lr_1", "lr_2", "root"],
    ),
    "a folder called as its tag but with two": (
        {f"x/{E1}": "events: lr", f"x/Loss_a/{E1}": "events: Loss other"},
        ["x", "x/Loss_a"],
    ),
    "add_scalars needs event files above": (
        {f"Loss_a/{E1}": "events: Loss", f"Loss_b/{E1}": "events: Loss"},
        ["Loss_a", "Loss_b"],
    ),
    "only an hparams record": ({f"x/{E1}": "events: loss", f"x/anything/{E1}": "hparams"}, ["x"]),
    "hparams beside a table": ({"x/log.csv": CSV, f"x/1600000000.123/{E1}": "hparams"}, ["x"]),
    "hparams with final scores": (
        {f"x/{E1}": "events: loss", f"x/1600000000.123/{E1}": "hparams: hparam/accuracy"},
        ["x"],
    ),
    "hparams and a log are a run": (
        {f"x/{E1}": "events: loss", f"x/other/{E1}": "hparams: loss"},
        ["x", "x/other"],
    ),
    "restarts are one run": ({f"x/{E1}": "events: loss", f"x/{E2}": "events: loss"}, ["x"]),
    "two formats are one run": ({f"x/{E1}": "events: loss", "x/results.csv": CSV}, ["x"]),
    "text logs with other headers are one run": ({"x/a.csv": CSV, "x/b.csv": "csv: epoch,lr,grad_norm"}, ["x"]),
    "text logs that share a header are runs": ({"x/a.csv": CSV, "x/b.csv": CSV}, ["x/a.csv", "x/b.csv"]),
    "all of them, when two share": (
        {"a.csv": CSV, "b.csv": CSV, "c.csv": "csv: epoch,loss,lr"},
        ["a.csv", "b.csv", "c.csv"],
    ),
    "a column that is empty in one": (
        {"x/a.csv": CSV, "x/b.csv": "epoch,loss,val_loss\n0,1,\n1,0.5,\n2,0.4,\n"},
        ["x/a.csv", "x/b.csv"],
    ),
    "JSON lines, one cut short": (
        {"x/a.jsonl": "jsonl: loss lr val_loss", "x/b.jsonl": "jsonl: loss lr"},
        ["x/a.jsonl", "x/b.jsonl"],
    ),
    "JSON lines with other keys": ({"x/a.jsonl": "jsonl: loss lr", "x/b.jsonl": "jsonl: eval_loss acc"}, ["x"]),
    "runs of text beside event files": (
        {f"x/{E1}": "events: loss", "x/a.csv": CSV, "x/b.csv": CSV},
        ["x", "x/a.csv", "x/b.csv"],
    ),
    "files of splits": (
        {"x/learn_error.tsv": "epoch\tLogloss\n0\t1\n1\t2\n", "x/test_error.tsv": "epoch\tLogloss\n0\t1\n1\t2\n"},
        ["x"],
    ),
    "files of splits of two runs": (
        {f"x/{run}_{split}.csv": CSV for run in "ab" for split in ("train", "val")},
        ["x/a.csv", "x/b.csv"],
    ),
    "files that are nothing but splits, beside another": (
        {"x/train.csv": CSV, "x/val.csv": CSV, "x/other.csv": CSV},
        ["x", "x/other.csv"],
    ),
    "parallel environments are one run": (
        {
            f"x/{i}.monitor.csv": '#{"t_start": 1600000000.0, "env_id": "E"}\nr,l,t\n1,9,1\n2,9,2\n3,9,3\n'
            for i in (0, 1)
        },
        ["x"],
    ),
    "series that TensorBoard saved, of one run": (
        {f"x/run-a-tag-{tag}.csv": SAVED for tag in ("loss", "acc")},
        ["x"],
    ),
    "series that TensorBoard saved, of two runs": (
        {f"x/run-{run}-tag-{tag}.csv": SAVED for run in "ab" for tag in ("loss", "acc")},
        ["x/run-a.csv", "x/run-b.csv"],
    ),
    "a log in plain text is no run": ({"a/log.csv": CSV, "b/train.log": "epoch 1 loss 0.3\n"}, ["a"]),
    "a trainer state by another name": (
        {"a/__init__.py": '{"best_metric": null, "log_history": [{"loss": 1.0, "step": 1}, {"loss": 0.5, "step": 2}]}'},
        ["a"],
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_runs(name: str, tmp_path: Path) -> None:
    tree, runs = RUNS[name]
    plant(tmp_path / "root", tree)
    logs = read(tmp_path / "root")
    assert list(logs.names) == runs
    assert sorted(logs.scalars["run"].cast(pl.String).unique()) == runs
    assert sorted({source.run for source in logs.sources}) == runs


# what it is: (tree, tags by run)
TAGS: dict[str, tuple[dict[str, str], dict[str, list[str]]]] = {
    "as logged": ({f"x/{E1}": "events: train/loss loss"}, {"x": ["loss", "train/loss"]}),
    "split folders": (
        {f"x/train/{E1}": "events: epoch_loss", f"x/validation/{E1}": "events: epoch_loss evaluation_loss"},
        {"x": ["evaluation_loss", "train/epoch_loss", "validation/epoch_loss"]},
    ),
    "a folder and the run's own": (
        {f"x/{E1}": "events: loss", f"x/val/{E1}": "events: loss"},
        {"x": ["loss", "val/loss"]},
    ),
    "add_scalars": (
        {f"x/{E1}": "events: lr", f"x/Loss_a/{E1}": "events: Loss", f"x/Loss_b/{E1}": "events: Loss"},
        {"x": ["Loss_a/Loss", "Loss_b/Loss", "lr"]},
    ),
    "a table beside event files": (
        {f"x/{E1}": "events: loss", "x/results.csv": "csv: epoch,loss,acc"},
        {"x": ["acc", "loss", "results.csv::loss"]},
    ),
    "two text logs": (
        {"x/a.csv": "csv: epoch,loss,acc", "x/b.csv": "csv: epoch,loss,lr"},
        {"x": ["a.csv::loss", "acc", "b.csv::loss", "lr"]},
    ),
    "folder and file": (
        {
            f"x/learn/{E1}": "events: Logloss",
            f"x/test/{E1}": "events: Logloss",
            "x/learn_error.tsv": "iter\tLogloss\n0\t1\n1\t2\n",
            "x/test_error.tsv": "iter\tLogloss\n0\t1\n1\t2\n",
        },
        {"x": ["learn/Logloss", "learn_error.tsv::Logloss", "test/Logloss", "test_error.tsv::Logloss"]},
    ),
    "a name that is logged as the folder would make it": (
        {f"x/{E1}": "events: loss val/loss", f"x/val/{E1}": "events: loss"},
        {"x": ["loss", "val/loss", "val/loss (2)"]},
    ),
    "restarts do not count as twice": (
        {f"x/{E1}": "events: loss", f"x/{E2}": "events: loss"},
        {"x": ["loss"]},
    ),
}


@pytest.mark.parametrize("name", TAGS)
def test_tags(name: str, tmp_path: Path) -> None:
    tree, expected = TAGS[name]
    plant(tmp_path / "root", tree)
    logs = read(tmp_path / "root")
    pairs = logs.metrics.select("run", "tag").cast(pl.String)
    found = {run: pairs.filter(run=run)["tag"].to_list() for run in logs.names}
    assert found == expected
    assert pairs.is_unique().all()
    assert pairs.sort("run", "tag").equals(
        logs.scalars.select("run", "tag").cast(pl.String).unique().sort("run", "tag")
    )


@pytest.mark.parametrize("ending", ["runs", "runs/", "runs/*", "expanded"])
@pytest.mark.parametrize(
    "tree", [{"a/log.csv": CSV, "b/x/log.csv": CSV}, {"a/log.csv": CSV, "log.jsonl": "jsonl: loss"}]
)
def test_the_same_runs_however_the_folder_is_said(ending: str, tree: dict[str, str], tmp_path: Path) -> None:
    plant(tmp_path / "runs", tree)
    plain = read(tmp_path / "runs")
    paths = sorted(map(str, (tmp_path / "runs").iterdir())) if ending == "expanded" else f"{tmp_path}/{ending}"
    said = read(paths)
    assert said.names == plain.names
    assert said.sources == plain.sources
    assert said.scalars.equals(plain.scalars)


def test_one_quoted_glob_with_one_match_names_it_below_the_glob(tmp_path: Path) -> None:
    plant(tmp_path, {"runs/only/deep/log.csv": CSV})
    assert read(f"{tmp_path}/runs/*").names == ("only/deep",)
    assert read(f"{tmp_path}/runs/**/*.csv").names == ("only/deep",)


def test_several_paths_are_named_from_their_common_folder(tmp_path: Path) -> None:
    plant(tmp_path, {"a/x/log.csv": CSV, "b/y/log.csv": CSV})
    assert read([tmp_path / "a", tmp_path / "b/y"]).names == ("a/x", "b/y")


def test_a_file_by_itself_is_named_by_its_folder(tmp_path: Path) -> None:
    plant(tmp_path, {"a/one.csv": CSV, "a/two.csv": CSV})
    assert read(tmp_path / "a/one.csv").names == ("a",)
    assert read([tmp_path / "a/one.csv", tmp_path / "a/two.csv"]).names == ("one.csv", "two.csv")


def test_the_folder_one_stands_in_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path / "here", {"log.csv": CSV})
    monkeypatch.chdir(tmp_path / "here")
    assert read(".").names == ("here",)
    assert read(f"..{os.sep}here").names == ("here",)


def test_restarts_are_numbered_in_the_order_they_began(tmp_path: Path) -> None:
    events(tmp_path / "x/events.out.tfevents.3", ["loss"], begin=100.0, steps=range(5))
    events(tmp_path / "x/events.out.tfevents.1", ["loss", "acc"], begin=300.0, steps=range(3, 9))
    events(tmp_path / "x/events.out.tfevents.2", ["bleu"], begin=200.0, steps=[5])
    scalars = read(tmp_path).scalars
    loss = scalars.filter(pl.col("tag") == "loss")
    assert loss["segment"].to_list() == [0] * 5 + [1] * 6
    assert loss["step"].to_list() == [0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8]
    assert scalars.filter(pl.col("tag") == "bleu")["segment"].to_list() == [0]
    assert scalars.filter(pl.col("tag") == "acc")["segment"].unique().to_list() == [1]


def test_sources_count_the_points_of_every_file(tmp_path: Path) -> None:
    plant(tmp_path, {f"x/{E1}": "events: loss acc", "x/log.csv": CSV, "y/log.csv": CSV})
    logs = read(tmp_path)
    assert {s.path: (s.run, s.format, s.points) for s in logs.sources} == {
        f"x/{E1}": ("x", "tensorboard", 24),
        "x/log.csv": ("x", "csv", 24),
        "y/log.csv": ("y", "csv", 24),
    }
    assert all(s.bytes == (tmp_path / s.path).stat().st_size for s in logs.sources)


def test_hparams_of_a_sub_folder_are_the_run_s(tmp_path: Path) -> None:
    plant(tmp_path, {f"x/{E1}": "events: loss", f"x/1600000000.5/{E1}": "hparams"})
    hparams = read(tmp_path).hparams
    assert dict(hparams.select(pl.col("run").cast(pl.String) + "." + pl.col("name"), "number").iter_rows()) == {
        "x.batch": 32.0,
        "x.lr": 0.1,
    }

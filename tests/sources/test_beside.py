"""Settings and checkpoints beside runs: whose they are, and which word counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from trees import plant

import loglens
from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Logs

E1 = "events.out.tfevents.1600000000.host"
LOG = "csv: epoch,loss"


def _values(logs: Logs) -> dict[tuple[str, str], str]:
    rows = logs.hparams.select(pl.col("run").cast(pl.String), "name", "value").iter_rows()
    return {(run, name): value for run, name, value in rows}


def _sources(logs: Logs) -> dict[str, str]:
    return dict(logs.hparams.select("name", "source").iter_rows())


def test_beside_comes_before_above_and_the_log_before_both(tmp_path: Path) -> None:
    tree = {
        f"x/a/{E1}": "hparams: loss",
        "x/a/hparams.yaml": "lr: 5\nwd: 1\n",
        "x/b/log.csv": LOG,
        "x/b/.hydra/config.yaml": "optim:\n  lr: 0.2\n",
        "x/config.json": '{"wd": 2, "seed": 3}',
        "config.json": '{"far": 1}',
    }
    plant(tmp_path, tree)
    logs = read(tmp_path)
    assert _values(logs) == {
        ("x/a", "lr"): "0.1",
        ("x/a", "batch"): "32",
        ("x/a", "wd"): "1",
        ("x/a", "seed"): "3",
        ("x/b", "optim/lr"): "0.2",
        ("x/b", "wd"): "2",
        ("x/b", "seed"): "3",
    }
    assert logs.hparams.filter(pl.col("name") == "optim/lr")["number"].item() == 0.2
    assert _sources(logs)["optim/lr"] == "x/b/.hydra/config.yaml"
    assert [(p.path, p.message) for p in logs.problems] == [("config.json", "settings, not a training log")]


def test_settings_do_not_depend_on_batches(tmp_path: Path) -> None:
    tree = {f"x/{name}/log.csv": LOG for name in "abc"} | {"x/config.yaml": "lr: 1\n", "x/a/opt.yaml": "a: [b\n"}
    tree |= {"x/args.yaml": "a: [b\n"}
    plant(tmp_path, tree)
    whole, parts = read(tmp_path), read(tmp_path, batch_folders=1)
    assert parts.hparams.equals(whole.hparams)
    assert parts.sources == whole.sources
    assert sorted(map(str, parts.problems)) == sorted(map(str, whole.problems))
    assert len(whole.problems) == 2
    assert len(_values(whole)) == 3


def test_settings_that_cannot_be_used_are_named_and_no_damage_of_the_run(tmp_path: Path) -> None:
    plant(tmp_path, {"a/log.csv": LOG, "a/hparams.yaml": "x: [1\ny: 2\n"})
    logs = read(tmp_path)
    assert [(p.path, p.kind, p.message, p.run) for p in logs.problems] == [
        (
            "a/hparams.yaml",
            "skipped",
            "settings not read: line 2: not valid YAML: did not find expected ',' or ']'",
            None,
        )
    ]


def test_settings_of_a_joined_run_and_of_the_root(tmp_path: Path) -> None:
    tree = {
        f"train/{E1}": "events: loss",
        f"val/{E1}": "events: loss",
        "args.yaml": "lr: 1\n",
        "val/opt.yaml": "b: 2\n",
    }
    plant(tmp_path / "exp", tree)
    assert set(_values(read(tmp_path / "exp"))) == {("exp", "lr")}
    assert set(_values(read(tmp_path))) == {("exp", "lr")}


def test_runs_named_by_files_share_the_settings_of_their_folder(tmp_path: Path) -> None:
    plant(tmp_path, {"x/one.csv": LOG, "x/two.csv": LOG, "x/params.json": '{"lr": 1}'})
    assert set(_values(read(tmp_path))) == {("x/one.csv", "lr"), ("x/two.csv", "lr")}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lr=3e-3_bs=64", {"lr": "3e-3", "bs": "64"}),
        ("lr3e-3-bs64", {"lr": "3e-3", "bs": "64"}),
        ("version_0", {}),
    ],
)
def test_names_of_runs(name: str, expected: dict[str, str], tmp_path: Path) -> None:
    plant(tmp_path, {f"x/{name}/log.csv": LOG})
    logs = read(tmp_path)
    assert {key[1]: value for key, value in _values(logs).items()} == expected
    assert set(_sources(logs).values()) <= {"run name"}


def test_settings_count_more_than_the_name(tmp_path: Path) -> None:
    plant(tmp_path, {"x/lr=3/log.csv": LOG, "x/lr=3/config.yaml": "lr: 4\n"})
    assert _values(read(tmp_path)) == {("x/lr=3", "lr"): "4"}


# --- checkpoints ------------------------------------------------------------------------------------------------------


def _checkpoints(logs: Logs) -> list[tuple[object, ...]]:
    return logs.checkpoints.with_columns(pl.col("run").cast(pl.String)).rows()


def test_checkpoints_belong_to_the_run_above_or_to_the_only_one_beside(tmp_path: Path) -> None:
    tree = {
        "a/log.csv": LOG,
        "a/weights/last.pt": "12345",
        "a/checkpoint-20/model.safetensors": "123",
        "a/checkpoint-20/optimizer.pt": "12",
        "a/checkpoint-5/model.safetensors": "1",
        "b/logs/log.csv": LOG,
        "b/ckpt/epoch=1-step=9.ckpt": "1",
        "c/one/log.csv": LOG,
        "c/two/log.csv": LOG,
        "c/ckpt/x.pt": "1",
        "d/model.pt": "1",
    }
    plant(tmp_path, tree)
    for options in ({}, {"batch_folders": 1}):
        logs = read(tmp_path, **options)
        assert _checkpoints(logs) == [
            ("a", "a/checkpoint-5", 5, None, 1),
            ("a", "a/checkpoint-20", 20, None, 5),
            ("a", "a/weights/last.pt", None, None, 5),
            ("b/logs", "b/ckpt/epoch=1-step=9.ckpt", 9, 1, 1),
        ]
        assert logs.problems == ()


def test_checkpoints_reach_the_report(tmp_path: Path) -> None:
    plant(tmp_path, {"a/log.csv": LOG, "a/step=7.ckpt": "1"})
    (run,) = loglens.analyze(tmp_path).runs
    assert [(c.path, c.step, c.epoch, c.bytes) for c in run.checkpoints] == [("a/step=7.ckpt", 7, None, 1)]


def test_checkpoints_are_never_opened(tmp_path: Path) -> None:
    plant(tmp_path, {"a/log.csv": LOG, "a/step=7.ckpt": "1"})
    (tmp_path / "a" / "step=7.ckpt").chmod(0)
    assert _checkpoints(read(tmp_path)) == [("a", "a/step=7.ckpt", 7, None, 1)]


def test_the_settings_of_wandb_lie_with_what_the_run_printed(tmp_path: Path) -> None:
    folder = tmp_path / "wandb" / "run-20240101_000000-abc123" / "files"
    folder.mkdir(parents=True)
    (folder / "output.log").write_text("".join(f"epoch {i} loss {2 - i / 100}\n" for i in range(50)))
    (folder / "config.yaml").write_text("wandb_version: 1\nlr:\n  desc: null\n  value: 0.1\n")
    logs = loglens.read(tmp_path)
    assert logs.hparams.select("name", "number").rows() == [("lr", 0.1)]
    assert any(source.path.endswith("/files/config.yaml") for source in logs.sources)

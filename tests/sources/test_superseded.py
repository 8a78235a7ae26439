"""Of the states that a trainer saves again and again only the newest counts; its event files are the same run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from eventwriter import scalar, written

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path


def state(folder: Path, last: int, begin: float = 2.0) -> None:
    rows = [{"step": n, "epoch": n / 50, "loss": begin / (n + 1)} for n in range(0, last, 10)]
    rows += [{"step": n, "eval_loss": float("nan") if n == 100 else n / 100} for n in range(100, last + 1, 100)]
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": last, "log_history": rows}))


@pytest.mark.parametrize("final", [True, False])
def test_newest_of_several_checkpoints(tmp_path: Path, final: bool) -> None:
    for last in (100, 200, 1000):
        state(tmp_path / "a" / "out" / f"checkpoint-{last}", last)
    if final:
        state(tmp_path / "a" / "out" / "final", 1000)
        (tmp_path / "a" / "out" / "final" / "trainer_state.json").rename(tmp_path / "a" / "out" / "trainer_state.json")
    logs = read(tmp_path)
    assert logs.names == ("a/out",)
    assert logs.scalars.cast({"tag": str}).filter(tag="loss").height == 100
    assert len(logs.problems) == 2 + final
    assert {p.kind for p in logs.problems} == {"skipped"}
    assert all("an earlier state of the training in" in p.message for p in logs.problems)


def test_checkpoint_of_another_training_is_kept(tmp_path: Path) -> None:
    state(tmp_path / "out" / "checkpoint-100", 100)
    state(tmp_path / "out" / "checkpoint-200", 200, begin=3.0)
    assert len(read(tmp_path).names) == 2


def events(folder: Path, *tags: str) -> None:
    folder.mkdir(parents=True)
    written(folder, [scalar(tag, n, 2 / (n + 1)) for tag in tags for n in range(0, 200, 10)])


def test_event_files_of_the_same_training_join(tmp_path: Path) -> None:
    state(tmp_path / "out" / "checkpoint-200", 200)
    events(tmp_path / "out" / "runs" / "Jan01_host", "train/loss", "eval/loss", "train/epoch")
    logs = read(tmp_path)
    assert logs.names == ("out",)
    assert {s.format for s in logs.sources} == {"json", "tensorboard"}


@pytest.mark.parametrize(
    "folders", [{"runs/a": ["loss"]}, {"runs/a": ["train/loss", "eval/loss"], "runs/b": ["train/loss", "eval/loss"]}]
)
def test_other_event_files_stay_apart(tmp_path: Path, folders: dict[str, list[str]]) -> None:
    state(tmp_path / "out" / "checkpoint-200", 200)
    for folder, tags in folders.items():
        events(tmp_path / "out" / folder, *tags)
    assert set(read(tmp_path).names) == {"out", *(f"out/{folder}" for folder in folders)}


def test_plots_of_dvclive_are_in_its_folder(tmp_path: Path) -> None:
    for split in ("train", "eval"):
        place = tmp_path / "dvclive" / "plots" / "metrics" / split
        place.mkdir(parents=True)
        (place / "loss.tsv").write_text("step\tloss\n" + "".join(f"{n}\t{n / 2}\n" for n in range(5)))
    (tmp_path / "dvclive" / "metrics.json").write_text(json.dumps({"step": 4, "train": {"loss": 2.0}}))
    logs = read(tmp_path)
    assert logs.names == ("dvclive",)
    assert logs.metrics["tag"].cast(str).to_list() == ["eval/loss", "train/loss"]
    assert logs.metrics["role"].to_list() == ["val/loss", "train/loss"]
    assert [p.path for p in logs.problems] == ["dvclive/metrics.json"]


def test_records_that_mmengine_keeps_twice(tmp_path: Path) -> None:
    place = tmp_path / "work" / "20240101_000000" / "vis_data"
    place.mkdir(parents=True)
    rows = [json.dumps({"loss": 2 / (n + 1), "iter": n, "step": n}) + "\n" for n in range(20)]
    (place / "20240101_000000.json").write_text("".join(rows))
    (place / "scalars.json").write_text("".join(rows))
    (place.parent / "20240101_000000.log").write_text(
        "".join(f"Iter(train) [{n}/20] loss: 0.{n}1\n" for n in range(20))
    )
    logs = read(tmp_path)
    assert logs.names == ("work/20240101_000000",)
    assert logs.scalars.height == 20
    assert [p.message.rpartition(" in ")[0] for p in logs.problems if p.path.endswith(".json")] == [
        "its records are all"
    ]

"""One small file an epoch is one log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, stem: str = "metrics_epoch_", count: int = 12) -> None:
    for n in range(count):
        record = {"training_loss": 2 / (n + 1), "validation_loss": 3 / (n + 1), "best_epoch": n}
        (folder / f"{stem}{n}.json").write_text(json.dumps(record, indent=1))


def test_files_of_epochs_are_one_run(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "metrics.json").write_text(json.dumps({"epoch": 11, "training_loss": 1 / 6, "best_validation_loss": 1}))
    logs = read(tmp_path)
    loss = logs.scalars.cast({"tag": str}).filter(tag="training_loss")
    assert logs.names == (tmp_path.name,)
    assert loss["step"].to_list() == list(range(12))
    assert loss["value"].to_list() == [2 / (n + 1) for n in range(12)]
    assert [p.message for p in logs.problems] == ["last values only, of the curves in metrics_epoch_0.json"]
    assert len(logs.sources) == 12


def test_numbers_that_count_no_epochs_keep_files_apart(tmp_path: Path) -> None:
    for n in range(3):
        record = [{"epoch": i, "loss": 1 / (i + n + 1)} for i in range(4)]
        (tmp_path / f"seed_{n}.json").write_text(json.dumps(record))
    assert len(read(tmp_path).names) == 3


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "metrics_epoch_5.json").write_text('{"training_loss": 1.2')
    assert [p.path for p in read(tmp_path).problems if p.kind == "truncated"] == ["metrics_epoch_5.json"]

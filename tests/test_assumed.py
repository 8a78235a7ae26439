from __future__ import annotations

from pathlib import Path

import pytest

import loglens
from loglens.assumed import SOURCE, with_hparams

SAMPLES = Path(__file__).parents[1] / "sample_logs"


@pytest.fixture(scope="module")
def logs() -> loglens.Logs:
    return loglens.read(str(SAMPLES))


def test_what_was_logged_wins(logs: loglens.Logs) -> None:
    run, name, value = logs.hparams.select("run", "name", "value").row(0)
    more = with_hparams(logs, {name: "told", "num_classes": "10"}).hparams
    rows = [row for row in more.iter_rows(named=True) if row["run"] == run]
    assert [row["value"] for row in rows if row["name"] == name] == [value]
    (told,) = (row for row in rows if row["name"] == "num_classes")
    assert (told["value"], told["number"], told["source"]) == ("10", 10.0, SOURCE)


def test_every_run_is_told_and_nothing_else_changes(logs: loglens.Logs) -> None:
    more = with_hparams(logs, {"surely not logged": "a text"})
    assert more.hparams.height == logs.hparams.height + len(logs.names)
    assert more.hparams.schema == logs.hparams.schema
    assert with_hparams(logs, {}) is logs


def test_settings_tell_the_number_of_classes(tmp_path: Path) -> None:
    lines = "".join(f"{i},{2.3026 - i / 30}\n" for i in range(60))
    (tmp_path / "m.csv").write_text("step,train/loss\n" + lines)
    (tmp_path / "s.toml").write_text('[hparams]\nnum_classes = 10\nloss_fn = "cross_entropy"\n')
    plain = loglens.analyze(str(tmp_path / "m.csv")).runs[0]
    told = loglens.analyze(str(tmp_path / "m.csv"), config=tmp_path / "s.toml").runs[0]
    assert plain.hparams == {}
    assert told.hparams == {"num_classes": "10", "loss_fn": "cross_entropy"}
    assert told.reading is not None
    assert told.reading.classes == 10

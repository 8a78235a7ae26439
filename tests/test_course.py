"""How a run went: healthy only when enough was logged, it went well, and the log is not of a job under way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from loglens import cli

if TYPE_CHECKING:
    from pathlib import Path

FALL = 2 * np.exp(-np.arange(100) / 20) + 0.3 + 0.005 * np.random.default_rng(0).standard_normal(100)


def said(
    folder: Path, rows: list[dict[str, float]], capsys: pytest.CaptureFixture[str], more: str = "", **told: object
) -> tuple[str, str]:
    """Verdict and headline by the command line."""
    folder.mkdir()
    text = "".join(json.dumps(row) + "\n" for row in rows) + more
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"lr": 0.1, **told}), encoding="utf-8")
    assert cli.run(["analyze", str(folder), "--format", "json", "--no-config"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    return run["verdict"], run["headline"]


def rows(values: np.ndarray, name: str = "loss") -> list[dict[str, float]]:
    return [{"step": 10 * n, name: float(value)} for n, value in enumerate(values)]


def test_a_run_that_went_well_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, headline = said(tmp_path / "run", rows(FALL), capsys, max_steps=1000)
    assert (verdict, headline) == ("healthy", "loss fell from 2.3 to 0.307; nothing stands out.")


def test_a_run_is_told_by_what_was_held_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [{**row, "training auc": 1 - row["auc"] / 9, "valid auc": 0.9 - row["auc"] / 9} for row in rows(FALL, "auc")]
    _, headline = said(tmp_path / "run", [{k: v for k, v in row.items() if k != "auc"} for row in both], capsys)
    assert headline.startswith("valid auc rose")


def test_one_point_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, headline = said(tmp_path / "run", rows(FALL[:1]), capsys)
    assert verdict == "unknown"
    assert headline.startswith("Too little to judge: loss has 1 point, and 8 are needed.")


def test_no_point_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, headline = said(tmp_path / "run", rows(np.full(20, np.nan), "gpu_temperature"), capsys)
    assert verdict == "unknown"
    assert headline.startswith("Nothing to judge by: no loss or score was recognised in gpu_temperature.")


def test_a_log_that_breaks_off_inside_a_record_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, headline = said(tmp_path / "run", rows(FALL), capsys, more='{"step": 1000, "lo')
    assert verdict == "unknown"
    assert "so far. The log breaks off inside a record" in headline


def test_far_from_the_planned_end_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, headline = said(tmp_path / "run", rows(FALL), capsys, max_steps=5000)
    assert verdict == "unknown"
    assert "It ends at step 990 of 5,000 planned (20 %): still running, or cut off." in headline


@pytest.mark.parametrize("told", [{}, {"patience": 10}], ids=["best long ago", "patience"])
def test_an_early_stop_is_no_job_under_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: dict[str, object]
) -> None:
    values = FALL.copy() if told else np.concatenate((FALL[:80], FALL[79] + 0.002 * np.arange(1, 6)))
    verdict, _ = said(tmp_path / "run", rows(values, "val_loss"), capsys, "", max_steps=5000, **told)
    assert verdict == "healthy"


NOISE = np.random.default_rng(1).standard_normal(40)


@pytest.mark.parametrize(
    ("values", "name", "verdict"),
    [
        (1.66 - 0.03 * np.arange(40) / 40 + 0.002 * NOISE, "val_loss", "unknown"),
        (1.03 + 0.01 * NOISE, "val_loss", "unknown"),
        (1.66 - 0.3 * np.tanh(np.arange(40) / 8) + 0.002 * NOISE, "val_loss", "healthy"),
        (np.where(np.arange(40) < 1, 1.62, 0.61) + 0.005 * NOISE, "val_loss", "healthy"),
        (40 - 50 * (1 - np.exp(-np.arange(40) / 5)) + 0.5 * NOISE, "val_loss", "healthy"),
    ],
    ids=["2 %", "noise", "20 %", "all at once", "below zero"],
)
def test_a_loss_that_hardly_moved_is_not_called_healthy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], values: np.ndarray, name: str, verdict: str
) -> None:
    told, headline = said(tmp_path / "run", rows(values, name), capsys)
    assert told == verdict, headline
    assert ("look alike" in headline) == (verdict == "unknown")


@pytest.mark.parametrize(("score", "verdict"), [(0.95, "healthy"), (0.5, "unknown")])
def test_a_good_score_tells_a_fine_tune_from_a_run_that_learnt_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], score: float, verdict: str
) -> None:
    both = [
        row | {"val_accuracy": score + 0.001 * float(noise)}
        for row, noise in zip(rows(0.21 + 0.001 * NOISE, "val_loss"), NOISE, strict=True)
    ]
    assert said(tmp_path / "run", both, capsys)[0] == verdict


def test_what_began_anew_is_told_of_its_last_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict, headline = said(tmp_path / "twice", [*rows(FALL), *rows(FALL)], capsys)
    assert verdict == "healthy"
    assert headline == "loss fell from 2.3 to 0.307; nothing stands out. 1 note."
    verdict, headline = said(tmp_path / "begun", [*rows(FALL), *rows(FALL[:4])], capsys)
    assert verdict == "unknown"
    assert headline.startswith("Too little to judge: of loss, 4 points are left since it began anew, and 8 are needed.")

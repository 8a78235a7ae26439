"""The last good step, and the checkpoint that is named for it: by the right numbers, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import loglens

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import RunReport

FALL = 2 * np.exp(-np.arange(400) / 60) + 0.3 + 0.01 * np.random.default_rng(0).standard_normal(400)


def told(folder: Path, columns: dict[str, Any], *checkpoints: str) -> RunReport:
    """The story of a run in a CSV with these files beside it."""
    rows = [",".join(columns), *(",".join(str(v) for v in row) for row in zip(*columns.values(), strict=True))]
    (folder / "metrics.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name in checkpoints:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
    (run,) = loglens.analyze(folder).runs
    return run


def broken(n: int, at: int) -> list[float]:
    return [*FALL[:: 400 // n][:at], *[float("nan")] * (n - at)]


def test_the_newest_checkpoint_before_the_fault_is_named(tmp_path: Path) -> None:
    names = [f"checkpoint-{n}/model.safetensors" for n in range(400, 4000, 400)]
    run = told(tmp_path, {"step": range(0, 4000, 10), "train_loss": broken(400, 250)}, *names)
    assert run.last_good_step == 2490
    assert run.resume is not None
    assert run.resume.text == (
        "resume from checkpoint-2400 (step 2,400); checkpoint-2800 (step 2,800) and later are after the fault"
    )
    assert run.resume.checkpoint is not None
    assert run.resume.later is not None
    assert (run.resume.checkpoint.step, run.resume.later.step) == (2400, 2800)


def test_the_only_later_one_is_said_so_and_the_onset_itself_is_too_near(tmp_path: Path) -> None:
    run = told(tmp_path, {"step": range(400), "train_loss": broken(400, 250)}, "model_step240.pt", "model_step250.pt")
    assert run.resume is not None
    assert run.resume.text == (
        "resume from model_step240.pt (step 240); model_step250.pt (step 250) is too near to the fault"
    )


def test_without_one_from_before_that_is_said(tmp_path: Path) -> None:
    run = told(tmp_path, {"step": range(400), "train_loss": broken(400, 100)}, "step_200.ckpt", "step_300.ckpt")
    assert run.resume is not None
    assert run.resume.checkpoint is None
    assert run.resume.text == "no checkpoint is from before the fault; the first, step_200.ckpt (step 200), is later"


@pytest.mark.parametrize("names", [("best.pt", "last.pt"), ("step_40000.ckpt",), ()], ids=str)
def test_names_that_do_not_tell_are_not_guessed_at(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert told(tmp_path, {"step": range(400), "train_loss": broken(400, 250)}, *names).resume is None


@pytest.mark.parametrize(
    ("first", "named", "wanted"),
    [
        pytest.param(0, range(0, 40, 4), 24, id="both from 0"),
        pytest.param(1, range(0, 40, 4), 24, id="names from 0, log from 1"),
        pytest.param(0, range(4, 41, 4), 24, id="names from 1, log from 0"),
        pytest.param(1, range(4, 41, 4), 24, id="both from 1"),
        pytest.param(0, range(5, 36, 5), 20, id="not known"),
    ],
)
def test_epochs_may_count_from_nought_or_one(tmp_path: Path, first: int, named: range, wanted: int) -> None:
    """The 26th epoch is the first bad one."""
    columns = {"epoch": range(first, first + 40), "loss": broken(40, 25)}
    run = told(tmp_path, columns, *(f"epoch={n:02}.ckpt" for n in named))
    assert run.resume is not None
    assert run.resume.checkpoint is not None
    assert run.resume.checkpoint.epoch == wanted


def test_steps_in_names_say_nothing_to_epochs_in_the_log(tmp_path: Path) -> None:
    columns = {"epoch": range(40), "loss": broken(40, 25)}
    assert told(tmp_path, columns, "checkpoint-10/model.pt", "checkpoint-30/model.pt").resume is None


def test_epochs_in_names_are_found_by_the_epochs_that_steps_belong_to(tmp_path: Path) -> None:
    columns = {"step": range(400), "epoch": [n // 10 for n in range(400)], "train_loss": broken(400, 255)}
    run = told(tmp_path, columns, *(f"epoch={n}.ckpt" for n in range(0, 40, 2)))
    assert run.resume is not None
    assert run.resume.checkpoint is not None
    assert run.resume.checkpoint.epoch == 24, "epoch 25 was under way"


def test_for_a_widening_gap_it_is_the_best_evaluation_that_counts(tmp_path: Path) -> None:
    at = np.arange(60) / 60
    val = 0.4 + 0.5 * np.exp(-9 * at) + 0.6 * np.maximum(0, at - 0.3)
    columns = {"step": range(50, 3050, 50), "train/loss": 1 - 0.9 * at, "val/loss": val}
    run = told(tmp_path, columns, *(f"checkpoint-{n}/pytorch_model.pt" for n in range(300, 3001, 300)))
    best = 50 + 50 * int(np.argmin(val))
    assert run.last_good_step == best
    assert run.resume is not None
    assert run.resume.checkpoint is not None
    assert run.resume.checkpoint.step == best // 300 * 300
    assert run.resume.text.startswith(f"use checkpoint-{best // 300 * 300} ")


def test_trouble_that_does_not_stay_in_the_weights_has_no_last_good_step(tmp_path: Path) -> None:
    loss = FALL.copy()
    loss[200:202] = 30.0
    run = told(tmp_path, {"step": range(400), "train_loss": loss}, "checkpoint-100/model.pt")
    assert [f.rule for f in run.findings] == ["loss-spike"]
    assert run.last_good_step is None
    assert run.resume is None

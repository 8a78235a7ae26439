"""The story of a run: verdict, headline, what was lost, and the curves that leave the analysis."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import loglens
from loglens.curves import CURVE_POINTS
from loglens.ruleset import load_rules
from loglens.story import tell


def story(**columns: Any) -> Any:
    (run,) = tell(loglens.read({k: list(v) for k, v in columns.items()}), load_rules().rules)
    return run


STEPS = np.arange(200)
FALLING = 2 * np.exp(-STEPS / 40) + 0.3 + 0.01 * np.random.default_rng(0).standard_normal(200)


def test_a_healthy_run_is_called_so_and_says_how_it_went() -> None:
    run = story(step=STEPS, loss=FALLING)
    assert run.verdict == "healthy"
    assert run.headline.startswith("loss fell from 2.3")
    assert run.last_good_step is None
    assert run.wasted_fraction is None


@pytest.mark.parametrize("points", [0, 1, 7])
def test_too_little_to_judge_is_unknown(points: int) -> None:
    assert story(step=STEPS[: points + 1], loss=[*FALLING[:points], np.nan][: points + 1]).verdict != "healthy"


def test_a_run_without_loss_or_score_is_unknown() -> None:
    assert story(step=STEPS, gpu_temperature=FALLING).verdict == "unknown"


def test_nan_from_a_step_on_tells_root_waste_and_last_good_step() -> None:
    run = story(step=STEPS, loss=np.where(STEPS < 150, FALLING, np.nan))
    assert run.verdict == "failed"
    assert run.wasted_fraction == pytest.approx(49 / 199, abs=1e-3)
    assert run.last_good_step == 149
    assert "150" in run.headline


def test_the_steps_of_a_run_span_its_finest_axis() -> None:
    assert story(step=STEPS * 5, loss=FALLING).steps == (0, 995)


def test_curves_are_thinned_but_keep_extremes_and_nan() -> None:
    values = 1 + 0.1 * np.random.default_rng(1).standard_normal(50_000)
    values[[7, 31_234]] = 9.0, -9.0
    values[44_000] = np.nan
    run = story(step=np.arange(50_000), loss=values)
    curve = run.curves["loss"]
    assert len(curve.steps) <= CURVE_POINTS + 2
    assert {9.0, -9.0} <= set(curve.values.tolist())
    assert np.isnan(curve.values[curve.steps == 44_000]).all()
    assert np.all(np.diff(curve.steps) > 0)


def test_metrics_tell_first_best_and_last_by_their_direction() -> None:
    run = story(step=STEPS, loss=FALLING, val_accuracy=np.linspace(0.1, 0.9, 200))
    by_tag = {m.tag: m for m in run.metrics}
    assert by_tag["val_accuracy"].best == pytest.approx(0.9)
    assert by_tag["loss"].best == pytest.approx(FALLING.min())
    assert by_tag["loss"].first == pytest.approx(FALLING[0])


def test_clocks_of_several_series_and_pauses_between_sessions_are_no_time_spent() -> None:
    wall = np.where(STEPS < 100, 1000.0 + STEPS, 90_000.0 + STEPS)
    frame = pl.DataFrame(
        {"run": ["r"] * 400, "tag": ["loss"] * 200 + ["fps"] * 200, "step": [*STEPS, *STEPS],
         "value": [*FALLING, *FALLING], "wall_time": [*wall, *(STEPS * 0.5)],
         "segment": [*(STEPS >= 100).astype(int)] * 2}
    )  # fmt: skip
    (run,) = tell(loglens.read(frame), load_rules().rules)
    assert run.wall_seconds == pytest.approx(198)


def test_nothing_found_by_some_rules_is_said_to_be_no_more() -> None:
    report = loglens.analyze({"step": list(STEPS), "loss": list(FALLING)}, select=["flat-loss", "zero-loss"])
    assert report.runs[0].headline == "No finding by the 2 selected rules; loss fell from 2.3 to 0.32."
    mute = loglens.analyze({"step": list(STEPS), "loss": list(FALLING)}, select=["gradient-spike"])
    assert mute.runs[0].verdict == "unknown"
    assert mute.runs[0].headline.startswith("The selected rule could not judge it: no grad_norm")


def test_a_curve_that_got_worse_is_not_healthy() -> None:
    report = loglens.analyze({"step": list(STEPS), "val_loss": list(FALLING[::-1])}, ignore=["missed-early-stop"])
    (run,) = report.runs
    assert run.findings or run.verdict == "unknown"
    assert run.verdict != "healthy"

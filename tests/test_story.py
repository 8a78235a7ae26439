"""The story of a run: chains of causes, verdict, headline, what was lost, and the curves that leave the analysis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import loglens
from loglens.chains import link, root_of
from loglens.curves import CURVE_POINTS
from loglens.model import Finding
from loglens.ruleset import load_rules
from loglens.story import tell


def finding(rule: str, step: int | None, severity: str = "error", axis: str = "step") -> Finding:
    return Finding(
        rule=rule, severity=severity, confidence=0.9, title=f"The {rule}", message=f"{rule} happened.",
        tags=("loss",), axis=axis, first_step=step, last_step=1000, first_wall_time=None, evidence={},
        counter_evidence=(), causes=(), remedies=(), caused_by=None, fingerprint="",
    )  # fmt: skip


EXPLAINED = {"spike": ("rate",), "nan": ("spike", "rate"), "zero": ("nan",)}


def causes(*findings: Finding) -> dict[str, str | None]:
    return {f.rule: f.caused_by for f in link(findings, EXPLAINED)}


def test_each_finding_names_the_earliest_that_explains_it() -> None:
    found = causes(finding("rate", 10), finding("spike", 20), finding("nan", 30), finding("zero", 31))
    assert found == {"rate": None, "spike": "rate", "nan": "rate", "zero": "nan"}


def test_a_cause_does_not_come_after_its_effect() -> None:
    assert causes(finding("spike", 900), finding("nan", 30)) == {"spike": None, "nan": None}


def test_a_cause_may_be_noticed_a_little_later() -> None:
    assert causes(finding("spike", 45), finding("nan", 30))["nan"] == "spike"


def test_steps_on_different_axes_are_not_compared() -> None:
    assert causes(finding("spike", 900), finding("nan", 3, axis="epoch"))["nan"] == "spike"


def test_linking_removes_nothing_and_changes_no_severity() -> None:
    given = (finding("nan", 30), finding("rate", 10, "info"))
    linked = link(given, EXPLAINED)
    assert {(f.rule, f.severity) for f in linked} == {("nan", "error"), ("rate", "info")}


def test_the_root_is_where_the_worst_chain_begins() -> None:
    linked = link((finding("rate", 10, "info"), finding("nan", 30), finding("other", 5, "warning")), EXPLAINED)
    root = root_of(linked)
    assert root is not None
    assert root.rule == "rate"


def test_without_findings_there_is_no_root() -> None:
    assert root_of(()) is None


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

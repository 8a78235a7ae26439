from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import samples

from loglens.model import Group, RunReport
from loglens.reporters import across


def shifted(name: str, by: float, verdict: str = "failed", steps: int = 500) -> RunReport:
    at = np.arange(steps) * 20
    loss = samples.falling(np.random.default_rng(3), steps, 2.3, 0.2) + np.where(at > at[-1] // 2, by, 0)
    return samples.run(name, verdict, "it left", (samples.curve("Loss/train", "train/loss", at, loss),))  # type: ignore[arg-type]


def healthy(n: int) -> list[RunReport]:
    return [samples.healthy(f"ok-{i}", i) for i in range(n)]


def test_runs_outside_of_the_band_are_named_furthest_first() -> None:
    band = across.band_of([*healthy(12), shifted("a", 1.0), shifted("b", 3.0), shifted("c", 2.0, "suspect")])
    assert band is not None
    assert [run.run for run in band.outside] == ["b", "c", "a"]
    assert band.sentence == (
        "The band holds the middle 80 % of 12 healthy runs in Loss/train; "
        "3 troubled runs leave it for most of the second half."
    )
    (panel,) = band.chart.panels
    assert [line.label for line in panel.lines] == ["median of 12 runs", "b", "c", "a"]
    assert panel.band.endswith("Z")


def test_what_differs_in_length_or_is_healthy_is_not_called_outside() -> None:
    band = across.band_of([*healthy(8), shifted("far", 5.0, "healthy"), shifted("short", 2.0, "suspect", 90)])
    assert band is not None
    assert band.outside == ()
    assert "no troubled run leaves it" in band.sentence


@pytest.mark.parametrize("few", [0, 1, 4])
def test_few_runs_have_no_band(few: int) -> None:
    assert across.band_of(healthy(few)) is None


def test_curves_that_are_no_numbers_or_huge_do_no_harm() -> None:
    at = np.arange(100)
    odd = [np.full(100, np.nan), np.full(100, 1e308), np.linspace(-8e307, 8e307, 100), np.zeros(100)]
    runs = [samples.run(f"r{i}", "failed", "", (samples.curve("l", "train/loss", at, y),)) for i, y in enumerate(odd)]
    band = across.band_of([*runs, *(replace(r, run=f"{r.run}-again") for r in runs)])
    assert band is not None
    assert "nan" not in band.chart.panels[0].band


def test_outcomes_by_the_value_of_a_setting() -> None:
    runs = [samples.healthy(f"h{i}", i, {"lr": "1e-4"}) for i in range(3)] + [samples.diverged("d")]
    told = across.outcomes(runs, "lr")
    assert [(o.value, o.verdicts, o.runs) for o in told] == [
        ("1e-4", (("healthy", 3),), 3), ("2.3e-4", (("failed", 1),), 1),
    ]  # fmt: skip
    assert across.outcomes(runs, "depth") == ()
    assert across.outcomes(runs[:3], "lr") == ()


def test_the_setting_that_explains_a_sweep_is_known_by_its_finding() -> None:
    found = samples.finding("sweep-failures", "info", "t", "m", (), None, None, evidence={"where": "lr rate ≥ 0.03"})
    runs = [samples.healthy("a", 1, {"lr": "1", "lr rate": "2"})]
    assert across.explained_by(Group("sweep", ("a",), (found,)), runs) == "lr rate"
    assert across.explained_by(Group("sweep", ("a",), ()), runs) is None

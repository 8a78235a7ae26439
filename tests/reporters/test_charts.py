from __future__ import annotations

import re

import numpy as np
import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.reporters import charts, sparks
from loglens.reporters.scales import Scale, short, step_ticks, ticks, value_scale
from loglens.reporters.thinning import thin

POINT = re.compile(r"[\d.]+ [\d.]+")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=400), st.integers(1, 60))
def test_thinning_keeps_extremes_ends_and_faults(values: list[float], columns: int) -> None:
    y, x = np.array(values), np.arange(len(values))
    kept = thin(x, y, 0, len(y) - 1, columns)
    finite, left = y[np.isfinite(y)], y[kept][np.isfinite(y[kept])]
    assert kept[-1] == len(y) - 1
    assert np.isfinite(y).all() == np.isfinite(y[kept]).all()
    if len(finite):
        assert (left.min(), left.max()) == (finite.min(), finite.max())
    assert len(kept) <= max(columns * 5 + 1, columns)
    again = thin(x[kept], y[kept], 0, len(y) - 1, columns)
    assert len(again) == len(kept)


@settings(deadline=None)
@given(st.lists(FINITE, max_size=30))
def test_every_scale_holds_its_values_and_some_ticks(values: list[float]) -> None:
    scale = value_scale(np.array(values))
    placed = scale.place(np.array(values))
    assert np.all((placed >= -1e-9) & (placed <= 1 + 1e-9))
    marks = ticks(scale)
    assert 1 <= len(marks) <= 10
    assert len({text for _, text in marks}) == len(marks)
    assert all(-1e-6 <= scale.at(value) <= 1 + 1e-6 for value, _ in marks)


@pytest.mark.parametrize(
    ("low", "high", "log", "texts"),
    [
        (0.4, 6.9, False, ["0", "2", "4", "6"]),
        (2.29, 2.31, False, ["2.290", "2.295", "2.300", "2.305", "2.310"]),
        (1e-4, 3.0, True, ["1e-4", "0.001", "0.01", "0.1", "1"]),
        (0.0, 2.3e-4, False, ["0", "5e-5", "1e-4", "1.5e-4", "2e-4"]),
        (-5.0, 5.0, False, ["-5.0", "-2.5", "0", "2.5", "5.0"]),
    ],
)
def test_ticks_are_round(low: float, high: float, log: bool, texts: list[str]) -> None:
    scale = value_scale(np.array([low, high]))
    assert scale.log == log
    assert [text for _, text in ticks(scale)] == texts


@settings(deadline=None)
@given(st.integers(-(2**62), 2**62), st.integers(0, 2**61))
def test_step_ticks_are_few_whole_and_inside(low: int, span: int) -> None:
    marks = step_ticks(low, low + span)
    assert 1 <= len(marks) <= 9
    assert all(low <= step <= low + span for step, _ in marks)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (7500, "7,500"), (12500, "12.5k"), (2e6, "2M"), (1e-5, "1e-5"), (-0.25, "-0.25")]
)
def test_ticks_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_a_log_axis_puts_decades_at_equal_distances() -> None:
    scale = Scale(1.0, 100.0, log=True)
    assert scale.at(10.0) == pytest.approx(0.5)


def test_gaps_and_marks_stand_where_numbers_are_missing() -> None:
    values = np.array([2.0, 1.0, np.nan, 1.5, -np.inf, np.inf, 3.0])
    run = samples.run("r", "failed", "", (samples.curve("loss", "train/loss", np.arange(7), values),))
    one = samples.finding("nonfinite-loss", "error", "t", "m", ("loss",), 2, 5)
    chart = charts.chart_of(run, one)
    assert chart is not None
    (panel,) = chart.panels
    assert panel.lines[0].path.count("M") == 3
    assert (panel.lost_high.count("M"), panel.lost_low.count("M")) == (2, 1)
    assert panel.lost_label == "NaN, +∞, -∞"
    assert chart.onset_label == "from step 2"


def test_quantities_get_panels_of_their_own_on_one_axis() -> None:
    run = samples.diverged()
    chart = charts.chart_of(run, run.findings[1])
    assert chart is not None
    assert [[line.look for line in panel.lines] for panel in chart.panels] == [["train", "val"], ["0"], ["0"]]
    assert [panel.log for panel in chart.panels] == [False, True, False]
    low, high = 32550 / 52425, 1.0
    left, width = chart.shade or (0, 0)
    assert left == pytest.approx(10.8 + 88.4 * low, abs=0.01)
    assert left + width == pytest.approx(10.8 + 88.4 * high, abs=0.01)


def test_every_coordinate_of_every_sample_lies_in_the_picture() -> None:
    for report in samples.reports().values():
        for run in report.runs:
            for finding in run.findings:
                chart = charts.chart_of(run, finding)
                for panel in chart.panels if chart else ():
                    points = [p.split() for line in panel.lines for p in POINT.findall(line.path)]
                    assert points
                    assert all(charts.LEFT <= float(x) <= charts.RIGHT for x, _ in points)
                    assert all(0 <= float(y) <= panel.height for _, y in points)


def test_series_on_another_axis_say_that_they_are_stretched() -> None:
    curves = (
        samples.curve("loss", "train/loss", np.arange(0, 1000, 10), np.linspace(2, 1, 100)),
        samples.curve("val_loss", "val/loss", np.arange(5), np.linspace(2, 1, 5), "epoch"),
    )
    run = samples.run("r", "suspect", "", curves)
    one = samples.finding("widening-gap", "warning", "t", "m", ("loss", "val_loss"), 500, None)
    chart = charts.chart_of(run, one)
    assert chart is not None
    assert [line.label for line in chart.panels[0].lines] == ["loss", "val_loss (by epoch, stretched to fit)"]


def test_no_curve_no_chart() -> None:
    run = samples.run("r", "failed", "", ())
    assert charts.chart_of(run, samples.finding("x", "error", "t", "m", ("loss",), 1, 2)) is None
    assert sparks.spark_of(run, None) is None
    assert charts.course_of(run) is None


def test_the_sparkline_of_a_run_without_a_loss_is_that_of_its_score() -> None:
    names = ("lr", "memory", "val/perplexity", "grad_norm")
    curves = tuple(samples.curve(name, name, np.arange(30), np.linspace(2, 1, 30)) for name in names)
    chosen = sparks.spark_curve(samples.run("r", "healthy", "", curves))
    assert chosen is not None
    assert chosen.role == "val/perplexity"

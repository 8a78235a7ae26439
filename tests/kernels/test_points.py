"""Kernels of points agree with loops over one series at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import arg, batch, batches
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import runs
from numpy.testing import assert_allclose, assert_array_equal

from loglens.kernels import KERNELS
from loglens.kernels.values import BlocksArg, PointsArg

if TYPE_CHECKING:
    from collections.abc import Callable

    from loglens.series import SeriesSet

NAN = math.nan
Steps, Held = np.ndarray, np.ndarray


def parts(x: PointsArg) -> list[tuple[np.ndarray, np.ndarray]]:
    """(steps, values) of each series."""
    ends = x.layout.start + x.layout.count
    return [(x.layout.step[a:b], x.value[a:b]) for a, b in zip(x.layout.start, ends, strict=True)]


def trailing(held: Held) -> int:
    return next((n for first, n in reversed(runs(held)) if first + n == len(held)), 0)


def held_since(step: Steps, held: Held, least: float) -> float:
    return next((float(step[first]) for first, n in runs(held) if n >= least), NAN)


OF_A_CONDITION: dict[str, Callable[[Steps, Held], float]] = {
    "share": lambda _, held: held.mean() if len(held) else NAN,
    "number": lambda _, held: held.sum(),
    "longest": lambda _, held: max((n for _, n in runs(held)), default=0),
    "trailing": lambda _, held: trailing(held),
    "step_of_first": lambda step, held: held_since(step, held, 1),
    "place_of_first": lambda _, held: float(np.argmax(held)) if held.any() else NAN,
    "step_of_trailing": lambda step, held: float(step[len(held) - trailing(held)]) if trailing(held) else NAN,
}


@pytest.mark.parametrize("name", OF_A_CONDITION)
@settings(max_examples=30)
@given(series=batches(("train/loss", "lr")), above=st.sampled_from([0.0, 1.0, -2.0, 1e299]))
def test_of_a_condition(name: str, series: SeriesSet, above: float) -> None:
    for x in (arg(series).points, arg(series).records):
        held = PointsArg(x.layout, x.value > above)
        got = KERNELS[name].function(held)
        assert_allclose(got, [OF_A_CONDITION[name](*part) for part in parts(held)], err_msg=name)


@given(batches(("train/loss", "lr")), st.integers(1, 5))
def test_held_since(series: SeriesSet, least: int) -> None:
    x = arg(series).records
    held = PointsArg(x.layout, ~np.isfinite(x.value))
    got = KERNELS["held_since"].function(held, np.full(len(x.layout.start), float(least)))
    assert_allclose(got, [held_since(*part, least) for part in parts(held)])


@given(batches(("train/loss", "lr")), st.sampled_from([0.01, 0.1, 0.5, 1.0]))
def test_share_of_last(series: SeriesSet, part: float) -> None:
    x = arg(series).points
    held = PointsArg(x.layout, x.value > 0.5)
    got = KERNELS["share_of_last"].function(held, np.full(len(x.layout.start), part))
    last = [h[len(h) - max(math.ceil(len(h) * part), 1) :] for _, h in parts(held) if len(h)]
    assert_allclose(got[x.layout.count > 0], [h.mean() for h in last])
    assert np.isnan(got[x.layout.count == 0]).all()


@given(batches(("train/loss", "lr")), st.sampled_from([0.0, 3.0, 100.0, NAN]))
def test_value_before(series: SeriesSet, step: float) -> None:
    x = arg(series).records
    got = KERNELS["value_before"].function(x, np.full(len(x.layout.start), step))
    want = [([v for s, v in zip(*p, strict=True) if s < step and math.isfinite(v)] or [NAN])[-1] for p in parts(x)]
    assert_array_equal(got, want)


@given(batches(("train/loss", "lr")))
def test_at_gives_the_last_value_at_or_before(series: SeriesSet) -> None:
    got = KERNELS["at"].function(arg(series, "lr"), arg(series))
    for (steps, values), (lr_steps, lrs) in zip(parts(got), parts(arg(series, "lr").points), strict=True):
        want = [([v for s, v in zip(lr_steps, lrs, strict=True) if s <= step] or [NAN])[-1] for step in steps]
        assert_array_equal(values, want)


@given(batches(("train/loss", "lr")))
def test_records_hold_everything_in_the_order_of_the_log(series: SeriesSet) -> None:
    x = arg(series)
    for (_, values), i in zip(parts(KERNELS["records"].function(x)), x.index, strict=True):
        logged = series.records.take(np.array([i]))
        assert_array_equal(values, logged.value)
    assert_array_equal(KERNELS["nonfinite"].function(x.records).value, ~np.isfinite(x.records.value))


@given(batches(("train/loss", "lr")), st.integers(0, 4))
def test_looking_back(series: SeriesSet, by: int) -> None:
    x = arg(series).points
    with np.errstate(all="ignore"):
        lagged = KERNELS["lag"].function(x, np.full(len(x.layout.start), float(by)))
    highest, place = KERNELS["running_max"].function(x), KERNELS["position"].function(x)
    for (_, v), (_, back), (_, top), (_, at) in zip(parts(x), parts(lagged), parts(highest), parts(place), strict=True):
        assert_array_equal(back, np.concatenate([np.full(min(by, len(v)), NAN), v[: max(len(v) - by, 0)]]))
        assert_array_equal(top, np.maximum.accumulate(v) if len(v) else v)
        assert_allclose(at, np.linspace(0, 1, len(v)))


@given(batches(("train/loss", "lr")), st.integers(2, 12))
def test_slope_is_that_of_the_fitted_line(series: SeriesSet, over: int) -> None:
    x = arg(series).points
    usual = PointsArg(x.layout, np.clip(x.value, -1e6, 1e6))
    got = KERNELS["slope"].function(usual, np.full(len(x.layout.start), float(over)))
    for (_, v), (_, slopes) in zip(parts(usual), parts(got), strict=True):
        assert np.isnan(slopes[: over - 1]).all()
        for i in range(over - 1, len(v)):
            fitted = np.polyfit(np.arange(over), v[i - over + 1 : i + 1], 1)[0]
            assert_allclose(slopes[i], fitted, rtol=1e-6, atol=1e-9 * np.abs(v).max())


@given(batches(("train/loss", "lr")), st.sampled_from([0.0, 1.0, -1.0]))
def test_of_blocks(series: SeriesSet, below: float) -> None:
    x = arg(series)
    with np.errstate(all="ignore"):
        held = BlocksArg(x, KERNELS["blocks"].function(x).value < below)
        size = KERNELS["trailing_blocks"].function(held)
        step = KERNELS["step_of_trailing_blocks"].function(held)
    for run, i in enumerate(x.index):
        if i < 0:
            assert np.isnan(step[run])
            continue
        points, (features, at) = series.points.take(np.array([i])), series.features.of(int(i))
        row = held.value[run, : features.blocks.count[at]]
        assert size[run] == trailing(row)
        first = features.blocks.first[at, len(row) - trailing(row)] if trailing(row) else -1
        assert_allclose(step[run], points.step[first] if trailing(row) else NAN)


def test_a_condition_at_the_end_of_one_run_does_not_reach_into_the_next() -> None:
    x = arg(batch([{"train/loss": [0, 1, 1]}, {"train/loss": [1, 1, 0]}])).points
    held = PointsArg(x.layout, x.value > 0.5)
    assert KERNELS["longest"].function(held).tolist() == [2, 2]
    assert KERNELS["trailing"].function(held).tolist() == [2, 0]

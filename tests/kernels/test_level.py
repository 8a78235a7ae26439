"""Kernels of whole series agree with NumPy, one series at a time; missing ones give NaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import arg, batch, batches
from hypothesis import given, settings
from naive import Naive, kendall, lowest, median, second_differences, smooth, where_lowest
from numpy.testing import assert_allclose

from loglens.kernels import KERNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from loglens.series import SeriesSet

NAN = math.nan


def spread(x: Naive) -> float:
    """What `constant` allows: 1e-9 of the median of the blocks."""
    return 1e-9 * abs(x.natural(median(x.blocks)))


def level_size(x: Naive) -> float:
    return median(np.abs(x.blocks))


OF_ONE_SERIES: dict[str, Callable[[Naive], float]] = {
    "count": lambda x: x.n,
    "head": lambda x: x.head,
    "head_noise": lambda x: math.sqrt(1.57 / min(max(x.n // 20, 3), 10, x.n)) * (x.roughness if x.n > 1 else 0),
    "opening": lambda x: median(x.level[:3]),
    "best": lambda x: lowest(x.blocks),
    "crest": lambda x: -lowest(-x.blocks),
    "tail": lambda x: median(x.blocks[-3:]),
    "noise": lambda x: x.noise,
    "roughness": lambda x: x.roughness,
    "trend": lambda x: kendall(x.blocks),
    "minimum": lambda x: x.value.min(),
    "maximum": lambda x: x.value.max(),
    "first_value": lambda x: x.value[0],
    "last_value": lambda x: x.value[-1],
    "first_step": lambda x: float(x.step[0]),
    "last_step": lambda x: float(x.step[-1]),
    "best_step": lambda x: float(x.step[x.edges(x.k)[where_lowest(x.blocks)]]),
    "blocks_after_best": lambda x: x.k - 1 - where_lowest(x.blocks),
    "reference": lambda x: median(x.blocks[1:5]),
    "has": lambda x: x.n > 0,
    "positive": lambda x: x.logged,
    "constant": lambda x: bool(x.value.max() - x.value.min() <= spread(x)),
    # with few points
    "low": lambda x: lowest(x.bins),
    "low_step": lambda x: float(x.step[x.edges(len(x.bins))[where_lowest(x.bins)]]),
    "after_low": lambda x: len(x.bins) - 1 - where_lowest(x.bins),
    "finish": lambda x: median(x.bins[-3:]),
    "wiggle": lambda x: second_differences(x.bins),
    "climb": lambda x: kendall(x.bins[where_lowest(x.bins) :]),
    "distinct": lambda x: len(set(x.value.tolist())),
}
OF_NOTHING = {"has": False, "positive": False, "constant": False}  # flags are false without points, numbers NaN


def check(name: str, series: SeriesSet, *more: float) -> None:
    x = arg(series)
    with np.errstate(all="ignore"):
        got = KERNELS[name].function(x, *(np.full(len(x.index), number) for number in more))
    assert got.shape == x.index.shape
    for run, i in enumerate(x.index):
        points = series.points.take(np.array([i]))
        one = Naive(points.step, points.value)
        with np.errstate(all="ignore"):
            want = naive(name, one, *more) if one.n else empty(name, i, *more)
        assert_allclose(got[run], want, rtol=1e-9, atol=1e-300, err_msg=name)


def naive(name: str, one: Naive, *more: float) -> float:
    return OF_ONE_SERIES[name](one) if name in OF_ONE_SERIES else WITH_A_NUMBER[name](one, *more)


def empty(name: str, index: int, *more: float) -> float:
    """What a kernel gives without a point: a count knows that a series without points has none."""
    if name == "natural" and index >= 0:
        return more[0]  # a series without points is not in log space
    return 0.0 if name in ("count", "distinct", "head_noise") and index >= 0 else OF_NOTHING.get(name, NAN)


@pytest.mark.parametrize("name", OF_ONE_SERIES)
@settings(max_examples=30)
@given(series=batches(("train/loss", "val/loss")))
def test_of_one_series(name: str, series: SeriesSet) -> None:
    check(name, series)


def level_at(x: Naive, step: float) -> float:
    begun = [j for j, at in enumerate(x.edges(len(x.bins))[:-1]) if x.step[at] <= step]
    return smooth(x.bins)[max(len(begun) - 1, 0)]


WITH_A_NUMBER: dict[str, Callable[[Naive, float], float]] = {
    "delta": lambda x, share: math.log1p(share) if x.logged else share * level_size(x),
    "natural": lambda x, level: x.natural(level) if level < 700 else math.inf,
    "recent_best": lambda x, share: x.blocks[math.floor(x.k * (1 - share)) :].min(),
    "level_at": level_at,
}


@pytest.mark.parametrize("name", WITH_A_NUMBER)
@pytest.mark.parametrize("number", [0.0, 0.15, 1.0, 64.5])
@settings(max_examples=30)
@given(series=batches(("train/loss", "val/loss")))
def test_with_a_number(name: str, number: float, series: SeriesSet) -> None:
    if name != "recent_best" or 0 < number <= 1:
        check(name, series, number)


def test_blocks_are_the_medians() -> None:
    x = arg(batch([{"train/loss": np.arange(1.0, 21.0)}, {"lr": [1.0]}]))
    got = KERNELS["blocks"].function(x)
    assert_allclose(
        np.exp(got.value[0, :5]), [math.exp(np.log([a, a + 1]).mean()) for a in (2, 6, 10, 14, 18)], rtol=1e-12
    )
    assert np.isnan(got.value[1]).all()
    assert_allclose(got.count, [5, NAN])

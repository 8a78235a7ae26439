"""What spikes are read from, against plain loops over one series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import arg, batch, batches
from hypothesis import given, settings
from naive import Naive, median

from loglens.kernels import shape
from loglens.kernels.blocks import NORMAL
from loglens.kernels.values import PointsArg, SeriesArg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.series import SeriesSet

SERIES = batches(("train/loss", "lr"))


def parts(x: PointsArg) -> Iterator[np.ndarray]:
    """The values of each judged run."""
    return (x.value[a : a + n] for a, n in zip(x.layout.start, x.layout.count, strict=True))


def known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def surprise(level: np.ndarray) -> np.ndarray:
    width = int(np.clip(len(level) // 10, 11, 51))
    past = [median(level[max(i - width, 0) : i]) if i >= 5 else np.nan for i in range(len(level))]
    return level - np.array(past)


def local_scale(value: np.ndarray) -> np.ndarray:
    size = np.abs(value)
    whole = NORMAL * median(known(size)) if len(known(size)) else np.nan
    out = np.full(len(value), whole)
    for i in range(6, len(value)):
        past = known(size[max(i - 51, 0) : i])
        if len(past) >= 5:
            out[i] = np.fmax(NORMAL * median(past), whole / 2)
    return out


def lower_tail(value: np.ndarray, share: float) -> float:
    below = np.sort(-known(value))
    return max(below[int(share * (len(below) - 1))], 0) if len(below) else 0.0


def above(series: SeriesSet) -> tuple[SeriesArg, PointsArg]:
    x = arg(series)
    with np.errstate(all="ignore"):
        return x, shape.surprise(x)


@given(SERIES)
def test_surprise(series: SeriesSet) -> None:
    x, got = above(series)
    with np.errstate(all="ignore"):
        for i, part in zip(x.index, parts(got), strict=True):
            if i >= 0:
                points = series.points.take(np.array([i]))
                np.testing.assert_allclose(part, surprise(Naive(points.step, points.value).level), rtol=1e-9)


@given(SERIES)
def test_no_surprise_exceeds_its_bound(series: SeriesSet) -> None:
    x, got = above(series)
    with np.errstate(all="ignore"):
        most = shape.surprise_at_most(x)
    for part, bound in zip(parts(got), parts(most), strict=True):
        assert np.isnan(part[:5]).all()
        assert np.isnan(bound[:5]).all()
        assert not np.any(part > bound), "an upper bound, to the last bit"


def test_the_bound_of_a_surprise_is_close() -> None:
    x = arg(batch([{"train/loss": np.exp(0.1 * np.random.default_rng(i).standard_normal(900))} for i in range(3)]))
    apart = shape.surprise_at_most(x).value - shape.surprise(x).value
    assert np.nanmedian(apart) < 0.1, "within the noise of a point"


@given(SERIES)
@settings(max_examples=50)
def test_scales_and_tails_of_surprises(series: SeriesSet) -> None:
    _, got = above(series)
    scale = shape.local_scale(got)
    tail = shape.lower_tail(got, np.full(len(got.layout.start), 0.9))
    for part, wide, low in zip(parts(got), parts(scale), tail, strict=True):
        np.testing.assert_allclose(wide, local_scale(part), rtol=1e-9)
        assert low == lower_tail(part, 0.9) or not len(part)


@pytest.mark.parametrize("scales", [0.0, 1.0, 3.0, 8.0])
@given(series=SERIES)
@settings(max_examples=50)
def test_stands_out_where_the_local_scale_is_exceeded(scales: float, series: SeriesSet) -> None:
    _, got = above(series)
    wanted = got.value > scales * shape.local_scale(got).value
    held = shape.stands_out(got, np.full(len(got.layout.start), scales)).value
    close = np.isclose(got.value, scales * shape.local_scale(got).value, rtol=1e-12)
    assert np.array_equal(held | close, wanted | close)


def test_the_recent_past_decides_in_a_long_series() -> None:
    value = np.random.default_rng(0).standard_normal(2000) * np.repeat([1.0, 0.05, 1.0], [900, 200, 900])
    value[1000] = 5.0  # 100 times the noise there
    layout = arg(batch([{"train/loss": value}])).points.layout
    held = shape.stands_out(PointsArg(layout, value), np.array([8.0])).value
    assert np.flatnonzero(held).tolist() == [1000]

"""Members against one another, compared with the plain definition of each number."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import arg, batch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from loglens.kernels import members
from loglens.kernels.values import PointsArg

if TYPE_CHECKING:
    from collections.abc import Sequence

finals = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), max_size=12)


def points(*groups: Sequence[float]) -> PointsArg:
    return arg(batch([{"train/loss": list(group)} for group in groups])).records


@given(finals, finals)
def test_against_plain_definitions(first: list[float], second: list[float]) -> None:
    x = points(first, second)
    assert_allclose(members.median(x), [statistics.median(g) if g else np.nan for g in (first, second)])
    spread = [statistics.stdev(g) if len(g) > 1 else np.nan for g in (first, second)]
    assert_allclose(members.deviation(x), spread, rtol=1e-6, atol=1e-6)
    others = [g[:i] + g[i + 1 :] for g in (first, second) for i in range(len(g))]
    assert_allclose(members.others(x).value, [statistics.median(o) if o else np.nan for o in others])
    rest = [statistics.stdev(o) if len(o) > 1 else np.nan for o in others]
    assert_allclose(members.others_deviation(x).value, rest, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [64, 65, 200])
def test_many_members_are_like_few(size: int) -> None:
    """From 65 on the deviations come from sums."""
    value = np.random.default_rng(1).normal(5, 0.1, size)
    value[3] = 9
    expected = [np.delete(value, i).std(ddof=1) for i in range(size)]
    assert_allclose(members.others_deviation(points(value)).value, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("value", "t", "free", "z"),
    [  # from tables: t(3) = 12.92 and t(1) = 636.6 at 0.001 two-sided, t(8) = 3.355 at 0.01
        ([0, 1, 2, 3], 12.92, 3, 3.29), ([0, 1], 636.6, 1, 3.29), (list(range(9)), 3.355, 8, 2.576),
    ],
)  # fmt: skip
def test_z_of_a_lone_point(value: list[float], t: float, free: int, z: float) -> None:
    """Tables of Student's t: the approximation is good to some per cent, and errs towards silence with few members."""
    n = len(value) + 1
    lone = np.mean(value) + t * np.std(value, ddof=1) * np.sqrt(1 + 1 / (n - 1))
    assert n - 2 == free
    got = members.lone_z(points([*value, lone]), np.zeros(1)).value[-1]
    assert got == pytest.approx(z, rel=0.12)
    assert got <= z * 1.01


def test_the_floor_keeps_two_alike_from_making_a_third_one_odd() -> None:
    x = points([0.9, 0.9, 0.91])
    with np.errstate(divide="ignore"):
        assert members.lone_z(x, np.zeros(1)).value[2] > 5
    assert members.lone_z(x, np.full(1, 0.02)).value[2] < 1


@given(finals)
def test_signs_and_scale(value: list[float]) -> None:
    none = np.zeros(1)
    with np.errstate(all="ignore"):
        z = members.lone_z(points(value), none).value
        assert_allclose(members.lone_z(points([-v for v in value]), none).value, -z, rtol=1e-6, atol=1e-9)


def test_whose_and_where() -> None:
    x = points([0.1, 0.9, 0.2], [], [5.0])
    held = PointsArg(x.layout, x.value > 0.15)
    assert members.whose(held).tolist() == [(1, 2), (), (0,)]
    rank = PointsArg(x.layout, np.array([np.nan, 1.0, 2.0, np.nan]))
    assert_allclose(members.where_highest(x, rank), [0.2, np.nan, np.nan])


def test_robust_deviation_ignores_half_of_the_points() -> None:
    assert members.robust_deviation(points([1, 2, 3, 4, 1e9])) == pytest.approx(1.4826)
    assert_allclose(members.largest_point(points([1, 7, 3], [])), [7, np.nan])
    assert_allclose(members.smallest_point(points([1, 7, 3], [])), [1, np.nan])

"""Block statistics of whole batches agree with NumPy, one series at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import batch, batches
from hypothesis import given
from hypothesis import strategies as st
from naive import Naive, kendall, second_differences, smooth
from numpy.testing import assert_allclose

from loglens.kernels.blocks import argmin, block_medians, mann_kendall, nanmedian, nanmin

if TYPE_CHECKING:
    from loglens.series import SeriesSet

ROLES = ("train/loss", "val/loss", "lr")


def each(series: SeriesSet) -> list[Naive]:
    points = series.points
    return [
        Naive(points.step[a : a + n], points.value[a : a + n]) for a, n in zip(points.start, points.count, strict=True)
    ]


def padded(parts: np.ndarray, width: int) -> np.ndarray:
    return np.concatenate([parts, np.full(width - len(parts), np.nan)])


@given(batches(ROLES))
def test_features(series: SeriesSet) -> None:
    with np.errstate(all="ignore"):
        for number, one in enumerate(each(series)):
            f, i = series.features.of(number)
            assert bool(f.logged[i]) == one.logged
            assert_allclose(f.blocks.median[i], padded(one.blocks, 32), rtol=1e-12)
            assert_allclose(f.bins.median[i], padded(one.bins, 64), rtol=1e-12)
            assert_allclose(f.blocks.smooth[i, : one.k if one.n else 0], smooth(one.blocks), rtol=1e-12)
            assert_allclose(f.roughness[i], one.roughness, rtol=1e-12)
            assert_allclose(f.blocks.noise[i], second_differences(one.blocks), rtol=1e-9, atol=1e-300)
            assert_allclose(f.noise[i], one.noise, rtol=1e-9, atol=1e-300)
            assert_allclose(f.head[i], one.head, rtol=1e-12)
            assert f.blocks.first[i, : one.k if one.n else 0].tolist() == one.edges(max(one.k, 1))[:-1][: one.n]


@pytest.mark.parametrize(
    ("n", "blocks"), [(0, 0), (1, 1), (4, 4), (5, 5), (20, 5), (23, 5), (24, 6), (127, 31), (128, 32), (9999, 32)]
)
def test_number_of_blocks(n: int, blocks: int) -> None:
    series = batch([{"train/loss": np.arange(n)}])
    assert series.features.of(0)[0].blocks.count.tolist() == [blocks]


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 8), st.integers(0, 5))
def test_block_medians_of_ragged_series(counts: list[int], width: int, seed: int) -> None:
    count = np.array(counts, np.int64)
    start = (np.cumsum(count) - count).astype(np.int64)
    level = np.random.default_rng(seed).standard_normal(int(count.sum()))
    got = block_medians(level, start, count, np.minimum(width, count), width)
    for i, (a, n) in enumerate(zip(start, count, strict=True)):
        k = min(width, n)
        for j in range(k):
            assert got.median[i, j] == np.median(level[a + j * n // k : a + (j + 1) * n // k])
        assert np.isnan(got.median[i, k:]).all()


def test_a_long_series_in_chunks_equals_numpy() -> None:
    value = np.random.default_rng(1).standard_normal(300_001)
    got = block_medians(value, np.array([0]), np.array([len(value)]), np.array([3]), 3).median[0]
    assert got.tolist() == [np.median(value[i * 300_001 // 3 : (i + 1) * 300_001 // 3]) for i in range(3)]


rows = st.lists(st.sampled_from([np.nan, 0.0, 1.0, 2.0, -3.0, 7.5]), min_size=1, max_size=12)


@given(rows)
def test_mann_kendall_equals_the_sum_over_pairs(row: list[float]) -> None:
    known = np.array(row)[~np.isnan(row)]
    assert_allclose(mann_kendall(np.array([row]))[0], kendall(known), rtol=1e-12)


@given(rows, st.integers(0, 12))
def test_mann_kendall_from_a_column_on(row: list[float], begin: int) -> None:
    later = np.array(row)[begin:]
    assert_allclose(mann_kendall(np.array([row]), begin)[0], kendall(later[~np.isnan(later)]), rtol=1e-12)


@given(rows)
def test_medians_and_minima_without_nan(row: list[float]) -> None:
    matrix, known = np.array([row]), np.array(row)[~np.isnan(row)]
    assert_allclose(nanmedian(matrix)[0], np.median(known) if len(known) else np.nan)
    assert_allclose(nanmin(matrix)[0], known.min() if len(known) else np.nan)
    if len(known):
        assert argmin(matrix)[0] == np.nanargmin(row)


def test_medians_of_nothing() -> None:
    assert np.isnan(nanmedian(np.zeros((2, 0)))).all()
    assert nanmedian(np.zeros((0, 3))).tolist() == []
    assert nanmin(np.array([[-np.inf, 3.0]])).tolist() == [-np.inf]

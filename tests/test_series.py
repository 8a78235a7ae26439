"""Cleaning: what counts as a point, and what a restart overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import batch, batches
from hypothesis import given
from hypothesis import strategies as st
from naive import cleaned

if TYPE_CHECKING:
    from loglens.series import SeriesSet

ROLES = ("train/loss", "val/loss", "lr")
NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("steps", "values", "segments", "kept_steps", "kept_values"),
    [
        ([0, 1, 2], [5, 4, 3], [0, 0, 0], [0, 1, 2], [5, 4, 3]),
        ([0, 1, 2], [5, NAN, INF], [0, 0, 0], [0], [5]),
        ([], [], [], [], []),
        ([2, 0, 1], [3, 5, 4], [0, 0, 0], [0, 1, 2], [5, 4, 3]),  # out of order, no restart
        ([0, 1, 1, 2], [5, 4, 9, 3], [0, 0, 0, 0], [0, 1, 2], [5, 9, 3]),  # the last one of a repeated step
        ([0, 1, 1, 2], [5, 4, NAN, 3], [0, 0, 0, 0], [0, 1, 2], [5, 4, 3]),  # NaN does not replace a value
        ([0, 1, 2, 1, 2], [5, 4, 3, 40, 30], [0, 0, 0, 1, 1], [0, 1, 2], [5, 40, 30]),
        ([0, 1, 9, 1, 2], [5, 4, 3, 40, 30], [0, 0, 0, 1, 1], [0, 1, 2], [5, 40, 30]),  # step 9 never came again
        ([0, 5, 9, 5, 3], [5, 4, 3, 40, 30], [0, 0, 0, 1, 2], [0, 3], [5, 30]),  # restarted twice, further back
        ([0, 1, 2, 1], [5, 4, 3, NAN], [0, 0, 0, 1], [0], [5]),  # what a NaN overwrote is lost too
    ],
)
def test_points(
    steps: list[int], values: list[float], segments: list[int], kept_steps: list[int], kept_values: list[float]
) -> None:
    points = batch([{"train/loss": (steps, values, segments)}]).points
    assert points.step.tolist() == kept_steps
    assert points.value.tolist() == kept_values


@given(batches(ROLES))
def test_points_agree_with_a_loop(series: SeriesSet) -> None:
    records, points = series.records, series.points
    for i in range(len(series.run)):
        mine = slice(records.start[i], records.start[i] + records.count[i])
        steps, values = cleaned(records.step[mine], records.value[mine], records.segment[mine])
        kept = slice(points.start[i], points.start[i] + points.count[i])
        assert points.step[kept].tolist() == steps.tolist()
        assert points.value[kept].tolist() == values.tolist()


@given(batches(ROLES), st.data())
def test_take_gathers_series_in_any_order_and_empty_ones_for_missing(series: SeriesSet, data: st.DataObject) -> None:
    index = np.array(data.draw(st.lists(st.integers(-1, len(series.run) - 1), max_size=6)), np.int64)
    for ragged in (series.records, series.points):
        taken = ragged.take(index)
        assert taken.count.tolist() == [ragged.count[i] if i >= 0 else 0 for i in index]
        for place, i in enumerate(index):
            got = taken.value[taken.start[place] : taken.start[place] + taken.count[place]]
            want = ragged.value[ragged.start[i] : ragged.start[i] + ragged.count[i]] if i >= 0 else np.zeros(0)
            np.testing.assert_array_equal(got, want)


def test_series_with_most_points_come_first() -> None:
    series = batch([{"train/loss:a": [1, 2], "train/loss:b": [1, 2, 3]}])
    assert [series.tag[i] for found in series.by_run[0].values() for i in found] == ["train/loss:b", "train/loss:a"]

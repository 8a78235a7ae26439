"""Series analysed role by role: each has the statistics that it has alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from batches import batch, batches
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from loglens.series import SeriesSet

ROLES = ("train/loss", "val/loss", "grad_norm:a", "grad_norm:b", "lr")


@given(batches(ROLES), st.data())
def test_rows_are_those_of_each_series_alone(series: SeriesSet, data: st.DataObject) -> None:
    index = np.array(data.draw(st.lists(st.integers(-1, len(series.run) - 1), max_size=8)), np.int64)
    with np.errstate(all="ignore"):
        got = series.features.pick(index, lambda f: f.blocks.median)
        flags = series.features.pick(index, lambda f: f.logged)
        levels = series.features.levels(index)
        assert got.shape == (len(index), 32)
        at = 0
        for i, row, flag in zip(index.tolist(), got, flags, strict=True):
            if i < 0:
                assert np.isnan(row).all()
                assert not flag
                continue
            features, mine = series.features.of(i)
            count = int(features.count[mine])
            np.testing.assert_array_equal(row, features.blocks.median[mine])
            assert flag == features.logged[mine]
            np.testing.assert_array_equal(levels[at : at + count], features.level[features.start[mine] :][:count])
            at += count
        assert at == len(levels)


def test_only_the_roles_that_are_asked_for_are_analysed() -> None:
    series = batch([{"train/loss": [1.0, 2.0], "lr": [0.1]}, {"train/loss": [3.0], "grad_norm:a": [1.0]}])
    losses = np.array([i for i, role in enumerate(series.role) if role == "train/loss"])
    assert series.features.pick(losses, lambda f: f.highest).tolist() == [2.0, 3.0]
    assert list(series.features._features) == [series.features.part[losses[0]]]


@pytest.mark.parametrize("index", [[], [-1], [-1, -1]])
def test_no_series(index: list[int]) -> None:
    series = batch([{"train/loss": [1.0]}])
    assert series.features.pick(np.array(index, np.int64), lambda f: f.blocks.median).shape == (len(index), 32)
    assert not series.features.levels(np.array(index, np.int64)).size
    assert batch([]).features.pick(np.array(index, np.int64), lambda f: f.head).shape == (len(index),)

"""Unique names in a run and numbers of restarts, without files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.sources.labels import Key, Stretch, labels, restarts

_words = st.sampled_from(["", "a", "b", "a/b", "val", "loss", "val/loss", "loss (2)", "f::loss"])
_keys = st.builds(Key, _words, _words, _words, st.sampled_from(["scalar", "histogram"]))


@given(st.lists(_keys, max_size=12))
def test_labels_are_unique_and_do_not_depend_on_order(keys: list[Key]) -> None:
    found = labels(keys)
    assert len(set(found.values())) == len(set(keys))
    assert found == labels(reversed(keys))


@given(st.lists(_keys, max_size=12))
def test_a_name_that_comes_once_is_kept(keys: list[Key]) -> None:
    found = labels(keys)
    names = [key.name for key in set(keys)]
    assert all(found[key] == key.name for key in found if names.count(key.name) == 1)


def test_a_histogram_beside_a_scalar_of_its_name() -> None:
    scalar, histogram = Key("w", "", ""), Key("w", "", "", "histogram")
    assert labels([histogram, scalar]) == {scalar: "w", histogram: "w (2)"}


def _stretch(file: int, began: float | None, tags: str, last: int = 0) -> Stretch:
    return Stretch(file, f"f{file}", began, frozenset(tags.split()), last)


@pytest.mark.parametrize(
    ("stretches", "offsets"),
    [
        ([_stretch(0, 1, "a"), _stretch(1, 2, "a"), _stretch(2, 3, "a")], [0, 1, 2]),
        ([_stretch(0, 3, "a"), _stretch(1, 2, "a"), _stretch(2, 1, "a")], [2, 1, 0]),
        ([_stretch(0, 1, "a"), _stretch(1, 2, "b"), _stretch(2, 3, "a"), _stretch(3, 4, "b")], [0, 0, 1, 1]),
        ([_stretch(0, 1, "a", last=2), _stretch(1, 2, "a"), _stretch(2, 3, "a")], [0, 3, 4]),
        ([_stretch(0, 1, "a", last=2), _stretch(1, 2, "b", last=5), _stretch(2, 3, "a b")], [0, 0, 6]),
        ([_stretch(0, 5, "a"), _stretch(1, 5, "a"), _stretch(2, None, "a")], [0, 1, 2]),
        ([_stretch(0, 1, "a"), _stretch(1, 2, "")], [0, 0]),
    ],
)
def test_restarts(stretches: list[Stretch], offsets: list[int]) -> None:
    assert restarts(stretches) == dict(enumerate(offsets))

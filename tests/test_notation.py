"""Series in a few characters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.notation import MAX_VALUES, mistakes_in, records_of

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2.3", [2.3]),
        ("1 2 3", [1, 2, 3]),
        ("1  2\n3", [1, 2, 3]),
        ("-1.5e-3", [-0.0015]),
        ("nan inf -inf", [NAN, INF, -INF]),
        ("2x3", [2, 2, 2]),
        ("nanx2 5", [NAN, NAN, 5]),
        ("0+10x5", [0, 10, 20, 30, 40]),
        ("8-2x3", [8, 6, 4]),
        ("1*2x6", [1, 2, 4, 8, 16, 32]),
        ("2..0.5x4", [2, 1.5, 1, 0.5]),
        ("1..-1x3", [1, 0, -1]),
        ("2..0.5x1", [2]),
        ("0-1x3", [0, -1, -2]),
    ],
)
def test_values(text: str, values: list[float]) -> None:
    assert mistakes_in(text) == []
    np.testing.assert_allclose(records_of(text).value, values)
    assert records_of(text).step.tolist() == list(range(len(values)))


@pytest.mark.parametrize(
    ("text", "step", "wall", "segment"),
    [
        ("5 _ 3", [0, 2], [0, 2], [0, 0]),
        ("_x2 nan", [2], [2], [0]),
        ("_", [], [], []),
        ("1x3 |1 1x3", [0, 1, 2, 1, 2, 3], [0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 1]),
        ("1x2 |0 1 | 1", [0, 1, 0, 1], [0, 1, 2, 3], [0, 0, 1, 2]),
        ("1 !60 1x2", [0, 1, 2], [0, 61, 62], [0, 0, 0]),
    ],
)
def test_gaps_restarts_and_pauses(text: str, step: list[int], wall: list[float], segment: list[int]) -> None:
    assert mistakes_in(text) == []
    records = records_of(text)
    assert (records.step.tolist(), records.wall.tolist(), records.segment.tolist()) == (step, wall, segment)


def test_an_exponential_gets_there() -> None:
    values = records_of("2~>0.5x100").value
    assert values[0] == 2
    assert 0.5 < values[-1] < 0.52
    assert (np.diff(values) < 0).all()


@pytest.mark.parametrize(("text", "spread"), [("3x4000@0.5", 0.5), ("3x4000@10%", 0.3)])
def test_noise(text: str, spread: float) -> None:
    values = records_of(text, seed=1).value
    assert abs(values.mean() - 3) < 0.1
    assert abs(values.std() - spread) < 0.05 * spread + 0.01
    np.testing.assert_array_equal(values, records_of(text, seed=1).value)
    assert not np.array_equal(values, records_of(text, seed=2).value)


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        ("", 0, "no values"),
        ("  ", 0, "no values"),
        ("1 2,5", 2, "'2,5'"),
        ("1 2..0", 2, "has no count"),
        ("x5", 0, "'x5'"),
        ("1x", 0, "'1x'"),
        ("1x1000000", 0, "'1x1000000'"),
        ("1x0", 0, "'1x0'"),
        ("1x60000 1x60000", 0, "more than"),
        ("1@", 0, "'1@'"),
        ("1e", 0, "'1e'"),
        ("NaN", 0, "'NaN'"),
        ("|5", 0, "no values"),
        ("1 !", 2, "'!'"),
        ("1 |-5", 2, "'|-5'"),
    ],
)
def test_mistakes(text: str, at: int, word: str) -> None:
    assert [(place, word in message) for place, message in mistakes_in(text)] == [(at, True)]


number = st.sampled_from(["0", "2.5", "1e-3", "nan", "inf", "-4"])
word = st.one_of(
    number,
    st.just("_"),
    st.builds(lambda a, n: f"{a}x{n}", number, st.integers(1, 9)),
    st.builds(
        lambda op, n, noise: f"2{op}3x{n}{noise}",
        st.sampled_from(["+", "-", "*", "..", "~>"]),
        st.integers(1, 9),
        st.sampled_from(["", "@0.1", "@5%"]),
    ),
)


@given(st.lists(word, min_size=1, max_size=6).map(" ".join), st.integers(0, 5))
def test_whatever_is_right_gives_as_many_values_as_counted(text: str, seed: int) -> None:
    assert mistakes_in(text) == []
    records = records_of(text, seed)
    counts = [int(part.partition("x")[2].partition("@")[0] or 1) for part in text.split() if part[0] != "_"]
    assert len(records.value) == len(records.step) == sum(counts) <= MAX_VALUES


@given(st.text(max_size=30) | st.text(alphabet="0123456789.xe+-*~>@%_naif |!", max_size=30))
def test_any_text_is_right_or_told(text: str) -> None:
    if not mistakes_in(text):
        assert len(records_of(text).value) == len(records_of(text).segment)

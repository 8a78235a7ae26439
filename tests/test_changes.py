"""Curves beside curves: what counts as a difference, and what as chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.changes import Course, change, examples_behind, spread


def falling(seed: int, end: float = 0.4, noise: float = 0.03, points: int = 200, every: int = 10) -> Course:
    rng = np.random.default_rng(seed)
    step = np.arange(points) * every
    value = end + (2.3 - end) * np.exp(-step / (0.15 * points * every))
    return Course(step, value * np.exp(rng.normal(0, noise, points)))


def test_a_curve_is_like_another_of_its_kind() -> None:
    found = change([falling(1)], falling(2), "min", share=False)
    assert found is not None
    assert found.outcome == "same"
    assert abs(found.deviations) < 1
    assert found.ratio == pytest.approx(1, abs=0.05)
    assert found.unrest == pytest.approx(1, abs=0.4)


@pytest.mark.parametrize(("end", "outcome"), [(0.8, "worse"), (0.15, "better"), (0.42, "same")])
def test_where_a_curve_ends_decides(end: float, outcome: str) -> None:
    found = change([falling(1), falling(2), falling(3)], falling(4, end=end), "min", share=False)
    assert found is not None
    assert found.outcome == outcome
    assert found.candidate == pytest.approx(end, rel=0.1)


def test_a_score_is_better_above() -> None:
    up = [Course(np.arange(50), 0.5 + 0.4 * (1 - np.exp(-np.arange(50) / 8))) for _ in range(3)]
    low = Course(np.arange(50), 0.5 + 0.2 * (1 - np.exp(-np.arange(50) / 8)))
    worse, better = change(up, low, "max", share=True), change([low], up[0], "max", share=True)
    assert worse is not None
    assert better is not None
    assert (worse.outcome, better.outcome) == ("worse", "better")


def test_percent_and_shares_are_compared_alike() -> None:
    step = np.arange(40)
    share = 0.5 + 0.4 * (1 - np.exp(-step / 8))
    by_share = change([Course(step, share)], Course(step, share - 0.2), "max", share=True)
    by_cent = change([Course(step, 100 * share)], Course(step, 100 * (share - 0.2)), "max", share=True)
    assert by_share is not None
    assert by_cent is not None
    assert by_cent.deviations == pytest.approx(by_share.deviations)
    assert by_cent.candidate == pytest.approx(100 * by_share.candidate)


def test_a_shorter_candidate_is_held_against_equal_steps() -> None:
    short = falling(5)
    short = Course(short.step[:60], short.value[:60])
    found = change([falling(1)], short, "min", share=False)
    assert found is not None
    assert found.step == 590
    assert found.outcome == "same"


def test_a_longer_candidate_is_judged_by_its_own_end() -> None:
    longer = falling(5, points=400)
    longer = Course(longer.step, np.where(longer.step > 3000, 2.0, longer.value))
    found = change([falling(1)], longer, "min", share=False)
    assert found is not None
    assert found.candidate == pytest.approx(2.0)


def test_half_the_speed_shows() -> None:
    step = np.arange(400) * 10
    fast = Course(step, 0.4 + 1.9 * np.exp(-step / 300))
    slow = Course(step, 0.4 + 1.9 * np.exp(-step / 900))
    found = change([fast], slow, "min", share=False)
    assert found is not None
    assert found.speed is not None
    assert 2 < found.speed < 4


@pytest.mark.parametrize(
    ("count", "shares"),
    [(40, [0.9, 0.925, 0.95, 0.975]), (36, [35 / 36, 33 / 36, 30 / 36, 1.0]), (1000, [0.412, 0.413, 0.517, 0.688])],
)
def test_accuracies_tell_how_many_examples_there_are(count: int, shares: list[float]) -> None:
    assert examples_behind(np.array(shares)) == count
    assert examples_behind(100 * np.array(shares)) == count


def test_smooth_shares_tell_nothing() -> None:
    assert examples_behind(np.random.default_rng(0).random(50)) is None
    assert examples_behind(np.array([0.5, 0.5])) is None
    assert examples_behind(np.array([])) is None


def test_few_examples_make_a_difference_less_sure() -> None:
    step = np.arange(30)
    high, low = Course(step, np.full(30, 0.95)), Course(step, np.full(30, 0.85))
    sure, unsure = (change([high], low, "max", share=True, examples=n) for n in (10_000, 40))
    assert sure is not None
    assert unsure is not None
    assert sure.deviations > 2 * unsure.deviations > 0


def test_seeds_that_differ_much_allow_much() -> None:
    assert spread(np.array([0.0, 1.0, 2.0]), 1.0, "log") > 3 * spread(np.array([1.0, 1.01, 1.02]), 1.0, "log")


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=40),
    st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=40),
    st.sampled_from(["min", "max"]),
)
@settings(deadline=None)
def test_the_other_way_round_is_never_worse_too(one: list[float], two: list[float], direction: str) -> None:
    a, b = (Course(np.arange(len(x)), np.array(x)) for x in (one, two))
    there = change([a], b, direction, share=False)  # type: ignore[arg-type]
    back = change([b], a, direction, share=False)  # type: ignore[arg-type]
    assert (there is None) == (back is None)
    if there and back and len(one) == len(two):
        assert {there.outcome, back.outcome} != {"worse"}
        assert {there.outcome, back.outcome} != {"better"}


def test_too_little_is_not_compared() -> None:
    two = Course(np.arange(2), np.ones(2))
    assert change([falling(1)], two, "min", share=False) is None
    assert change([two], falling(1), "min", share=False) is None
    later = Course(np.arange(5000, 5100), np.ones(100))
    assert change([falling(1)], later, "min", share=False) is None


@pytest.mark.parametrize("values", [(1.7e308, -1.7e308), (5e-324, 1e308), (1e308, 1.7e308), (-1e300, 1e-300), (0, 0)])
def test_values_at_the_edge_of_floats_are_compared(values: tuple[float, float]) -> None:
    steps = np.arange(60)
    wild = Course(steps, np.where(steps % 2, *values))
    calm = Course(steps, 2.0 / (steps + 1))
    for pair in ((wild, calm), (calm, wild), (wild, wild)):
        made = change([pair[0]], pair[1], "min", False, 100)
        assert made is not None
        assert np.isfinite([made.baseline, made.candidate]).all()
    assert made.outcome == "same"

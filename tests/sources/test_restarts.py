"""When a file's records begin a new segment."""

from __future__ import annotations

import numpy as np
import pytest

from loglens.sources.restarts import restarts

CASES = {
    "rising": ([("a", range(50))], []),
    "equal steps": ([("a", [1, 1, 2, 2, 3, 3])], []),
    "all at zero": ([("a", [0] * 9)], []),
    "from the start": ([("a", [0, 1, 2, 3, 0, 1, 2, 3])], [4]),
    "from a checkpoint": ([("a", [1, 2, 3, 4, 5, 4, 5, 6])], [5]),
    "twice": ([("a", [1, 2, 3, 1, 2, 3, 1, 2, 3])], [3, 6]),
    "one late record": ([("a", [1, 2, 3, 5, 4, 6, 7])], []),
    "one repeated record": ([("a", [1, 2, 3, 4, 5, 3, 6, 7])], []),
    "several writers in slight disorder": ([("a", [1, 3, 2, 4, 6, 5, 8, 7, 9])], []),
    "other steps, far back": ([("a", [*range(0, 200, 10), *range(5, 205, 10)])], [20]),
    "last record goes back": ([("a", [1, 2, 3, 1])], []),
    "two axes": ([("step", [0, 100, 200]), ("epoch", [0, 1]), ("step", [300, 400]), ("epoch", [2])], []),
    "all tags restart as one": (
        [("a", [1]), ("b", [1]), ("a", [2]), ("b", [2]), ("a", [1]), ("b", [1]), ("a", [2]), ("b", [2])],
        [4],
    ),
    "a rare tag restarts first": ([("a", [1, 2, 3]), ("lr", [3]), ("lr", [1]), ("a", [1, 2, 3])], [4]),
}


@pytest.mark.parametrize("case", CASES)
def test_restarts(case: str) -> None:
    runs, expected = CASES[case]
    tags = np.array([len(name) * 7 + ord(name[0]) for name, steps in runs for _ in steps])
    steps = np.array([step for _, some in runs for step in some], dtype=np.int64)
    at = np.arange(len(steps)) * 50
    assert restarts(tags, steps, at, np.array([], dtype=np.int64)).tolist() == [i * 50 for i in expected]


@pytest.mark.parametrize(("starts", "expected"), [([0], []), ([120], [150]), ([120, 130], [150]), ([160, 9999], [200])])
def test_session_starts_after_data(starts: list[int], expected: list[int]) -> None:
    at = np.arange(5) * 50
    assert restarts(np.zeros(5), np.arange(5), at, np.array(starts)).tolist() == expected


def test_session_start_and_falling_steps_are_one_restart() -> None:
    steps = np.array([1, 2, 3, 1, 2, 3])
    assert restarts(np.zeros(6), steps, np.arange(6) * 50, np.array([120])).tolist() == [150]

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.numbers import human, often, percent, times
from loglens.reporters.clean import duration, size

finite = st.floats(-1e300, 1e300)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.2e-4, "3.2e-4"), (0.00032000000001, "3.2e-4"), (32550, "32,550"), (0.1 + 0.2, "0.3"), (-0.0, "0"),
        (0.0412, "0.0412"), (123456.7, "123,457"), (1e7, "1e7"), (12345678, "1.2e7"), (-2.5, "-2.5"), (None, "–"),
        (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "-∞"), (0.9999, "1"), (999.96, "1,000"), (1e-300, "1e-300"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(value: float | None, text: str) -> None:
    assert human(value) == text


def back(text: str) -> float:
    return float(text.replace(",", ""))


@given(finite)
def test_what_is_shown_is_near_and_short(value: float) -> None:
    text = human(value)
    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*(\.\d+)?|-?\d(\.\d)?e-?\d+", text)
    assert len(text) <= 10
    assert not re.search(r"\.\d*0$", text)
    assert abs(back(text) - value) <= 0.051 * abs(value)


@given(finite, finite)
def test_order_is_kept(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert back(human(low)) <= back(human(high))


@given(st.integers(-(10**6), 10**6))
def test_whole_numbers_stay_whole(value: int) -> None:
    assert back(human(value)) == value
    assert "." not in human(value)


@given(st.floats(0, 1e9))
def test_spans_sizes_and_shares_have_a_unit_and_few_digits(value: float) -> None:
    assert re.fullmatch(r"[\d,.e-]+ (s|min|h|d)", duration(value))
    assert re.fullmatch(r"[\d,.]+ (B|kB|MB|GB)", size(int(value)))
    assert re.fullmatch(r"[\d.e+-]+ %", percent(min(value, 1.0)))


def test_words_around_numbers() -> None:
    assert [often(1), often(2), often(12)] == ["once", "twice", "12 times"]
    assert [percent(0.62), percent(0.004), percent(None)] == ["62 %", "0.4 %", "–"]
    assert [times(12.3), times(None), duration(4320), duration(0.4)] == ["12 ×", "–", "1.2 h", "0.4 s"]

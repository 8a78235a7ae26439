from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import samples

from loglens.reporters import clean, render
from loglens.reporters.text import sparkline

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["few", "sweep", "empty"])
def test_text_is_as_agreed(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}.txt", render(samples.reports()[name], "text", width=100))


@pytest.mark.parametrize("width", [40, 72, 100, 160])
@pytest.mark.parametrize("name", samples.reports())
def test_lines_fit_the_terminal(name: str, width: int) -> None:
    lines = render(samples.reports()[name], "text", width=width).splitlines()
    assert max(map(clean.columns, lines)) <= width


@pytest.mark.parametrize("name", samples.reports())
def test_colours_are_all_that_colour_adds(name: str) -> None:
    report = samples.reports()[name]
    plain, coloured = render(report, "text"), render(report, "text", color=True)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_nothing_of_a_name_reaches_the_terminal_raw() -> None:
    text = render(samples.hostile(), "text")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "esc␛[31mred␇␀nul" in text


def test_sparklines_show_shape_and_loss_of_numbers() -> None:
    fall = samples.curve("loss", "train/loss", np.arange(24), np.linspace(8, 1, 24))
    broken = samples.curve("loss", "train/loss", np.arange(24), np.r_[np.linspace(8, 1, 12), np.full(12, np.nan)])
    bars = sparkline(samples.run("r", "healthy", "", (fall,)))
    assert (bars[0], bars[-1], len(bars)) == ("█", "▁", 24)
    assert sparkline(samples.run("r", "failed", "", (broken,))).endswith("!" * 12)
    assert sparkline(samples.run("r", "unknown", "", ())) == ""


def test_many_healthy_runs_take_one_line() -> None:
    text = render(samples.sweep(), "text")
    assert "● HEALTHY 33 runs" in text
    assert "and 21 more" in text

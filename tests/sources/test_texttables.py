"""Rows below a header in text logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textlogs import read_text, series

from loglens.sources.texttables import header_of, row_below

LOGS = {
    "fastai": (
        "epoch     train_loss  valid_loss  accuracy  time    \n"
        + "".join(f"{n}         0.{9 - n}00000    0.{9 - n}50000    0.{n}00000  00:1{n}     \n" for n in range(5)),
        {
            "train_loss": [(n, (9 - n) / 10) for n in range(5)],
            "valid_loss": [(n, float(f"0.{9 - n}5")) for n in range(5)],
            "accuracy": [(n, n / 10) for n in range(5)],
        },
    ),
    "spaCy": (
        "ℹ Initial learn rate: 0.001\n"
        "E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE \n"
        "---  ------  ------------  --------  ------  ------\n"
        + "".join(f" {n // 2}  {200 * n:6d}  {n}.25  {n}.50  {n}.75  0.0{n}\n" for n in range(4)),
        {
            "epoch": [(200 * n, n // 2) for n in range(4)],
            "LOSS TOK2VEC": [(200 * n, n + 0.25) for n in range(4)],
            "LOSS NER": [(200 * n, n + 0.5) for n in range(4)],
            "ENTS_F": [(200 * n, n + 0.75) for n in range(4)],
            "SCORE": [(200 * n, n / 100) for n in range(4)],
        },
    ),
    "scikit-learn": (
        "      Iter       Train Loss   Remaining Time \n"
        + "".join(f"{n:10d} {2 / n:16.4f} {0.1 * n:15.2f}s\n" for n in range(1, 5)),
        {"Train Loss": [(n, round(2 / n, 4)) for n in range(1, 5)]},
    ),
    "single blanks, and lines between": (
        "step loss lr\n0 1.5 0.1\nsaved model.pt\n10 nan 0.1\nstep loss lr\n20 0.5 0.1\n",
        {"loss": [(0, 1.5), (10, float("nan")), (20, 0.5)], "lr": [(0, 0.1), (10, 0.1), (20, 0.1)]},
    ),
}


@pytest.mark.parametrize("case", LOGS)
def test_rows(case: str) -> None:
    text, wanted = LOGS[case]
    found = series(read_text(text, "text"), "step", "value")
    assert {tag: repr([(s, float(v)) for s, v in points]) for tag, points in found.items()} == {
        tag: repr([(s, float(v)) for s, v in points]) for tag, points in wanted.items()
    }


@pytest.mark.parametrize(
    "line",
    [
        "the loss of this epoch is large",
        "epoch 3 loss",
        "epoch: 3  loss: 2",
        "class    precision    recall",
        "epoch    time",
        "epoch  loss  loss",
        "",
    ],
)
def test_no_header(line: str) -> None:
    assert header_of(line) is None


@pytest.mark.parametrize("line", ["0 1.5", "0 1.5 2 3", "a 1 2", "x y z", "- - -", "0:00 0:01 0:02"])
def test_no_row(line: str) -> None:
    assert row_below(("epoch", "loss", "lr"), line) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_lines(head: str, line: str) -> None:
    header = header_of(head.strip())
    assert header is None or row_below(header, line.strip()) is None or line.strip()

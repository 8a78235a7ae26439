"""Losses that the last records lack."""

from __future__ import annotations

import json

import pytest
from textlogs import read_text


def lines(present: int, gone: int, **late: object) -> str:
    head = [{"step": i, "loss": 2.0 - i / 1000} for i in range(present)]
    tail = [{"step": present + i, "loss": None, **late} for i in range(gone)]
    return "\n".join(map(json.dumps, [*head, *tail])) + "\n"


def told(data: str, form: str = "jsonl") -> list[str]:
    return [problem.message for problem in read_text(data, form).problems if problem.kind == "missing"]


def test_null_up_to_the_end_is_told() -> None:
    (message,) = told(lines(120, 80))
    assert message.startswith("'loss' is missing in the last 80 of 200 records")


@pytest.mark.parametrize("cell", ["None", "", "null"])
def test_so_are_empty_cells(cell: str) -> None:
    rows = [f"{i},{2 - i / 100 if i < 30 else cell},0.1" for i in range(50)]
    assert len(told("\n".join(["step,train_loss,lr", *rows, ""]), "csv")) == 1


@pytest.mark.parametrize(
    "data",
    [
        lines(200, 0),
        lines(200, 3),  # the last records of a log may be of another kind
        lines(9, 50),  # too few to say that the loss is in every record
        lines(120, 80, eval_loss=1.0),  # evaluations at the end
        "".join(f'{{"step": {i}, "{"loss" if i % 2 else "eval_loss"}": 1.5}}\n' for i in range(40)),
        "".join(f'{{"step": {i}, "loss": 1.5, "note": {1 if i < 20 else "null"}}}\n' for i in range(40)),
    ],
)
def test_healthy_logs_lack_nothing(data: str) -> None:
    assert told(data) == []

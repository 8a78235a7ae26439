"""Frames, dicts of lists and Keras histories as logs."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.errors import LoglensError
from loglens.sources.inmemory import logs_from

NAN = math.nan


def _points(text: str) -> list[tuple[str, int, float]]:
    rows = (row.split() for row in text.split(","))
    return [(tag, int(step), float(value)) for tag, step, value in rows]


LOSS = {"loss": [1.0, 0.5, NAN], "val_loss": [1.0, None, 2.0]}
LOSS_POINTS = [("loss", 0, 1.0), ("loss", 1, 0.5), ("loss", 2, NAN), ("val_loss", 0, 1.0), ("val_loss", 2, 2.0)]
SPARSE = {"step": [1, 2, 3, 4], "loss": [1.0, NAN, 2.0, NAN], "val_loss": [NAN, 5.0, NAN, 6.0]}
SPARSE_POINTS = [("loss", 1, 1.0), ("loss", 3, 2.0), ("val_loss", 2, 5.0), ("val_loss", 4, 6.0)]
DIVERGED = {"epoch": [0, 1, 2, 3], "loss": [1.0, 2.0, NAN, NAN], "lr": [0.1, 0.1, 0.1, 0.1]}
DIVERGED_POINTS = [("loss", 0, 1.0), ("loss", 1, 2.0), ("loss", 2, NAN), ("loss", 3, NAN)] + [
    ("lr", i, 0.1) for i in range(4)
]
LONG = {"tag": ["a", "b", "a", "a"], "step": [1, 1, 2, 1], "value": [0.1, 0.2, 0.3, 0.4]}
LONG_POINTS = [("a", 1, 0.1), ("a", 2, 0.3), ("a", 1, 0.4), ("b", 1, 0.2)]


# what it is: (object, points as tag, step, value)
READ: dict[str, tuple[Any, list[tuple[str, int, float]]]] = {
    "dict of lists": (LOSS, LOSS_POINTS),
    "Keras History": (SimpleNamespace(history=LOSS), LOSS_POINTS),
    "lists of different lengths": ({"a": [1, 2, 3], "b": (4,)}, _points("a 0 1, a 1 2, a 2 3, b 0 4")),
    "arrays": ({"a": np.array([1, 2]), "b": pl.Series([3.0])}, _points("a 0 1, a 1 2, b 0 3")),
    "nested dicts": ({"train": {"loss": [1]}, "val": {"loss": [2]}}, _points("train/loss 0 1, val/loss 0 2")),
    "records": (
        [{"step": 5, "loss": 1, "note": "x"}, {"step": 7, "loss": 2, "acc": 0.5}],
        _points("acc 7 0.5, loss 5 1, loss 7 2"),
    ),
    "Polars, wide": (pl.DataFrame({**LOSS, "epoch": [0, 1, 2]}), LOSS_POINTS),
    "Polars, lazy": (pl.LazyFrame(LOSS), LOSS_POINTS),
    "Polars, long": (pl.DataFrame(LONG), LONG_POINTS),
    "Polars, long without steps": (
        pl.DataFrame(LONG).drop("step"),
        _points("a 0 0.1, a 1 0.3, a 2 0.4, b 0 0.2"),
    ),
    "a column called file": (
        pl.DataFrame({"file": [1, 2], "loss": [3, 4]}),
        _points("file 0 1, file 1 2, loss 0 3, loss 1 4"),
    ),
    "pandas, sparse": (pd.DataFrame(SPARSE), SPARSE_POINTS),
    "pandas, its index the step": (pd.DataFrame(SPARSE).set_index("step"), SPARSE_POINTS),
    "pandas, diverged": (pd.DataFrame(DIVERGED), DIVERGED_POINTS),
    "pandas, one NaN among many": (
        pd.DataFrame({"loss": [NAN, *range(1, 20)]}),
        [("loss", i, i or NAN) for i in range(20)],
    ),
    "pandas, long": (pd.DataFrame(LONG), LONG_POINTS),
    "pandas, nullable": (pd.DataFrame({"loss": pd.array([1, None, 3], dtype="Int64")}), _points("loss 0 1, loss 2 3")),
    "pandas, columns of two levels": (
        pd.DataFrame({("train", "loss"): [1.0], ("val", "loss"): [2.0]}),
        _points("train/loss 0 1, val/loss 0 2"),
    ),
    "numbers as text": (pl.DataFrame({"loss": ["1.5", "nan"], "note": ["a", "b"]}), _points("loss 0 1.5, loss 1 nan")),
}


@pytest.mark.parametrize("name", READ)
def test_points(name: str) -> None:
    source, expected = READ[name]
    logs = logs_from(source)
    assert logs.names == ("run",)
    found = list(logs.scalars.select(pl.col("tag").cast(pl.String), "step", "value").iter_rows())
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    np.testing.assert_array_equal([row[2] for row in found], [row[2] for row in expected])
    assert logs.sources[0].points == len(expected)


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
@pytest.mark.parametrize("column", ["loss", "value"])
def test_a_run_column_tells_runs_apart(make: Any, column: str) -> None:
    long = {"tag": ["loss"] * 3} if column == "value" else {}
    logs = logs_from(make({"run": ["val", "train", "val"], "step": [1, 1, 2], **long, column: [1.0, 2.0, 3.0]}))
    assert logs.names == ("train", "val")
    assert logs.scalars["run"].cast(pl.String).to_list() == ["train", "val", "val"]
    assert logs.scalars["tag"].cast(pl.String).unique().to_list() == ["loss"]
    assert logs.scalars["value"].to_list() == [2.0, 1.0, 3.0]
    assert set(logs.metrics["axis"]) == {"step"}


def test_going_back_in_steps_is_a_restart() -> None:
    long = logs_from(pl.DataFrame(LONG))
    assert long.scalars.filter(pl.col("tag") == "a")["segment"].to_list() == [0, 0, 1]


def test_roles_can_be_given() -> None:
    metrics = logs_from({"zzz": [1.0, 2.0]}, roles={"zz*": "train/loss"}).metrics
    roles = dict(metrics.select("tag", "role").iter_rows())
    assert roles == {"zzz": "train/loss"}


@given(
    st.dictionaries(
        st.sampled_from(["loss", "val_loss", "acc", "x y"]),
        st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=9),
        min_size=1,
    )
)
def test_every_value_arrives_and_the_frame_reads_back(data: dict[str, list[float]]) -> None:
    logs = logs_from(data)
    for name, values in data.items():
        np.testing.assert_array_equal(logs.scalars.filter(pl.col("tag").cast(pl.String) == name)["value"], values)
    again = logs_from(logs.scalars).scalars
    assert again.drop("role").equals(logs.scalars.drop("role"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "cannot read an int"),
        (None, "cannot read a NoneType"),
        ([], "cannot read a list"),
        ({}, "no rows"),
        (pl.DataFrame(), "no rows"),
        (pl.DataFrame({"a": ["x"]}), "no column holds numbers"),
        ({"a": 3}, "'a' holds a int"),
        ({"a": "text"}, "'a' holds a str"),
        ({"a": [1, "x"]}, r"'a'\[1\] is str"),
        ({"a": [[1, 2]]}, r"'a'\[0\] is list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of the frame are called 'a'"),
    ],
)
def test_what_cannot_be_read_says_why(source: Any, message: str) -> None:
    with pytest.raises(LoglensError, match=message):
        logs_from(source)


def odd(name: str, values: list[Any], kind: Any = None) -> pl.DataFrame:
    return pl.DataFrame({"loss": [2.0 / (i + 1) for i in range(6)], name: pl.Series(values * 6, dtype=kind)})


@pytest.mark.parametrize(
    "frame",
    [odd("x", [object()], pl.Object), odd("x", [[1]]), odd("x", [{"a": 1}]), odd("x", [b"\xff"])],
    ids=["object", "list", "struct", "bytes"],
)
def test_columns_that_hold_no_numbers_are_left_out(frame: pl.DataFrame) -> None:
    assert logs_from(frame).scalars.height == 6


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (odd("run", [object()], pl.Object), "'run' of the frame holds"),
        (odd("run", [[1]]), "'run' of the frame holds"),
        (odd("\0file", [1]), "NUL"),
        (pl.DataFrame({"tag": ["a"], "value": [[1.0]]}), "'value' of the frame holds"),
        (pl.DataFrame({"tag": [["a"]], "value": [1.0]}), "'tag' of the frame holds"),
    ],
)
def test_a_column_that_is_needed_must_be_fit(data: Any, said: str) -> None:
    with pytest.raises(LoglensError, match=said):
        logs_from(data)


def test_a_dict_that_holds_itself_is_told() -> None:
    data: dict[str, Any] = {"loss": [1.0, 0.5]}
    data["again"] = data
    with pytest.raises(LoglensError, match="nested"):
        logs_from(data)


def test_half_characters_in_names_are_written_out() -> None:
    logs = logs_from({"\ud800loss": [1.0, 0.5], "run": ["\udcff", "\udcff"]})
    assert logs.scalars["tag"].cast(pl.String).unique().to_list() == ["\\ud800loss"]


@pytest.mark.parametrize("segment", ["x", 2**40, None])
def test_a_segment_that_is_none_is_counted_anew(segment: Any) -> None:
    frame = pl.DataFrame({"tag": ["loss"] * 4, "value": [4.0, 3, 2, 1], "step": [0, 1, 0, 1], "segment": [segment] * 4})
    assert logs_from(frame).scalars["segment"].to_list() == [0, 0, 1, 1]

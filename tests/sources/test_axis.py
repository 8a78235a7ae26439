from __future__ import annotations

import numpy as np
import pytest
from textlogs import read_text, series

from loglens.sources.axis import choose_axis
from loglens.sources.columns import is_clock, is_epoch, is_metric, step_rank, unique_names, why_no_log

up, gap = [0, 1, 2, 3], float("nan")

AXES = {
    "step": ({"step": up, "epoch": [0, 0, 1, 1]}, ("step", "step")),
    "a better name first": ({"_step": up, "train/global_step": [0, 10, 20, 30]}, ("step", "train/global_step")),
    "the fuller one first": ({"train/global_step": [0, gap, gap, 3], "_step": up}, ("step", "_step")),
    "not a constant": ({"steps": [9, 9, 9, 9], "iteration": up}, ("step", "iteration")),
    "sb3": ({"time/iterations": up, "time/total_timesteps": [8, 16, 24, 32]}, ("step", "time/total_timesteps")),
    "epoch only": ({"epoch": up}, ("epoch", "epoch")),
    "epoch with gaps": ({"Epoch": [0, gap, 1, gap]}, ("epoch", "Epoch")),
    "fractions of epochs": ({"epoch": [0, 0.5, 1, 1.5]}, ("row", None)),
    "fractions of steps": ({"step": [0, 0.5, 1, 1.5], "epoch": up}, ("epoch", "epoch")),
    "infinite": ({"step": [0, 1, np.inf, 3]}, ("row", None)),
    "nothing": ({"time": [1.0, 2, 3, 4]}, ("row", None)),
    "counters inside each other": ({"Epoch": [0, 0, 1, 1], "Batch": [0, 1, 0, 1]}, ("row", None)),
    "steps inside epochs": ({"epoch": [0, 0, 1, 1], "step": [0, 1, 0, 1]}, ("row", None)),
    "a batch that starts again": ({"batch": [0, 1, 0, 1]}, ("row", None)),
    "a step that starts again": ({"step": [0, 1, 0, 1]}, ("step", "step")),
    "a restart of both": ({"epoch": [0, 1, 0, 1], "step": [0, 5, 0, 5]}, ("step", "step")),
}


@pytest.mark.parametrize("case", AXES)
def test_choose_axis(case: str) -> None:
    columns, wanted = AXES[case]
    assert choose_axis({name: np.array(values, dtype=float) for name, values in columns.items()})[:2] == wanted


SEGMENTS = {
    "none": ("step,loss\n0,1\n1,1\n", [0, 0]),
    "duplicates": ("step,loss\n0,1\n0,1\n1,1\n1,1\n", [0, 0, 0, 0]),
    "back": ("step,loss\n0,1\n5,1\n3,1\n4,1\n0,1\n", [0, 0, 1, 1, 2]),
    "sparse rows that overlap": ("step,loss,val\n9,1,\n10,1,\n9,,1\n11,1,\n", [0, 0, 0]),
    "restart seen by both series": ("step,loss,val\n0,1,\n1,1,\n1,,1\n0,1,\n0,,1\n1,1,\n", [0, 0, 1, 1]),
    "epochs": ("epoch,loss\n0,1\n1,1\n0,1\n", [0, 0, 1]),
    "rows, seen by the epoch": ("Epoch,Batch,loss\n0,0,1\n0,1,1\n1,0,1\n1,1,1\n0,0,1\n", [0, 0, 0, 0, 1]),
    "fractions of epochs": ("epoch,loss\n0.5,1\n1.5,1\n0.5,1\n", [0, 0, 1]),
    "a step missing": ("step,loss\n1,1\n,1\n2,1\n", [0, 0, 0]),
}


@pytest.mark.parametrize("case", SEGMENTS)
def test_segments(case: str) -> None:
    text, wanted = SEGMENTS[case]
    assert [segment for (segment,) in series(read_text(text), "segment")["loss"]] == wanted


CLOCKS = {
    "since 1970": ("step,timestamp,loss\n0,1600000000.5,1\n1,1600000001.5,1\n", [1600000000.5, 1600000001.5]),
    "milliseconds": ("step,timestamp,loss\n0,1600000000500,1\n1,1600000001500,1\n", [1600000000.5, 1600000001.5]),
    "since the start": ("epoch,time,loss\n1,2.5,1\n2,5,1\n3,7.5,1\n", [2.5, 5, 7.5]),
    "since each start": ("epoch,time,loss\n1,2.5,1\n2,5,1\n1,2,1\n2,4,1\n", [2.5, 5, 2, 4]),
    "absolute before relative": (
        "step,_runtime,_timestamp,loss\n0,1,1600000000,1\n1,2,1600000001,1\n",
        [1600000000.0, 1600000001.0],
    ),
    "now and then": ("step,wall_time,loss\n0,1600000000,1\n1,,1\n", [1600000000.0, None]),
    "duration of a step": ("step,time,loss\n0,0.5,1\n1,0.4,1\n2,0.6,1\n", [None, None, None]),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_wall_time(case: str) -> None:
    text, wanted = CLOCKS[case]
    got = series(read_text(text), "wall_time")
    assert [wall for (wall,) in got["loss"]] == wanted
    assert ("time" in got) == (case == "duration of a step")
    assert ("_runtime" in got) == (case == "absolute before relative")


def test_counters_that_are_not_the_axis_stay_series() -> None:
    got = series(read_text("Epoch,Batch,loss\n0,0,1\n0,1,2\n1,0,3\n"), "step", "axis", "value")
    assert got["Epoch"] == [(0, "row", 0), (1, "row", 0), (2, "row", 1)]
    assert got["Batch"] == [(0, "row", 0), (1, "row", 1), (2, "row", 0)]
    assert "step" not in series(read_text("step,epoch,loss\n0,0,1\n1,0,2\n"))


def test_row_without_a_step_has_the_one_before() -> None:
    assert series(read_text("step,loss\n,1\n3,2\n,3\n7,4\n"), "step")["loss"] == [(3,), (3,), (3,), (7,)]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("step", "step"),
        ("Global Step", "step"),
        ("trainer/global_step", "step"),
        ("TotalEnvInteracts", "step"),
        ("rewards/step", None),
        ("total_steps", None),
        ("Epoch", "epoch"),
        ("train/epoch", "epoch"),
        ("Wall time", "clock"),
        ("time/time_elapsed", "clock"),
        ("eval_runtime", None),
        ("loss", None),
    ],
)
def test_kinds_of_names(name: str, wanted: str | None) -> None:
    kinds = {"step": step_rank(name) is not None, "epoch": is_epoch(name), "clock": is_clock(name)}
    assert [kind for kind, found in kinds.items() if found] == ([wanted] if wanted else [])


@pytest.mark.parametrize(
    "name", ["val_loss", "Gen Loss", "Logloss", "MultiClass", "eval_wer", "LossPi", "AverageEpRet", "lr"]
)
def test_metric_names(name: str) -> None:
    assert is_metric(name)


@pytest.mark.parametrize("name", ["sepal length", "prediction", "account", "r", "price", "target", "y_true"])
def test_names_of_no_metric(name: str) -> None:
    assert not is_metric(name)


def test_why_no_log() -> None:
    assert why_no_log(["loss"]) is None
    assert why_no_log(["step", "anything"]) is None
    assert why_no_log(["loss"], ["model"]) is not None
    assert why_no_log(["epoch", "loss"], ["model"]) is None


def test_unique_names() -> None:
    assert unique_names([" a", "a ", "", "a.1", "a", ""]) == ["a", "a.2", "column 3", "a.1", "a.3", "column 6"]
    assert unique_names(["column 2", ""]) == ["column 2", "column 2.1"]

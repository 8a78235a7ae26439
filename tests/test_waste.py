"""What was spent in vain, in steps, time and GPU-hours, and its sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from summaries import run

import loglens
from loglens.model import Waste
from loglens.spending import spent_by
from loglens.waste import devices_of


@pytest.mark.parametrize(
    ("told", "devices"),
    [
        ({"world_size": "8"}, 8),
        ({"trainer/devices": "4", "trainer/num_nodes": "2"}, 8),
        ({"gpus": "[0, 1, 2]"}, 3),
        ({"trainer.gpus": "0,1"}, 2),
        ({"num-gpus": "2.0"}, 2),
        ({"world_size": "16", "gpus": "8"}, 16),
        ({"devices": "auto"}, None),
        ({"gpus": "-1"}, None),
        ({"gpus": "0"}, None),
        ({"devices": "4", "accelerator": "cpu"}, None),
        ({"num_gpus": "10000000000"}, None),
        ({"lr": "8"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_devices(told: dict[str, str], devices: int | None) -> None:
    assert devices_of(told) == devices


@given(st.dictionaries(st.sampled_from(["world_size", "gpus", "devices", "num_nodes"]), st.text(max_size=8)))
def test_any_text_can_stand_for_devices(told: dict[str, str]) -> None:
    assert (devices_of(told) or 1) >= 1


def lost(wall: list[float], segment: list[int] | None = None) -> Waste:
    step = np.arange(400)
    loss = np.where(step < 300, 2 * np.exp(-step / 60) + 0.3, np.nan)
    columns = {"run": ["r"] * 400, "tag": ["loss"] * 400, "step": step, "value": loss, "wall_time": wall}
    logs = loglens.read(pl.DataFrame(columns | ({"segment": segment} if segment else {})))
    (told,) = loglens.analyze(logs).runs
    assert told.waste is not None
    return told.waste


def test_steps_and_time_after_the_onset() -> None:
    waste = lost([1e9 + 36 * n for n in range(400)])
    assert (waste.rule, waste.axis, waste.after, waste.steps) == ("nonfinite-loss", "step", 300, 99)
    assert waste.seconds == pytest.approx(99 * 36)
    assert waste.gpu_hours is None


def test_waste_begins_where_the_trouble_began() -> None:
    step = np.arange(400)
    loss = np.where(step < 300, 2 * np.exp(-step / 60) + 0.3, np.nan)
    norm = np.where(step < 250, 1.0 + 0.1 * (step % 7), np.where(step < 300, 1000.0 * 1.3 ** (step - 250.0), np.inf))
    (run,) = loglens.analyze({"step": list(step), "train/loss": list(loss), "grad_norm": list(norm)}).runs
    assert run.waste is not None
    assert run.root == "exploding-gradient"
    assert (run.waste.after, run.waste.steps) == (250, 149)


def test_time_is_measured_not_taken_from_the_share_of_steps() -> None:
    waste = lost([1e9 + n + 100 * max(n - 300, 0) for n in range(400)])
    assert waste.seconds == pytest.approx(99 * 101)


def test_a_pause_between_sessions_is_not_wasted() -> None:
    waste = lost([1e9 + n + 1e6 * (n >= 350) for n in range(400)], [int(n >= 350) for n in range(400)])
    assert waste.seconds == pytest.approx(49 + 49)


def test_without_wall_times_steps_alone_are_told() -> None:
    assert lost([float("nan")] * 400).seconds is None


def test_sums_are_over_what_is_known() -> None:
    one = replace(run("a"), wall_seconds=100.0, waste=Waste("flat-loss", "step", 0, 10, 60.0, 2, 0.0333))
    two = replace(run("b"), wall_seconds=50.0)
    three = replace(run("c"), waste=Waste("flat-loss", "step", 0, 10))
    assert spent_by([one, two, three]) == (150.0, 60.0, 0.0333)
    assert spent_by([three]) == (None, None, None)
    endless = replace(one, wall_seconds=1.7e308)
    assert spent_by([one, endless, endless, two, three]).wall == 150.0

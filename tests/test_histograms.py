"""What is read off histograms, against the samples they were made of."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from loglens.histograms import from_histograms


def frames(role: str, **columns: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    row = {"run": "r", "tag": "h", "step": 3, "wall_time": 1.0, "segment": 0, "min": -1.0, "max": 1.0, "mean": 0.0,
           "std": 1.0, "count": 10.0, "zeros": 0.0, "low": 0.0, "high": 0.0, **columns}  # fmt: skip
    histograms = pl.DataFrame([row]).with_columns(pl.col("run", "tag").cast(pl.Categorical))
    metrics = pl.DataFrame({"run": ["r"], "tag": ["h"], "role": [role], "stem": ["fc1"], "points": [1]})
    return histograms, metrics


def read_off(role: str, **columns: float) -> dict[str, float]:
    rows, records = from_histograms(*frames(role, **columns))
    names = dict(zip(rows["source"], rows["role"], strict=True))
    return {names[str(tag)]: value for tag, value in records.select("tag", "value").iter_rows()}


def test_the_norm_of_gradients_is_that_of_the_samples() -> None:
    samples = np.random.default_rng(0).normal(0.3, 2.0, 500)
    found = read_off("histogram:gradients", mean=samples.mean(), std=samples.std(), count=500.0)
    assert found == {"grad_norm:fc1": pytest.approx(np.linalg.norm(samples))}


def test_activations_at_both_ends_are_saturated() -> None:
    found = read_off("histogram:activations", low=0.4, high=0.45)
    assert found["saturated_fraction:fc1"] == pytest.approx(0.85)


def test_the_zeros_of_a_rectifier_are_dead_not_saturated() -> None:
    found = read_off("histogram:activations", min=0.0, zeros=0.95, low=0.95, high=0.01)
    assert found["zero_fraction:fc1"] == pytest.approx(0.95)
    assert found["saturated_fraction:fc1"] == pytest.approx(0.01)


def test_a_single_value_is_not_saturated() -> None:
    assert read_off("histogram:activations", min=0.0, max=0.0, low=1.0, high=1.0)["saturated_fraction:fc1"] == 0


def test_weights_give_nothing() -> None:
    assert read_off("histogram:weights") == {}

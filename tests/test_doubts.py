"""What speaks against a finding, and what was ruled out."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import loglens

AT = np.arange(60) / 60
NOISE = 0.003 * np.random.default_rng(0).standard_normal(60)
TRAIN = 1 - 0.9 * AT
RISING = 0.4 + 0.5 * np.exp(-9 * AT) + 0.6 * np.maximum(0, AT - 0.3) + NOISE


def gap(**more: Any) -> Any:
    columns = {"step": range(60), "train/loss": TRAIN, "val/loss": RISING, **more}
    (run,) = loglens.analyze({name: list(values) for name, values in columns.items()}).runs
    return next(f for f in run.findings if f.rule == "widening-gap")


def test_an_accuracy_that_still_rises_speaks_against_a_widening_gap() -> None:
    (doubt,) = gap(**{"val/accuracy": 0.5 + 0.4 * AT + NOISE}).doubts
    assert doubt.startswith("val/accuracy still rose after it, from 0.6")


def test_an_accuracy_that_falls_or_only_scatters_does_not() -> None:
    assert gap(**{"val/accuracy": 0.9 - 0.4 * AT + NOISE}).doubts == ()
    assert gap(**{"val/accuracy": 0.7 + 30 * NOISE}).doubts == ()


def spiked(val: np.ndarray, segment: int | None = None) -> Any:
    step = np.arange(400)
    loss = 2 * np.exp(-step / 60) + 0.3 + 0.01 * np.random.default_rng(1).standard_normal(400)
    loss[200:203] = 40.0
    rows = {
        "run": ["r"] * 420,
        "tag": ["train/loss"] * 400 + ["val/loss"] * 20,
        "step": [*step, *range(0, 400, 20)],
        "value": [*loss, *val],
        "segment": [int(segment is not None and s >= segment) for s in [*step, *range(0, 400, 20)]],
    }
    (run,) = loglens.analyze(loglens.read(pl.DataFrame(rows))).runs
    return next(f for f in run.findings if f.rule == "loss-spike")


def test_a_held_out_loss_that_ends_at_its_lowest_speaks_against_a_spike() -> None:
    assert spiked(np.linspace(2, 0.5, 20)).doubts == ("val/loss ends near its lowest, at 0.579",)
    assert spiked(np.linspace(0.5, 2, 20)).doubts == ()


def test_a_restart_near_the_onset_is_not_ruled_out() -> None:
    assert "no restart near the onset" in spiked(np.linspace(2, 0.5, 20)).counter_evidence
    assert "no restart near the onset" not in spiked(np.linspace(2, 0.5, 20), 198).counter_evidence
    assert "no restart near the onset" in spiked(np.linspace(2, 0.5, 20), 100).counter_evidence

"""Facts of runs: counts of damage, restarts, plans from the hyper-parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import loglens
from loglens.facts import FACTS, TEXTS
from loglens.model import Problem
from loglens.series import series_of

LOGS = loglens.read({"epoch": [0, 1, 2], "loss": [3.0, 2.0, 1.0], "val_loss": [3.0, None, 2.0]})
RUN = LOGS.names[0]


def facts(**changes: object) -> dict[str, float]:
    found = series_of(replace(LOGS, **changes)).facts
    return {name: float(values[0]) for name, values in found.items() if name not in TEXTS}


def test_every_fact_has_one_number_a_run() -> None:
    assert {name: values.shape for name, values in series_of(LOGS).facts.items()} == dict.fromkeys(FACTS, (1,))


def test_records_and_axes_are_counted() -> None:
    found = facts()
    assert found["records"] == 5
    assert found["last_logged_epoch"] == 2
    assert np.isnan(found["last_logged_step"])
    assert found["restarts"] == 0


def test_damage_is_counted_by_kind_for_its_own_run() -> None:
    problems = [
        Problem("f", kind, "…", run=run) for kind, run in (("truncated", RUN), ("corrupt", RUN), ("corrupt", "x"))
    ]
    found = facts(problems=tuple(problems))
    assert (found["truncated_files"], found["corrupt_places"], found["unreadable_files"]) == (1, 1, 0)


def test_what_is_said_of_a_run_is_a_sentence() -> None:
    problems = (Problem("f", "error", "the log ends", run="x"), Problem("f", "missing", "no loss", run=RUN))
    found = series_of(replace(LOGS, problems=problems)).facts
    assert (found["missing_told"][0], found["error_told"][0]) == ("No loss", "")


@pytest.mark.parametrize(
    ("name", "fact"),
    [("max_steps", "planned_steps"), ("Trainer/max-epochs", "planned_epochs"), ("model/num_classes", "classes")],
)
def test_plans_are_found_under_groups_and_in_any_spelling(name: str, fact: str) -> None:
    hparams = pl.DataFrame({"run": [RUN], "name": [name], "value": ["100"], "number": [100.0]})
    assert facts(hparams=hparams)[fact] == 100


def test_what_nobody_said_is_nan() -> None:
    assert np.isnan(facts()["classes"])

"""What is known of a run besides its series: names that every rule may use, one number a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from loglens.model import Logs


def _problems(kind: str) -> Callable[[Logs], np.ndarray]:
    def count(logs: Logs) -> np.ndarray:
        found = [p.run for p in logs.problems if p.kind == kind]
        return np.array([found.count(run) for run in logs.runs], float)

    return count


def _records(logs: Logs) -> np.ndarray:
    counted = logs.scalars.group_by(pl.col("run").cast(pl.String)).len()
    table = dict(counted.iter_rows())
    return np.array([table.get(run, 0) for run in logs.runs], float)


def _restarts(logs: Logs) -> np.ndarray:
    last = logs.scalars.group_by(pl.col("run").cast(pl.String)).agg(pl.col("segment").max())
    table = dict(last.iter_rows())
    return np.array([table.get(run, 0) for run in logs.runs], float)


def _last(axis: str) -> Callable[[Logs], np.ndarray]:
    """The last step on an axis; NaN where the run has no series on it."""

    def value(logs: Logs) -> np.ndarray:
        text = pl.col("run", "tag").cast(pl.String)
        mine = logs.metrics.filter(pl.col("axis").cast(pl.String) == axis).select(text)
        last = logs.scalars.group_by("run", "tag").agg(pl.col("step").max()).with_columns(text)
        table = dict(last.join(mine, on=["run", "tag"]).group_by("run").agg(pl.col("step").max()).iter_rows())
        return np.array([table.get(run, np.nan) for run in logs.runs], float)

    return value


def _hparam(*names: str) -> Callable[[Logs], np.ndarray]:
    """The first hyper-parameter with one of these names (case, separators and enclosing groups do not matter)."""

    def value(logs: Logs) -> np.ndarray:
        plain = pl.col("name").cast(pl.String).str.to_lowercase().str.replace_all(r"[-. ]", "_")
        rows = logs.hparams.with_columns(plain.str.split("/").list.last().alias("plain"))
        rows = rows.filter(pl.col("plain").is_in(names) & pl.col("number").is_finite())
        table: dict[str, float] = {}
        for run, number in rows.select(pl.col("run").cast(pl.String), "number").iter_rows():
            table.setdefault(run, number)
        return np.array([table.get(run, np.nan) for run in logs.runs], float)

    return value


FACTS: dict[str, tuple[str, Callable[[Logs], np.ndarray]]] = {
    "truncated_files": ("files of the run that end inside a record", _problems("truncated")),
    "corrupt_places": ("damaged places in the files of the run", _problems("corrupt")),
    "unreadable_files": ("files of the run that could not be read", _problems("unreadable")),
    "records": ("scalar records of the run", _records),
    "restarts": ("how often the job was restarted", _restarts),
    "classes": (
        "number of classes, where the hyper-parameters say it; NaN else",
        _hparam("num_classes", "n_classes", "num_labels", "nc", "vocab_size", "n_vocab"),
    ),
    "planned_steps": (
        "planned number of steps, where the hyper-parameters say it; NaN else",
        _hparam("max_steps", "total_steps", "num_train_steps", "max_iters", "max_iter", "num_steps"),
    ),
    "planned_epochs": (
        "planned number of epochs, where the hyper-parameters say it; NaN else",
        _hparam("epochs", "max_epochs", "num_epochs", "num_train_epochs", "n_epochs", "max_epoch"),
    ),
    "last_logged_step": ("the last step of any series on steps; NaN without one", _last("step")),
    "last_logged_epoch": ("the last epoch of any series on epochs; NaN without one", _last("epoch")),
}


def facts_of(logs: Logs) -> dict[str, np.ndarray]:
    """Every fact, float64 (runs,)."""
    return {name: compute(logs) for name, (_, compute) in FACTS.items()}

"""What is known of a run besides its series: names that every rule may use, one number (or text) a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import polars as pl

    from loglens.model import Logs


@dataclass(frozen=True)
class _Known:
    """What facts are read off: the logs, and last step, restart number and count of each series."""

    logs: Logs
    series: pl.DataFrame  # run, tag, step, segment, len, axis

    def per_run(self, values: pl.DataFrame, otherwise: float) -> np.ndarray:
        """The second column of `values` by its first, one entry a run."""
        import numpy as np

        table = dict(values.iter_rows())
        return np.array([table.get(run, otherwise) for run in self.logs.names], float)


def _problems(kind: str) -> Callable[[_Known], np.ndarray]:
    def count(known: _Known) -> np.ndarray:
        import numpy as np

        found = Counter(p.run for p in known.logs.problems if p.kind == kind)
        return np.array([found[run] for run in known.logs.names], float)

    return count


def _told(kind: str) -> Callable[[_Known], np.ndarray]:
    """What the first problem of a kind says of each run; "" where there is none."""

    def texts(known: _Known) -> np.ndarray:
        import numpy as np

        found: dict[str | None, str] = {}
        for problem in known.logs.problems:
            if problem.kind == kind:
                found.setdefault(problem.run, problem.message[:1].upper() + problem.message[1:])
        return np.array([found.get(run, "") for run in known.logs.names], object)

    return texts


def _records(known: _Known) -> np.ndarray:
    import polars as pl

    return known.per_run(known.series.group_by("run").agg(pl.col("len").sum()), 0)


def _restarts(known: _Known) -> np.ndarray:
    import polars as pl

    return known.per_run(known.series.group_by("run").agg(pl.col("segment").max()), 0)


def _last(axis: str) -> Callable[[_Known], np.ndarray]:
    """The last step on an axis; NaN where the run has no series on it."""

    def value(known: _Known) -> np.ndarray:
        import polars as pl

        mine = known.series.filter(pl.col("axis") == axis)
        return known.per_run(mine.group_by("run").agg(pl.col("step").max()), float("nan"))

    return value


def _hparam(*names: str) -> Callable[[_Known], np.ndarray]:
    """The first hyper-parameter with one of these names (case, separators and enclosing groups do not matter)."""

    def value(known: _Known) -> np.ndarray:
        import polars as pl

        plain = pl.col("name").cast(pl.String).str.to_lowercase().str.replace_all(r"[-. ]", "_")
        rows = known.logs.hparams.with_columns(plain.str.split("/").list.last().alias("plain"))
        rows = rows.filter(pl.col("plain").is_in(names) & pl.col("number").is_finite())
        first = rows.select(pl.col("run").cast(pl.String), "number").unique("run", keep="first", maintain_order=True)
        return known.per_run(first, float("nan"))

    return value


TEXTS = frozenset({"missing_told", "error_told"})  # facts that are no numbers
FACTS: dict[str, tuple[str, Callable[[_Known], np.ndarray]]] = {
    "truncated_files": ("files of the run that end inside a record", _problems("truncated")),
    "corrupt_places": ("damaged places in the files of the run", _problems("corrupt")),
    "unreadable_files": ("files of the run that could not be read", _problems("unreadable")),
    "missing_ends": ("losses that the last records of a file lack", _problems("missing")),
    "missing_told": ("what is said of the first of them; for sentences only", _told("missing")),
    "ended_in_error": ("text logs of the run that end in an error", _problems("error")),
    "error_told": ("what is said of the first of them; for sentences only", _told("error")),
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


def facts_of(logs: Logs, course: pl.DataFrame) -> dict[str, np.ndarray]:
    """Every fact, float64 (runs,), or texts for those in `TEXTS`.

    `course`: last step, last segment and number of records (len) by run and tag.
    """
    import polars as pl

    axes = logs.metrics.select(pl.col("run", "tag", "axis").cast(pl.String))
    known = _Known(logs, course.join(axes, on=["run", "tag"], how="left"))
    return {name: compute(known) for name, (_, compute) in FACTS.items()}

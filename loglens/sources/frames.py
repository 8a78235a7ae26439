"""Columns and types of the frames of `Logs`, and how frames of several batches become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Logs
from loglens.sources.base import axis_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loglens.model import Problem, Source

HISTOGRAM_VALUES = ("min", "max", "mean", "std", "count", "zeros", "low", "high", "edges", "counts")

METRICS: dict[str, pl.DataType] = {
    "run": pl.Categorical(),
    "tag": pl.Categorical(),
    "name": pl.String(),
    "folder": pl.String(),
    "role": pl.Categorical(),
    "role_reason": pl.String(),
    "direction": pl.String(),
    "stem": pl.String(),
    "axis": axis_type(),
    "points": pl.Int64(),
}

_RECORD: dict[str, pl.DataType] = {
    "run": pl.Categorical(),
    "tag": pl.Categorical(),
    "step": pl.Int64(),
    "wall_time": pl.Float64(),
}
_NUMBERS = pl.List(pl.Float64())

SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "scalars": {
        "run": pl.Categorical(),
        "tag": pl.Categorical(),
        "role": pl.Categorical(),
        "step": pl.Int64(),
        "wall_time": pl.Float64(),
        "value": pl.Float64(),
        "segment": pl.Int32(),
    },
    "metrics": METRICS,
    "histograms": {
        **_RECORD,
        "segment": pl.Int32(),
        **dict.fromkeys(HISTOGRAM_VALUES[:8], pl.Float64()),
        **dict.fromkeys(HISTOGRAM_VALUES[8:], _NUMBERS),
    },
    "hparams": {
        "run": pl.Categorical(),
        "name": pl.String(),
        "value": pl.String(),
        "number": pl.Float64(),
        "source": pl.String(),
    },
    "texts": {**_RECORD, "text": pl.String()},
    "checkpoints": {
        "run": pl.Categorical(),
        "path": pl.String(),
        "step": pl.Int64(),
        "epoch": pl.Int64(),
        "bytes": pl.Int64(),
    },
}


def role_type() -> pl.DataType:
    """The type of the columns `run`, `tag` and `role`."""
    return pl.Categorical()


def empty_frame(name: str) -> pl.DataFrame:
    """A frame of `Logs` without rows."""
    return pl.DataFrame(schema=SCHEMAS[name])


def empty_logs() -> Logs:
    """`Logs` of nothing."""
    return _logs({name: empty_frame(name) for name in SCHEMAS}, (), (), ())


def _logs(
    frames: Mapping[str, pl.DataFrame],
    runs: Iterable[str],
    sources: Iterable[Source],
    problems: Iterable[Problem],
) -> Logs:
    return Logs(**frames, names=tuple(runs), sources=tuple(sources), problems=tuple(problems))


def concat(parts: Sequence[Logs]) -> Logs:
    """The batches of one reading as one."""
    if len(parts) == 1:
        return parts[0]

    runs = [run for part in parts for run in part.names]
    ordered = sorted(runs, key=run_order)

    def frame(name: str) -> pl.DataFrame:
        frames: list[pl.DataFrame] = [getattr(part, name) for part in parts]
        whole = pl.concat([one for one in frames if one.height] or frames[:1] or [empty_frame(name)])
        return whole if ordered == runs else _by_run(whole, ordered)

    return _logs(
        {name: frame(name) for name in SCHEMAS},
        ordered,
        sorted((source for part in parts for source in part.sources), key=lambda source: run_order(source.run)),
        (problem for part in parts for problem in part.problems),
    )


def run_order(run: str) -> list[str]:
    """Sorting key of run names: folder by folder, so that a run comes before those below it."""
    return run.split("/")


def _by_run(frame: pl.DataFrame, runs: Sequence[str]) -> pl.DataFrame:
    """Rows in the order of `runs`; a family may hold folders that sort behind those of the next batch."""
    rank = pl.col("run").cast(pl.String).replace_strict(runs, list(range(len(runs))), return_dtype=pl.UInt32)
    return frame.sort(rank, maintain_order=True)


def keep_runs(logs: Logs, runs: Sequence[str]) -> Logs:
    """`logs` without the runs that are not in `runs`; problems of no run stay."""
    wanted = set(runs)
    if wanted >= set(logs.names):
        return logs
    frames = {name: getattr(logs, name).filter(pl.col("run").cast(pl.String).is_in(list(wanted))) for name in SCHEMAS}
    return _logs(
        frames,
        (run for run in logs.names if run in wanted),
        (source for source in logs.sources if source.run in wanted),
        (problem for problem in logs.problems if problem.run is None or problem.run in wanted),
    )

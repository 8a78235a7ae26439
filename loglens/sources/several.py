"""Tables that hold several runs: in rows that a column tells apart, or in columns `run - metric` as W&B saves them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.columns import bare, is_clock, is_counter, is_metric
from loglens.sources.inmemory import ONE_RUN
from loglens.sources.jsondocs import PARTS
from loglens.sources.paths import shown
from loglens.sources.wide import Column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

EXPORTED = frozenset({"run", "tag", "role", "step", "wall_time", "value", "segment"})  # columns of `loglens export`
MOST = 10_000  # runs of one table
LEAST = 3  # rows of a run, on average
RUNS = ("run", "runname", "runid", "runhash", "trialid", "trialname", "experimentname", "experimentid")
NUMBERED = ("run", "runid", "seed", "fold", "trial")  # columns of numbers that may name runs
_JOINT = re.compile(r"(?P<run>.*\S) - (?P<metric>\S.*)")
_BOUNDS = ("__MIN", "__MAX")  # W&B saves these beside every column

Columns = dict[str, Column]
Labels = dict[str, pl.Series]


@dataclass(frozen=True, eq=False)
class Part:
    """The rows and columns of one run."""

    run: str
    count: int
    columns: Columns
    labels: Labels


def run_names(runs: Collection[str]) -> dict[str, str]:
    """A path for each run: nothing leads upwards, everything can be shown, no two are the same."""
    taken: set[str] = set()
    names = {}
    for run in sorted(runs):
        kept = [shown(part) for part in run.split("/") if part not in ("", ".", "..")]
        name = base = "/".join(kept)[:1000] or ONE_RUN
        count = 1
        while name in taken:
            count += 1
            name = f"{base} ({count})"
        taken.add(name)
        names[run] = name
    return names


def told_roles(frame: pl.DataFrame, places: Mapping[str | None, int]) -> Iterator[tuple[tuple[int, str], str | None]]:
    """The roles in a long table of ours, by the place of the run and the tag: those of rows that hold all three."""
    if not {"run", "tag", "role"} <= set(frame.columns):
        return
    rows = frame.select(pl.col("run", "tag", "role").cast(pl.String)).unique(keep="first", maintain_order=True)
    for run, tag, role in rows.iter_rows():
        if tag is not None:
            yield (places[ONE_RUN if run is None else run], tag), role


def frame_of(columns: Columns, labels: Labels, total: int) -> pl.DataFrame:
    """Columns and labels as one frame, null where nothing was logged."""
    numbers = [pl.Series(name, col.dense(total), nan_to_null=col.rows is not None) for name, col in columns.items()]
    if (value := columns.get("value")) is not None and value.rows is not None:  # here NaN is a value
        filled = np.full(total, None, dtype=object)
        filled[value.rows] = value.values.to_list()
        numbers = [s if s.name != "value" else pl.Series("value", filled.tolist(), dtype=pl.Float64) for s in numbers]
    texts = [series.alias(name).replace("", None) for name, series in labels.items()]
    return pl.DataFrame([*numbers, *texts])


def parts_of(columns: Columns, labels: Labels, total: int) -> list[Part]:
    """The runs of a table; none when it holds but one."""
    return _by_row(columns, labels, total) or _by_column(columns, labels, total)


def _by_row(columns: Columns, labels: Labels, total: int) -> list[Part]:
    """One part for every word (or number) in the column that names runs."""
    name = next((name for wanted in RUNS for name in labels if bare(name) == wanted), None)
    texts = labels[name].fill_null("").str.strip_chars() if name is not None else None
    if texts is None:
        name = next(
            (n for wanted in NUMBERED for n, c in columns.items() if bare(n) == wanted and c.rows is None), None
        )
        if name is None or not any(map(is_counter, columns)):
            return []
        values = columns[name].values
        texts = (name + " " + values.cast(pl.Int64, strict=False).cast(pl.String)).fill_null("")
    runs = texts.unique(maintain_order=True).to_list()
    if not 1 < len(runs) <= min(MOST, total // LEAST):
        return []
    found = []
    for run in runs:
        rows = (texts == run).arg_true().to_numpy().astype(np.int64)
        kept = {n: some for n, col in columns.items() if n != name and (some := _rows(col, rows)) is not None}
        words = {n: series.gather(rows) for n, series in labels.items() if n != name}
        found.append(Part(run, rows.size, kept, words))
    return found


def _rows(col: Column, rows: np.ndarray) -> Column | None:
    """The column at some rows, None when it has nothing there."""
    if col.rows is None:
        return Column(col.values.gather(rows))
    place = np.searchsorted(col.rows, rows)
    there = np.flatnonzero((place < col.rows.size) & (col.rows[np.minimum(place, col.rows.size - 1)] == rows))
    if not there.size:
        return None
    return Column(col.values.gather(place[there]), None if there.size == rows.size else there.astype(np.int64))


def _by_column(columns: Columns, labels: Labels, total: int) -> list[Part]:
    """One part for every run that the names of the columns begin with."""
    shared = {name: col for name, col in columns.items() if is_counter(name) or is_clock(name)}
    named = {name: _JOINT.fullmatch(name) for name in columns if name not in shared}
    bounded = any(name.endswith(_BOUNDS) for name in named)
    runs: dict[str, Columns] = {}
    for name, match in named.items():
        if match is None:
            if bounded:  # the axis that was chosen, under its own name
                shared[name] = columns[name]
                continue
            return []
        runs.setdefault(match["run"], {})[match["metric"]] = columns[name]
    if not runs or (not bounded and any(is_metric(run) or bare(run) in PARTS for run in runs)):
        return []
    return [Part(run, total, {**shared, **own}, labels) for run, own in runs.items()]

"""From wide rows, one column a metric, to long scalars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.axis import filled_steps
from loglens.sources.base import axis_type, scalar_schema
from loglens.sources.byfile import by_file, plans_of
from loglens.sources.columns import TAGS, VALUES, bare, is_clock, is_counter, is_epoch, is_split, step_rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loglens.model import Axis
    from loglens.sources.axis import Plan

MOST_SPLITS = 6  # different words in a column that says train or val


@dataclass(frozen=True, eq=False)
class Column:
    """The values of a column that were logged. `rows` are their row numbers, None when every row has one."""

    values: pl.Series  # Float64, no nulls
    rows: np.ndarray | None = None  # int64, ascending

    def dense(self, rows: int) -> np.ndarray:
        """float64 (rows,), NaN where nothing was logged."""
        if self.rows is None:
            return self.values.to_numpy()
        out = np.full(rows, np.nan)
        out[self.rows] = self.values.to_numpy()
        return out


def column(series: pl.Series) -> Column:
    """A column from a Float64 series whose nulls mean "not logged"."""
    if series.null_count() == 0:
        return Column(series)
    return Column(series.drop_nulls(), series.is_not_null().arg_true().to_numpy().astype(np.int64))


@dataclass(frozen=True, eq=False)
class Wide:
    """The rows of one or more files with the same columns, file after file.

    `breaks` are rows before which the log was opened again (a repeated header). `start` is the moment, in s since
    1970, from which the column `clock` counts its seconds. Columns named in `dropped` are no series. `prefix` goes
    before every tag.
    """

    files: Sequence[int]
    counts: Sequence[int]
    columns: dict[str, Column]
    breaks: Sequence[int] = ()
    clock: str | None = None
    start: float = 0.0
    dropped: frozenset[str] = frozenset()
    prefix: str = ""

    @cached_property
    def ends(self) -> np.ndarray:
        """Row at which each file ends, int64 (files,)."""
        return np.cumsum(np.asarray(self.counts, dtype=np.int64))

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """The columns that may be a counter or a clock, dense."""
        total = int(self.ends[-1]) if len(self.ends) else 0
        wanted = [n for n in self.columns if step_rank(n) is not None or is_epoch(n) or is_clock(n) or n == self.clock]
        return {name: self.columns[name].dense(total) for name in wanted}


def joined(parts: Sequence[Wide]) -> Wide:
    """The parts of one file, one behind the other."""
    found: dict[str, list[tuple[pl.Series, np.ndarray]]] = {}
    total, dropped = 0, frozenset[str]()
    for part in parts:
        count = part.counts[0]
        for name, col in part.columns.items():
            rows = np.arange(count, dtype=np.int64) if col.rows is None else col.rows
            found.setdefault(name, []).append((col.values, rows + total))
        total, dropped = total + count, dropped | part.dropped
    columns = {}
    for name, pairs in found.items():
        rows = np.concatenate([rows for _, rows in pairs])
        columns[name] = Column(pl.concat([values for values, _ in pairs]), None if rows.size == total else rows)
    return Wide(parts[0].files, [total], columns, dropped=dropped)


def melt(wide: Wide) -> list[pl.DataFrame]:
    """Long frames with the columns of `Tables.scalars`, in record order per file and tag."""
    plans = plans_of(wide)
    if len(plans) == 1 or (len({plan.shape for plan in plans}) == 1 and all(p.epoch_rows is None for p in plans)):
        return _long(wide, plans)
    return [frame for place, plan in enumerate(plans) for frame in _long(_single(wide, place), [plan])]


def spread(columns: dict[str, Column], moved: set[str], labels: pl.Series, joint: str) -> dict[str, Column]:
    """The `moved` columns once for every label: `label` + joint + name, or the label alone."""
    out = {name: col for name, col in columns.items() if name not in moved}
    texts = labels.fill_null("").str.strip_chars()
    known = texts.unique(maintain_order=True).to_list()
    codes = texts.replace_strict(known, range(len(known)), return_dtype=pl.Int64).to_numpy()
    parted = {name: _parted(col, codes, len(known)) for name, col in columns.items() if name in moved}
    for place, label in enumerate(known):
        for name, parts in parted.items():
            tag = (f"{label}{joint}{name}" if joint else label) if label else name
            part = parts[place]
            if part.size:
                col = columns[name]
                out[tag] = Column(col.values.gather(part), part if col.rows is None else col.rows[part])
    return out


def _parted(col: Column, codes: np.ndarray, number: int) -> list[np.ndarray]:
    """The places of a column's values by the code of their row, from 0 on, in their order."""
    own = codes if col.rows is None else codes[col.rows]
    order = np.argsort(own, kind="stable")
    return np.split(order, np.searchsorted(own[order], np.arange(1, number)))


def long_form(columns: dict[str, Column], labels: dict[str, pl.Series]) -> dict[str, Column]:
    """Tables with a column of tags and one of values, and those with a column that says train or val, spread out."""
    part = next((name for name in labels if is_split(name) and labels[name].n_unique() <= MOST_SPLITS), None)
    tag = next((name for name in labels if bare(name) in TAGS), None)
    value = next((name for name in columns if bare(name) in VALUES), None)
    if tag is not None and value is not None:
        names = labels[tag].fill_null("").str.strip_chars()
        if part is not None:
            split = labels[part].fill_null("").str.strip_chars()
            names = (pl.select(pl.when(split == "").then(names).otherwise(split + "/" + names))).to_series()
        return spread(columns, {value}, names, "")
    if part is not None:
        moved = {name for name in columns if not is_counter(name) and not is_clock(name)}
        return spread(columns, moved, labels[part], "/")
    return columns


def _single(wide: Wide, place: int) -> Wide:
    """One file of several."""
    end = int(wide.ends[place])
    begin = end - wide.counts[place]
    columns = {}
    for name, col in wide.columns.items():
        if col.rows is None:
            columns[name] = Column(col.values[begin:end])
        else:
            low, high = np.searchsorted(col.rows, (begin, end))
            columns[name] = Column(col.values[int(low) : int(high)], col.rows[low:high] - begin)
    breaks = [row - begin for row in wide.breaks if begin <= row < end]
    return Wide([wide.files[place]], [end - begin], columns, breaks, wide.clock, wide.start, wide.dropped, wide.prefix)


def _long(wide: Wide, plans: list[Plan]) -> list[pl.DataFrame]:
    shape = plans[0].shape
    named = [(wide.prefix + n, c) for n, c in wide.columns.items() if n not in shape.dropped and n not in wide.dropped]
    if len(plans) > 1 and named and all(col.rows is None for _, col in named):
        return [by_file(wide, plans, [(name, col.values) for name, col in named])]
    base, frames = _base(wide, plans), []
    for axis, steps, columns in _by_axis(shape.axis, base["step"], named, plans[0].epoch_rows):
        frame = base.with_columns(steps, pl.lit(axis).cast(axis_type()).alias("axis"))
        frames += [_tagged(frame, name, col.values) for name, col in columns if col.rows is None]
        frames += _gathered(frame, [(name, col.values, col.rows) for name, col in columns if col.rows is not None])
    return frames


def _base(wide: Wide, plans: list[Plan]) -> pl.DataFrame:
    """file, step, wall_time and segment of every row."""
    files = np.repeat(np.asarray(wide.files, dtype=np.uint32), np.asarray(wide.counts, dtype=np.int64))
    nothing = np.array([np.nan])
    wall: pl.Series | None = None
    if any(plan.wall is not None for plan in plans):
        parts = [p.wall if p.wall is not None else np.repeat(nothing, p.step.size) for p in plans]
        wall = pl.Series("wall_time", np.concatenate(parts), nan_to_null=True)
    segment: pl.Series | None = None
    if any(plan.segment is not None for plan in plans):
        flat = [p.segment if p.segment is not None else np.zeros(p.step.size, dtype=np.int32) for p in plans]
        segment = pl.Series("segment", np.concatenate(flat))
    frame = pl.DataFrame({"file": files, "step": np.concatenate([p.step for p in plans])})
    return frame.with_columns(
        pl.lit(None, dtype=pl.Float64).alias("wall_time") if wall is None else wall,
        pl.lit(0, dtype=pl.Int32).alias("segment") if segment is None else segment,
    )


def _by_axis(
    axis: Axis, steps: pl.Series, named: list[tuple[str, Column]], mask: np.ndarray | None
) -> Iterable[tuple[Axis, pl.Series, list[tuple[str, Column]]]]:
    """The columns, parted by axis where some rows count epochs; a column of both kinds of rows stays on the steps."""
    if mask is None:
        yield axis, steps, named
        return
    late = [(n, c) for n, c in named if c.rows is not None and bool(mask[c.rows].all())]
    names = {n for n, _ in late}
    yield "epoch", steps, late
    carried = filled_steps(np.where(mask, np.nan, steps.to_numpy()))
    yield axis, pl.Series("step", carried), [(n, c) for n, c in named if n not in names]


def _tagged(frame: pl.DataFrame, tag: str, values: pl.Series) -> pl.DataFrame:
    return frame.select(
        "file",
        pl.lit(tag).cast(pl.Categorical).alias("tag"),
        "step",
        "wall_time",
        values.alias("value"),
        "segment",
        "axis",
    )


def _gathered(frame: pl.DataFrame, columns: list[tuple[str, pl.Series, np.ndarray]]) -> list[pl.DataFrame]:
    """Columns that have values in some rows only, in one frame."""
    if not columns:
        return []
    names = pl.Series([name for name, _, _ in columns], dtype=pl.Categorical)
    codes = np.repeat(np.arange(len(columns)), [rows.size for _, _, rows in columns])
    picked = frame[np.concatenate([rows for _, _, rows in columns])]
    values = pl.concat([values for _, values, _ in columns])
    return [picked.with_columns(names[codes].alias("tag"), values.alias("value")).select(list(scalar_schema()))]

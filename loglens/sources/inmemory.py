"""Logs that are already in memory: frames, dicts of lists, what Keras keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from loglens.errors import LoglensError
from loglens.sources.base import LogFile, Tables, axis_type, scalar_schema
from loglens.sources.columns import is_epoch, step_rank

if TYPE_CHECKING:
    from loglens.model import Logs
    from loglens.sources.names import RoleTable

ONE_RUN = "run"
_TAGS, _VALUES = ("tag", "metric", "variable"), ("value",)
_FILE = "\0file"  # no column of a user is called so
_DEEPEST = 100
_SAID = 0.9  # share of rows from which on a column counts as logged in every row


def logs_from(obj: object, *, roles: RoleTable | Mapping[str, str] | None = None) -> Logs:
    """`Logs` of a Polars or pandas frame, a dict of lists (or of dicts of lists), a list of dicts, a Keras `History`.

    A frame is wide (one column a metric, with a step or epoch column or none) or long (`tag` and `value` columns);
    a column `run` tells runs apart. `roles` is a role table, or globs on names with their roles.
    LoglensError for anything else.
    """
    from loglens.sources.assemble import assemble
    from loglens.sources.names import RoleTable, assign_roles, load_table
    from loglens.sources.runs import Place

    table = roles if isinstance(roles, RoleTable) else load_table(roles)
    frame = _of_numbers_and_texts(_frame(obj))
    if not frame.height:
        raise LoglensError("nothing to analyze: the data has no rows")
    runs, tables = tables_of(frame)
    files = [LogFile("", f"{run}/frame", 0, "csv") for run in runs]
    found = [(range(len(files)), tables)]
    logs = assemble(files, found, ONE_RUN, lambda s: assign_roles(s, table), [Place(run, "") for run in runs])
    if not logs.scalars.height:
        raise LoglensError("nothing to analyze: no column holds numbers")
    return replace(logs, sources=tuple(replace(source, path="", format="frame") for source in logs.sources))


# --- to one Polars frame ----------------------------------------------------------------------------------------------


def _frame(obj: object) -> pl.DataFrame:
    if isinstance(obj, pl.LazyFrame):
        obj = obj.collect()
    if isinstance(obj, pl.DataFrame):
        return obj
    if type(obj).__module__.partition(".")[0] == "pandas" and hasattr(obj, "columns"):
        return _from_pandas(obj)
    history = getattr(obj, "history", None)  # keras.callbacks.History
    if isinstance(history, Mapping):
        obj = history
    if isinstance(obj, Mapping):
        return _from_lists(dict(_flat(obj, "")))
    if isinstance(obj, Sequence) and obj and all(isinstance(row, Mapping) for row in obj):
        names = dict.fromkeys(str(name) for row in obj for name in row)
        rows = [{str(name): value for name, value in row.items()} for row in obj]
        return _from_lists({name: [row.get(name) for row in rows] for name in names}, strict=False)
    kind = type(obj).__name__
    raise LoglensError(
        f"cannot read {'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}: "
        "give a path, a Polars or pandas frame, a dict of lists or a Keras history"
    )


def _of_numbers_and_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without columns that can be neither (lists, objects, bytes); LoglensError where one is needed."""
    if _FILE in frame.columns:
        raise LoglensError("a column of the frame has a NUL character in its name")
    unfit = [name for name, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Object, pl.Binary)]
    for name in unfit:
        if name.lower() in ("run", *_TAGS, *_VALUES):
            raise LoglensError(f"column {name!r} of the frame holds {frame.schema[name]}: neither numbers nor texts")
    return frame.drop(unfit)


def _flat(obj: Mapping[Any, Any], prefix: str) -> list[tuple[str, Any]]:
    """The lists of nested dicts, their keys joined by `/`."""
    found: list[tuple[str, Any]] = []
    stack: list[tuple[str, Mapping[Any, Any]]] = [(prefix, obj)]
    while stack:
        before, level = stack.pop()
        if before.count("/") > _DEEPEST:  # or it holds itself
            raise LoglensError(f"dicts nested more than {_DEEPEST} deep are no log")
        for key, value in level.items():
            if isinstance(value, Mapping):
                stack.append((f"{before}{key}/", value))
            else:
                found.append((f"{before}{key}", value))
    return found


def _from_lists(lists: dict[str, Any], *, strict: bool = True) -> pl.DataFrame:
    """Lists as columns; a shorter list ends earlier. What is no number is an error where `strict`, else left out."""
    columns = {name: _numbers(name, values, strict) for name, values in lists.items()}
    longest = max((len(column) for column in columns.values() if column is not None), default=0)
    return pl.DataFrame(
        [c.extend_constant(None, longest - len(c)).alias(utf8(name)) for name, c in columns.items() if c is not None]
    )


def utf8(text: str) -> str:
    """The text with lone surrogates written out, which no frame can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def _numbers(name: str, values: Any, strict: bool) -> pl.Series | None:
    if isinstance(values, str | bytes) or not hasattr(values, "__len__") or not hasattr(values, "__iter__"):
        raise LoglensError(f"{name!r} holds a {type(values).__name__}, not a list of numbers")
    if name == "run" and all(isinstance(value, str) for value in values):
        return pl.Series(list(map(utf8, values)), dtype=pl.String)
    out: list[float | None] = []
    for i, value in enumerate(values):
        try:
            out.append(None if value is None else float(value))
        except (TypeError, ValueError, OverflowError):
            if strict:
                raise LoglensError(f"{name!r}[{i}] is {type(value).__name__}, not a number") from None
            out.append(None)
    column = pl.Series(out, dtype=pl.Float64)
    return column if strict or column.null_count() < len(column) else None


def _from_pandas(frame: Any) -> pl.DataFrame:
    """A pandas frame, with its index where that has a name."""
    named = [name for name in frame.index.names if name is not None]
    if named and not set(named) & set(frame.columns):
        frame = frame.reset_index()
    columns = []
    for place, label in enumerate(frame.columns):
        series = frame.iloc[:, place]
        name = "/".join(map(str, label)) if isinstance(label, tuple) else str(label)
        columns.append(_pandas_column(series).alias(name))
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise LoglensError(f"two columns of the frame are called {twice!r}")
    return _without_gaps(pl.DataFrame(columns))


def _pandas_column(series: Any) -> pl.Series:
    kind = getattr(series.dtype, "kind", "O")
    if kind in "iufb":
        return pl.Series(series.to_numpy(dtype="float64", na_value=np.nan))
    if kind == "M":
        return pl.Series(series.to_numpy(dtype="datetime64[us]"))
    texts = [utf8(str(value)) if known else None for value, known in zip(series, series.notna(), strict=True)]
    return pl.Series(texts, dtype=pl.String)


def _without_gaps(frame: pl.DataFrame) -> pl.DataFrame:
    """pandas writes NaN both for "not logged" and for a loss that is NaN; decide which.

    It is a value in a column that has one in nearly every row, and in one that is full up to some row and NaN from
    there to the end while the other columns go on as before (the run diverged). Else the cell was empty.
    """
    names = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    if not names or not frame.height:
        return frame
    present = ~np.isnan(frame.select(names).to_numpy())
    counters = np.array([is_epoch(name) or step_rank(name) is not None for name in names])
    for i, name in enumerate(names):
        full = int(np.argmin(present[:, i])) if not present[:, i].all() else frame.height
        others = present & ~counters
        tail = full >= 2 and not present[full:, i].any() and not (others[full:].any(0) & ~others[:full].any(0)).any()
        if not tail and present[:, i].mean() < _SAID:
            frame = frame.with_columns(pl.col(name).fill_nan(None))
    return frame


# --- to tables --------------------------------------------------------------------------------------------------------


def tables_of(frame: pl.DataFrame) -> tuple[list[str], Tables]:
    """The names of the runs in a wide or long frame, and their scalars; `file` is the place of the run in the names."""
    by_case = {name.lower(): name for name in frame.columns}
    if "run" in by_case:
        names = frame[by_case["run"]].cast(pl.String).fill_null(ONE_RUN)
        frame = frame.drop(by_case["run"])
    else:
        names = pl.Series([ONE_RUN]).new_from_index(0, frame.height)
    runs = names.unique().sort().to_list()
    files = names.replace_strict(runs, list(range(len(runs))), return_dtype=pl.UInt32).alias(_FILE)
    tag = next((by_case[name] for name in _TAGS if name in by_case), None)
    value = next((by_case[name] for name in _VALUES if name in by_case), None)
    if tag and value and not frame[tag].dtype.is_numeric():
        return runs, Tables(scalars=_long(frame, files, tag, value))
    return runs, Tables(scalars=_wide(frame, files))


def _long(frame: pl.DataFrame, files: pl.Series, tag: str, value: str) -> pl.DataFrame:
    counter = _counter(frame)
    wall = next((name for name in ("wall_time", "Wall time", "timestamp") if name in frame.columns), None)
    axis = "row" if counter is None else "epoch" if is_epoch(counter) else "step"
    series = ["file", "tag"]  # a series of the result
    step = pl.int_range(pl.len()).over(series) if counter is None else pl.col(counter)
    out = frame.with_columns(files).select(
        pl.col(_FILE).alias("file"),
        pl.col(tag).cast(pl.String).cast(pl.Categorical()).alias("tag"),
        *([] if counter is None else [pl.col(counter)]),
        (pl.lit(None) if wall is None else _seconds(frame[wall])).cast(pl.Float64).alias("wall_time"),
        pl.col(value).cast(pl.Float64, strict=False).alias("value"),
        *(pl.col(name) for name in ("segment", "axis") if name in frame.columns),
    )
    out = out.drop_nulls(["tag", "value"]).with_columns(step=step.cast(pl.Int64, strict=False))
    out = out.with_columns(pl.col("step").forward_fill().over(series).fill_null(0))
    back = (pl.col("step").diff() < 0).fill_null(value=False).cum_sum().over(series)
    segment = pl.coalesce(pl.col("segment").cast(pl.Int32, strict=False), back) if "segment" in out.columns else back
    counted = pl.lit(axis).cast(axis_type())
    if out.schema.get("axis") in (pl.String, pl.Categorical):  # as `loglens export` writes it
        counted = pl.col("axis").cast(pl.String).cast(axis_type(), strict=False).fill_null(counted)
    return out.with_columns(segment=segment.cast(pl.Int32), axis=counted).select(list(scalar_schema()))


def _counter(frame: pl.DataFrame) -> str | None:
    """The column that counts: the best step-like one, else an epoch."""
    numeric = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    ranked = sorted((rank, name) for name in numeric if (rank := step_rank(name)) is not None)
    return ranked[0][1] if ranked else next((name for name in numeric if is_epoch(name)), None)


def _seconds(column: pl.Series) -> pl.Series:
    """Seconds since 1970 of moments; numbers stay."""
    if column.dtype == pl.Datetime:
        return column.dt.epoch("us") / 1e6
    return column.cast(pl.Float64, strict=False)


def _wide(frame: pl.DataFrame, files: pl.Series) -> pl.DataFrame | None:
    from loglens.sources.wide import Wide, column, melt

    numeric = []
    for series in frame.get_columns():
        if series.dtype == pl.Boolean:
            continue
        numbers = _seconds(series)
        if numbers.null_count() < len(numbers):
            numeric.append(numbers)
    if not numeric:
        return None
    ordered = pl.DataFrame([files, *numeric]).sort(_FILE, maintain_order=True)
    counts = ordered.group_by(_FILE, maintain_order=True).len()
    columns = {name: column(ordered[name]) for name in ordered.columns if name != _FILE}
    frames = melt(Wide(counts[_FILE].to_list(), counts["len"].to_list(), columns))
    return pl.concat(frames) if frames else None

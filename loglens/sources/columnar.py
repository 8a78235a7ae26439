"""Parquet and Arrow files: the long tables that `loglens export` writes, and wide tables of metrics."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loglens.model import Problem
from loglens.sources.base import Tables
from loglens.sources.columns import why_no_log
from loglens.sources.inmemory import ONE_RUN, tables_of
from loglens.sources.places import gathered, opened
from loglens.sources.several import run_names, told_roles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loglens.sources.base import LogFile

RUNS = 100_000  # of one file
COLUMNS = 20_000
VALUES = 500_000_000  # cells of a file that are looked at
KEPT = 100_000_000  # cells of the wanted rows
_MAGIC = b"ARROW1"


@dataclass(frozen=True)
class _Source:
    """An open file: its columns, and how to go through some of them. `rows` is -1 where only the end tells."""

    schema: pa.Schema
    rows: int
    batches: Callable[[list[str]], Iterator[pa.RecordBatch]]


def parts(file: LogFile, told: list[Problem]) -> list[LogFile]:
    """One log for each run that the column `run` names, in that run's folder; the file itself without such a column."""
    try:
        source = _opened(file, told)
        column = _run_column(source.schema)
        if column is None or _refusal(source.schema):
            return [file]
        runs = _runs(source, column)
    except (pa.ArrowException, OSError, MemoryError):
        return [file]  # the reader will say what is wrong
    if len(runs) > RUNS:
        told.append(Problem(file.origin or file.name, "unreadable", f"a table of more than {RUNS} runs is not read"))
        return []
    folder, _, base = file.name.rpartition("/")
    names = run_names(runs)
    inside = [replace(file, name=f"{folder}/{name}/{base}".lstrip("/"), part=run) for run, name in names.items()]
    return [replace(one, origin=file.origin or file.name) for one in inside]


def read(files: Sequence[LogFile]) -> Tables:
    """The scalars of Parquet and Arrow tables; a table that is no training log is a problem of kind `skipped`."""
    frames: list[pl.DataFrame] = []
    problems: list[Problem] = []
    roles: dict[tuple[int, str], str | None] = {}
    together: dict[tuple[object, str], list[int]] = defaultdict(list)
    for index, file in enumerate(files):
        together[file.place, file.path].append(index)
    for indexes in together.values():
        try:
            found = _read(files, indexes, problems, roles)
        except (pa.ArrowException, OSError, MemoryError, pl.exceptions.PolarsError) as error:
            kind = "unreadable" if isinstance(error, OSError) and error.errno else "corrupt"
            message = f"cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}"
            problems += [Problem(files[index].name, kind, message) for index in indexes]  # type: ignore[arg-type]
            continue
        if isinstance(found, str):
            problems += [Problem(files[i].name, "skipped", f"not a training log: {found}") for i in indexes]
        else:
            frames.append(found)
    return Tables(scalars=pl.concat(frames) if frames else None, problems=problems, roles=roles)


def _read(
    files: Sequence[LogFile], indexes: list[int], problems: list[Problem], roles: dict[tuple[int, str], str | None]
) -> pl.DataFrame | str:
    """The scalars of the wanted runs of one file, or why it is no log."""
    source = _opened(files[indexes[0]], problems)
    if reason := _refusal(source.schema):
        return reason
    wanted = {files[index].part: index for index in indexes}
    column = _run_column(source.schema) if None not in wanted else None
    frame = _gathered(source, column, {run for run in wanted if run is not None})
    if not frame.height:
        return "a table without rows"
    if column is None:
        _, tables = tables_of(frame.rename({name: f"{name} " for name in frame.columns if name.lower() == "run"}))
        places = [indexes[0]]
    else:
        runs, tables = tables_of(frame)
        places = [wanted[run] for run in runs]
        roles.update(told_roles(frame.rename({column: "run"}), wanted))
    if tables.scalars is None:
        return "no column holds numbers"
    return tables.scalars.with_columns(file=pl.Series(places, dtype=pl.UInt32).gather(tables.scalars["file"]))


def _gathered(source: _Source, column: str | None, runs: set[str]) -> pl.DataFrame:
    """The useful columns of the rows of these runs, of all rows without a column of runs."""
    names = _useful(source.schema)
    seen = kept = 0
    found: list[pl.DataFrame] = []
    for batch in source.batches(names):
        seen += batch.num_rows * len(names)
        frame = pl.DataFrame(pl.from_arrow(batch))
        if column is not None:
            frame = frame.filter(pl.col(column).cast(pl.String).fill_null(ONE_RUN).is_in(list(runs)))
        kept += frame.height * len(names)
        if seen > VALUES or kept > KEPT:
            raise MemoryError(f"more than {VALUES if seen > VALUES else KEPT} values")
        if frame.height:
            found.append(frame.with_columns(pl.col(pl.Categorical).cast(pl.String)))
    return pl.concat(found) if found else pl.DataFrame()


def _runs(source: _Source, column: str) -> set[str]:
    found: set[str] = set()
    seen = 0
    for batch in source.batches([column]):
        found.update(ONE_RUN if run is None else str(run) for run in pc.unique(batch.column(0)).to_pylist())
        seen += batch.num_rows
        if len(found) > RUNS or seen > VALUES:
            break
    return found


# --- columns ----------------------------------------------------------------------------------------------------------


def _useful(schema: pa.Schema) -> list[str]:
    """The columns that hold numbers, moments or words; a name that comes twice cannot be asked for."""
    names = [field.name for field in schema if _is_word(field.type) or _is_number(field.type)]
    times = Counter(schema.names)
    return [name for name in names if times[name] == 1]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_timestamp(kind))


def _is_word(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain))


def _run_column(schema: pa.Schema) -> str | None:
    named = [field.name for field in schema if field.name.lower() == "run" and _is_word(field.type)]
    return named[0] if len(named) == 1 else None


def _refusal(schema: pa.Schema) -> str | None:
    """Why a table is no log, judged by its columns alone: long tables have a tag and a value, wide ones metrics."""
    if len(schema) > COLUMNS:
        return f"a table of {len(schema)} columns"
    lowered = {name.lower() for name in _useful(schema)}
    if lowered & {"tag", "metric", "variable"} and "value" in lowered:
        return None
    return why_no_log([field.name for field in schema if _is_number(field.type)])


# --- files ------------------------------------------------------------------------------------------------------------


def _opened(file: LogFile, told: list[Problem]) -> _Source:
    """A Parquet file, or an Arrow file or stream."""
    source = _bytes_of(file, told)
    if not source.size():
        raise pa.ArrowInvalid("empty file (0 bytes)")
    if file.format == "parquet":
        table = pq.ParquetFile(source)
        if table.metadata.num_rows * max(1, len(_useful(table.schema_arrow))) > VALUES:
            raise MemoryError(f"more than {VALUES} values")
        return _Source(table.schema_arrow, table.metadata.num_rows, lambda names: table.iter_batches(columns=names))
    magic = source.read(len(_MAGIC))
    source.seek(0)
    if magic == _MAGIC:
        reader = pa.ipc.open_file(source)
        return _Source(reader.schema, -1, partial(_of_file, reader))
    schema = pa.ipc.open_stream(source).schema
    return _Source(schema, -1, partial(_of_stream, source))


def _bytes_of(file: LogFile, told: list[Problem]) -> pa.NativeFile:
    """A file of the disk is not mapped: it may be cut while it is read, which would kill the process."""
    if file.place is None and not file.packed:
        return pa.OSFile(os.fsencode(file.path))
    with opened(file, told) as stream:
        return pa.BufferReader(pa.py_buffer(gathered(stream)))


def _of_file(reader: Any, names: list[str]) -> Iterator[pa.RecordBatch]:
    for place in range(reader.num_record_batches):
        yield _checked(reader.get_batch(place), names)


def _of_stream(source: pa.NativeFile, names: list[str]) -> Iterator[pa.RecordBatch]:
    source.seek(0)
    for batch in pa.ipc.open_stream(source):
        yield _checked(batch, names)


def _checked(batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    """The columns, after a look at every offset and every character: the file may be damaged or hostile."""
    some = batch.select(names)
    some.validate(full=True)
    return some

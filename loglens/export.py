"""Everything that was read, as one long table in a Parquet, CSV or Arrow file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import polars as pl

    from loglens.model import Logs

TABLES = ("scalars", "histograms", "hparams", "texts", "problems")


def export(batches: Iterable[Logs], path: Path, table: str = "scalars") -> int:
    """Write one table, batch by batch, whole or not at all; the number of its rows. The ending says the format."""
    if path.suffix not in ENDINGS:
        raise LoglensError(f"{path}: the name must end in {', '.join(ENDINGS)}")
    rows = 0
    with _whole(path) as partial, ENDINGS[path.suffix](partial) as write:
        for frame in _frames(batches, table, path):
            write(frame)
            rows += frame.height
    return rows


def _frames(batches: Iterable[Logs], table: str, path: Path) -> Iterator[pl.DataFrame]:
    """The frames with plain strings: categories differ from batch to batch. Lists do not go into CSV."""
    import polars as pl

    schema: pl.Schema | None = None
    for logs in batches:
        frame = _problems(logs.problems) if table == "problems" else getattr(logs, table)
        if table == "scalars":
            frame = _with_axis(frame, logs)
        frame = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
        if path.suffix == ".csv":
            frame = frame.drop(name for name, kind in frame.schema.items() if kind.is_nested())
        schema = schema or frame.schema
        yield frame.cast(schema)


def _with_axis(scalars: pl.DataFrame, logs: Logs) -> pl.DataFrame:
    """The scalars with what the steps of each series count (step, epoch or row), which the table of series knows."""
    import polars as pl

    series = [pl.col(name).cast(pl.String) for name in ("run", "tag")]
    axes = logs.metrics.filter(pl.col("points") > 0).select(*series, pl.col("axis").cast(pl.String))
    return scalars.with_columns(series).join(axes, on=["run", "tag"], how="left", maintain_order="left")


def _problems(problems: Iterable[Problem]) -> pl.DataFrame:
    import polars as pl

    text, number = pl.String(), pl.Int64()
    kinds = {f.name: number if f.name in ("offset", "line") else text for f in fields(Problem)}
    return pl.DataFrame([astuple(p) for p in problems], schema=kinds, orient="row")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    if path.exists() and not path.is_file():
        raise LoglensError(f"{path}: not a file: it is not replaced")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise LoglensError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _csv(path: Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    with path.open("wb") as out:
        started: list[bool] = []

        def write(frame: pl.DataFrame) -> None:
            frame.write_csv(out, include_header=not started)
            started.append(True)

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    import pyarrow.parquet as pq

    with _arrow_writer(lambda schema: pq.ParquetWriter(path, schema)) as write:
        yield write


@contextmanager
def _arrow(path: Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    import pyarrow as pa

    with path.open("wb") as out, _arrow_writer(lambda schema: pa.ipc.new_file(out, schema)) as write:
        yield write


@contextmanager
def _arrow_writer(start: Callable[[Any], Any]) -> Iterator[Callable[[pl.DataFrame], None]]:
    writers: list[Any] = []

    def write(frame: pl.DataFrame) -> None:
        import polars as pl

        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if not writers:
            writers.append(start(rows.schema))
        writers[0].write_table(rows)

    try:
        yield write
    finally:
        for writer in writers:
            writer.close()


ENDINGS = {".parquet": _parquet, ".csv": _csv, ".arrow": _arrow}

"""Reader of MLflow's stores: a tree of small files, or one database."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Problem
from loglens.sources.base import Tables, axis_type, scalar_schema
from loglens.sources.homes import METRICS, metric_name
from loglens.sources.jsonlogs import hparams_frame
from loglens.sources.places import head
from loglens.sources.sqlitefile import run_files, with_database
from loglens.sources.text import Faults, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.sources.base import LogFile
    from loglens.sources.sqlitefile import Database

MAGIC = b"SQLite format 3\0"
FIELDS = (2, 3, 5, 6)  # of a line: time, value, step, and since MLflow 3 dataset and model
MOST_SETTINGS = 2000
LONGEST_SETTING = 65_536
LARGEST = 1.7976931348623157e308  # what the database holds in the place of an infinity
BAD_LINES = "lines that are no metrics"
_DELETED = re.compile(rb"^lifecycle_stage:\s*deleted\s*$", re.MULTILINE)
_RAW = {"file": pl.UInt32(), "tag": pl.String(), "value": pl.Float64(), "time": pl.Int64(), "step": pl.Int64()}


def parts(file: LogFile, told: list[Problem]) -> list[LogFile]:
    """The file itself, or one for each run of a database."""
    try:
        if head(file, len(MAGIC)) != MAGIC:
            return [file]
    except OSError:
        return [file]  # the reader names it
    runs: list[tuple[str, tuple[str, str]]] = []

    def look(base: Database) -> None:
        names = {key: str(name) for rows in base.rows("experiments", ("experiment_id", "name")) for key, name in rows}
        for rows in base.rows("runs", ("run_uuid", "name", "experiment_id", "lifecycle_stage")):
            for part, name, experiment, stage in rows:
                if stage != "deleted" and isinstance(part, str):
                    runs.append((part, (names.get(experiment, str(experiment)), str(name or part))))

    before = len(told)
    with_database(file, told, look)
    if not runs and len(told) == before:
        told.append(Problem(file.origin or file.name, "skipped", "a database of MLflow without runs"))
    return run_files(file, runs)


def read(files: Sequence[LogFile]) -> Tables:
    """The metrics of each file as scalars, the parameters of its run as hyper-parameters."""
    problems: list[Problem] = []
    frames: list[pl.DataFrame] = []
    settings: list[tuple[int, str, str]] = []
    bases: dict[tuple[str, object], list[int]] = defaultdict(list)
    deleted: dict[str, bool] = {}
    for index, file in enumerate(files):
        if file.part is not None:
            bases[file.path, file.place].append(index)
            continue
        run = _run_path(file)
        if run is not None and run not in deleted:
            deleted[run] = _is_deleted(file, run)
            settings += () if deleted[run] else ((index, *pair) for pair in _parameters(file, run))
        if run is not None and deleted[run]:
            problems.append(Problem(file.name, "skipped", "its run was deleted in MLflow"))
        else:
            frames.append(_metric(index, file, Faults(file, problems)))
    for members in bases.values():
        _from_database({str(files[i].part): i for i in members}, files[members[0]], frames, settings, problems)
    raw = pl.concat(frames) if frames else pl.DataFrame(schema=_RAW)
    scalars = _scalars(raw) if raw.height else None
    return Tables(scalars=scalars, hparams=hparams_frame(settings), problems=problems)


# --- the tree of files ------------------------------------------------------------------------------------------------


def _metric(index: int, file: LogFile, faults: Faults) -> pl.DataFrame:
    """One line a point."""
    tag = metric_name(file.path)
    rows: list[tuple[int, str, float, int, int]] = []
    for piece in pieces(file, faults):
        position = 0
        for number, raw in enumerate(piece.data.splitlines(keepends=True), piece.line):
            place, position = position, position + len(raw)
            if not raw.strip():
                continue
            found = _line(raw.decode(errors="replace"))
            if not raw.endswith((b"\n", b"\r")):
                message = "the last line has no end; its step may be cut, so it is not used"
                faults.add("truncated", message, offset=piece.at(place), line=number)
            elif found is None:
                message = f"not a time, a value and a step: {raw[:40].decode(errors='replace')!r}"
                faults.add("corrupt", message, offset=piece.at(place), line=number, of=BAD_LINES)
            else:
                rows.append((index, tag, *found))
    return pl.DataFrame(rows, schema=_RAW, orient="row")


def _line(text: str) -> tuple[float, int, int] | None:
    fields = text.split()
    if len(fields) not in FIELDS:
        return None
    try:
        time, value, step = int(fields[0]), float(fields[1]), int(fields[2]) if len(fields) > 2 else 0
    except ValueError:
        return None
    return (value, time, step) if max(abs(time), abs(step)) < 2**62 else None


def _run_path(file: LogFile) -> str | None:
    """The folder of the run that a metric lies in."""
    found = re.match(rf"(.*)[/\\]{METRICS}[/\\]", file.path, re.DOTALL)
    return found[1] if found else None


def _is_deleted(file: LogFile, run: str) -> bool:
    """Whether the run was deleted: MLflow says so beside it and keeps its files."""
    try:
        return _DELETED.search(head(replace(file, path=f"{run}/meta.yaml"), LONGEST_SETTING)) is not None
    except OSError:
        return False


def _parameters(file: LogFile, run: str) -> Iterator[tuple[str, str]]:
    """Name and value of the parameters that lie beside the metrics; those that cannot be read are left out."""
    top = f"{run}/params"
    for path in sorted(_below(file, top))[:MOST_SETTINGS]:
        try:
            value = head(replace(file, path=path), LONGEST_SETTING)
        except OSError:
            continue
        yield path[len(top) + 1 :].replace(os.sep, "/"), value.decode(errors="replace").strip()


def _below(file: LogFile, top: str) -> Iterator[str]:
    """The paths of the files below a folder."""
    if file.place is not None:
        yield from (member.path for member in file.place.members() if member.path.startswith(top + "/"))
        return
    folders = [top]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.path
        except OSError:
            continue


# --- the database -----------------------------------------------------------------------------------------------------


def _from_database(
    places: dict[str, int],
    file: LogFile,
    frames: list[pl.DataFrame],
    settings: list[tuple[int, str, str]],
    problems: list[Problem],
) -> None:
    """The runs of one database, in one pass over it."""
    runs = list(places)

    def use(base: Database) -> None:
        for rows in base.rows("params", ("run_uuid", "key", "value"), ("run_uuid", runs)):
            settings.extend((places[str(run)], str(key), str(value)) for run, key, value in rows if run in places)
        columns = ("run_uuid", "key", "value", "timestamp", "step", "is_nan")
        bad = 0
        for rows in base.rows("metrics", columns, ("run_uuid", runs)):
            wanted = [(places[str(row[0])], *row[1:]) for row in rows if row[0] in places]
            whole = [row for row in wanted if _is_point(*row[1:5])]
            bad += len(wanted) - len(whole)
            frames.append(_stored(whole))
        if bad:
            message = f"{bad} rows of the table metrics hold something that is no number"
            problems.append(Problem(file.name, "corrupt", message))

    with_database(file, problems, use)


def _is_point(key: object, value: object, time: object, step: object) -> bool:
    return isinstance(key, str) and isinstance(value, int | float) and isinstance(time, int) and isinstance(step, int)


def _stored(rows: Iterable[Sequence[object]]) -> pl.DataFrame:
    """Rows of the table of metrics. NaN is stored in a column of its own, an infinity as the largest number."""
    frame = pl.DataFrame(rows, schema={**_RAW, "nan": pl.Int64()}, orient="row", strict=False)
    value = pl.col("value")
    infinite = pl.when(value.abs() >= LARGEST).then(value.sign() * float("inf")).otherwise(value)
    whole = pl.when(pl.col("nan") == 1).then(float("nan")).otherwise(infinite)
    return frame.with_columns(value=whole).drop("nan").drop_nulls(["time", "step"])


def _scalars(raw: pl.DataFrame) -> pl.DataFrame:
    """Points with segments. A metric that was logged without steps has step 0 throughout: it is counted in rows."""
    series = ["file", "tag"]
    still = (pl.col("step").min() == pl.col("step").max()).over(series) & (pl.len().over(series) > 1)
    back = (pl.col("step").diff() < 0).fill_null(value=False).cum_sum().over(series)
    return raw.with_columns(
        pl.when(still).then(pl.int_range(pl.len()).over(series)).otherwise(pl.col("step")).alias("step"),
        wall_time=pl.col("time") / 1000.0,
        segment=back.cast(pl.Int32),
        axis=pl.when(still).then(pl.lit("row")).otherwise(pl.lit("step")).cast(axis_type()),
    ).select(pl.col(name).cast(kind) for name, kind in scalar_schema().items())

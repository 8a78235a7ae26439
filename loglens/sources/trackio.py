"""Reader of Trackio's databases: one file a project, the metrics of a call of `log` as one JSON object."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Problem
from loglens.sources.base import Tables
from loglens.sources.jsonlogs import hparams_frame
from loglens.sources.records import Gathered, flat, text
from loglens.sources.sqlitefile import run_files, with_database
from loglens.sources.wide import melt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.sources.base import LogFile
    from loglens.sources.sqlitefile import Database


def parts(file: LogFile, told: list[Problem]) -> list[LogFile]:
    """One file for each run of a database."""
    runs: dict[str, tuple[str]] = {}

    def look(base: Database) -> None:
        for rows in base.rows("metrics", (_identity(base, "metrics"), "run_name")):
            runs.update({part: (str(name),) for part, name in rows if isinstance(part, str)})

    before = len(told)
    with_database(file, told, look)
    if not runs and len(told) == before:
        told.append(Problem(file.origin or file.name, "skipped", "a database of Trackio without runs"))
    return run_files(file, list(runs.items()))


def read(files: Sequence[LogFile]) -> Tables:
    """What each run logged as scalars, its configuration as hyper-parameters."""
    problems: list[Problem] = []
    frames: list[pl.DataFrame] = []
    settings: list[tuple[int, str, str]] = []
    bases: dict[tuple[str, object], list[int]] = defaultdict(list)
    for index, file in enumerate(files):
        bases[file.path, file.place].append(index)
    for members in bases.values():
        places = {str(files[i].part): i for i in members}
        runs = {i: Gathered() for i in members}
        _from_database(places, runs, files[members[0]], settings, problems)
        for index, gathered in runs.items():
            if gathered.rows:
                frames += melt(gathered.wide(index))
    scalars = pl.concat(frames, rechunk=False) if frames else None
    return Tables(scalars=scalars, hparams=hparams_frame(settings), problems=problems)


def _from_database(
    places: dict[str, int],
    runs: dict[int, Gathered],
    file: LogFile,
    settings: list[tuple[int, str, str]],
    problems: list[Problem],
) -> None:
    """The runs of one database, in one pass over it."""

    def use(base: Database) -> None:
        identity, bad = _identity(base, "metrics"), 0
        among = (identity, list(places))
        for rows in base.rows("metrics", (identity, "timestamp", "step", "metrics"), among):
            for part, time, step, logged in rows:
                record = _loads(logged)
                if part not in places:
                    continue
                if record is None:
                    bad += 1
                    continue
                runs[places[str(part)]].add({"_step": step, "_timestamp": _seconds(time), **record})
        if bad:
            problems.append(Problem(file.name, "corrupt", f"{bad} rows of the table metrics hold no JSON object"))
        identity = _identity(base, "configs")
        for rows in base.rows("configs", (identity, "config"), (identity, list(places))):
            for part, told in rows:
                if part in places:
                    found = ((name, text(value)) for name, value in flat(_loads(told) or {}) if name[:1] != "_")
                    settings.extend((places[str(part)], name, shown) for name, shown in found if shown is not None)

    with_database(file, problems, use)


def _identity(base: Database, table: str) -> str:
    """The column that tells runs apart; early versions had their names only."""
    return "run_id" if "run_id" in base.columns(table) else "run_name"


def _loads(logged: object) -> dict[str, object] | None:
    """A JSON object as the database holds it, as text or as bytes."""
    if not isinstance(logged, str | bytes):
        return None
    try:
        found = json.loads(logged)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _seconds(time: object) -> float | None:
    """Seconds since 1970 of a time as it is written."""
    try:
        return datetime.fromisoformat(time).timestamp() if isinstance(time, str) else None
    except (ValueError, OverflowError):
        return None

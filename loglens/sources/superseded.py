"""What one training wrote several times: the states in its checkpoints, and the records that MMEngine keeps twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Problem
from loglens.sources.homes import STATE, VISUAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.sources.base import LogFile, Tables

_ROW = ("tag", "step", "value")


def newest_only(files: Sequence[LogFile], tables: Tables) -> Tables:
    """The tables without the states that a later one of the same folder repeats in full; these are said."""
    if tables.scalars is None:
        return tables
    old = dict(_repeated(files, tables.scalars))
    if not old:
        return tables
    told = [Problem(files[i].name, "skipped", _why(files[i], files[by])) for i, by in old.items()]
    gone = pl.col("file").is_in(list(old))
    hparams = None if tables.hparams is None else tables.hparams.filter(~gone)
    return replace(tables, scalars=tables.scalars.filter(~gone), hparams=hparams, problems=[*tables.problems, *told])


def _repeated(files: Sequence[LogFile], scalars: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Files all of whose rows are in another one, with that one."""
    folders: dict[str, list[int]] = defaultdict(list)
    for i, file in enumerate(files):
        if file.name.endswith(STATE) or f"/{VISUAL}/" in f"/{file.origin}":
            folders[file.name.rpartition("/")[0]].append(i)
    for members in folders.values():
        if len(members) > 1:
            rows = {i: scalars.filter(pl.col("file") == i).select(_ROW) for i in members}
            ordered = sorted(members, key=lambda i: (rows[i].height, files[i].name))
            for place, i in enumerate(ordered[:-1]):
                later = reversed(ordered[place + 1 :])
                by = next((j for j in later if rows[i].join(rows[j], on=_ROW, how="anti").is_empty()), None)
                if by is not None:
                    yield i, by


def _why(file: LogFile, by: LogFile) -> str:
    if file.name.endswith(STATE):
        return f"an earlier state of the training in {_shown(by)}"
    return f"its records are all in {_shown(by)}"


def _shown(file: LogFile) -> str:
    return "/".join((file.origin or file.name).split("/")[-2:])

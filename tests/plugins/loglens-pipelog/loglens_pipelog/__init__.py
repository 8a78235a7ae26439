"""A format of its own: lines of `step|name|value`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Problem
from loglens.sources import Format
from loglens.sources.base import Tables, scalar_schema
from loglens.sources.places import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.sources.base import LogFile

FORMAT = Format("loglens_pipelog", endings=(".pipelog",))


def read(files: Sequence[LogFile]) -> Tables:
    """Every line of every file; a line of another shape is a problem, with its number."""
    rows: list[tuple[int, str, int, None, float, int, str]] = []
    problems: list[Problem] = []
    for index, file in enumerate(files):
        try:
            with opened(file, problems) as stream:
                text = stream.read().decode("utf-8", "replace")
        except OSError as error:
            problems.append(Problem(file.name, "unreadable", str(error)))
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                step, name, value = line.split("|")
                rows.append((index, name, int(step), None, float(value), 0, "step"))
            except ValueError:
                problems.append(Problem(file.name, "corrupt", "not step|name|value", line=number))
    frame = pl.DataFrame(rows, schema=scalar_schema(), orient="row")
    return Tables(scalars=frame.sort("file", "tag", maintain_order=True), problems=problems)

"""The readers' rows as the frames of `Logs`: by run instead of file, under their final tags, in the final order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.frames import SCHEMAS, empty_frame, role_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.sources.base import Tables
    from loglens.sources.runs import Place
    from loglens.sources.seriesrows import SeriesRows


@dataclass(slots=True)
class Series:
    """One series of one file, its place among those of its kind, and where it ends up."""

    file: int
    name: str
    kind: str
    points: int
    axis: str
    began: float | None
    last_segment: int
    place: int = 0
    run: str = ""
    tag: str = ""
    offset: int = 0


def _placed(rows: SeriesRows, some: Sequence[Series], named: dict[str, list[str | None]], name: str) -> pl.DataFrame:
    """The frame `name` of `Logs`: the rows of some series, behind each other, with columns that have one value each."""
    counts = rows.counts[[one.place for one in some]]
    which = np.repeat(np.arange(len(some), dtype=np.uint32), counts)
    own = [column for column in SCHEMAS[name] if column not in named]
    frame = rows.take([one.place for one in some], own)
    # Not `gather`, which takes four times as long.
    columns = [pl.Series(column, values, dtype=role_type())[which] for column, values in named.items()]
    if any(one.offset for one in some):
        offset = np.array([one.offset for one in some], dtype=np.int32)[which]
        columns.append((frame["segment"] + offset).cast(pl.Int32))
    return frame.with_columns(columns).select(list(SCHEMAS[name]))


def placed_scalars(
    rows: SeriesRows | None, ordered: Sequence[Series], roles: dict[tuple[str, str], str | None]
) -> pl.DataFrame:
    """`Logs.scalars`; `roles` by (run, tag)."""
    if rows is None:
        return empty_frame("scalars")
    some = [one for one in ordered if one.kind == "scalar"]
    named: dict[str, list[str | None]] = {"run": [one.run for one in some], "tag": [one.tag for one in some]}
    role = [roles.get((one.run, one.tag)) for one in some]
    return _placed(rows, some, {**named, "role": role}, "scalars")


def placed_histograms(rows: SeriesRows | None, ordered: Sequence[Series]) -> pl.DataFrame:
    """`Logs.histograms`."""
    if rows is None:
        return empty_frame("histograms")
    some = [one for one in ordered if one.kind == "histogram"]
    return _placed(rows, some, {"run": [one.run for one in some], "tag": [one.tag for one in some]}, "histograms")


def _runs_of(places: Sequence[Place | None]) -> pl.DataFrame:
    rows = [(i, where.run, where.folder) for i, where in enumerate(places) if where]
    schema = {"file": pl.UInt32(), "run": pl.Categorical(), "folder": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def placed_hparams(tables: Tables, places: Sequence[Place | None], paths: Sequence[str]) -> pl.DataFrame:
    """Hyper-parameters by run; of two records of one name the later file counts. `paths` are those of the files."""
    if tables.hparams is None:
        return empty_frame("hparams")
    sources = pl.DataFrame(
        {"file": range(len(paths)), "source": paths}, schema={"file": pl.UInt32, "source": pl.String}
    )
    joined = tables.hparams.cast({"file": pl.UInt32}).join(_runs_of(places), on="file").join(sources, on="file")
    return (
        joined.sort("file", maintain_order=True)
        .unique(["run", "name"], keep="last", maintain_order=True)
        .sort(pl.col("run").cast(pl.String), "name")
        .select(empty_frame("hparams").columns)
    )


def placed_texts(tables: Tables, places: Sequence[Place | None]) -> pl.DataFrame:
    """`Logs.texts`; the tag of a sub-folder's text has the folder before it."""
    if tables.texts is None:
        return empty_frame("texts")
    joined = tables.texts.cast({"file": pl.UInt32, "tag": pl.String}).join(_runs_of(places), on="file")
    inside = pl.when(pl.col("folder") == "").then(pl.col("tag")).otherwise(pl.col("folder") + "/" + pl.col("tag"))
    named = joined.with_columns(tag=inside.cast(pl.Categorical()))
    return named.sort(pl.col("run").cast(pl.String), "file", maintain_order=True).select(empty_frame("texts").columns)

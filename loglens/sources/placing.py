"""The readers' rows as the frames of `Logs`: by run instead of file, under their final tags, in the final order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from loglens.sources.base import scalar_schema
from loglens.sources.frames import HISTOGRAM_VALUES, empty_frame, role_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.sources.base import Tables
    from loglens.sources.runs import Place


@dataclass(slots=True)
class Series:
    """One series of one file, and where it ends up."""

    file: int
    name: str
    kind: str
    points: int
    axis: str
    began: float | None
    last_segment: int
    run: str = ""
    tag: str = ""
    offset: int = 0


def _targets(ordered: Sequence[Series], kind: str) -> pl.DataFrame:
    """For every (file, tag) of a kind: its run, its final tag, its offset and its rank in the final order."""
    rows = [(s.file, s.name, s.run, s.tag, s.offset, rank) for rank, s in enumerate(ordered) if s.kind == kind]
    schema = {
        "file": pl.UInt32(),
        "tag": pl.Categorical(),
        "run": pl.Categorical(),
        "to": pl.Categorical(),
        "offset": pl.Int32(),
        "rank": pl.UInt32(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _placed(
    frame: pl.DataFrame, ordered: Sequence[Series], kind: str, roles: dict[tuple[str, str], str | None]
) -> pl.DataFrame:
    """Rows of a frame by file, with run and tag, in the final order."""
    targets = _targets(ordered, kind)
    role = pl.Series("role", [roles.get(key) for key in targets.select("run", "to").iter_rows()], dtype=role_type())
    joined = frame.join(targets.with_columns(role), on=["file", "tag"], how="inner", maintain_order="left")
    if not joined["rank"].is_sorted():
        joined = joined.sort("rank", maintain_order=True)
    return joined.with_columns(pl.col("to").alias("tag"), segment=(pl.col("segment") + pl.col("offset")).cast(pl.Int32))


def placed_scalars(tables: Tables, ordered: Sequence[Series], roles: dict[tuple[str, str], str | None]) -> pl.DataFrame:
    """`Logs.scalars`; `roles` by (run, tag)."""
    if tables.scalars is None:
        return empty_frame("scalars")
    frame = tables.scalars.cast(scalar_schema())  # type: ignore[arg-type]
    return _placed(frame, ordered, "scalar", roles).select(empty_frame("scalars").columns)


def placed_histograms(tables: Tables, ordered: Sequence[Series]) -> pl.DataFrame:
    """`Logs.histograms`."""
    if tables.histograms is None:
        return empty_frame("histograms")
    frame = tables.histograms.with_columns(pl.col("tag").cast(pl.Categorical()), pl.col("file").cast(pl.UInt32))
    return _placed(frame, ordered, "histogram", {}).select(
        "run", "tag", "step", "wall_time", "segment", *HISTOGRAM_VALUES
    )


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

"""Scalar series read off histograms: what a distribution says in one number a step."""

from __future__ import annotations

import polars as pl

# role of the histogram → (role of the series, expression over the columns of `Logs.histograms`)
_NORM = (pl.col("count") * (pl.col("mean") ** 2 + pl.col("std") ** 2)).sqrt()
_SPREAD = pl.col("max") > pl.col("min")
# the outermost buckets hold saturated values, unless they hold the zeros of a rectifier
_ENDS = (pl.col("low") + pl.col("high") - pl.when(pl.col("min") >= 0).then("zeros").otherwise(0)).clip(0, 1)
DERIVED: dict[str, tuple[tuple[str, pl.Expr], ...]] = {
    "histogram:gradients": (("grad_norm", _NORM),),
    "histogram:activations": (
        ("zero_fraction", pl.col("zeros")),
        ("saturated_fraction", pl.when(_SPREAD).then(_ENDS).otherwise(0.0)),
    ),
}
_COLUMNS = ("run", "tag", "step", "wall_time", "value", "segment")


def from_histograms(histograms: pl.DataFrame, metrics: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows like `Logs.metrics` with the key of their records as `source`, records like `Logs.scalars`)."""
    rows, records = [metrics.clear().with_columns(pl.lit(None, pl.String).alias("source"))], []
    names = histograms.with_columns(pl.col("run", "tag").cast(pl.String))
    for kind, series in DERIVED.items():
        mine = metrics.filter(pl.col("role") == kind)
        if mine.is_empty():
            continue
        for role, expression in series:
            source = pl.concat_str(pl.col("tag"), pl.lit(f"\0{role}")).alias("source")
            named = pl.concat_str(pl.lit(f"{role}:"), pl.col("stem")).alias("role")
            rows.append(mine.with_columns(source, named))
            part = names.join(mine.select("run", "tag"), on=["run", "tag"], how="semi", maintain_order="left")
            value = expression.cast(pl.Float64).alias("value")
            records.append(part.with_columns(source.alias("tag"), value).select(_COLUMNS))
    nothing = names.with_columns(pl.lit(0.0).alias("value")).select(_COLUMNS).clear()
    flat = pl.concat(records) if records else nothing
    return pl.concat(rows), flat.with_columns(pl.col("run", "tag").cast(pl.Categorical))

"""The series of each run in a few numbers, and what the run was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.ends import Ends
    from loglens.model import Logs


def metrics_of(logs: Logs, ends: Mapping[tuple[str, str], Ends]) -> dict[str, tuple[Metric, ...]]:
    """Every series of every run with its first, best and last finite value, and how it ended."""
    finite = logs.scalars.filter(pl.col("value").is_finite())
    value = pl.col("value")
    stats = finite.group_by("run", "tag", maintain_order=True).agg(
        value.first().alias("first"), value.last().alias("last"), value.min().alias("low"), value.max().alias("high")
    )
    text = [pl.col("run").cast(pl.String), pl.col("tag").cast(pl.String)]
    rows = logs.metrics.with_columns(text).join(stats.with_columns(text), on=["run", "tag"], how="left")
    found: dict[str, list[Metric]] = {}
    for row in rows.iter_rows(named=True):
        best = {"min": row["low"], "max": row["high"]}.get(row["direction"] or "")
        found.setdefault(row["run"], []).append(
            Metric(
                row["tag"], row["role"], row["role_reason"], row["direction"], row["axis"], row["points"],
                row["first"], best, row["last"], *ends.get((row["run"], row["tag"]), (None, None)),
            )
        )  # fmt: skip
    return {run: tuple(sorted(metrics, key=lambda m: m.tag)) for run, metrics in found.items()}


def hparams_of(logs: Logs) -> dict[str, dict[str, str]]:
    """Name and value of every hyper-parameter of each run."""
    found: dict[str, dict[str, str]] = {}
    for run, name, value in logs.hparams.select(pl.col("run", "name", "value").cast(pl.String)).iter_rows():
        found.setdefault(run, {})[name] = value
    return found

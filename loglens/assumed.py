"""Hyper-parameters that the settings tell, for runs that did not log them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import Logs

SOURCE = "settings"


def with_hparams(logs: Logs, told: Mapping[str, str]) -> Logs:
    """`logs` with what is told of every run that has no hyper-parameter of that name; what was logged wins."""
    if not told:
        return logs
    import polars as pl

    logged = {(str(run), name) for run, name in logs.hparams.select("run", "name").iter_rows()}
    rows = [
        (run, name, value, _number(value), SOURCE)
        for run in logs.names
        for name, value in told.items()
        if (run, name) not in logged
    ]
    names = ["run", "name", "value", "number", "source"]
    more = pl.DataFrame(rows, schema=names, orient="row").cast(dict(logs.hparams.select(names).schema))  # type: ignore[arg-type]
    return replace(logs, hparams=pl.concat([logs.hparams, more.select(logs.hparams.columns)]))


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None

"""Changes of logs that must not change what is said of them: another unit, other names, other steps, more or fewer
points."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.engine import judge
from loglens.series import series_of
from loglens.sources.inmemory import logs_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loglens.model import Logs
    from loglens.rule import Rule

Statuses = dict[tuple[str, str], str]  # (run, rule) → its severity, "clear" or "not-checked"

# names as loggers write them, one a role: what a run logs under one name may as well be logged under these
ROLES = ("train/loss", "val/loss", "train/accuracy", "val/accuracy", "lr", "grad_norm")
STYLES = {
    "TensorBoard's": ("Loss/train", "Loss/val", "Accuracy/train", "Accuracy/val", "Learning_rate", "gradient_norm"),
    "Keras'": ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "grad_norm"),
    "spelt out": ("training_loss", "validation_loss", "training_accuracy", "validation_accuracy", "optim/lr", "gnorm"),
}


def statuses(logs: Logs, rules: Iterable[Rule]) -> Statuses:
    """What every rule says of every run."""
    found: Statuses = {}
    for run, judgement in zip(logs.names, judge(series_of(logs), rules), strict=True):
        found.update({(run, finding.rule): finding.severity for finding in judgement.findings})
        found.update({(run, rule): "clear" for rule in judgement.clear})
        found.update({(run, skipped.rule): "not-checked" for skipped in judgement.not_checked})
    return found


def losses_times_1000(logs: Logs) -> tuple[Logs, Logs]:
    """Every loss in another unit."""
    is_loss = pl.col("role").cast(pl.String).str.contains(r"^(train|val|test)/loss").fill_null(value=False)
    value = pl.when(is_loss).then(pl.col("value") * 1000).otherwise(pl.col("value"))
    return logs, replace(logs, scalars=logs.scalars.with_columns(value.alias("value")))


def losses_lowered(logs: Logs) -> tuple[Logs, Logs]:
    """A constant off every loss that has values below zero, as by another normalisation of a likelihood."""
    is_loss = pl.col("role").cast(pl.String).str.contains(r"^(train|val|test)/loss").fill_null(value=False)
    finite = pl.when(pl.col("value").is_finite()).then(pl.col("value"))
    spread = (finite.quantile(0.75) - finite.quantile(0.25)).over("run", "role")
    signed = (finite.min() < 0).over("run", "tag")
    lower = pl.when(is_loss & signed).then(pl.col("value") - spread).otherwise(pl.col("value"))
    return logs, replace(logs, scalars=logs.scalars.with_columns(lower.alias("value")))


def renamed(logs: Logs, style: str) -> tuple[Logs, Logs]:
    """Names of another logger, where a role is held by one series of the run. Both are read as frames."""
    role, names = pl.col("role").cast(pl.String), dict(zip(ROLES, STYLES[style], strict=True))
    alone = (
        logs.metrics.filter(role.is_in(ROLES))
        .filter(pl.len().over("run", "role") == 1)
        .select(pl.col("run", "tag").cast(pl.String), role.replace_strict(names, default=None).alias("new"))
    )
    long = logs.scalars.select(pl.col("run", "tag").cast(pl.String), "step", "wall_time", "value", "segment").join(
        alone, on=["run", "tag"], how="left", maintain_order="left"
    )
    other = long.with_columns(pl.coalesce("new", "tag").alias("tag"))
    return logs_from(long.drop("new")), logs_from(other.drop("new"))


def held_out_on_other_steps(logs: Logs) -> tuple[Logs, Logs]:
    """Every evaluation a third of their usual distance later, as where it is logged after an epoch, not in it."""
    held_out = pl.col("role").cast(pl.String).str.contains("^(val|test)/").fill_null(value=False)
    usual = pl.col("step").diff().filter(pl.col("step").diff() > 0).median().over("run", "tag").fill_null(0)
    later = pl.col("step") + (usual / 3).floor().cast(pl.Int64)
    step = pl.when(held_out).then(later).otherwise(pl.col("step"))
    return logs, replace(logs, scalars=logs.scalars.with_columns(step.alias("step")))


def every_third_point(logs: Logs) -> tuple[Logs, Logs]:
    """A third of the points, as where the logging interval is three times as long."""
    kept = logs.scalars.filter(pl.int_range(pl.len()).over("run", "tag") % 3 == 0)
    return logs, _counted(replace(logs, scalars=kept))


def half_as_many_again(logs: Logs) -> tuple[Logs, Logs]:
    """A further point after every second one, on the way to the next, as noisy as the others.

    Both have all steps doubled, so that there is a step in between, and no settings, which name planned steps.
    """
    scalars = logs.scalars.with_columns(pl.col("step") * 2)
    base = replace(logs, scalars=scalars, hparams=logs.hparams.clear())
    rng = np.random.default_rng(0)
    parts = [_denser(part, rng) for part in scalars.partition_by("run", "tag", maintain_order=True)]
    return base, _counted(replace(base, scalars=pl.concat(parts)))


CHANGES: dict[str, Callable[[Logs], tuple[Logs, Logs]]] = {
    "losses × 1000": losses_times_1000,
    "a constant off losses below zero": losses_lowered,
    **{f"names: {style}": partial(renamed, style=style) for style in STYLES},
    "held-out values on other steps": held_out_on_other_steps,
    "every third point": every_third_point,
    "half as many points again": half_as_many_again,
}


def _counted(logs: Logs) -> Logs:
    """The logs with their counts of points put right."""
    count = logs.scalars.group_by("run", "tag").agg(pl.len().cast(logs.metrics.schema["points"]).alias("now"))
    metrics = logs.metrics.join(count, on=["run", "tag"], how="left", maintain_order="left")
    return replace(logs, metrics=metrics.with_columns(pl.coalesce("now", "points").alias("points")).drop("now"))


def _denser(part: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A series with a point more after every second one: the median of up to eight around it, and noise of its own."""
    value, step, segment = (part[name].to_numpy() for name in ("value", "step", "segment"))
    at = np.arange(0, len(value) - 1, 2)
    at = at[(step[at + 1] > step[at]) & (segment[at + 1] == segment[at])]
    if not len(at):
        return part
    new = _between(value, at, rng)
    wall = part["wall_time"].to_numpy()
    more = part[at].with_columns(
        pl.Series("value", new),
        pl.Series("step", (step[at] + step[at + 1]) // 2, dtype=pl.Int64),
        pl.Series("wall_time", (wall[at] + wall[at + 1]) / 2).fill_nan(None),
    )
    place = np.argsort(np.concatenate([np.arange(len(value)) * 2, at * 2 + 1]), kind="stable")
    denser: pl.DataFrame = pl.concat([part, more])[place]
    return denser


def _between(value: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What might have been logged between the points `at` and those after them."""
    finite = value[np.isfinite(value)]
    new: np.ndarray = value[at]
    if not len(finite):
        return new
    logged = bool(np.all(finite > 0))
    level = np.log(value, where=np.isfinite(value), out=value.copy()) if logged else value
    bends = np.diff(level[np.isfinite(level)], 2)
    noise = 1.4826 * np.median(np.abs(bends)) / np.sqrt(6) if len(bends) > 2 else 0.0
    middle = np.array([_middle(level, i) for i in at])
    moves = level[at] != level[at + 1]  # what stands still goes on standing still
    new = np.where(moves, middle + noise * np.sqrt(0.8) * rng.standard_normal(len(at)), level[at])
    back = np.exp(np.minimum(new, 700)) if logged else new
    drawn = np.where(np.isfinite(middle), np.clip(back, finite.min(), finite.max()), value[at])
    return _on_grid(drawn, finite)


def _on_grid(drawn: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Of a score over n examples, whose values are multiples of 1/n, the logged value nearest to each drawn one."""
    logged = np.unique(finite)
    grain = np.diff(logged).min(initial=np.inf)
    places = (finite - finite[0]) / grain
    if not 0 < np.ptp(places) <= 10_000 or np.abs(places - np.round(places)).max() > 0.01:
        return drawn
    right = np.clip(np.searchsorted(logged, drawn), 1, len(logged) - 1)
    return np.where(drawn - logged[right - 1] < logged[right] - drawn, logged[right - 1], logged[right])


def _middle(level: np.ndarray, i: int) -> float:
    """Median of as many points before as after the middle between point i and the next, at most four each."""
    reach = min(4, i + 1, len(level) - 1 - i)
    around = level[i + 1 - reach : i + 1 + reach]
    return float(np.median(around)) if np.isfinite(around).all() else float("nan")

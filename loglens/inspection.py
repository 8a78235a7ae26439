"""What was found and read: runs, files, series with their roles and why, faults and skips."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from loglens.model import Checkpoint, Metric, Reading
from loglens.tabular import table, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from loglens.model import Logs, Problem, Source


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One series of a run; steps are null for an empty one."""

    tag: str
    role: str | None
    role_reason: str
    direction: str | None
    axis: str
    points: int
    first_step: int | None
    last_step: int | None
    segments: int
    nonfinite: int


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as it was read."""

    run: str
    sources: tuple[Source, ...]
    series: tuple[SeriesView, ...]
    hparams: int
    texts: int
    checkpoints: tuple[Checkpoint, ...] = ()
    objective: str = "unknown"
    reading: Reading | None = None


def views(logs: Logs) -> Iterator[RunView]:
    """The runs of a batch."""
    from loglens.metrics import hparams_of, metrics_of

    series: dict[str, list[SeriesView]] = {}
    for row in _series_rows(logs):
        series.setdefault(row.pop("run"), []).append(SeriesView(**row))
    checkpoints, metrics, told = _checkpoints(logs), metrics_of(logs, {}), hparams_of(logs)
    for run in logs.names:
        broken = {s.tag for s in series.get(run, ()) if s.nonfinite}
        aim, reading = _loss(metrics.get(run, ()), told.get(run, {}), broken)
        yield RunView(
            run,
            tuple(source for source in logs.sources if source.run == run),
            tuple(sorted(series.get(run, ()), key=lambda s: s.tag)),
            _count(logs.hparams, run),
            _count(logs.texts, run),
            tuple(checkpoints.get(run, ())),
            aim,
            reading,
        )


def _loss(metrics: tuple[Metric, ...], told: Mapping[str, str], broken: set[str]) -> tuple[str, Reading | None]:
    """What the run optimised, and the kind of its loss."""
    from loglens.binding import objective_of
    from loglens.lossreading import objective, reading_of

    roles = {metric.role for metric in metrics if metric.role is not None}
    aim = objective(roles, objective_of(roles))
    return aim, reading_of(metrics, told, aim, broken)


def _checkpoints(logs: Logs) -> dict[str, list[Checkpoint]]:
    found: dict[str, list[Checkpoint]] = {}
    for run, *values in logs.checkpoints.iter_rows():
        found.setdefault(run, []).append(Checkpoint(*values))
    return found


def _series_rows(logs: Logs) -> list[dict[str, Any]]:
    import polars as pl

    names = [pl.col(name).cast(pl.String) for name in ("run", "tag")]
    step, value = pl.col("step"), pl.col("value")
    facts = logs.scalars.group_by("run", "tag").agg(
        first_step=step.min(),
        last_step=step.max(),
        segments=pl.col("segment").n_unique(),
        nonfinite=(~value.is_finite()).sum(),
    )
    known = pl.col("role", "role_reason", "direction", "axis").cast(pl.String)
    rows = logs.metrics.select(*names, known, "points").join(facts.with_columns(names), on=["run", "tag"], how="left")
    return rows.with_columns(pl.col("segments", "nonfinite").fill_null(0)).to_dicts()


def _count(frame: Any, run: str) -> int:
    import polars as pl

    return int(frame.select((pl.col("run").cast(pl.String) == run).sum()).item()) if frame.height else 0


def as_text(batches: Iterable[Logs]) -> Iterator[str]:
    """Paragraphs for people: one a run, then faults and skipped files."""
    problems: list[Problem] = []
    for logs in batches:
        problems += logs.problems
        yield from (_run_text(view) for view in views(logs))
    if problems:
        yield "\n".join(["Faults and skipped files", *(f"  {_problem_text(p)}" for p in problems)])


def _run_text(view: RunView) -> str:
    extra = [f"{n} {what}" for n, what in ((view.hparams, "hyper-parameters"), (view.texts, "texts")) if n]
    files = [(s.path, s.format, f"{s.bytes:,} bytes", f"{s.points:,} points") for s in view.sources]
    parts = [visible(view.run) + (f"  ({', '.join(extra)})" if extra else "")]
    if files:
        parts.append(table(files, right=(2, 3), indent="  "))
    if view.series:
        head = ("series", "role", "points", "steps", "segments", "NaN/inf", "why")
        parts.append(table(map(_series_cells, view.series), head, right=(2, 4, 5), indent="  "))
    if view.reading:
        parts.append(visible(f"  loss: {view.reading.text}"))
    if view.checkpoints:
        parts.append(
            table(map(_checkpoint_cells, view.checkpoints), ("checkpoint", "at", "bytes"), right=(2,), indent="  ")
        )
    return "\n".join(parts)


def _checkpoint_cells(c: Checkpoint) -> tuple[str, ...]:
    at = [f"{what} {n:,}" for what, n in (("epoch", c.epoch), ("step", c.step)) if n is not None]
    return c.path, ", ".join(at), f"{c.bytes:,}"


def _series_cells(s: SeriesView) -> tuple[str, ...]:
    steps = "" if s.first_step is None else f"{s.axis} {s.first_step:,}–{s.last_step:,}"
    return (s.tag, s.role or "–", f"{s.points:,}", steps, str(s.segments), str(s.nonfinite or ""), s.role_reason)


def _problem_text(problem: Problem) -> str:
    place = f":{problem.line}" if problem.line is not None else ""
    offset = f" (byte {problem.offset:,})" if problem.offset is not None else ""
    return visible(f"{problem.path}{place}: {problem.kind}: {problem.message}{offset}")


def as_json(batches: Iterable[Logs]) -> str:
    """The same as one JSON object: `runs` and `problems`."""
    runs: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    for logs in batches:
        runs += [asdict(view) for view in views(logs)]
        problems += [asdict(problem) for problem in logs.problems]
    return json.dumps({"runs": runs, "problems": problems}, indent=1)

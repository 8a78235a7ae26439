"""From findings to a story: what caused what, the verdict, one sentence, what was lost; and the curves to draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.ends import ends_of
from loglens.engine import judge
from loglens.model import SEVERITIES, Checkpoint, Curve, Finding, Metric, RunReport, Source, Verdict
from loglens.numbers import human
from loglens.roles import judges
from loglens.series import series_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loglens.ends import Ends
    from loglens.engine import Judgement
    from loglens.model import Logs
    from loglens.rule import Rule
    from loglens.series import SeriesSet

CURVE_POINTS = 700
CURVES_PER_RUN = 16
CHECKPOINTS_PER_RUN = 1000
ENOUGH = 8  # points of a loss or score below which a run is not called healthy
# findings after whose onset the rest of a run is lost, and at which severity
WASTEFUL = {
    "diverging-loss": ("error",),
    "flat-loss": ("error", "warning"),
    "missed-early-stop": ("error", "warning"),
    "nonfinite-gradient": ("error",),
    "nonfinite-loss": ("error",),
    "widening-gap": ("error", "warning"),
    "zero-loss": ("error",),
}


def tell(logs: Logs, rules: Iterable[Rule], spent: Callable[[str, float], None] | None = None) -> tuple[RunReport, ...]:
    """Judge a batch of runs and reduce each to what reports need; `spent` is told the seconds of each rule."""
    rules = tuple(rules)
    series = series_of(logs)
    judgements = judge(series, rules, spent)
    explained = {rule.id: rule.explained_by for rule in rules}
    metrics = _metrics(logs, ends_of(series))
    extents = _extents(logs)
    sources: dict[str, list[Source]] = {}
    for source in logs.sources:
        sources.setdefault(source.run, []).append(source)
    hparams: dict[str, dict[str, str]] = {}
    for run, name, value in logs.hparams.select(pl.col("run", "name", "value").cast(pl.String)).iter_rows():
        hparams.setdefault(run, {})[name] = value
    checkpoints = _checkpoints(logs)
    return tuple(
        replace(
            _run_report(series, i, judgement, explained, metrics.get(run, ()), extents.get(run, (None, None))),
            sources=tuple(sources.get(run, ())),
            hparams=hparams.get(run, {}),
            checkpoints=checkpoints.get(run, ()),
        )
        for i, (run, judgement) in enumerate(zip(logs.names, judgements, strict=True))
    )


def _checkpoints(logs: Logs) -> dict[str, tuple[Checkpoint, ...]]:
    """The checkpoints of each run, by step; of very many the last."""
    found: dict[str, list[Checkpoint]] = {}
    for run, *values in logs.checkpoints.with_columns(pl.col("run").cast(pl.String)).iter_rows():
        found.setdefault(run, []).append(Checkpoint(*values))
    return {run: tuple(some[-CHECKPOINTS_PER_RUN:]) for run, some in found.items()}


def _run_report(
    series: SeriesSet,
    number: int,
    judgement: Judgement,
    explained: Mapping[str, tuple[str, ...]],
    metrics: tuple[Metric, ...],
    extent: tuple[tuple[int, int] | None, float | None],
) -> RunReport:
    run = series.runs[number]
    findings = link(judgement.findings, explained)
    root = root_of(findings)
    course = _course(series, number, metrics)
    verdict = _verdict(findings, course)
    return RunReport(
        run=run,
        verdict=verdict,
        headline=_headline(verdict, root, findings, course),
        sources=(),
        steps=extent[0],
        wall_seconds=extent[1],
        wasted_fraction=_wasted(findings, series, number),
        last_good_step=_last_good(root, series, number) if verdict in ("failed", "suspect") else None,
        metrics=metrics,
        findings=findings,
        clear=judgement.clear,
        not_checked=judgement.not_checked,
        curves=_curves(series, number, findings),
    )


def link(findings: tuple[Finding, ...], explained: Mapping[str, tuple[str, ...]]) -> tuple[Finding, ...]:
    """Set `caused_by`: the earliest finding of a rule that explains this one and began before it, or hardly later."""
    by_rule = {f.rule: f for f in findings}
    linked = []
    for finding in findings:
        causes = [by_rule[r] for r in explained.get(finding.rule, ()) if r in by_rule]
        causes = [c for c in causes if _precedes(c, finding)]
        first = min(causes, key=lambda c: c.first_step if c.first_step is not None else -1, default=None)
        linked.append(replace(finding, caused_by=first.rule) if first else finding)
    return tuple(sorted(linked, key=lambda f: (f.caused_by is not None, -SEVERITIES.index(f.severity), f.rule)))


def _precedes(cause: Finding, effect: Finding) -> bool:
    """Whether `cause` began no later than `effect`, give or take 2 % of the run; other axes cannot be compared."""
    if cause.first_step is None or effect.first_step is None or cause.axis != effect.axis:
        return True
    slack = 0.02 * max((effect.last_step or effect.first_step), 1)
    return cause.first_step <= effect.first_step + slack


def root_of(findings: tuple[Finding, ...]) -> Finding | None:
    """The finding that the story starts with: of the most severe chain the one that nothing explains."""
    by_rule = {f.rule: f for f in findings}
    worst = min(findings, key=lambda f: (-SEVERITIES.index(f.severity), f.caused_by is not None), default=None)
    seen: set[str] = set()
    while worst is not None and worst.caused_by in by_rule and worst.rule not in seen:
        seen.add(worst.rule)
        worst = by_rule[worst.caused_by]
    return worst


def _verdict(findings: tuple[Finding, ...], course: Course | None) -> Verdict:
    severities = {f.severity for f in findings}
    if "error" in severities:
        return "failed"
    if "warning" in severities:
        return "suspect"
    return "healthy" if course is not None and course.fine else "unknown"


def _headline(verdict: Verdict, root: Finding | None, findings: tuple[Finding, ...], course: Course | None) -> str:
    if root is not None and verdict in ("failed", "suspect"):
        effects = [f.title[:1].lower() + f.title[1:] for f in findings if f.caused_by == root.rule]
        then = f" What follows from it: {', '.join(effects)}." if effects else ""
        return f"{root.message}{'' if root.message.endswith('.') else '.'}{then}"
    if course is None:
        return f"Too little to judge: no loss or score with at least {ENOUGH} points."
    notes = f" {len(findings)} {'note' if len(findings) == 1 else 'notes'}." if findings else ""
    return f"{course.sentence}{notes}"


@dataclass(frozen=True, slots=True)
class Course:
    """How the telling series of a run went, in a sentence, and whether it went as it should."""

    sentence: str
    fine: bool


_TELLING = ("reward", "val/loss", "train/loss", "val/accuracy", "val/metric")


def _course(series: SeriesSet, number: int, metrics: tuple[Metric, ...]) -> Course | None:
    """None when no loss or score has enough points."""
    enough = [m for m in metrics if m.role and judges(m.role) and m.points >= ENOUGH and m.first is not None]
    told = next((m for role in _TELLING for m in enough if m.role == role), next(iter(enough), None))
    mine = [i for i in sorted(series.members_of(number).series) if told and series.tag[i] == told.tag]
    if told is None or not mine:
        return None
    went = f"{told.tag} went from {human(told.first)} to {human(told.last)}"
    f, i = series.features, mine[0]
    blocks = f.blocks.median[i, : f.blocks.count[i]]
    moved = float(np.median(blocks[-3:]) - np.median(blocks[:2])) if len(blocks) else 0.0
    size = np.log(1.1) if f.logged[i] else 0.1 * float(np.max(np.abs(blocks), initial=0.0))
    if f.count[i] and np.ptp(f.raw[f.start[i] : f.start[i] + f.count[i]]) == 0:
        return Course(f"{told.tag} never moved from {human(told.last)}, and no rule could say why.", fine=False)
    worse = told.direction is not None and (moved if told.direction == "min" else -moved) > max(3 * f.noise[i], size)
    if worse:
        return Course(f"{went}, which is worse, and no rule could say why.", fine=False)
    return Course(f"{went}; nothing stands out.", fine=True)


def _judging(series: SeriesSet, number: int, prefix: str) -> int | None:
    """The series with most points of a role that begins with `prefix`."""
    by_role = series.by_run.get(number, {})
    found = [i for role, members in by_role.items() if role.startswith(prefix) for i in members]
    return max(found, key=lambda i: int(series.points.count[i]), default=None)


def _wasted(findings: tuple[Finding, ...], series: SeriesSet, number: int) -> float | None:
    """Share of the run that came after the first onset of what broke it, or after the best held-out value."""
    shares = [
        share
        for finding in findings
        if finding.severity in WASTEFUL.get(finding.rule, ()) and finding.first_step is not None
        if (share := _share_after(finding, series, number)) is not None
    ]
    return max(shares, default=None)


def _share_after(finding: Finding, series: SeriesSet, number: int) -> float | None:
    """Share of the run, on the finding's axis, that lies after its onset."""
    mine = [i for i in series.members_of(number).series if series.axis[i] == finding.axis]
    steps = [series.records.step[series.records.start[i] :][: series.records.count[i]] for i in mine]
    first = min((int(s.min()) for s in steps if len(s)), default=0)
    last = max((int(s.max()) for s in steps if len(s)), default=0)
    if last <= first:
        return None
    return round(min(max((last - (finding.first_step or 0)) / (last - first), 0.0), 1.0), 4)


def _last_good(root: Finding | None, series: SeriesSet, number: int) -> int | None:
    """The last evaluation (or point of the loss) before the onset, on the axis of the root finding."""
    if root is None or root.first_step is None:
        return None
    at = _judging(series, number, "val/")
    if at is None or series.axis[at] != root.axis:
        at = _judging(series, number, "train/loss")
    if at is None or series.axis[at] != root.axis:
        return None
    begin = series.points.start[at]
    steps = series.points.step[begin : begin + series.points.count[at]]
    before = steps[steps <= root.first_step] if root.rule == "widening-gap" else steps[steps < root.first_step]
    return int(before[-1]) if len(before) else None


def _metrics(logs: Logs, ends: Mapping[tuple[str, str], Ends]) -> dict[str, tuple[Metric, ...]]:
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


def _extents(logs: Logs) -> dict[str, tuple[tuple[int, int] | None, float | None]]:
    """First and last step (of the finest axis) and the seconds between first and last record of each run."""
    text = [pl.col("run").cast(pl.String), pl.col("tag").cast(pl.String)]
    axis = logs.metrics.select(
        *text,
        pl.col("axis").cast(pl.String).replace_strict({"step": 0, "epoch": 1, "row": 2}, default=2).alias("order"),
    )
    spans = logs.scalars.group_by("run", "tag").agg(
        pl.col("step").min().alias("low"), pl.col("step").max().alias("high"),
        pl.col("wall_time").min().alias("begin"), pl.col("wall_time").max().alias("end"),
    )  # fmt: skip
    rows = spans.with_columns(text).join(axis, on=["run", "tag"])
    finest = pl.col("order") == pl.col("order").min()
    per_run = rows.group_by("run").agg(
        pl.col("low").filter(finest).min(),
        pl.col("high").filter(finest).max(),
        pl.col("begin").min(),
        pl.col("end").max(),
    )
    found = {}
    for row in per_run.iter_rows(named=True):
        steps = (row["low"], row["high"]) if row["low"] is not None else None
        known = row["begin"] is not None and row["end"] is not None
        found[row["run"]] = (steps, round(row["end"] - row["begin"], 3) if known else None)
    return found


_PRIORITY = ("train/loss", "val/loss", "lr", "grad_norm", "val/", "train/", "pred_std", "reward")


def _curves(series: SeriesSet, number: int, findings: tuple[Finding, ...]) -> dict[str, Curve]:
    """The series that findings speak of, then the telling ones, thinned for drawing."""
    wanted = [tag for f in findings for tag in (*f.tags, *f.related)]
    members = [i for role in series.by_run.get(number, {}).values() for i in role]

    def rank(i: int) -> tuple[int, int, str]:
        if series.tag[i] in wanted:
            return 0, wanted.index(series.tag[i]), ""
        place = next((k for k, p in enumerate(_PRIORITY) if series.role[i].startswith(p)), len(_PRIORITY))
        return 1 + place, 0, series.tag[i]

    chosen = sorted(members, key=rank)[:CURVES_PER_RUN]
    return {series.tag[i]: _curve(series, i) for i in chosen}


def _curve(series: SeriesSet, i: int) -> Curve:
    """At most 700 records in the order of their steps: of each stretch the extremes and a non-finite one.

    What a restart logged again is drawn once, as it was logged last.
    """
    mine = slice(series.records.start[i], series.records.start[i] + series.records.count[i])
    kept = ~series.overwritten[mine]
    step, value = series.records.step[mine][kept], series.records.value[mine][kept]
    if np.any(step[1:] < step[:-1]):
        order = np.argsort(step, kind="stable")
        step, value = step[order], value[order]
    if len(value) > CURVE_POINTS:
        keep = _extremes(value, CURVE_POINTS // 3)
        step, value = step[keep], value[keep]
    return Curve(series.tag[i], series.role[i], series.axis[i], step.copy(), value.copy())  # type: ignore[arg-type]


def _extremes(value: np.ndarray, stretches: int) -> np.ndarray:
    """Positions of the minimum, the maximum and one non-finite value of each stretch, in order, ends included."""
    depth = -(-len(value) // stretches)
    padded = np.append(value, np.full(depth * stretches - len(value), value[-1])).reshape(stretches, depth)
    finite = np.isfinite(padded)
    base = np.arange(stretches) * depth
    kept = np.zeros(len(padded.flat), bool)
    kept[[0, len(value) - 1]] = True
    kept[base + np.argmin(np.where(finite, padded, np.inf), axis=1)] = True
    kept[base + np.argmax(np.where(finite, padded, -np.inf), axis=1)] = True
    kept[(base + np.argmin(finite, axis=1))[~finite.all(axis=1)]] = True
    return np.flatnonzero(kept[: len(value)])

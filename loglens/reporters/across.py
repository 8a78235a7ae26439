"""Runs beside each other: the band in which healthy ones lie, the runs that leave it, and outcomes by setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loglens.numbers import human
from loglens.reporters import charts, clean
from loglens.reporters.outline import ORDER
from loglens.reporters.scales import Scale, value_scale
from loglens.settings import as_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import Curve, Group, RunReport, Verdict

CELLS = 100  # across the common axis; each holds the mean of what a run logged there
FEWEST = 5  # runs that make a band
ALIKE = 1.5  # a run whose last step is further off than this factor is not compared
NAMED = 3  # runs drawn by name
ROLES = ("train/loss", "val/loss", "reward", "val/accuracy", "val/metric")
MIDDLE = (0.1, 0.5, 0.9)
VALUES = 12  # of a setting, as rows


@dataclass(frozen=True)
class Band:
    """The chart of runs against the band of the healthy ones, and what it says in words."""

    chart: charts.Chart
    sentence: str
    outside: tuple[RunReport, ...]  # furthest first


@dataclass(frozen=True)
class Setting:
    """What became of the runs with one value of a hyper-parameter."""

    value: str
    verdicts: tuple[tuple[Verdict, int], ...]
    runs: int
    best: str


@dataclass(frozen=True)
class _Member:
    run: RunReport
    curve: Curve
    means: np.ndarray  # (CELLS,), NaN where nothing was logged


def band_of(runs: Sequence[RunReport]) -> Band | None:
    """The most frequent loss or score of `runs`; None when fewer than `FEWEST` healthy ones share it."""
    members = _members(runs)
    models = [m for m in members if m.run.verdict == "healthy"]
    if len(models) < FEWEST:
        models = members
    if len(models) < FEWEST:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # values near the end of doubles become gaps
        low, middle, high = _quantiles(np.stack([m.means for m in models]))
        outside = _outside(members, low, high)
    sentence = _sentence(members, models, outside)
    return Band(_chart(members, (low, middle, high), outside, len(models), sentence), sentence, outside)


def _members(runs: Sequence[RunReport]) -> list[_Member]:
    """The runs that share a series, with its means on a common axis."""
    found: dict[tuple[str, str, str], list[tuple[RunReport, Curve]]] = {}
    for run in runs:
        for curve in run.curves.values():
            if curve.role in ROLES and np.isfinite(curve.values).sum() > 1:
                found.setdefault((curve.role, curve.tag, curve.axis), []).append((run, curve))
    if not found:
        return []
    shared = max(found.values(), key=lambda pairs: (len(pairs), -ROLES.index(pairs[0][1].role or "")))
    last = float(np.median([pair[1].steps[-1] for pair in shared]))
    alike = [(r, c) for r, c in shared if last / ALIKE <= c.steps[-1] <= last * ALIKE or r.verdict == "failed"]
    begin, end = min(int(c.steps[0]) for _, c in alike), max(int(c.steps[-1]) for _, c in alike)
    return [_Member(r, c, _means(c, begin, end)) for r, c in alike] if end > begin else []


def _means(curve: Curve, begin: int, end: int) -> np.ndarray:
    """The mean of every cell; between cells that hold something, a straight line."""
    good = np.isfinite(curve.values)
    cell = np.minimum((curve.steps[good] - begin) * (CELLS / (end - begin)), CELLS - 1).astype(np.int64)
    count = np.bincount(cell, minlength=CELLS)
    largest = max(float(np.abs(curve.values[good]).max()), 1e-300)
    total = np.bincount(cell, curve.values[good] / largest, minlength=CELLS)
    held = np.flatnonzero(count)
    means = np.interp(np.arange(CELLS), held, total[held] / count[held], left=np.nan, right=np.nan)
    return np.asarray(means * largest)


def _quantiles(means: np.ndarray) -> np.ndarray:
    """The middle and the edges of the middle 80 %, (3, CELLS); NaN where fewer than two runs logged anything."""
    out = np.full((len(MIDDLE), CELLS), np.nan)
    enough = np.isfinite(means).sum(axis=0) > 1
    out[:, enough] = np.nanquantile(means[:, enough], MIDDLE, axis=0)
    return out


def _outside(members: Sequence[_Member], low: np.ndarray, high: np.ndarray) -> tuple[RunReport, ...]:
    """Troubled runs that lie outside of the band for most of their second half."""
    width = np.maximum(high - low, 1e-12 * np.abs(high))
    far = []
    for member in members:
        if member.run.verdict not in ("failed", "suspect"):
            continue
        at = np.flatnonzero(np.isfinite(member.means) & np.isfinite(low))
        at = at[len(at) // 2 :]
        if not len(at):
            continue
        beyond = np.maximum(member.means[at] - high[at], low[at] - member.means[at]) / width[at]
        if np.median(beyond) > 0:
            far.append((float(np.median(beyond)), member.run))
    return tuple(run for _, run in sorted(far, key=lambda pair: (-pair[0], pair[1].run)))


def _sentence(members: Sequence[_Member], models: Sequence[_Member], outside: Sequence[RunReport]) -> str:
    kind = "healthy runs" if models[0].run.verdict == "healthy" and len(models) < len(members) else "runs"
    tag = clean.name(members[0].curve.tag)
    band = f"The band holds the middle 80 % of {len(models):,} {kind} in {tag}"
    if not outside:
        return f"{band}; no troubled run leaves it for long."
    leave = "leaves" if len(outside) == 1 else "leave"
    return f"{band}; {clean.count(len(outside), 'troubled run')} {leave} it for most of the second half."


def _chart(
    members: Sequence[_Member], band: tuple[np.ndarray, ...], outside: Sequence[RunReport], models: int, sentence: str
) -> charts.Chart:
    low, middle, high = band
    named = [m for run in outside[:NAMED] for m in members if m.run is run]
    curve = members[0].curve
    steps = [int(m.curve.steps[0]) for m in members], [int(m.curve.steps[-1]) for m in members]
    across = Scale(float(min(steps[0])), float(max(steps[1])))
    shown = np.concatenate([low, high, *(m.means for m in named)])
    up = value_scale(shown[np.isfinite(shown)])
    x = charts.LEFT + (charts.RIGHT - charts.LEFT) * (np.arange(CELLS) + 0.5) / CELLS
    labels = [f"median of {clean.count(models, 'run')}", *(clean.name(m.run.run, 32) for m in named)]
    height = float(charts.FIRST_HEIGHT)
    keys = charts.keys_of(labels, 0.0, charts.KEYS_WIDTH)
    y = max(place for _, place in keys) + charts.HEAD
    looks = ("train", "1", "2", "3")
    values = [middle, *(m.means for m in named)]
    lines = tuple(
        charts.Line(charts.path_of(x, _down(v, up, height)), "", look, label, *key)
        for v, look, label, key in zip(values, looks, labels, keys, strict=False)
    )
    panel = charts.Panel(
        y=y, height=height, lines=lines, ticks=charts.value_ticks(up, shown[np.isfinite(shown)], height), log=up.log,
        lost_high="", lost_low="", lost_label="", lost_y=0.0,
        band=charts.area_of(x, _down(high, up, height), _down(low, up, height)),
    )  # fmt: skip
    bottom = y + height
    return charts.Chart(
        title=f"{clean.name(curve.tag)} of {clean.count(len(members), 'run')}", desc=sentence,
        height=bottom + charts.FOOT, bottom=bottom, panels=(panel,),
        ticks=charts.ticks_across(across), axis=curve.axis, shade=None, onset=None, onset_label="",
        onset_anchor="start",
    )  # fmt: skip


def _down(values: np.ndarray, up: Scale, height: float) -> np.ndarray:
    y = np.full(len(values), np.nan)
    good = np.isfinite(values) & ((values > 0) | (not up.log))
    y[good] = height * (1 - np.clip(up.place(values[good]), 0, 1))
    return y


def explained_by(group: Group, runs: Sequence[RunReport]) -> str | None:
    """The hyper-parameter that a finding about the group speaks of, as it is called in the runs."""
    names = sorted({name for run in runs for name in run.hparams}, key=lambda name: (-len(name), name))
    told = [str(finding.evidence["where"]) for finding in group.findings if "where" in finding.evidence]
    return next((name for text in told for name in names if text.startswith(f"{name} ")), None)


def outcomes(runs: Sequence[RunReport], name: str) -> tuple[Setting, ...]:
    """What became of the runs, by the value of one hyper-parameter; () when it has too many values for a table."""
    held: dict[str, list[RunReport]] = {}
    for run in runs:
        if name in run.hparams:
            held.setdefault(run.hparams[name], []).append(run)
    if not 1 < len(held) <= VALUES:
        return ()
    numbers = {value: as_number(value) for value in held}
    order = sorted(held, key=lambda v: (numbers[v] is None, numbers[v] or 0.0, v))
    return tuple(_setting(value, held[value]) for value in order)


def _setting(value: str, runs: Sequence[RunReport]) -> Setting:
    verdicts = [(v, sum(run.verdict == v for run in runs)) for v in ORDER]
    best = [m.best for run in runs for m in run.metrics if m.role == "val/loss" and m.best is not None]
    return Setting(
        clean.setting(value), tuple((v, n) for v, n in verdicts if n), len(runs), human(min(best)) if best else "–"
    )

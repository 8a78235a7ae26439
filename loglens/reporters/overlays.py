"""A candidate's curve over the baseline's: one line each, or over the band of several baseline runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.model import Curve
from loglens.reporters import charts, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import RunReport
    from loglens.reporters.charts import Chart

CELLS = 200  # places across at which the baseline's runs are read
BASELINE, CANDIDATE = "train/metric", "val/metric"  # roles that get the two pens


def overlay_of(baselines: Sequence[RunReport], candidate: RunReport, tag: str, height: int) -> Chart | None:
    """The metric `tag` of the candidate over that of the baseline; None where either has no curve of it."""
    mine = candidate.curves.get(tag)
    theirs = [c for run in baselines if mine is not None and (c := _counterpart(run, mine)) is not None]
    if mine is None or not theirs:
        return None
    band = _band(theirs) if len(theirs) > 1 else None
    if band:
        behind, label = (band[0], band[2]), f"median of {clean.count(len(theirs), 'baseline run')}"
        desc = "The band spans the runs of the baseline."
        middle = band[1]
    else:
        behind, label, desc, middle = None, "baseline", "Two lines: the baseline and the candidate.", theirs[0]
    lines = [_renamed(middle, f"{clean.name(tag, 24)}, {label}", BASELINE), _renamed(mine, "candidate", CANDIDATE)]
    title = f"{clean.name(tag)} of {clean.name(candidate.run)} beside the baseline"
    return charts.draw([lines], title, desc, mine.axis, None, None, height, behind)


def _counterpart(run: RunReport, mine: Curve) -> Curve | None:
    """The curve of the same name and axis, else the only one of that role."""
    named = run.curves.get(mine.tag)
    if named is not None and named.axis == mine.axis and np.isfinite(named.values).any():
        return named
    same = [c for c in run.curves.values() if c.role is not None and c.role == mine.role and c.axis == mine.axis]
    return same[0] if len(same) == 1 and np.isfinite(same[0].values).any() else None


def _band(curves: Sequence[Curve]) -> tuple[Curve, Curve, Curve]:
    """The lowest, the middle and the highest of the curves at equal steps."""
    first, last = min(int(c.steps[0]) for c in curves), max(int(c.steps[-1]) for c in curves)
    grid = np.unique(np.linspace(first, last, CELLS).astype(np.int64))
    read = np.sort(np.stack([_at(curve, grid) for curve in curves]), axis=0)  # NaN comes last
    known = np.isfinite(read).sum(axis=0)
    grid, read, known = grid[known > 0], read[:, known > 0], known[known > 0]
    columns = np.arange(len(grid))
    lower, upper = read[(known - 1) // 2, columns], read[known // 2, columns]
    edges = read[0], lower / 2 + upper / 2, read[known - 1, columns]
    low, middle, high = (Curve("", curves[0].role, curves[0].axis, grid, values) for values in edges)
    return low, middle, high


def _at(curve: Curve, grid: np.ndarray) -> np.ndarray:
    good = np.isfinite(curve.values)
    steps = curve.steps[good].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # a line between values near the end of doubles
        return np.asarray(np.interp(grid, steps, curve.values[good], left=np.nan, right=np.nan))


def _renamed(curve: Curve, label: str, role: str) -> Curve:
    return Curve(label, role, curve.axis, curve.steps, curve.values)

"""A run's loss in the size of a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loglens.reporters.outline import chains_of
from loglens.reporters.scales import value_scale
from loglens.reporters.thinning import extremes
from loglens.roles import judges

if TYPE_CHECKING:
    from loglens.model import Curve, Finding, RunReport

SPARK_WIDTH, SPARK_HEIGHT, SPARK_PAD = 480, 104, 16  # in quarters of a pixel, so that whole numbers will do
SPARK_POINTS = 120


@dataclass(frozen=True, slots=True)
class Spark:
    """A loss in the size of a word; `dot` is the onset."""

    path: str
    lost: str
    dot: tuple[int, int] | None


def spark_curve(run: RunReport) -> Curve | None:
    """The series that stands for a run: the loss that is in trouble, that of training, or whatever there is."""
    chains = chains_of(run)
    troubled = run.curves.get(chains[0].root.tags[0]) if chains and chains[0].root.tags else None
    if troubled is not None and troubled.role in ("train/loss", "val/loss") and np.isfinite(troubled.values).any():
        return troubled
    for role in ("train/loss", "val/loss", "reward", "val/accuracy"):
        for curve in run.curves.values():
            if curve.role == role and np.isfinite(curve.values).any():
                return curve
    some = [c for c in run.curves.values() if np.isfinite(c.values).any()]
    # before a learning rate or a memory comes what says how well the model does
    return next((c for c in some if c.role is not None and judges(c.role)), next(iter(some), None))


def spark_thin(curve: Curve) -> np.ndarray:
    """Positions of the points that a sparkline needs."""
    return extremes(curve.values, SPARK_POINTS)


def spark_of(run: RunReport, onset: Finding | None) -> Spark | None:
    """A run's loss in the size of a word."""
    curve = spark_curve(run)
    if curve is None:
        return None
    keep = spark_thin(curve)
    steps, values = curve.steps[keep], curve.values[keep]
    low, high = int(curve.steps.min()), int(curve.steps.max())
    inner = SPARK_WIDTH - 2 * SPARK_PAD
    x = SPARK_PAD + inner * (steps - low) / max(high - low, 1)
    good = np.isfinite(values)
    up = value_scale(values[good])
    y = np.full(len(values), np.nan)
    y[good] = SPARK_PAD + (SPARK_HEIGHT - 2 * SPARK_PAD) * (1 - np.clip(up.place(values[good]), 0, 1))
    return Spark(_path(x, y), _marks(x[~good]), _spark_dot(curve, onset, x, y, steps))


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Whole numbers, with a gap at every value that is not finite."""
    parts = []
    for run in np.split(np.arange(len(y)), np.flatnonzero(np.diff(np.isfinite(y).astype(np.int8))) + 1):
        if len(run) and np.isfinite(y[run[0]]):
            places = zip(np.rint(x[run]).astype(int).tolist(), np.rint(y[run]).astype(int).tolist(), strict=True)
            points = list(dict.fromkeys(f"{a} {b}" for a, b in places))
            parts.append(f"M{points[0]}{'L' + ' '.join(points[1:]) if len(points) > 1 else 'h0'}")
    return "".join(parts)


def _marks(x: np.ndarray) -> str:
    return "".join(f"M{a} 0V20" for a in sorted({*np.rint(x).astype(int).tolist()}))


def _spark_dot(
    curve: Curve, onset: Finding | None, x: np.ndarray, y: np.ndarray, steps: np.ndarray
) -> tuple[int, int] | None:
    if onset is None or onset.first_step is None or onset.axis != curve.axis:
        return None
    good = np.flatnonzero(np.isfinite(y))
    nearest = good[np.argmin(np.abs(steps[good] - onset.first_step))]
    return round(float(x[nearest])), round(float(y[nearest]))

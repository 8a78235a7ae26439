"""The curves that leave the analysis: few, and of few points, with their extremes and what is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.model import Curve

if TYPE_CHECKING:
    from loglens.model import Finding
    from loglens.series import SeriesSet

CURVE_POINTS = 700
CURVES_PER_RUN = 16
_PRIORITY = ("train/loss", "val/loss", "lr", "grad_norm", "val/", "train/", "pred_std", "reward")


def curves_of(series: SeriesSet, number: int, findings: tuple[Finding, ...]) -> dict[str, Curve]:
    """The series of a run that findings speak of, then the telling ones, thinned for drawing."""
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

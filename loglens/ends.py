"""How a series ended, in two numbers: what rules about groups of runs see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.kernels.values import SeriesArg
from loglens.roles import judges

if TYPE_CHECKING:
    from loglens.series import SeriesSet

Ends = tuple[float | None, float | None]


def ends_of(series: SeriesSet) -> dict[tuple[str, str], Ends]:
    """(run, tag) → final level and noise of one evaluation, in the units of the series, of losses and scores.

    The level is the median of the last three evaluations (of long series: of the last three of 64 bins); the noise is
    a robust standard deviation from second differences, so a trend does not count.
    """
    judged = [i for i, role in enumerate(series.role) if judges(role)]
    if not judged:
        return {}
    x = SeriesArg(series, np.array(judged))
    level, noise, logged = x.pick(lambda f: f.bins.last(3)), x.pick(lambda f: f.bins.noise), x.pick(lambda f: f.logged)
    with np.errstate(over="ignore", invalid="ignore"):
        tail = np.where(logged, np.exp(level), level)
        spread = np.where(logged, tail * np.expm1(noise), noise)  # what one sd up means in the series' own units
    ends = [(_known(tail[k]), _known(spread[k])) for k in range(len(judged))]
    return {(series.runs[int(series.run[i])], series.tag[i]): end for i, end in zip(judged, ends, strict=True)}


def _known(value: float) -> float | None:
    return float(f"{float(value):.9g}") if np.isfinite(value) else None

"""What runs took and what was wasted, summed over a sweep or a tree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loglens.model import RunReport


BELIEVED = 1e12  # seconds; a run of more has a broken clock, and sums of its like overflow


def rounded(value: float) -> float:
    """Three digits: more would be false precision."""
    return float(f"{value:.3g}")


class Spent(NamedTuple):
    """Sums over runs; each None when it is known of none."""

    wall: float | None
    wasted: float | None
    gpu_hours: float | None


def spent_by(runs: Iterable[RunReport]) -> Spent:
    """What runs took and wasted together, of those whose time is known."""
    runs = list(runs)
    wall = [run.wall_seconds for run in runs if run.wall_seconds and run.wall_seconds < BELIEVED]
    wasted = [s for run in runs if run.waste and (s := run.waste.seconds) is not None and s < BELIEVED]
    hours = [h for run in runs if run.waste and (h := run.waste.gpu_hours) is not None and h < BELIEVED]
    return Spent(
        round(math.fsum(wall), 3) if wall else None,
        round(math.fsum(wasted), 3) if wasted else None,
        rounded(math.fsum(hours)) if hours else None,
    )

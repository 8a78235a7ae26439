"""How the rows of a log are read: which column is the axis, which the clock, and where a run restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loglens.sources.columns import is_clock, is_epoch, is_inner, step_rank

if TYPE_CHECKING:
    from loglens.model import Axis
    from loglens.sources.wide import Wide

ABSOLUTE = (9e8, 4.3e9)  # seconds since 1970 of the years 1998 to 2106
UNIT = {1.0: ABSOLUTE, 1e-3: (9e11, 4.3e12), 1e-6: (9e14, 4.3e15), 1e-9: (9e17, 4.3e18)}


@dataclass(frozen=True)
class Shape:
    """How the rows of a file are read: the axis and its column, the clock, the columns that are no series."""

    axis: Axis
    counter: str | None
    clock: str | None = None
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Plan:
    """Shape of a file and its numbers per row: step int64, wall_time float64 (NaN = none), segment int32."""

    shape: Shape
    step: np.ndarray
    wall: np.ndarray | None = None
    segment: np.ndarray | None = None
    epoch_rows: np.ndarray | None = None  # bool, rows whose step counts epochs


def plan_rows(wide: Wide, place: int) -> Plan:
    """The plan of the file at `place` in `wide`."""
    end = int(wide.ends[place])
    begin = end - wide.counts[place]
    arrays = {name: values[begin:end] for name, values in wide.arrays.items()}
    axis, counter, ruler = choose_axis(arrays)
    rows = end - begin
    filled = filled_steps(arrays[counter]) if counter is not None else np.arange(rows, dtype=np.int64)
    guide = filled if ruler == counter or ruler is None else filled_steps(arrays[ruler])
    between, mask = _epochs_between(arrays, counter, filled)
    if mask is not None:
        guide = filled = filled_steps(np.where(mask, np.nan, arrays[counter or ""]))
    segment = _segments(wide, begin, end, guide if counter is not None or ruler is not None else None, arrays)
    clock, wall = _wall(wide, arrays, segment)
    dropped = {name for name in (counter, clock, *between) if name is not None}
    shape = Shape(axis, counter, clock, frozenset(dropped))
    if mask is not None:
        filled = np.where(mask, np.nan_to_num(arrays[counter or ""]).astype(np.int64), filled)
    return Plan(shape, filled, wall, segment, mask)


def choose_axis(arrays: dict[str, np.ndarray]) -> tuple[Axis, str | None, str | None]:
    """Axis, its column, and the column that shows restarts, from dense candidate columns (NaN = not logged).

    The best step-like column that is whole-numbered; else a whole-numbered epoch column; else the rows. A counter that
    starts again whenever the epoch moves on orders nothing by itself, nor does the epoch: then it is the rows, too.
    """
    epochs = [name for name in arrays if is_epoch(name) and _logged(arrays[name]).size]
    usable: list[tuple[bool, bool, int, str]] = []
    nested = False
    for name, values in arrays.items():
        rank = step_rank(name)
        known = _logged(values) if rank is not None else values[:0]
        if rank is None or not known.size or not _whole(known):
            continue
        if _restarts_inside(name, values, [arrays[epoch] for epoch in epochs]):
            nested = True
            continue
        constant = known.size > 1 and bool((known == known[0]).all())
        usable.append((known.size < 0.9 * values.size, constant, rank, name))
    if usable:
        best = min(usable)[3]
        return "step", best, best
    ruler = epochs[0] if epochs else None
    whole = next((name for name in epochs if _whole(_logged(arrays[name]))), None)
    return ("row", None, ruler) if nested or whole is None else ("epoch", whole, whole)


def _logged(values: np.ndarray) -> np.ndarray:
    gaps = np.isnan(values)
    return values[~gaps] if gaps.any() else values


def _whole(values: np.ndarray) -> bool:
    return bool((np.abs(values) < 2.0**62).all() and (values == np.floor(values)).all())


def _restarts_inside(name: str, values: np.ndarray, epochs: list[np.ndarray]) -> bool:
    """True when the counter mostly goes back where an epoch moves on (or, for a batch counter, goes back at all)."""
    known = np.flatnonzero(~np.isnan(values))
    back = np.diff(values[known]) < 0
    if not back.any():
        return False
    for epoch in epochs:
        up = np.diff(epoch[known]) > 0
        if np.count_nonzero(back & up) > np.count_nonzero(back & ~up) or _starts_over(values[known], up):
            return True
    return is_inner(name)


def _starts_over(values: np.ndarray, up: np.ndarray) -> bool:
    """True when most epochs (of three or more) begin below what the one before reached."""
    begins = np.flatnonzero(up) + 1
    if begins.size < 2:
        return False
    reached = np.maximum.reduceat(values, np.concatenate([[0], begins]))[:-1]
    return 2 * int(np.count_nonzero(values[begins] < reached)) > begins.size


def filled_steps(values: np.ndarray) -> np.ndarray:
    """int64 steps; a row without one has the step of the row before (the first rows that of the first known)."""
    gaps = np.isnan(values) | (np.abs(values) >= 2.0**62)
    if not gaps.any():
        return values.astype(np.int64)
    known = np.flatnonzero(~gaps)
    if not known.size:
        return np.arange(values.size, dtype=np.int64)
    last = np.maximum.accumulate(np.where(gaps, known[0], np.arange(values.size)))
    return values[last].astype(np.int64)


def _epochs_between(
    arrays: dict[str, np.ndarray], counter: str | None, filled: np.ndarray
) -> tuple[list[str], np.ndarray | None]:
    """Columns that repeat the axis, and the rows whose `step` counts epochs.

    MMEngine writes `step` = `iter` in training rows, and evaluation rows without `iter` whose `step` is the epoch.
    """
    twins = [name for name in arrays if name != counter and step_rank(name) is not None]
    for name in twins:
        gaps = np.isnan(arrays[name])
        if counter is None or gaps.all() or not (arrays[name][~gaps] == arrays[counter][~gaps]).all():
            continue
        if not gaps.any():
            return [name], None
        alone = gaps & ~np.isnan(arrays[counter])
        carried = filled_steps(np.where(alone, np.nan, arrays[counter]))
        if alone.any() and (filled[alone] < carried[alone]).any():
            return [name], alone
    return [], None


def _segments(
    wide: Wide, begin: int, end: int, guide: np.ndarray | None, arrays: dict[str, np.ndarray]
) -> np.ndarray | None:
    """Number of the restart each row belongs to, int32; None when there is but one."""
    starts = {row - begin for row in wide.breaks if begin < row < end}
    if guide is not None and guide.size > 1 and (np.diff(guide) < 0).any():
        starts.update(_backward_rows(wide, begin, end, guide, arrays))
    if not starts:
        return None
    out = np.zeros(end - begin, dtype=np.int32)
    out[sorted(starts)] = 1
    return np.cumsum(out, dtype=np.int32)


def _backward_rows(wide: Wide, begin: int, end: int, guide: np.ndarray, arrays: dict[str, np.ndarray]) -> list[int]:
    """Rows at which a series goes back to an earlier step.

    Rows of different series may overlap by a step (a logger that writes validation late), so a restart is one series
    going back on itself; it restarts all of them, and each is compared within its segment only.
    """
    metrics = [name for name in wide.columns if name not in arrays] or list(wide.columns)
    pairs: set[tuple[int, int]] = set()
    for name in metrics:
        rows = wide.columns[name].rows
        if rows is None:
            rows = np.arange(begin, end, dtype=np.int64)
        else:
            rows = rows[slice(*np.searchsorted(rows, (begin, end)))]
        rows = rows - begin
        at = np.flatnonzero(np.diff(guide[rows]) < 0)
        pairs.update(zip(rows[at + 1].tolist(), rows[at].tolist(), strict=True))
    starts: list[int] = []
    for row, before in sorted(pairs):
        if not starts or before >= starts[-1]:
            starts.append(row)
    return starts


# --- wall time --------------------------------------------------------------------------------------------------------


def _wall(
    wide: Wide, arrays: dict[str, np.ndarray], segment: np.ndarray | None
) -> tuple[str | None, np.ndarray | None]:
    """The clock column and its seconds: since 1970 when the column says so, else since the start of the run."""
    if wide.clock is not None and wide.clock in arrays:
        return wide.clock, arrays[wide.clock] + wide.start
    clocks = [name for name in arrays if is_clock(name)]
    for name in clocks:
        known = _logged(arrays[name])
        for unit, (low, high) in UNIT.items():
            if known.size and low < known.min() and known.max() < high:
                return name, arrays[name] * unit
    for name in clocks:
        if _elapses(arrays[name], segment):
            return name, arrays[name]
    return None, None


def _elapses(values: np.ndarray, segment: np.ndarray | None) -> bool:
    """True for seconds that only go forward (but for restarts); `time` may as well be the duration of a step."""
    gaps = np.isnan(values)
    known = values[~gaps]
    if known.size < 3 or not np.isfinite(known).all() or known.min() < 0 or known.min() == known.max():
        return False
    forward = np.diff(known) >= 0
    if segment is not None:
        forward |= np.diff(segment[~gaps]) > 0
    return bool(forward.all())

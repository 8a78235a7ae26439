"""Where in the training the lines of a text log were written: one step out of counters, fractions and epochs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

LEAST = 2  # points from which on a counter can go back


@dataclass(frozen=True, eq=False)
class Counted:
    """Numbers of some lines that count: `rows` int64 (n,) ascending; `values` and `totals` float64 (n,), NaN = none."""

    name: str
    rows: np.ndarray
    values: np.ndarray
    totals: np.ndarray


@dataclass
class Counters:
    """What the lines of a file count. Positions are fractions without a name, by the split of their lines."""

    epochs: list[Counted] = field(default_factory=list)
    steps: list[Counted] = field(default_factory=list)
    positions: list[Counted] = field(default_factory=list)


def axes(found: Counters, rows: int) -> dict[str, np.ndarray]:
    """Columns named as counters are: step, epoch or, where it orders nothing by itself, batch. Dense, NaN = none."""
    out: dict[str, np.ndarray] = {}
    epoch = _dense(found.epochs, rows)
    if not np.isnan(epoch).all():
        out["epoch"] = epoch
    name, step = _step(found, epoch, rows)
    if step is not None:
        out[name] = _carried(step)
    return out


def _step(found: Counters, epoch: np.ndarray, rows: int) -> tuple[str, np.ndarray | None]:
    if found.steps:
        chosen = _agreeing(found.steps, rows)
        step, totals = _dense(chosen, rows), _totals(chosen, rows)
        if not _nested(step, epoch):
            return "step", step
        whole = _in_all(step, totals, epoch)
        return ("batch", step) if whole is None else ("step", whole)
    chosen = _most(found.positions)
    if not chosen:
        return "step", None
    step, totals = _dense(chosen, rows), _totals(chosen, rows)
    known = ~np.isnan(step)
    if (step[known] == totals[known]).all():  # the end of an epoch each: the epochs count
        return "step", None
    if np.isnan(epoch).all():
        return "step", _in_all(step, totals, _rounds(step)) if _backs(step) else step
    return "step", step if _goes_on(step, epoch) else _in_all(step, totals, epoch)


def _agreeing(steps: list[Counted], rows: int) -> list[Counted]:
    """Counters of different names that go on together are one; else those of the name on most lines."""
    names = {part.name for part in steps}
    alone = [[part for part in steps if part.name == name] for name in sorted(names)]
    if _backs(_dense(steps, rows)) <= sum(_backs(_dense(parts, rows)) for parts in alone):
        return steps
    return max(alone, key=lambda parts: sum(part.rows.size for part in parts))


def _most(positions: list[Counted]) -> list[Counted]:
    """The positions of the split with most lines: those of an evaluation count something else."""
    counts: dict[str, int] = {}
    for part in positions:
        counts[part.name] = counts.get(part.name, 0) + part.rows.size
    best = max(counts, key=lambda name: counts[name], default=None)
    return [part for part in positions if part.name == best]


def _dense(parts: list[Counted], rows: int) -> np.ndarray:
    out = np.full(rows, np.nan)
    for part in parts:
        out[part.rows] = part.values
    return out


def _totals(parts: list[Counted], rows: int) -> np.ndarray:
    out = np.full(rows, np.nan)
    for part in parts:
        out[part.rows] = part.totals
    return out


def _backs(values: np.ndarray) -> int:
    """How often the known values fall."""
    known = values[~np.isnan(values)]
    return int(np.count_nonzero(np.diff(known) < 0))


def _rounds(values: np.ndarray) -> np.ndarray:
    """How often the known values have fallen so far."""
    known = np.flatnonzero(~np.isnan(values))
    out = np.full(values.size, np.nan)
    out[known] = np.concatenate([[0], np.cumsum(np.diff(values[known]) < 0)])
    return out


def _carried(values: np.ndarray) -> np.ndarray:
    """Each gap filled by the value before it, those at the start by the first."""
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return values
    last = np.maximum.accumulate(np.where(np.isnan(values), known[0], np.arange(values.size)))
    filled: np.ndarray = values[last]
    return filled


def _nested(step: np.ndarray, epoch: np.ndarray) -> bool:
    """Does the counter mostly go back where the epoch moves on?"""
    known = np.flatnonzero(~np.isnan(step))
    back = np.diff(step[known]) < 0
    if known.size < LEAST or not back.any() or np.isnan(epoch).all():
        return False
    up = np.diff(_carried(epoch)[known]) > 0
    return bool(np.count_nonzero(back & up) > np.count_nonzero(back & ~up))


def _goes_on(step: np.ndarray, epoch: np.ndarray) -> bool:
    """Does the counter go up wherever the epoch does? Then it counts the whole training."""
    known = np.flatnonzero(~np.isnan(step))
    up = np.diff(np.floor(_carried(epoch)[known])) > 0
    return bool(up.any() and (np.diff(step[known])[up] > 0).all() and not _backs(step))


def _in_all(step: np.ndarray, totals: np.ndarray, epoch: np.ndarray) -> np.ndarray | None:
    """Steps since the start of the training, from those inside an epoch of constant length; None where they differ."""
    known = ~np.isnan(step)
    sizes = np.unique(totals[known])
    if sizes.size != 1 or not sizes[0] >= np.max(step[known]):
        return None
    filled = _carried(epoch)
    before = np.floor(filled - min(1.0, float(np.min(filled))))
    whole: np.ndarray = np.where(known, before * sizes[0] + step, np.nan)
    return whole if _backs(whole) <= _backs(epoch) else None

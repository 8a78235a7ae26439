"""Which points of a series are drawn; nothing that is analysed comes through here.

Both ways keep the lowest, the highest and what is no number; thinning again what was thinned changes nothing.
"""

from __future__ import annotations

import numpy as np


def thin(steps: np.ndarray, values: np.ndarray, low: float, high: float, columns: int) -> np.ndarray:
    """Positions to draw: of every column the first, lowest, highest and last finite value, and the first that is not.

    Thinning what was thinned to the same columns changes nothing.
    """
    if len(steps) <= columns:
        return np.arange(len(steps))
    span = max(float(high) - float(low), 1.0)
    column = np.clip(((steps - low) / span * columns).astype(np.int64), 0, columns - 1)
    good = np.flatnonzero(np.isfinite(values))
    lost = np.flatnonzero(~np.isfinite(values))
    kept = [np.array([len(steps) - 1]), _firsts(lost, column)]
    if len(good):
        begin = _starts(column[good])
        last = np.append(begin[1:], len(good)) - 1
        # within a column by value, the earlier first: its ends are the lowest and the highest
        order = np.lexsort((values[good], column[good]))
        backward = np.lexsort((-values[good], column[good]))
        kept += [good[begin], good[last], good[order[begin]], good[backward[begin]]]
    return np.unique(np.concatenate(kept).astype(np.int64))


def _starts(column: np.ndarray) -> np.ndarray:
    """Where a new column begins among ascending ones."""
    return np.flatnonzero(np.diff(column, prepend=-1))


def _firsts(positions: np.ndarray, column: np.ndarray) -> np.ndarray:
    return np.asarray(positions[_starts(column[positions])])


def extremes(values: np.ndarray, room: int) -> np.ndarray:
    """At most `room` positions: of every stretch the lowest, the highest and one value that is no number."""
    if len(values) <= room:
        return np.arange(len(values))
    depth = -(-len(values) // (room // 3 - 1))
    full = -(-len(values) // depth)
    padded = np.append(values, np.full(full * depth - len(values), values[-1])).reshape(full, depth)
    good = np.isfinite(padded)
    begin = np.arange(full) * depth
    low = begin + np.argmin(np.where(good, padded, np.inf), axis=1)
    high = begin + np.argmax(np.where(good, padded, -np.inf), axis=1)
    lost = (begin + np.argmin(good, axis=1))[~good.all(axis=1)]
    return np.unique(np.minimum(np.concatenate([low, high, lost, [0, len(values) - 1]]), len(values) - 1))

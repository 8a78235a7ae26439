"""The course of a log: restarts, pauses and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.kernels.order import ascending, known, lowest, ranked
from loglens.kernels.points import step_of_first
from loglens.kernels.values import PointsArg

if TYPE_CHECKING:
    from loglens.kernels.values import SeriesArg
    from loglens.series import Ragged


def relogged(x: SeriesArg) -> PointsArg:
    """The records that a later restart logged again."""
    lost = PointsArg(x.series.records, x.series.overwritten)
    return PointsArg(x.records.layout, _gathered(lost, x))


def relogged_differs(x: SeriesArg, least: np.ndarray) -> PointsArg:
    """The records whose step was logged again with a value that differs by more than `least` of it."""
    again, layout = relogged(x), x.records.layout
    kept = x.points.layout
    steps = np.unique(np.concatenate([layout.step, kept.step]))  # ranks, as steps themselves may be huge
    key = kept.owner * len(steps) + np.searchsorted(steps, kept.step)
    wanted = layout.owner * len(steps) + np.searchsorted(steps, layout.step)
    found = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
    known = key[found] == wanted if len(key) else np.zeros(len(wanted), bool)
    new = kept.value[found] if len(key) else layout.value
    differs = np.abs(new - layout.value) > np.repeat(least, layout.count) * np.abs(new)
    return PointsArg(layout, again.value & known & differs)


def longest_pause(x: SeriesArg) -> np.ndarray:
    """Longest time between two records, seconds; NaN without wall times."""
    return _largest(x.records.layout, _forward(x.records.layout, x.records.layout.wall))


def usual_interval(x: SeriesArg) -> np.ndarray:
    """Median time between two records, seconds."""
    return _median(x.records.layout, _forward(x.records.layout, x.records.layout.wall))


def step_of_pause(x: SeriesArg) -> np.ndarray:
    """Last step before the longest pause."""
    return _step_of_largest(x.records.layout, _forward(x.records.layout, x.records.layout.wall))


def largest_gap(x: SeriesArg) -> np.ndarray:
    """Largest distance between the steps of two points."""
    return _largest(x.points.layout, _forward(x.points.layout, x.points.layout.step))


def usual_step(x: SeriesArg) -> np.ndarray:
    """Median distance between the steps of two points."""
    return _median(x.points.layout, _forward(x.points.layout, x.points.layout.step))


def step_of_gap(x: SeriesArg) -> np.ndarray:
    """Last step before the largest gap."""
    return _step_of_largest(x.points.layout, _forward(x.points.layout, x.points.layout.step))


def _gathered(flat: PointsArg, x: SeriesArg) -> np.ndarray:
    layout = x.records.layout
    shift = np.where(x.missing, 0, flat.layout.start[x.index] if len(flat.layout.start) else 0) - layout.start
    return flat.value[np.arange(len(layout.step)) + np.repeat(shift, layout.count)]


def _forward(layout: Ragged, value: np.ndarray) -> np.ndarray:
    """Distance from each point to the next of its series; NaN at the last."""
    ahead = np.full(len(value), np.nan)
    np.subtract(value[1:], value[:-1], out=ahead[:-1], dtype=float)
    ahead[(layout.start + layout.count - 1)[layout.count > 0]] = np.nan
    return ahead


def _largest(layout: Ragged, value: np.ndarray) -> np.ndarray:
    out = -lowest(layout, np.where(np.isnan(value), np.inf, -value))
    return np.where(np.isinf(out), np.nan, out)


def _median(layout: Ragged, value: np.ndarray) -> np.ndarray:
    return ranked(layout, ascending(layout, value), np.maximum(known(layout, value) - 1, 0) // 2)


def _step_of_largest(layout: Ragged, value: np.ndarray) -> np.ndarray:
    return step_of_first(PointsArg(layout, value == np.repeat(_largest(layout, value), layout.count)))


def step_of_restart(x: SeriesArg) -> np.ndarray:
    """First step that was logged after a restart; NaN without one."""
    layout = x.points.layout
    new = layout.within(layout.segment[1:] != layout.segment[:-1])
    out = np.full(len(layout.start), np.nan)
    out[layout.owners(new)[::-1]] = layout.step[new][::-1]
    return out


def restart_shift(x: SeriesArg, points: np.ndarray) -> np.ndarray:
    """Median level of the `points` points after the first restart less that of as many before it; NaN without both."""
    layout, level = x.points.layout, x.levels
    out = np.full(len(layout.start), np.nan)
    restart = step_of_restart(x)
    for i in np.flatnonzero(~np.isnan(restart)):
        mine = slice(layout.start[i], layout.start[i] + layout.count[i])
        at, width = int(np.searchsorted(layout.step[mine], restart[i])), int(points[i])
        before, after = level[mine][max(at - width, 0) : at], level[mine][at : at + width]
        if len(before) >= 3 and len(after) >= 3:
            out[i] = np.median(after) - np.median(before)
    return out


def sessions(x: SeriesArg) -> np.ndarray:
    """How many times the job was started: stretches of records without a restart between them."""
    layout = x.records.layout
    return (np.bincount(layout.owners(_restarted(layout)), minlength=len(layout.start)) + (layout.count > 0)).astype(
        float
    )


def usual_session(x: SeriesArg) -> np.ndarray:
    """Median number of records of a session."""
    layout = x.records.layout
    begun = _restarted(layout)
    owner = layout.owners(begun)
    out = np.where(layout.count > 0, layout.count, np.nan).astype(float)
    for i in np.unique(owner):
        edges = np.concatenate(([layout.start[i]], begun[owner == i], [layout.start[i] + layout.count[i]]))
        out[i] = np.median(np.diff(edges))
    return out


def starts_anew(x: SeriesArg) -> np.ndarray:
    """Whether a restart goes back to the first step, with a value nearer to the very first than to the last before."""
    layout, value = x.records.layout, x.records.value
    begun = _restarted(layout)
    owner = layout.owners(begun)
    first = layout.start[owner]
    like_first = np.abs(value[begun] - value[first]) < np.abs(value[begun] - value[begun - 1])
    out = np.zeros(len(layout.start), bool)
    out[owner[(layout.step[begun] <= layout.step[first]) & like_first]] = True
    return out


def _restarted(layout: Ragged) -> np.ndarray:
    """The records that are the first after a restart; int64."""
    return layout.within(layout.segment[1:] != layout.segment[:-1])

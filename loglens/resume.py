"""The last good step of a run in trouble, and the checkpoint to go on from: named where its name tells, else not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from loglens.chains import effects_of
from loglens.model import Checkpoint, Resume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import Finding
    from loglens.series import SeriesSet

# trouble that stays in the weights once it has begun; from other findings no last good step follows
LASTING = {
    "collapsed-predictions", "dead-units", "diverging-loss", "entropy-collapse", "exploding-gradient",
    "loss-scale-collapse", "nonfinite-gradient", "nonfinite-loss", "vanishing-gradient", "zero-loss",
}  # fmt: skip
BEST = {"widening-gap", "missed-early-stop", "overconfidence"}  # their onset is the best evaluation itself
TOLERANCE = 0.05  # a smoothed value so close to the best is as good
NOISES = 6  # scatter of the smoothed values; the best of many lies far below their level
FAR = 1.05  # checkpoints beyond this share of the last step count something else than the log


class LastGood(NamedTuple):
    """The last step at which the run was as good as ever, where trouble began, and the axis of both."""

    step: int
    onset: int
    axis: str
    best: bool  # the step is that of the best evaluation


def last_good(root: Finding | None, findings: tuple[Finding, ...], series: SeriesSet, number: int) -> LastGood | None:
    """The last evaluation (or point of the loss) before the onset that is within noise of the best one till then."""
    if root is None or root.first_step is None:
        return None
    told = {root.rule, *(f.rule for f in effects_of(root, findings) if f.severity != "info")}
    if root.rule in BEST:
        return LastGood(root.first_step, root.first_step, root.axis, best=True)
    if not told & LASTING:
        return None
    for prefix in ("val/", "train/loss"):
        at = _finest(series, number, prefix, root.axis)
        if at is not None and (step := _as_good(series, at, root.first_step)) is not None:
            return LastGood(step, root.first_step, root.axis, best=False)
    return None


def _finest(series: SeriesSet, number: int, prefix: str, axis: str) -> int | None:
    """The series with most points of a role that begins with `prefix`, on this axis; losses before scores."""
    by_role = series.by_run.get(number, {})
    found = [i for role, members in by_role.items() if role.startswith(prefix) for i in members]
    found = [i for i in found if series.axis[i] == axis and series.direction[i]]
    return max(found, key=lambda i: ("/loss" in series.role[i], int(series.points.count[i])), default=None)


def _as_good(series: SeriesSet, at: int, onset: int) -> int | None:
    """The last step before the onset whose smoothed value is within noise of the best one."""
    own = slice(series.points.start[at], series.points.start[at] + series.points.count[at])
    step, value = series.points.step[own], series.points.value[own]
    step, value = step[step < onset], value[step < onset]
    if not len(step):
        return None
    features, row = series.features.of(at)
    if features.logged[row]:
        value = np.log(value)
    value = value if series.direction[at] == "min" else -value
    smooth = np.array([np.median(value[max(i - 2, 0) : i + 1]) for i in range(len(value))])
    scatter = 1.4826 * float(np.median(np.abs(np.diff(smooth)))) if len(smooth) > 2 else 0.0
    size = TOLERANCE if features.logged[row] else TOLERANCE * float(np.ptp(value))
    near = np.flatnonzero(smooth <= smooth.min() + max(NOISES * scatter, size))
    return int(step[near[-1]])


def resume_from(
    good: LastGood | None, checkpoints: Sequence[Checkpoint], series: SeriesSet, number: int
) -> Resume | None:
    """The newest checkpoint at or before the last good step; None where the names do not tell, or there is none."""
    if good is None or not checkpoints:
        return None
    for kind in ("step", "epoch"):
        placed = _placed(kind, good, checkpoints, series, number)
        if placed is not None:
            return _told(good, kind, *placed)
    return None


def _placed(
    kind: str, good: LastGood, checkpoints: Sequence[Checkpoint], series: SeriesSet, number: int
) -> tuple[Checkpoint | None, Checkpoint | None, bool, bool] | None:
    """The newest good and the first later checkpoint, whether that is certainly after the onset, and the last."""
    numbered = [(n, c) for c in checkpoints if (n := getattr(c, kind)) is not None]
    clock = _clock(kind, good, series, number)
    if not numbered or clock is None:
        return None
    numbers = [n for n, _ in numbered]
    if max(numbers) > FAR * clock.last + 1:
        return None  # they count something else
    # the name may stand for anything from n + low to n + high in the numbers of the log
    low, high = (-1, 0) if kind == "step" else _shift(numbers, clock)
    split = max(clock.good - high, clock.good + 1 if kind == "step" and clock.good + 1 < clock.onset else 0)
    newest = max((one for one in numbered if one[0] <= split), key=lambda one: one[0], default=None)
    first = min((one for one in numbered if one[0] > split), key=lambda one: one[0], default=None)
    bound = clock.good + 1 if good.best else clock.onset
    return (
        newest[1] if newest else None,
        first[1] if first else None,
        first is not None and first[0] + low >= bound,
        first is not None and first[0] == max(numbers),
    )


class _Clock(NamedTuple):
    """The last good step and the onset in the numbers of a kind of checkpoint, and the range of those in the log."""

    good: int
    onset: int
    first: int
    last: int


def _clock(kind: str, good: LastGood, series: SeriesSet, number: int) -> _Clock | None:
    mine = series.members_of(number).series
    if kind == good.axis:
        steps = [series.records.step[series.records.start[i] :][: series.records.count[i]] for i in mine
                 if series.axis[i] == kind and series.records.count[i]]  # fmt: skip
        return _Clock(good.step, good.onset, int(min(s.min() for s in steps)), int(max(s.max() for s in steps)))
    if kind != "epoch" or good.axis != "step":
        return None  # rows are nothing that a checkpoint could be named by
    at = next((i for i in mine if series.role[i] == "epoch" and series.axis[i] == "step"), None)
    if at is None or not series.points.count[at]:
        return None
    own = slice(series.points.start[at], series.points.start[at] + series.points.count[at])
    step, epoch = series.points.step[own], np.floor(series.points.value[own])
    # an epoch that is under way has no checkpoint yet
    reached = [int(epoch[max(int(np.searchsorted(step, s, side="right")) - 1, 0)]) for s in (good.step, good.onset)]
    return _Clock(reached[0] - 1, reached[1], int(epoch.min()), int(epoch.max()))


def _shift(numbers: Sequence[int], clock: _Clock) -> tuple[int, int]:
    """What to add at least and at most to an epoch in a name to have that of the log: either may count from 0 or 1."""
    if min(numbers) < clock.first:
        return 1, 1
    if clock.first == 0 and max(numbers) > clock.last:
        return -1, -1
    if (clock.first == 0 and min(numbers) == 0) or (clock.first == 1 and max(numbers) == clock.last):
        return 0, 0
    return -1, 1


def _told(
    good: LastGood, kind: str, newest: Checkpoint | None, later: Checkpoint | None, after: bool, only: bool
) -> Resume:
    then = f"{_named(later, kind)}{' is' if only else ' and later are'}" if later else ""
    where = f"the best evaluation ({good.axis} {good.step:,})" if good.best else "the fault"
    if newest is None:
        text = f"no checkpoint is from before {where}; the first, {_named(later, kind)}, is later"
    elif good.best:
        text = f"use {_named(newest, kind)}, the newest that is not past {where}"
        text += f"; {then} {'past it' if after else 'too near to it to tell'}" if later else ""
    else:
        text = f"resume from {_named(newest, kind)}"
        text += f"; {then} {'after' if after else 'too near to'} the fault" if later else ""
    return Resume(text, newest, later)


def _named(checkpoint: Checkpoint | None, kind: str) -> str:
    if checkpoint is None:
        return ""
    name = checkpoint.path.rstrip("/").rpartition("/")[2]
    return f"{name} ({kind} {getattr(checkpoint, kind):,})"

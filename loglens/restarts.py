"""One training in several runs: jobs that were restarted into new folders, where each goes on from the one before."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from loglens.settings import settings_of
from loglens.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.model import Curve, RunReport

LEAST = 4  # points of a curve that can be compared
GAP = 3.0  # usual intervals between the last step of one run and the first of the next
TIME = 8  # digits of a name that may tell a time
SKIPPED = 3  # how far the numbers of two folders may lie apart when one goes on from the other
FRESH = 0.1  # share of a run's steps within which a beginning is an ordinary one, not that of a continuation
AGREE = 0.25  # of the way from the first loss of all to the level that is gone on from: a loss this near goes on
_TELLING = ("train/loss", "val/loss", "reward", "train/accuracy", "val/accuracy")


class Joint(NamedTuple):
    """Where one run goes on from another, and up to which step both logged; None without such a stretch."""

    before: RunReport
    after: RunReport
    first: int
    twice_until: int | None


def chains(runs: Sequence[RunReport]) -> Iterator[tuple[RunReport, ...]]:
    """Runs of one folder that are one training, in the order of their steps.

    Asked of each: the same metrics and hyper-parameters, or where none are known names that count on or tell a time;
    first steps that lie well inside or right behind the run before; and a loss that goes on from there. A folder in
    which the order of steps is not plain has none.
    """
    for alike in _alike(runs):
        known = sorted((span, run.run, run) for run in alike if (span := _span(run)) is not None)
        chain: list[RunReport] = []
        for _, _, run in known:
            if chain and (joint(chain[-1], run) is None or not _may_follow(chain[-1], run)):
                if len(chain) > 1:
                    yield tuple(chain)
                chain = []
            chain.append(run)
        if len(chain) > 1:
            yield tuple(chain)


def _alike(runs: Iterable[RunReport]) -> Iterator[list[RunReport]]:
    found: dict[object, list[RunReport]] = {}
    for run in runs:
        parent, _, name = run.run.rpartition("/")
        told = tuple(sorted(settings_of(run).items())) if run.hparams else None
        tags = frozenset(m.tag for m in run.metrics if m.role is not None)
        if tags:
            found.setdefault((parent, tags, told, None if told else re.sub(r"\d+", "#", name)), []).append(run)
    return (members for members in found.values() if len(members) > 1)


def _may_follow(before: RunReport, after: RunReport) -> bool:
    """Whether the names allow it where no settings tell: `version_1` after `version_0`, a later time; no ids."""
    if before.hparams:
        return True
    one, two = (re.findall(r"\d+", run.run.rpartition("/")[2]) for run in (before, after))
    if sum(map(len, one)) >= TIME:
        return list(map(int, one)) < list(map(int, two))
    differ = [int(b) - int(a) for a, b in zip(one, two, strict=True) if a != b]
    return len(differ) == 1 and 0 < differ[0] <= SKIPPED


def _telling(run: RunReport) -> Curve | None:
    """The curve that is compared: of a loss or score with enough points, on steps or epochs."""
    curves = [c for role in _TELLING for c in run.curves.values() if c.role == role and c.axis != "row"]
    return next((c for c in curves if np.count_nonzero(np.isfinite(c.values)) >= LEAST), None)


def _span(run: RunReport) -> tuple[int, int] | None:
    curve = _telling(run)
    return None if curve is None else (int(curve.steps[0]), int(curve.steps[-1]))


def joint(before: RunReport, after: RunReport) -> Joint | None:
    """Where `after` goes on from `before`; None when it does not, or when that is not plain."""
    one, two = _telling(before), _telling(after)
    if one is None or two is None or (one.tag, one.axis) != (two.tag, two.axis):
        return None
    start, end, first, last = int(one.steps[0]), int(one.steps[-1]), int(two.steps[0]), int(two.steps[-1])
    usual = float(np.median(np.diff(one.steps)))
    inside = first - start > max(FRESH * (end - start), usual) and last > end
    if not inside or first > end + GAP * max(usual, 1.0) or not _goes_on(one, two):
        return None
    return Joint(before, after, first, end if first <= end else None)


def _goes_on(one: Curve, two: Curve) -> bool:
    """Whether the second curve begins near where the first was at that step, rather than where that began."""
    here = _finite(one.values[: max(int(np.searchsorted(one.steps, two.steps[0], side="right")), LEAST)])
    begun = _finite(two.values)[:3]
    if len(here) < LEAST or not len(begun):
        return False
    level, start, now = np.median(here[-3:]), here[0], np.median(begun)
    scatter = float(np.median(np.abs(np.diff(here[-20:])))) if len(here) > 2 else 0.0
    return bool(abs(now - level) <= max(AGREE * abs(start - level), 3 * scatter))


def _finite(values: np.ndarray) -> np.ndarray:
    known: np.ndarray = values[np.isfinite(values)]
    return known


def story(chain: Sequence[RunReport], names: Sequence[str]) -> str:
    """`One training in 3 runs: b went on from a at step 1,000; c from b at step 1,900 (1,900 to 2,000 twice).`"""
    short = dict(zip((run.run for run in chain), names, strict=True))
    joints = [found for before, after in pairwise(chain) if (found := joint(before, after)) is not None]
    parts = [
        f"{short[j.after.run]} went on from {short[j.before.run]} at {_axis(j.after)} {j.first:,}"
        + ("" if j.twice_until is None else f" ({_twice(j)})")
        for j in joints
    ]
    return f"One training in {len(chain)} runs: {enumerated(parts)}."


def _twice(j: Joint) -> str:
    if j.twice_until == j.first:
        return "that one was logged twice"
    return f"{j.first:,} to {j.twice_until:,} were logged twice"


def _axis(run: RunReport) -> str:
    curve = _telling(run)
    return "step" if curve is None else curve.axis

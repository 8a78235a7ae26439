"""How one curve differs from another, or from a group of others: at equal steps, at the end, in speed and in noise.

Curves are compared in a level in which equal trainings differ by about the same amount everywhere: the logarithm of
positive losses, the logit of shares, else the value itself. Whether a difference is one is asked of three sources of
chance: noise within each curve, the spread of the baseline's own trainings, and what is known of trainings in general
(`ALIKE`), which is all there is when the baseline is one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from loglens.kernels.blocks import NORMAL, nanmedian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import Direction

Outcome = Literal["better", "same", "worse"]
Scale = Literal["log", "logit", "linear"]

BLOCKS = 20  # parts of the common stretch of steps; three make the end
END = 3
MOST_EXAMPLES = 20_000
LEAST = 3  # points of a curve below which nothing is said of it
ALIKE = (0.06, 0.04)  # sd of the end between trainings that differ in their seed alone: fixed, and per unit travelled
PRIOR_WEIGHT = 3  # how many degrees of freedom that knowledge counts beside the baseline's own runs
MARGIN = 2.5  # standard deviations beyond which a difference is one
HELD = 0.6  # share of the last blocks that must lie on the same side
HIGHEST = 709.0  # whose exponential is the largest that a float holds, nearly
HUGE = 1e100
MISTAKE = 2.0  # nats that an example costs which a trained classifier gets wrong; the others cost next to nothing


@dataclass(frozen=True, eq=False)
class Course:
    """Finite values on rising steps of one series, in their own units."""

    step: np.ndarray  # int64 (points,)
    value: np.ndarray  # float64 (points,)


@dataclass(frozen=True, slots=True)
class Change:
    """How a candidate's curve lies beside the baseline's. Values are in the units of the series.

    `deviations` counts standard deviations of what chance does, positive for worse. `ratio` is candidate over
    baseline, the median over equal steps, and `ratio_spread` its robust deviation as a factor; null on scales without
    ratios. `speed` is the share of the steps that the candidate needs to come as far as the baseline did nine tenths
    of its way (above 1: slower); null where it never does. `unrest` is noise over the baseline's noise.
    """

    outcome: Outcome
    step: int
    baseline: float
    candidate: float
    deviations: float
    ratio: float | None
    ratio_spread: float | None
    speed: float | None
    unrest: float | None


def scale_of(courses: Sequence[Course], share: bool) -> Scale:
    """The level in which to compare; `share`: whether the values are parts of a whole, 0 to 1 or in per cent."""
    values = np.concatenate([course.value for course in courses])
    if share and values.min() >= 0 and values.max() <= 100:
        return "logit"
    return "log" if values.min() > 0 else "linear"


def levels(value: np.ndarray, scale: Scale, whole: float = 1.0) -> np.ndarray:
    """Values in the level of `scale`; shares are kept a thousandth away from none and all of the `whole`."""
    if scale == "log":
        return np.asarray(np.log(value))
    if scale == "logit":
        share = np.clip(value / whole, 1e-3, 1 - 1e-3)
        return np.asarray(np.log(share / (1 - share)))
    return value / whole


def natural(level: float, scale: Scale, whole: float = 1.0) -> float:
    """Back from a level."""
    if scale == "log":
        return _exp(level)
    return float(whole / (1 + np.exp(-level))) if scale == "logit" else float(level) * whole


def _exp(level: float) -> float:
    """The number whose logarithm this is, no larger than a float can be."""
    return float(np.exp(min(level, HIGHEST)))


def _whole(scale: Scale, largest: float) -> float:
    """What levels count in: 1 or 100 of shares; else 1, but for values whose squares no float would hold."""
    if scale == "logit":
        return 100.0 if largest > 1.5 else 1.0
    return largest if scale == "linear" and largest > HUGE else 1.0


def examples_behind(shares: np.ndarray) -> int | None:
    """Of how many examples these are shares: the least n of which all are multiples of 1/n; None if there is none.

    An accuracy on 40 held-out examples moves in steps of 0.025, and is no surer than 40 examples allow.
    """
    known = np.unique(np.round(shares / (100 if shares.max(initial=0.0) > 1.5 else 1), 7))
    gaps = np.diff(known)
    if len(known) < 3 or gaps.min() < 1e-5:
        return None
    for count in range(max(int(0.9 / gaps.min()), 2), MOST_EXAMPLES):
        if np.all(np.abs(known * count - np.round(known * count)) < 2e-3 + 1e-6 * count):
            return count
        if count > 8 / gaps.min():
            return None
    return None


def change(
    baselines: Sequence[Course], candidate: Course, direction: Direction, share: bool, examples: int | None = None
) -> Change | None:
    """Compare one curve with those of one or more baseline runs; None where there is too little to compare.

    `examples`: how many the smaller held-out set of the two has, where that is known.
    """
    curves = [course for course in baselines if len(course.step) >= LEAST]
    if not curves or len(candidate.step) < LEAST:
        return None
    first = max(int(candidate.step[0]), *(int(c.step[0]) for c in curves))
    last = min(int(candidate.step[-1]), int(np.median([c.step[-1] for c in curves])))
    if last <= first:
        return None
    everything = [*curves, candidate]
    scale = scale_of(everything, share)
    whole = _whole(scale, max(float(np.abs(c.value).max()) for c in everything))
    sign = 1.0 if direction == "min" else -1.0  # from here on lower is better
    scaled = [Course(c.step, sign * levels(c.value, scale, whole)) for c in everything]
    return _compared(scaled[:-1], scaled[-1], (first, last), scale, whole, sign, examples)


def _compared(
    curves: list[Course],
    candidate: Course,
    extent: tuple[int, int],
    scale: Scale,
    whole: float,
    sign: float,
    examples: int | None,
) -> Change:
    first, last = extent
    edges = np.linspace(first, last, min(BLOCKS, *(len(c.step) for c in (*curves, candidate))) + 1)
    rows = np.stack([medians_between(c, edges) for c in curves])
    middle, mine = nanmedian(rows.T), medians_between(candidate, edges)
    ends = np.array([_end(row) for row in rows])
    longer = candidate.step[-1] > last
    end = _end(medians_between(candidate, np.linspace(first, candidate.step[-1], len(edges)))) if longer else _end(mine)
    base = float(np.median(ends))
    travelled = max(float(np.nanmax(middle) - np.nanmin(middle)), 0.0)
    within = np.hypot(float(np.median([_end_noise(c, edges) for c in curves])), _end_noise(candidate, edges))
    drawn = _sampling(sign * base, sign * end, scale, examples)
    expected = float(np.hypot(np.hypot(within, spread(ends, travelled, scale)), drawn))  # no square overflows
    gap = end - base
    deviations = gap / expected if expected > 0 else float(np.sign(gap)) * np.inf if gap else 0.0
    ratio, ratio_spread = _ratio(mine - middle, scale, sign)
    return Change(
        _outcome(deviations, (mine - middle)[-max(len(mine) // 3, 1) :]),
        last,
        natural(sign * base, scale, whole),
        natural(sign * end, scale, whole),
        round(float(deviations), 3),
        ratio,
        ratio_spread,
        _speed(middle, candidate, edges),
        _unrest(curves, candidate),
    )


def medians_between(course: Course, edges: np.ndarray) -> np.ndarray:
    """Median of the points between each two edges; an empty stretch takes the last value before it."""
    place = np.clip(np.searchsorted(edges, course.step, side="right") - 1, 0, len(edges) - 2)
    inside = (course.step >= edges[0]) & (course.step <= edges[-1])
    out = np.full(len(edges) - 1, np.nan)
    for block in np.unique(place[inside]):
        out[block] = np.median(course.value[inside & (place == block)])
    known = np.flatnonzero(~np.isnan(out))
    if not len(known):
        return np.full(len(out), np.interp(edges[-1], course.step, course.value))
    return out[known[np.maximum(np.searchsorted(known, np.arange(len(out)), side="right") - 1, 0)]]


def spread(ends: np.ndarray, travelled: float, scale: Scale) -> float:
    """Standard deviation between a new training and the middle of the baseline's, chance alone at work.

    The variance of the baseline's own ends, pooled with what is known of trainings in general as if that were
    `PRIOR_WEIGHT` more degrees of freedom; one more run than the middle of n varies 1 + 1/n times as much.
    """
    fixed, moving = ALIKE
    prior = np.hypot(fixed if scale != "linear" else 0.0, moving * travelled)
    n = len(ends)
    own = float(np.var(ends, ddof=1)) if n > 1 else 0.0
    pooled = (PRIOR_WEIGHT * prior**2 + (n - 1) * own) / (PRIOR_WEIGHT + n - 1)
    return float(np.sqrt(pooled * (1 + 1 / n)))


def _sampling(base: float, end: float, scale: Scale, examples: int | None) -> float:
    """Standard error of a difference between two held-out sets of so many examples; 0 where that is not known.

    Of shares the binomial one, on the logit; of a loss that of a mean in which a share m / `MISTAKE` of the examples
    costs `MISTAKE` each: its relative variance is `MISTAKE` / (m n).
    """
    if examples is None or scale == "linear":
        return 0.0
    if scale == "log":
        return float(np.sqrt(MISTAKE / examples) * np.hypot(_exp(-base / 2), _exp(-end / 2)))
    share = 1 / (1 + np.exp(-np.array([base, end])))
    share = np.clip(share, 0.5 / examples, 1 - 0.5 / examples)
    return float(np.sqrt(np.sum(1 / (examples * share * (1 - share)))))


def _end(row: np.ndarray) -> float:
    return float(np.median(row[-END:]))


def _roughness(course: Course) -> float:
    """Robust deviation of a point from second differences, so that a trend does not count."""
    if len(course.value) < 4:
        return 0.0
    return float(NORMAL * np.median(np.abs(np.diff(course.value, n=2))) / np.sqrt(6))


def _end_noise(course: Course, edges: np.ndarray) -> float:
    """Standard error of the end: of the median of its points, and of the wander of its blocks."""
    late = course.step >= edges[-1 - min(END, len(edges) - 1)]
    tail = Course(course.step[late], course.value[late])
    points = _roughness(course if len(tail.value) < 8 else tail) * 1.2533 / np.sqrt(max(len(tail.value), 1))
    blocks = medians_between(course, edges)[len(edges) // 2 :]
    wander = _roughness(Course(np.arange(len(blocks)), blocks)) / np.sqrt(END)
    return float(np.clip(wander, points, 3 * points)) if points > 0 else wander


def _outcome(deviations: float, late: np.ndarray) -> Outcome:
    if deviations > MARGIN and np.mean(late > 0) >= HELD:
        return "worse"
    return "better" if deviations < -MARGIN and np.mean(late < 0) >= HELD else "same"


def _ratio(gap: np.ndarray, scale: Scale, sign: float) -> tuple[float | None, float | None]:
    if scale != "log":
        return None, None
    middle = float(np.median(gap))
    return _exp(sign * middle), _exp(NORMAL * float(np.median(np.abs(gap - middle))))


def _speed(middle: np.ndarray, candidate: Course, edges: np.ndarray) -> float | None:
    """Steps to nine tenths of the baseline's way, candidate over baseline."""
    best = float(np.min(middle))
    goal = best + 0.1 * (float(middle[0]) - best)
    if goal <= best:
        return None
    longest = np.linspace(edges[0], max(edges[-1], candidate.step[-1]), len(edges))
    reached, theirs = medians_between(candidate, longest) <= goal, middle <= goal
    if not reached.any():
        return None
    return float((longest[np.argmax(reached) + 1] - edges[0]) / (edges[np.argmax(theirs) + 1] - edges[0]))


def _unrest(curves: Sequence[Course], candidate: Course) -> float | None:
    base = float(np.median([_roughness(c) for c in curves]))
    return _roughness(candidate) / base if base > 0 else None

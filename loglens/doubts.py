"""What speaks against a finding, and the innocent explanations that the log rules out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from loglens.numbers import human

if TYPE_CHECKING:
    from loglens.model import Finding
    from loglens.series import SeriesSet

NEAR = 0.02  # share of the run that is near the onset
LEAST = 5  # points that a series must have to speak against anything
LEAST_GAIN = 0.02  # of the score at the onset
LEAST_FALL = 0.1  # of the first held-out loss
CLEARLY = 3  # robust standard deviations of an evaluation
SUDDEN = {
    "collapsed-predictions", "diverging-loss", "exploding-gradient", "gradient-spike", "loss-spike",
    "nonfinite-gradient", "nonfinite-loss", "zero-loss",
}  # fmt: skip
# findings against which it speaks that held-out scores rise (those that say so themselves are not among them)
OF_QUALITY = {
    "collapsed-predictions", "diverging-loss", "exploding-gradient", "flat-loss", "loss-scale-collapse", "loss-spike",
    "missed-early-stop", "oscillating-loss", "vanishing-gradient", "widening-gap",
}  # fmt: skip
# findings against which it speaks that the held-out loss ends at its best
OF_LOSS = OF_QUALITY - {"missed-early-stop", "widening-gap"}
_SCORES = ("val/accuracy", "val/balanced_accuracy", "val/f1", "val/auc", "val/metric")


def weigh(finding: Finding, series: SeriesSet, number: int) -> Finding:
    """The finding with what was ruled out and what speaks against it, beside what its rule says itself."""
    against = tuple(text for text in (_scores(finding, series, number), _held_out(finding, series, number)) if text)
    out = _no_restart(finding, series, number)
    said = finding.counter_evidence
    return replace(finding, doubts=against, counter_evidence=(*said, out) if out and out not in said else said)


def _no_restart(finding: Finding, series: SeriesSet, number: int) -> str:
    """Only where a restart would be seen: the series counts steps that its segments share."""
    if finding.rule not in SUDDEN or finding.first_step is None or not finding.tags:
        return ""
    at = _of(series, number, finding.tags[0], finding.axis)
    if at is None:
        return ""
    own = slice(series.records.start[at], series.records.start[at] + series.records.count[at])
    step, segment = series.records.step[own], series.records.segment[own]
    begun = step[1:][segment[1:] != segment[:-1]]
    near = NEAR * max(int(np.ptp(step)), 1)
    return "" if np.any(np.abs(begun - finding.first_step) <= near) else "no restart near the onset"


def _scores(finding: Finding, series: SeriesSet, number: int) -> str:
    """A held-out score that went on getting better after the onset."""
    if finding.rule not in OF_QUALITY or finding.first_step is None:
        return ""
    for role in _SCORES:
        for at in series.by_run.get(number, {}).get(role, []):
            if series.axis[at] != finding.axis or not series.direction[at] or series.tag[at] in finding.tags:
                continue
            step, value = _points(series, at)
            before, after = value[step <= finding.first_step], value[step > finding.first_step]
            if len(after) < LEAST or not len(before):
                continue
            then, now = float(np.median(before[-3:])), float(np.median(after[-3:]))
            gain = now - then if series.direction[at] == "max" else then - now
            if gain > max(CLEARLY * _scatter(value), LEAST_GAIN * abs(then)):
                way = "rose" if now > then else "fell"
                return f"{series.tag[at]} still {way} after it, from {human(then)} to {human(now)}"
    return ""


def _held_out(finding: Finding, series: SeriesSet, number: int) -> str:
    """A held-out loss that ends at its lowest, well below its beginning."""
    if finding.rule not in OF_LOSS:
        return ""
    for at in series.by_run.get(number, {}).get("val/loss", []):
        step, value = _points(series, at)
        if len(value) < LEAST or series.tag[at] in finding.tags or not _ends_with_run(series, number, at, step):
            continue
        noise = CLEARLY * _scatter(value)
        end, low = float(np.median(value[-3:])), float(value.min())
        fell = float(value[0]) - end
        if end - low <= noise and fell > max(2 * noise, LEAST_FALL * abs(float(value[0]))):
            return f"{series.tag[at]} ends near its lowest, at {human(end)}"
    return ""


def _ends_with_run(series: SeriesSet, number: int, at: int, step: np.ndarray) -> bool:
    """Whether the series has finite values up to the last tenth of the run."""
    same = [
        i for i in series.members_of(number).series if series.axis[i] == series.axis[at] and series.records.count[i]
    ]
    last = max(int(series.records.step[series.records.start[i] :][: series.records.count[i]].max()) for i in same)
    return bool(step[-1] >= 0.9 * last)


def _of(series: SeriesSet, number: int, tag: str, axis: str) -> int | None:
    mine = series.members_of(number).series
    return next((i for i in mine if series.tag[i] == tag and series.axis[i] == axis), None)


def _points(series: SeriesSet, at: int) -> tuple[np.ndarray, np.ndarray]:
    own = slice(series.points.start[at], series.points.start[at] + series.points.count[at])
    return series.points.step[own], series.points.value[own]


def _scatter(value: np.ndarray) -> float:
    """Robust standard deviation of one evaluation, by differences of neighbours."""
    return 1.4826 * float(np.median(np.abs(np.diff(value)))) / np.sqrt(2) if len(value) > 1 else 0.0

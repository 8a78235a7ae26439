"""What explains the failures of a sweep: the split of one hyper-parameter that parts failed runs from the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from loglens.numbers import human
from loglens.settings import as_number, is_learning_rate, settings_of, varied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.model import Metric, RunReport, Verdict

CERTAIN = 0.01  # corrected p from which on a split is no explanation
MOST_BOUNDS = 64  # splits of one number; more values than that are split at quantiles
MOST_WORDS = 32  # a word with more values than that is a name, not a setting
TELLING = (
    "val/accuracy", "val/balanced_accuracy", "val/f1", "val/auc", "val/metric", "val/loss", "test/accuracy",
    "test/loss", "reward", "train/accuracy", "train/loss",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a sweep against the rest; the failures lie in the part. `p` is corrected for all `tested` splits."""

    name: str
    part: str  # "lr ≥ 0.003"
    rest: str  # "below"
    failed: int
    runs: int
    rest_failed: int
    rest_runs: int
    p: float
    tested: int
    also: tuple[str, ...] = ()  # other hyper-parameters that part the runs in just the same way
    outcome: str = "failed"  # or "failed or are suspect"


@dataclass(frozen=True, slots=True)
class Edge:
    """The best run of a sweep has the largest or smallest learning rate that was tried."""

    name: str
    value: str
    end: str  # "largest" or "smallest"
    tried: int


class _Cut(NamedTuple):
    name: str
    part: str
    rest: str
    inside: np.ndarray  # bool (runs,)
    known: np.ndarray  # bool (runs,)


def explain_sweep(runs: Sequence[RunReport]) -> Split | None:
    """The best split of failed and other runs, by Fisher's exact test with Holm's correction; None above p = 0.01.

    Where failures alone have no explanation, runs in trouble (failed or suspect) may have one.
    Splits that could not reach that p whatever came out are not tested, hence not corrected for (Tarone 1990).
    """
    judged = [run for run in runs if run.verdict != "unknown"]
    cuts = list(_cuts(judged))
    failed = _tested(judged, ("failed",), cuts)
    troubled = _tested(judged, ("failed", "suspect"), cuts)
    return _best(failed, "failed") or _best(troubled, "failed or are suspect")


class _Test(NamedTuple):
    """One split, the p of Fisher's test of it, and which runs it is about."""

    p: float
    cut: _Cut
    failed: np.ndarray  # bool (runs,)


def _tested(runs: Sequence[RunReport], verdicts: tuple[Verdict, ...], cuts: Sequence[_Cut]) -> list[_Test]:
    failed = np.array([run.verdict in verdicts for run in runs], bool)
    tested = []
    for cut in cuts if failed.any() and not failed.all() else ():
        fails, others = int((failed & cut.known).sum()), int(cut.known.sum())
        p = fisher(others, fails, int(cut.inside.sum()))
        if p.min() < CERTAIN:
            tested.append(_Test(float(p[int((failed & cut.inside).sum())]), cut, failed))
    return tested


def _best(tested: Sequence[_Test], outcome: str) -> Split | None:
    """Holm's first step: the smallest p times the number of tests; what is less certain cannot explain more."""
    if not tested:
        return None
    best = min(tested, key=lambda test: (test.p, test.cut.name, test.cut.part))
    corrected = min(best.p * len(tested), 1.0)
    if corrected >= CERTAIN:
        return None
    cut = best.cut
    twins = {t.cut.name for t in tested if t.p == best.p and t.cut.name != cut.name and _same(t.cut, cut)}
    split = _split(cut, best.failed)
    return replace(split, p=corrected, tested=len(tested), also=tuple(sorted(twins)), outcome=outcome)


def fisher(runs: int, failed: int, inside: int) -> np.ndarray:
    """Two-sided p of Fisher's exact test for each number of failed runs inside; (failed + 1,), NaN where impossible.

    Fisher 1934; two-sided as the sum of all tables that are no more probable.
    """
    low, high = max(0, inside + failed - runs), min(failed, inside)
    logs = _log_factorials(max(64, 1 << runs.bit_length()))
    k = np.arange(low, high + 1)
    weight = -(logs[k] + logs[failed - k] + logs[inside - k] + logs[runs - failed - inside + k])
    probability = np.exp(weight - weight.max())
    probability /= probability.sum()
    order = np.argsort(probability, kind="stable")
    total = np.cumsum(probability[order])
    # equally probable tables count together, whatever rounding says
    last = np.searchsorted(probability[order], probability * (1 + 1e-7), side="right") - 1
    out = np.full(failed + 1, np.nan)
    out[k] = np.minimum(total[last], 1.0)
    return np.where(np.isnan(out), 1.0, out)


@lru_cache(maxsize=8)
def _log_factorials(most: int) -> np.ndarray:
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, most + 1)))))


def _cuts(runs: Sequence[RunReport]) -> Iterator[_Cut]:
    told = [settings_of(run) for run in runs]
    for name in varied(told):
        values = [settings.get(name) for settings in told]
        known = np.array([value is not None for value in values], bool)
        numbers = [as_number(value) for value in values if value is not None]
        if all(number is not None for number in numbers):
            amount = np.full(len(values), np.nan)
            amount[known] = numbers
            yield from _bounds(name, amount, known)
        elif len(set(values) - {None}) <= MOST_WORDS:
            for word in sorted({value for value in values if value is not None}):
                yield _Cut(name, f"{name} = {word}", "otherwise", np.array([v == word for v in values], bool), known)


def _bounds(name: str, amount: np.ndarray, known: np.ndarray) -> Iterator[_Cut]:
    levels = np.unique(amount[known])
    if len(levels) > MOST_BOUNDS:
        levels = np.unique(np.quantile(amount[known], np.linspace(0, 1, MOST_BOUNDS + 1), method="lower"))
    for level in levels[1:]:
        with np.errstate(invalid="ignore"):
            inside = amount >= level
        yield _Cut(name, f"{name} ≥ {_number(level)}", "below", inside, known)


def _split(cut: _Cut, failed: np.ndarray) -> Split:
    """The counts, told from the side on which runs fail more often."""
    inside, outside = cut.inside, cut.known & ~cut.inside
    part, rest = cut.part, cut.rest
    if failed[inside].mean() < failed[outside].mean():
        inside, outside = outside, inside
        part, rest = (
            (part.replace(" ≥ ", " < "), "from there on")
            if rest == "below"
            else (part.replace(" = ", " ≠ "), "with it")
        )
    return Split(
        name=cut.name,
        part=part,
        rest=rest,
        failed=int(failed[inside].sum()),
        runs=int(inside.sum()),
        rest_failed=int(failed[outside].sum()),
        rest_runs=int(outside.sum()),
        p=1.0,
        tested=0,
    )


def _same(a: _Cut, b: _Cut) -> bool:
    """Whether two cuts part the same runs, on whichever side."""
    return bool(np.array_equal(a.known, b.known)) and bool(
        np.array_equal(a.inside, b.inside) or np.array_equal(a.inside, b.known & ~b.inside)
    )


def best_at_edge(runs: Sequence[RunReport]) -> Edge | None:
    """The learning rate of the best run, when it is the largest or smallest of at least three that were tried.

    None as well when the next learning rate did as well, within the noise of an evaluation.
    """
    metrics = _telling([run for run in runs if run.verdict != "failed"])
    told = [settings_of(run) for run in runs]
    for name in filter(is_learning_rate, varied(told)):
        rates = {run.run: as_number(settings.get(name, "")) for run, settings in zip(runs, told, strict=True)}
        tried = sorted({rate for rate in rates.values() if rate is not None})
        if len(tried) < 3:
            continue
        best: dict[float, Metric] = {}
        for run, metric in metrics.items():
            rate = rates.get(run)
            if rate is not None and (rate not in best or _better(metric, best[rate]) > 0):
                best[rate] = metric
        for end, at, beside in (("smallest", tried[0], tried[1]), ("largest", tried[-1], tried[-2])):
            if at in best and beside in best and all(_better(best[at], best[rate]) > 0 for rate in best if rate != at):
                gain = _better(best[at], best[beside])
                if gain > 2 * max(best[at].noise or 0.0, best[beside].noise or 0.0):
                    return Edge(name, _number(at), end, len(tried))
    return None


def _telling(runs: Sequence[RunReport]) -> dict[str, Metric]:
    """By run the metric that says how good it is: the first role that most of the runs have."""
    for role in TELLING:
        found = {
            run.run: max(mine, key=lambda m: m.points)
            for run in runs
            if (mine := [m for m in run.metrics if m.role == role and m.tail is not None])
        }
        if len(found) > len(runs) / 2:
            return found
    return {}


def _better(a: Metric, b: Metric) -> float:
    """By how much `a` ends better than `b`; negative when worse."""
    gain = (a.tail or 0.0) - (b.tail or 0.0)
    return gain if a.direction == "max" else -gain


def _number(value: float) -> str:
    return human(value) if value == int(value) and abs(value) < 1e7 else f"{value:.6g}"

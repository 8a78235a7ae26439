"""Is a candidate worse than a baseline? Metric by metric, with chance taken into account, and finding by finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from loglens.changes import Change, Course, change, examples_behind
from loglens.model import SEVERITIES, Direction, Finding
from loglens.numbers import human

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loglens.model import Logs, RunReport
    from loglens.report import Report
    from loglens.rule import Rule
    from loglens.series import SeriesSet

RunOutcome = Literal["better", "same", "worse", "unknown"]  # unknown: nothing in common
PAIRING = ("auto", "name", "group")
SHARES = ("accuracy", "f1", "precision", "recall", "balanced_accuracy", "auc")
HELD_OUT = ("val", "test")
TOGETHER = 2.2  # deviations that all metrics must lie worse by on average to tell together what none tells alone
LEANS = 2.0  # deviations worse in a deciding metric that a new warning asks for
SUPPORTED = 1.4  # the same, where one that does not decide (train/loss) lies beyond chance by itself


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric of a candidate beside the same metric of the baseline."""

    tag: str
    role: str
    direction: Direction
    axis: str
    decides: bool
    change: Change


@dataclass(frozen=True)
class RunComparison:
    """A candidate run beside its baseline."""

    run: str
    baseline: tuple[str, ...]
    verdict: RunOutcome
    headline: str
    metrics: tuple[MetricComparison, ...]
    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Every candidate run beside its baseline. `unpaired` runs had nobody to be compared with."""

    comparisons: tuple[RunComparison, ...]
    unpaired: tuple[str, ...] = ()
    version: str = ""
    baseline: Report | None = field(default=None, repr=False)
    candidate: Report | None = field(default=None, repr=False)

    @property
    def worse(self) -> bool:
        """Whether any run is."""
        return any(one.verdict == "worse" for one in self.comparisons)


@dataclass(frozen=True, eq=False)
class _Side:
    """What was read and found of one side."""

    report: Report
    series: dict[str, list[tuple[int, SeriesSet]]]  # run → its series that say how good a model is


def compare(
    baseline: Any,
    candidate: Any,
    *,
    fail_on: str = "warning",
    pair: str = "auto",
    rules: Sequence[Rule] | None = None,
    **options: Any,
) -> Comparison:
    """Compare the runs of two sources (as for `read`). New findings at or above `fail_on` make a candidate worse."""
    from loglens.api import load_chosen
    from loglens.config import Config

    chosen = load_chosen(Config()) if rules is None else rules
    before, after = (_side(source, chosen, options) for source in (baseline, candidate))
    pairs, unpaired = _pairs(before.report, after.report, pair)
    told = tuple(_compared(before, names, after, name, fail_on) for names, name in pairs)
    return Comparison(told, unpaired, before.report.version, before.report, after.report)


def _side(source: Any, rules: Sequence[Rule], options: dict[str, Any]) -> _Side:
    from loglens.api import judge_batches, read
    from loglens.roles import judges
    from loglens.series import series_of

    logs: Logs = read(source, **options)
    series, found = series_of(logs), dict[str, list[tuple[int, "SeriesSet"]]]()
    for i, role in enumerate(series.role):
        if judges(role) and series.direction[i]:
            found.setdefault(series.runs[int(series.run[i])], []).append((i, series))
    return _Side(judge_batches([logs], rules), found)


def _pairs(before: Report, after: Report, pair: str) -> tuple[list[tuple[tuple[str, ...], str]], tuple[str, ...]]:
    """Each candidate run with the baseline runs that it is held against, and the runs left over."""
    theirs, mine = [run.run for run in before.runs], [run.run for run in after.runs]
    shared = [name for name in mine if name in theirs]
    seeds = any(group.kind == "folds" and len(group.runs) == len(theirs) for group in before.groups)
    if pair == "name" or (pair == "auto" and len(theirs) > 1 and len(mine) > 1 and shared and not seeds):
        left = tuple(name for name in (*theirs, *mine) if name not in shared)
        return [((name,), name) for name in shared], tuple(dict.fromkeys(left))
    return [(tuple(theirs), name) for name in mine], ()


def _compared(before: _Side, names: tuple[str, ...], after: _Side, name: str, fail_on: str) -> RunComparison:
    metrics = _metrics([before.series.get(run, []) for run in names], after.series.get(name, []))
    olds, new = [before.report[run] for run in names], after.report[name]
    fresh, gone = _fresh(olds, new), _gone(olds, new)
    verdict = _verdict(metrics, _counting(fresh, fail_on))
    return RunComparison(
        name,
        names,
        verdict,
        _headline(verdict, metrics, _counting(fresh, fail_on)),
        metrics,
        fresh,
        gone,
        tuple(_notes(metrics)),
    )


def _course(series: SeriesSet, i: int) -> Course:
    points = series.points
    mine = slice(points.start[i], points.start[i] + points.count[i])
    return Course(points.step[mine], points.value[mine])


def _metrics(
    baselines: Sequence[list[tuple[int, SeriesSet]]], candidate: list[tuple[int, SeriesSet]]
) -> tuple[MetricComparison, ...]:
    """Metrics matched by role, stem and axis; where no stem agrees, by a role that each side has once."""
    found = []
    deciding = _deciding(candidate)
    examples = _examples([*baselines, candidate])
    for i, series in candidate:
        key = series.role[i], series.stem[i], series.axis[i]
        courses = [c for side in baselines if (c := _match(side, key, _count(candidate, key[0]))) is not None]
        direction = _direction(series.direction[i])
        if not courses or direction is None:
            continue
        split, _, quantity = series.role[i].partition("/")
        made = change(courses, _course(series, i), direction, quantity in SHARES, examples.get(split))
        if made:
            role = series.role[i]
            found.append(MetricComparison(series.tag[i], role, direction, series.axis[i], role in deciding, made))
    return tuple(sorted(found, key=lambda m: (not m.decides, -abs(m.change.deviations), m.tag)))


def _direction(text: str | None) -> Direction | None:
    return text if text in ("min", "max") else None  # type: ignore[return-value]


def _examples(sides: Iterable[list[tuple[int, SeriesSet]]]) -> dict[str, int]:
    """How many examples each held-out split has, as its accuracies tell; of several runs the fewest."""
    found: dict[str, int] = {}
    for i, series in (member for side in sides for member in side):
        split, _, quantity = series.role[i].partition("/")
        if split in HELD_OUT and quantity == "accuracy":
            count = examples_behind(_course(series, i).value)
            if count is not None:
                found[split] = min(count, found.get(split, count))
    return found


def _count(side: list[tuple[int, SeriesSet]], role: str) -> int:
    return sum(series.role[i] == role for i, series in side)


def _match(side: list[tuple[int, SeriesSet]], key: tuple[str, str, str], mine: int) -> Course | None:
    role, stem, axis = key
    same = [(i, s) for i, s in side if s.role[i] == role and s.axis[i] == axis]
    named = [(i, s) for i, s in same if s.stem[i] == stem]
    chosen = named or (same if len(same) == 1 and mine == 1 else [])
    return _course(chosen[0][1], chosen[0][0]) if chosen else None


def _deciding(side: list[tuple[int, SeriesSet]]) -> set[str]:
    """The roles that say how good the model is: held-out ones where there are any, else all."""
    roles = {series.role[i] for i, series in side}
    held = {role for role in roles if role.startswith(("val/", "test/")) and ":" not in role}
    return held or {role for role in roles if ":" not in role} or roles


def _fresh(olds: Sequence[RunReport], new: RunReport) -> tuple[Finding, ...]:
    """Findings of the candidate whose rule fired on less than half of the baseline's runs."""
    return tuple(f for f in new.findings if 2 * _fired(olds, f.rule) < len(olds))


def _gone(olds: Sequence[RunReport], new: RunReport) -> tuple[Finding, ...]:
    mine = {finding.rule for finding in new.findings}
    first = {f.rule: f for run in reversed(olds) for f in run.findings}
    return tuple(f for rule, f in sorted(first.items()) if rule not in mine and 2 * _fired(olds, rule) >= len(olds))


def _fired(runs: Iterable[RunReport], rule: str) -> int:
    return sum(any(finding.rule == rule for finding in run.findings) for run in runs)


def _counting(fresh: tuple[Finding, ...], fail_on: str) -> tuple[Finding, ...]:
    """New findings that make a run worse, the most severe first."""
    if fail_on == "never":
        return ()
    least = [*SEVERITIES].index(fail_on)  # type: ignore[arg-type]
    return tuple(f for f in fresh if f.caused_by is None and SEVERITIES.index(f.severity) >= least)


def _verdict(metrics: Sequence[MetricComparison], counting: Sequence[Finding]) -> RunOutcome:
    """Worse by a deciding metric, by all metrics together, or by a new finding.

    Where loss and score disagree, the score decides. A new warning counts where the metrics lean its way or tell
    nothing: a rule that fires on one seed and not on the next is no difference by itself.
    """
    if not metrics and not counting:
        return "unknown"
    deciding = [m for m in metrics if m.decides]
    scores = {m.change.outcome for m in deciding if m.direction == "max"} - {"same"}
    outcomes = scores or {m.change.outcome for m in deciding} - {"same"}
    if "worse" in outcomes or _worse_together(metrics) or any(f.severity == "error" for f in counting):
        return "worse"
    if counting and "better" not in outcomes and (not deciding or max(m.change.deviations for m in deciding) > LEANS):
        return "worse"
    return "better" if outcomes == {"better"} else "same"


def _worse_together(metrics: Sequence[MetricComparison]) -> bool:
    """Whether metrics that each lie within chance lie on the worse side all of them, and far on average."""
    apart = [m.change.deviations for m in metrics if ":" not in m.role]
    supported = any(m.change.outcome == "worse" for m in metrics if ":" not in m.role)
    average = sum(apart) / max(len(apart), 1)
    return len(apart) > 1 and min(apart) > 0.5 and average > (SUPPORTED if supported else TOGETHER)


def _headline(verdict: RunOutcome, metrics: Sequence[MetricComparison], counting: Sequence[Finding]) -> str:
    if not metrics and not counting:
        return "No metric in common: nothing to compare"
    same = [m for m in metrics if m.change.outcome == verdict]
    telling = next((m for m in (*same, *metrics) if m.decides), None)
    parts = [_said(telling)] if telling else []
    if verdict == "worse":
        parts += [f"new: {counting[0].title[:1].lower()}{counting[0].title[1:]}"] if counting else []
        parts += [] if same or counting else ["each metric within chance, all of them together not"]
    lead = "Same within noise" if verdict == "same" else verdict.capitalize()
    return ": ".join([lead, "; ".join(parts)] if parts else [lead])


def _said(metric: MetricComparison) -> str:
    c = metric.change
    return f"{metric.tag} {human(c.baseline)} → {human(c.candidate)} at {metric.axis} {c.step:,}"


def _notes(metrics: Sequence[MetricComparison]) -> Iterable[str]:
    for m in metrics:
        c = m.change
        if m.role.startswith("train/loss") and c.ratio and c.ratio_spread and c.ratio > 1.25 and c.ratio_spread < 1.1:
            yield (
                f"{m.tag} is {human(round(c.ratio, 2))} times the baseline's at equal steps from start to end: "
                "a constant ratio speaks for other labels, data or reduction rather than for the optimiser"
            )

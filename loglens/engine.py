"""Applies rules to a batch of runs: for every rule and run fired, clear or not checked, with the reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.binding import bind
from loglens.evaluate import Scope
from loglens.kernels import points as point_kernels
from loglens.kernels.values import PointsArg
from loglens.model import ABOUT_GROUPS, SEVERITIES, Finding, NotChecked
from loglens.timings import timed
from loglens.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from loglens.rule import Cause, Hold, Rule, Variant, Word
    from loglens.series import SeriesSet

    Watch = Callable[[Scope, np.ndarray], None]


@dataclass(frozen=True)
class Judgement:
    """What the rules say about one run."""

    findings: tuple[Finding, ...]
    clear: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]


@dataclass(frozen=True, eq=False)
class _Hit:
    """A candidate on which a variant fired."""

    scope: Scope  # of the candidates on which it fired
    place: int  # among these
    candidate: int  # among all
    variant: Variant
    severity: Any
    first: float
    last: float

    @property
    def rank(self) -> tuple[int, float, int]:
        """The most severe first, then the earliest."""
        return -SEVERITIES.index(self.severity), np.inf if np.isnan(self.first) else self.first, self.candidate


def judge(
    series: SeriesSet,
    rules: Iterable[Rule],
    spent: Callable[[str, float], None] | None = None,
    watch: Watch | None = None,
) -> list[Judgement]:
    """Judge every run of the batch by every rule; one result a run, in the order of `series.runs`.

    Rules about groups are not checked here: they wait for all runs. `watch`: see `apply`.
    """
    findings: list[list[Finding]] = [[] for _ in series.runs]
    clear: list[list[str]] = [[] for _ in series.runs]
    skipped: list[list[NotChecked]] = [[] for _ in series.runs]
    cache: dict[Hashable, Any] = {}
    for rule in timed(rules, spent):
        if rule.scope != "run":
            for one in skipped:
                one.append(NotChecked(rule.id, ABOUT_GROUPS))
            continue
        binding = bind(rule, series)
        fired, reasons = apply(rule, series, binding.run, binding.index, cache, watch)
        reasons = {**binding.reasons, **reasons}
        for run in range(len(series.runs)):
            if run in fired:
                findings[run].append(fired[run])
            elif (reason := reasons.get(run)) is not None:
                skipped[run].append(NotChecked(rule.id, reason))
            else:
                clear[run].append(rule.id)
    return [Judgement(tuple(f), tuple(c), tuple(s)) for f, c, s in zip(findings, clear, skipped, strict=True)]


def apply(
    rule: Rule,
    series: SeriesSet,
    run: np.ndarray,
    index: Mapping[str, np.ndarray],
    cache: dict[Hashable, Any],
    watch: Watch | None = None,
) -> tuple[dict[int, Finding], dict[int, str]]:
    """Findings by run, and the reasons of runs none of whose candidates could be judged.

    `run` and `index` are those of a `Binding`; `cache` belongs to one set of series. `watch` is told the names of the
    rule over its candidates, and which of these are judged.
    """
    if len(run) == 0:
        return {}, {}
    scope = Scope(rule, series, run, index, cache)
    reasons, judged = _skipped(rule, scope, run)
    if watch is not None:
        watch(scope, judged)
    hits: dict[int, list[_Hit]] = {}
    taken = ~judged
    for variant in rule.variants:
        for hit in _fire(variant, scope, ~taken):
            hits.setdefault(int(run[hit.candidate]), []).append(hit)
    findings = {r: _finding(rule, series, r, sorted(found, key=lambda h: h.rank)) for r, found in hits.items()}
    return findings, reasons


def _skipped(rule: Rule, scope: Scope, run: np.ndarray) -> tuple[dict[int, str], np.ndarray]:
    """Why runs are not judged, and which candidates are."""
    judged = np.ones(len(run), bool)
    reasons: dict[int, str] = {}
    for skip in rule.skips:
        held = scope.value(skip.when).astype(bool) & judged
        part = scope.where(held) if held.any() else scope
        for place, candidate in enumerate(np.flatnonzero(held)):
            if int(run[candidate]) not in reasons:
                reasons[int(run[candidate])] = skip.reason.fill(_Words(rule, part, place))
        judged &= ~held
    some = set(run[judged].tolist()) if reasons else set()
    return {r: reason for r, reason in reasons.items() if r not in some}, judged


def _fire(variant: Variant, scope: Scope, open_: np.ndarray) -> Iterable[_Hit]:
    held, first = _held(variant, scope)
    held = held & open_
    if not held.any():
        return
    part, candidates = scope.where(held), np.flatnonzero(held)
    first = first[held] if variant.onset is None else part.value(variant.onset)
    last = part.value(variant.end) if variant.end is not None else np.full(part.size, np.nan)
    left = np.ones(part.size, bool)
    for severity, when in variant.severity:
        now = left if when is None else left & part.value(when).astype(bool)
        left = left & ~now
        for i in np.flatnonzero(now):
            yield _Hit(part, int(i), int(candidates[i]), variant, severity, float(first[i]), float(last[i]))


def _held(variant: Variant, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
    """Where a variant's condition holds (long enough), and since which step."""
    value = scope.value(variant.when)
    if not isinstance(value, PointsArg):
        return value.astype(bool), np.full(scope.size, np.nan)
    least = least_points(value, variant.hold)
    since = point_kernels.held_since(value, least)
    return ~np.isnan(since), since


def least_points(value: PointsArg, hold: Hold) -> np.ndarray:
    """The shortest run of points that counts; steps and shares are turned into points by the mean distance."""
    count = value.layout.count.astype(float)
    if hold.unit == "points":
        return np.full(len(count), max(hold.amount, 1))
    if hold.unit == "%":
        return np.maximum(np.ceil(count * hold.amount / 100), 1)
    end = np.maximum(value.layout.start + value.layout.count - 1, 0)
    steps = value.layout.step if len(value.layout.step) else np.zeros(1)
    span = np.where(
        count > 0, steps[end.clip(max=len(steps) - 1)] - steps[value.layout.start.clip(max=len(steps) - 1)], 0
    )
    return np.maximum(np.ceil(hold.amount * np.maximum(count - 1, 1) / np.maximum(span, 1)), 1)


@dataclass(frozen=True, eq=False)
class _Words:
    """What the holes of a message stand for at one candidate: tags for needs, numbers for lets and parameters."""

    rule: Rule
    scope: Scope
    place: int

    def __call__(self, name: str) -> Word:
        """A word; None where it is unknown or has no single value."""
        scope, series, run = self.scope, self.scope.series, int(self.scope.run[self.place])
        if name in scope.lets:
            node, names = scope.lets[name], series.members[run] if series.members else ()
            return _plain(scope.value(node)[self.place], names) if node.type.shape == "run" else None
        if name == "axis":
            at = self.index(self.rule.needs[0].name)
            return series.axis[at] if at >= 0 else "step"
        if name in scope.args:
            at = self.index(name)
            return series.tag[at] if at >= 0 else None
        if name in scope.constants:
            return scope.constants[name]
        return _plain(series.facts[name][run]) if len(series.facts.get(name, ())) else None

    def index(self, need: str) -> int:
        """The series that a need stands for; -1 without one."""
        return int(self.scope.args[need].index[self.place])


def _plain(value: Any, names: Sequence[str] = ()) -> Word:
    """What a sentence can hold; `names` are those of the members of a group, which places stand for."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return enumerated([names[place] for place in value])
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    return None if np.isnan(value) else float(f"{float(value):.6g}")


def _finding(rule: Rule, series: SeriesSet, run: int, hits: list[_Hit]) -> Finding:
    top = hits[0]
    words = _Words(rule, top.scope, top.place)
    primary, *others = rule.needs
    judged = [int(h.scope.args[primary.name].index[h.place]) for h in hits]
    at = judged[0]
    tags = [series.tag[i] for i in judged if i >= 0]
    partners = [n.name for n in others if not n.optional]
    tags += [str(words(name)) for name in partners if words(name)]
    related = [str(words(n.name)) for n in others if n.name in rule.related and words(n.name)]
    first, last = _step(top.first), _step(top.last)
    return Finding(
        rule=rule.id,
        severity=top.severity,
        confidence=_confidence(top),
        title=top.variant.title,
        message=top.variant.message.fill(words),
        tags=tuple(dict.fromkeys(tags)),
        axis=series.axis[at] if at >= 0 else "step",  # type: ignore[arg-type]
        first_step=first,
        last_step=last if last is not None or at < 0 else _last_step(series, at),
        first_wall_time=_wall_time(series, at, first) if at >= 0 else None,
        evidence={name: words(name) for name in rule.evidence},
        counter_evidence=_texts(rule.counter_evidence, top, words),
        causes=_texts(top.variant.causes, top, words),
        remedies=_texts(rule.remedies, top, words),
        caused_by=None,
        fingerprint=_fingerprint(rule.id, series.runs[run], tags[0] if tags else ""),
        related=tuple(t for t in dict.fromkeys(related) if t not in tags),
    )


def _confidence(hit: _Hit) -> float:
    """What the rule says, else 0.9; two digits, within 0 and 1."""
    if hit.variant.confidence is None:
        return 0.9
    value = float(hit.scope.value(hit.variant.confidence)[hit.place])
    return 0.5 if np.isnan(value) else round(min(max(value, 0.0), 1.0), 2)


def _texts(causes: tuple[Cause, ...], hit: _Hit, words: _Words) -> tuple[str, ...]:
    """The texts whose condition holds; those with a condition first, as the evidence speaks for them."""
    held = [c for c in causes if c.when is None or bool(hit.scope.value(c.when)[hit.place])]
    held.sort(key=lambda c: c.when is None)
    return tuple(c.text.fill(words) for c in held)


def _step(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None


def _last_step(series: SeriesSet, at: int) -> int | None:
    count = series.records.count[at]
    return (
        int(series.records.step[series.records.start[at] : series.records.start[at] + count].max()) if count else None
    )


def _wall_time(series: SeriesSet, at: int, step: int | None) -> float | None:
    """When the first record of that step was logged."""
    begin = series.records.start[at]
    mine = slice(begin, begin + series.records.count[at])
    found = np.flatnonzero(series.records.step[mine] == step) if step is not None else np.zeros(0)
    wall = float(series.records.wall[mine][found[0]]) if len(found) else np.nan
    return None if np.isnan(wall) else wall


def _fingerprint(rule: str, run: str, tag: str) -> str:
    """Stable over changes of value and step: rule, run and tag."""
    return hashlib.sha256("\0".join((rule, run, tag)).encode("utf-8", "surrogatepass")).hexdigest()[:16]

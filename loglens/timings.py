"""Where the time of an analysis goes: by stage and by rule, for `-v`."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from loglens.rule import Rule

T = TypeVar("T")
SHOWN = 0.01  # share of the time of judging from which on a rule has a line of its own


def timed(rules: Iterable[Rule], spent: Callable[[str, float], None] | None) -> Iterable[Rule]:
    """The rules; `spent` is told how long whoever takes them was busy with each."""
    return rules if spent is None else _timed(rules, spent)


def _timed(rules: Iterable[Rule], spent: Callable[[str, float], None]) -> Iterator[Rule]:
    for rule in rules:
        begin = perf_counter()
        yield rule
        spent(rule.id, perf_counter() - begin)


class Clock:
    """Seconds by stage and by rule; stages end where the next one begins."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.rules: dict[str, float] = {}
        self._begin = perf_counter()

    def rule(self, name: str, seconds: float) -> None:
        """Add to the time of a rule."""
        self.rules[name] = self.rules.get(name, 0.0) + seconds

    def lap(self, stage: str) -> None:
        """Count the time since the last call for `stage`."""
        now = perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._begin
        self._begin = now

    def during(self, stage: str, items: Iterable[T], then: str) -> Iterator[T]:
        """The items; making them counts for `stage`, what is done with them for `then`."""
        for item in items:
            self.lap(stage)
            yield item
            self.lap(then)
        self.lap(stage)

    def lines(self) -> list[str]:
        """What to tell people, slow rules first."""
        stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in self.stages.items())
        judging = sum(self.rules.values())
        ranked = sorted(self.rules.items(), key=lambda entry: (-entry[1], entry[0]))
        slow = [(name, seconds) for name, seconds in ranked if seconds >= SHOWN * judging]
        rest = judging - sum(seconds for _, seconds in slow)
        if len(slow) < len(ranked):
            slow.append((f"the other {len(ranked) - len(slow)}", rest))
        head = [f"rules {judging:.2f} s; what several rules need counts for the first of them:"] if slow else []
        return [f"time: {stages}", *head, *(f"  {name} {seconds:.3f} s" for name, seconds in slow)]

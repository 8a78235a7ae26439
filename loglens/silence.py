"""Why a rule did not say what a case expects: which part of its conditions failed, and on what values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.engine import least_points
from loglens.kernels import points as point_kernels
from loglens.numbers import human
from loglens.spelling import spell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.evaluate import Scope
    from loglens.expr import Node
    from loglens.kernels.values import PointsArg
    from loglens.rule import Rule, Variant

COMPARED = frozenset(("<", "<=", ">", ">=", "==", "!="))


@dataclass
class Witness:
    """Keeps what the engine worked with, the last time it asked a rule."""

    scope: Scope | None = None
    judged: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def __call__(self, scope: Scope, judged: np.ndarray) -> None:
        """Take the names of a rule over its candidates, and which of these it judges."""
        self.scope, self.judged = scope, judged

    def reasons(self, rule: Rule) -> tuple[str, ...]:
        """Lines: what failed in each variant for the first candidate, and the values of the lets."""
        if self.scope is None or not self.judged.any():
            return ()
        place = int(np.flatnonzero(self.judged)[0])
        view = _View(self.scope, place)
        told = [f"{_named(v)}{why}" for v in rule.variants for why in _why(v, view)]
        lets = view.lets()
        if self.scope.size > 1:
            lets = f"the first of {self.scope.size} candidates: {lets}".rstrip(": ")
        return (*told, lets) if lets else tuple(told)


def _named(variant: Variant) -> str:
    return f"variant '{variant.name}': " if variant.name else ""


@dataclass(frozen=True, eq=False)
class _View:
    """The values of expressions at one candidate."""

    scope: Scope
    place: int

    def number(self, node: Node) -> str:
        """A value for people."""
        return _written(self.value(node))

    def value(self, node: Node) -> Any:
        """The value of an expression that has one for a run."""
        return self.scope.value(node)[self.place]

    def held(self, node: Node) -> tuple[int, int, int]:
        """How many points there are, at how many a condition holds, and how many of these on end."""
        arg: PointsArg = self.scope.value(node)
        begin, count = int(arg.layout.start[self.place]), int(arg.layout.count[self.place])
        return count, int(arg.value[begin : begin + count].sum()), int(point_kernels.longest(arg)[self.place])

    def lets(self) -> str:
        """The lets with their values, in the order in which they are written."""
        return ", ".join(f"{name} {self._let(node)}" for name, node in self.scope.rule.lets if self._shown(node))

    def _shown(self, node: Node) -> bool:
        return node.type.dtype != "text" and (node.type.shape == "run" or node.type.dtype == "flag")

    def _let(self, node: Node) -> str:
        if node.type.shape == "run":
            return f"= {self.number(node)}"
        if node.type.shape != "points":
            return f"= {spell(node)}"
        count, number, _ = self.held(node)
        return f"holds at {number:,} of {count:,} points"


def _written(value: Any) -> str:
    return str(bool(value)).lower() if isinstance(value, (bool, np.bool_)) else human(float(value))


def _why(variant: Variant, view: _View) -> Iterator[str]:
    """Why a variant is silent, or less severe than it could be."""
    if variant.when.type.shape == "points":
        arg: PointsArg = view.scope.value(variant.when)
        least = int(least_points(arg, variant.hold)[view.place])
        if view.held(variant.when)[2] < least:
            yield from _pointwise(variant.when, view, least)
            return
    elif not view.value(variant.when):
        yield from (f"'when': {part}" for part in _false(variant.when, view))
        return
    for severity, node in variant.severity:
        if node is None or view.value(node):
            return
        yield from (f"'{severity}': {part}" for part in _false(node, view))


def _pointwise(node: Node, view: _View, least: int) -> Iterator[str]:
    parts = node.args if node.op == "and" else (node,)
    for part in parts:
        if part.type.shape == "run":
            yield from () if view.value(part) else (f"'when': {why}" for why in _false(part, view))
        else:
            count, number, longest = view.held(part)
            yield f"'when': `{spell(part)}` holds at {number:,} of {count:,} points, {longest:,} on end at most"
    yield (
        f"'for' asks for {least:,} on end"
        if len(parts) == 1
        else (f"together they hold at {view.held(node)[2]:,} on end at most; 'for' asks for {least:,}")
    )


def _false(node: Node, view: _View) -> Iterator[str]:
    """The parts of a condition that make it false, with the values that they compare."""
    if node.op in ("and", "or"):
        for part in node.args:
            if not view.value(part):
                yield from _false(part, view)
                if node.op == "and" and part.value == "has":  # what follows asks of a series that is not there
                    break
    elif node.op == "name" and str(node.value) in view.scope.lets:
        told = list(_false(view.scope.lets[str(node.value)], view))
        yield f"`{node.value}` is false: {'; '.join(told)}"
    elif node.op in COMPARED:
        left, right = (view.number(arg) for arg in node.args)
        if left == right:  # they differ beyond three digits
            left, right = (f"{view.value(arg):.9g}" for arg in node.args)
        yield f"`{spell(node)}` is false: {left} {node.op} {right}"
    else:
        yield f"`{spell(node)}` is false"

"""Evaluates checked expressions over all candidates of a rule at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.expr import FLAG, Node
from loglens.kernels import ACROSS, ELEMENTWISE, KERNELS
from loglens.kernels.values import BlocksArg, PointsArg, SeriesArg

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from loglens.kernels import Kernel
    from loglens.rule import Rule
    from loglens.series import SeriesSet


def _differ(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`!=` that is false, like every other comparison, where a value is missing."""
    return (a != b) & ~np.isnan(a) & ~np.isnan(b)


def _over_points(function: Callable[..., np.ndarray], args: list[Any], count: np.ndarray) -> np.ndarray:
    """A function of points and of numbers of runs, point by point; runs of equal length need no repeating."""
    if len(count) and count[0] > 0 and np.all(count == count[0]):
        rows = [arg.value.reshape(len(count), -1) if isinstance(arg, PointsArg) else arg[:, None] for arg in args]
        return function(*rows).ravel()
    return function(*(arg.value if isinstance(arg, PointsArg) else _repeated(arg, count) for arg in args))


def _repeated(per_run: np.ndarray, count: np.ndarray) -> np.ndarray:
    """One value a run over its points; a number that all runs share stands for itself."""
    shared = len(per_run) > 0 and bool(np.all(per_run == per_run[0]))
    return per_run[0] if shared else np.repeat(per_run, count)


def _choose(test: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(test, yes, no)


OPERATORS: dict[str, Callable[..., np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "neg": np.negative,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": _differ,
    "and": lambda *parts: np.logical_and.reduce(parts),
    "or": lambda *parts: np.logical_or.reduce(parts),
    "not": np.logical_not,
    "if": _choose,
}


class Scope:
    """The names of one rule over its candidates. Results are shared between rules through `cache`.

    What only some candidates need is worked out for those: `and` and `or` go from left to right and ask each part of
    the candidates that are still undecided, `if` asks each side of its own.
    """

    def __init__(
        self,
        rule: Rule,
        series: SeriesSet,
        run: np.ndarray,
        index: Mapping[str, np.ndarray],
        cache: dict[Hashable, Any],
        kernels: Mapping[str, Kernel] = KERNELS,
    ) -> None:
        self.rule, self.series, self.run, self.size = rule, series, run, len(run)
        self.index, self.cache, self.kernels = index, cache, kernels
        self.lets = dict(rule.lets)
        self.constants = {p.name: rule.parameter(p.name) for p in rule.parameters}
        self.whole: tuple[Scope, np.ndarray] | None = None  # where this is a part: of what, and which candidates
        self.fact_key = cache.setdefault(("runs", run.tobytes()), len(cache))
        self.args: dict[str, SeriesArg] = {}
        self.digest: dict[str, Hashable] = {}
        for name, numbers in index.items():
            key = numbers.tobytes()
            self.args[name] = cache.setdefault(("arg", key), SeriesArg(series, numbers))
            self.digest[name] = cache.setdefault(("digest", key), len(cache))
        self.keys: dict[int, tuple[Node, Hashable]] = {}  # by id, which is the node's as long as it is kept here
        self.parts: dict[bytes, Scope] = {}
        self.wide: dict[Hashable, Any] = {}

    def where(self, held: np.ndarray) -> Scope:
        """The same names over the candidates where `held`."""
        if held.all():
            return self
        key = held.tobytes()
        if key not in self.parts:
            index = {name: numbers[held] for name, numbers in self.index.items()}
            part = Scope(self.rule, self.series, self.run[held], index, self.cache, self.kernels)
            whole, chosen = self.whole or (self, np.arange(self.size))
            part.whole = whole, chosen[held]
            self.parts[key] = part
        return self.parts[key]

    def fact(self, name: str) -> np.ndarray:
        """What is known of the run of each candidate; NaN where nothing is."""
        values = self.series.facts.get(name, ())
        return values[self.run] if len(values) else np.full(self.size, np.nan)

    def key(self, node: Node) -> Hashable:
        """What `node` means, whatever the names in it are called."""
        known = self.keys.get(id(node))
        if known is None:
            known = self.keys[id(node)] = node, self.cache.setdefault(("key", self._shape(node)), len(self.cache))
        return known[1]

    def _shape(self, node: Node) -> Hashable:
        if node.op == "const":
            return ("const", float(node.value), node.type.dtype, self.size)
        if node.op == "name":
            name = str(node.value)
            if name in self.lets:
                return ("let", self.key(self.lets[name]))
            if name in self.constants:
                return ("const", self.constants[name], "number", self.size)
            return ("series", self.digest[name]) if name in self.digest else ("fact", name, self.fact_key)
        if node.value in ACROSS:
            if self.whole is not None:
                return ("of", self.whole[0].key(node), self.whole[1].tobytes())
            return (node.value, self.fact_key, *(self.key(arg) for arg in node.args))
        return (node.op, node.value if node.op == "call" else "", *(self.key(arg) for arg in node.args))

    def value(self, node: Node) -> Any:
        """A (candidates,) array, or the argument object of a series, points or blocks."""
        if node.op == "name":
            name = str(node.value)
            if name in self.lets:
                return self.value(self.lets[name])
            if name in self.args:
                return self.args[name]
            if name in self.constants:
                return np.full(self.size, self.constants[name])
            return self.fact(name)
        if node.op == "const":
            return np.full(self.size, node.value)
        # numbers are shared with the other rules, points are many and forgotten with this one
        cache = self.cache if node.type.shape == "run" else self.wide
        key = ("value", self.key(node))
        if key not in cache:
            with np.errstate(all="ignore"):
                cache[key] = self._compute(node)
        return cache[key]

    def _compute(self, node: Node) -> Any:
        if node.op in ("and", "or") and node.type.shape == "run":
            return self._decided(node)
        if node.op == "and" and node.type.shape == "points":
            return self._narrowed(node)
        if node.op == "if" and node.type.shape == "run" and node.type.dtype != "text":
            return self._chosen(*node.args)
        if node.value in ACROSS and self.whole is not None:
            whole, mine = self.whole
            return whole.value(node)[mine]
        args = [self.value(arg) for arg in node.args]
        if node.op != "call":
            return self._elementwise(OPERATORS[node.op], args, node)
        if node.value in ELEMENTWISE:
            return self._elementwise(ELEMENTWISE[str(node.value)].function, args, node)
        if node.value in ACROSS:
            return ACROSS[str(node.value)].function(*args, self.run)
        kernel = self.kernels[str(node.value)]
        wanted = kernel.signature.params
        fitted = [
            arg.points if want.startswith("points") and isinstance(arg, SeriesArg) else arg
            for want, arg in zip(wanted, args, strict=True)
        ]
        return kernel.function(*fitted)

    def _decided(self, node: Node) -> np.ndarray:
        """`and` and `or` of conditions of runs."""
        decisive = node.op == "or"
        found = np.full(self.size, not decisive)
        for part in node.args:
            found = self._on(found != decisive, part, found).astype(bool)
        return found

    def _narrowed(self, node: Node) -> PointsArg:
        """`and` of conditions of points: each is worked out for the runs where the ones before it hold somewhere."""
        parts = sorted(node.args, key=lambda part: part.type.shape != "run")  # those of runs first
        of_runs = [part for part in parts if part.type.shape == "run"]
        alive = self._decided(Node("and", "and", tuple(of_runs), FLAG, node.at))
        first: PointsArg = self.value(parts[len(of_runs)])
        held = PointsArg(first.layout, first.value if alive.all() else first.value & first.spread(alive))
        for part in parts[len(of_runs) + 1 :]:
            alive = held.somewhere
            if not alive.any():
                break
            scope = self if 2 * np.count_nonzero(alive) > self.size else self.where(alive)
            held = held.narrowed(alive if scope is not self else np.ones(self.size, bool), scope.value(part))
        return held

    def _chosen(self, test: Node, yes: Node, no: Node) -> np.ndarray:
        chosen = self.value(test)
        found = self._on(chosen, yes, np.full(self.size, np.nan if yes.type.dtype == "number" else False))
        return self._on(~chosen, no, found)

    def _on(self, asked: np.ndarray, node: Node, otherwise: np.ndarray) -> np.ndarray:
        """The value of `node` for the candidates that are asked, `otherwise` for the rest."""
        if not asked.any():
            return otherwise
        if 2 * np.count_nonzero(asked) > self.size:  # what is worked out for all is shared with other rules
            return np.where(asked, self.value(node), otherwise)
        found = otherwise.copy()
        found[asked] = self.where(asked).value(node)
        return found

    def _elementwise(self, function: Callable[..., np.ndarray], args: list[Any], node: Node) -> Any:
        if node.type.shape == "run":
            return function(*args)
        args = [arg.points if isinstance(arg, SeriesArg) else arg for arg in args]
        if node.type.shape == "points":
            like = next(arg for arg in args if isinstance(arg, PointsArg))
            return PointsArg(like.layout, _over_points(function, args, like.layout.count))
        of = next(arg.of for arg in args if isinstance(arg, BlocksArg))
        rows = [arg.value if isinstance(arg, BlocksArg) else arg[:, None] for arg in args]
        return BlocksArg(of, function(*np.broadcast_arrays(*rows)))

"""Evaluates checked expressions over all candidates of a rule at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.kernels import ACROSS, ELEMENTWISE, KERNELS
from loglens.kernels.values import BlocksArg, PointsArg, SeriesArg

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from loglens.expr import Node
    from loglens.kernels import Kernel
    from loglens.rule import Rule
    from loglens.series import SeriesSet


def _differ(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`!=` that is false, like every other comparison, where a value is missing."""
    return (a != b) & ~np.isnan(a) & ~np.isnan(b)


def _of_runs(values: np.ndarray, run: np.ndarray) -> np.ndarray:
    return values[run] if len(values) else np.full(len(run), np.nan)


def _over(per_run: np.ndarray, layout: PointsArg) -> np.ndarray:
    """One value a run over its points; a number that all runs share stands for itself."""
    shared = len(per_run) > 0 and bool(np.all(per_run == per_run[0]))
    return per_run[0] if shared else layout.spread(per_run)


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
    "not": np.logical_not,
    "if": _choose,
}


class Scope:
    """The names of one rule over its candidates. Results are shared between rules through `cache`."""

    def __init__(
        self,
        rule: Rule,
        series: SeriesSet,
        run: np.ndarray,
        index: Mapping[str, np.ndarray],
        cache: dict[Hashable, Any],
        kernels: Mapping[str, Kernel] = KERNELS,
    ) -> None:
        self.run, self.size = run, len(run)
        self.cache, self.kernels = cache, kernels
        self.lets = dict(rule.lets)
        self.constants = {p.name: rule.parameter(p.name) for p in rule.parameters}
        self.facts = {name: _of_runs(values, run) for name, values in series.facts.items()}
        self.fact_key = cache.setdefault(("runs", run.tobytes()), len(cache))
        self.args: dict[str, SeriesArg] = {}
        self.digest: dict[str, Hashable] = {}
        for name, numbers in index.items():
            key = numbers.tobytes()
            self.args[name] = cache.setdefault(("arg", key), SeriesArg(series, numbers))
            self.digest[name] = cache.setdefault(("digest", key), len(cache))
        self.keys: dict[int, tuple[Node, Hashable]] = {}  # by id, which is the node's as long as it is kept here

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
            return self.facts.get(name, np.full(self.size, np.nan))
        if node.op == "const":
            return np.full(self.size, node.value)
        key = ("value", self.key(node))
        if key not in self.cache:
            with np.errstate(all="ignore"):
                self.cache[key] = self._compute(node)
        return self.cache[key]

    def _compute(self, node: Node) -> Any:
        args = [self.value(arg) for arg in node.args]
        if node.op in ("and", "or"):
            join = np.logical_and if node.op == "and" else np.logical_or
            return self._elementwise(lambda *parts: join.reduce(parts), args, node)
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

    def _elementwise(self, function: Callable[..., np.ndarray], args: list[Any], node: Node) -> Any:
        if node.type.shape == "run":
            return function(*args)
        args = [arg.points if isinstance(arg, SeriesArg) else arg for arg in args]
        if node.type.shape == "points":
            layout = next(arg for arg in args if isinstance(arg, PointsArg))
            flat = [arg.value if isinstance(arg, PointsArg) else _over(arg, layout) for arg in args]
            return PointsArg(layout.layout, function(*flat))
        like = next(arg for arg in args if isinstance(arg, BlocksArg))
        rows = [arg.value if isinstance(arg, BlocksArg) else arg[:, None] for arg in args]
        return BlocksArg(like.of, function(*np.broadcast_arrays(*rows)))

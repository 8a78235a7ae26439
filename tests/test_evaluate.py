"""Expressions over many runs at once give what Python gives for each run alone."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from batches import batch, batches
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.evaluate import Scope
from loglens.expr import NUMBER, Node, Type, parse
from loglens.kernels import signatures
from loglens.kernels.values import BlocksArg, PointsArg
from loglens.rulefile import read_rule

KERNELS = signatures()
NUMBERS = (0.0, 1.0, -2.0, 3.5, 1e-12, 1e300, math.nan, math.inf)
numeric = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["a", "b", "1", "2.5", "0", "1e300"]),
        st.tuples(numeric, st.sampled_from(["+", "-", "*", "/"]), numeric).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        numeric.map(lambda x: f"(-{x})"),
        st.tuples(numeric, flags, numeric).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        numeric.map(lambda x: f"abs({x})"),
    )
)
flags = st.deferred(
    lambda: st.one_of(
        st.tuples(numeric, st.sampled_from(["<", "<=", ">", ">=", "=="]), numeric).map(lambda p: f"({' '.join(p)})"),
        st.tuples(numeric, numeric, numeric).map(lambda p: f"({p[0]} < {p[1]} < {p[2]})"),
        st.tuples(flags, st.sampled_from(["and", "or"]), flags).map(lambda p: f"({' '.join(p)})"),
        flags.map(lambda x: f"(not {x})"),
    )
)
RULE = """\
id: toy
title: A toy
needs: {loss: train/loss, norm: {role: grad_norm, optional: true}}
parameters: {limit: {default: 3, about: a limit}}
let:
  last: last_value(loss)
  twice: 2 * last
  rows: blocks(loss) + last
  flag: last > limit
  points: loss > last
  fits: at(norm, loss) > loss
when: has(norm) and flag and share(points) > 0 and number(fits) > 0 and trailing_blocks(rows > 1) > 0
onset: twice
severity: warning
message: "{loss}"
why: To test.
remedies: [none]
cases:
  - {name: a, series: {train/loss: 1}, expect: warning}
  - {name: b, series: {train/loss: 1}, expect: none}
"""


WIDE = (
    "last > 1 and best(loss) < 3",
    "last > 1 or has(norm) and maximum(norm) > 1",
    "best(loss) if last > 1 else tail(loss)",
    "(tail(loss) > 0) if has(norm) else (head(loss) > 0)",
    "loss > 1 and last > 1 and at(norm, loss) > 0.5 and lag(loss, 1) < loss",
    "number(loss > 1 and loss < 3 * last and has(norm)) > 1",
    "run_max(last) if last > 1 else run_min(last)",
)


def scope(runs: list[dict[str, Any]], facts: dict[str, list[float]] | None = None) -> Scope:
    return scope_of(batch(runs, facts))


def scope_of(series: Any) -> Scope:
    rule, mistakes = read_rule(RULE, "toy.yaml", KERNELS)
    assert rule is not None, mistakes
    runs = series.runs
    by = [series.by_run.get(i, {}) for i in range(len(runs))]
    index = {
        need: np.array([found.get(role, [-1])[0] for found in by], np.int64)
        for need, role in (("loss", "train/loss"), ("norm", "grad_norm"))
    }
    return Scope(rule, series, np.arange(len(runs)), index, {})


def node(source: str) -> Node:
    names = {"loss": Type("series", "number", "loss"), "norm": Type("series", "number", "norm")}
    names |= dict.fromkeys(("last", "twice", "limit", "a", "b", "records"), NUMBER)
    found = parse(source, names, KERNELS)
    assert isinstance(found, Node), found
    return found


@settings(max_examples=60)
@given(numeric | flags, st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)), max_size=3))
def test_numbers_and_conditions_as_in_python(source: str, runs: list[tuple[float, float]]) -> None:
    if isinstance(parse(source, {"a": NUMBER, "b": NUMBER}, KERNELS), Node):  # not nested too deep
        facts = {"a": [a for a, _ in runs], "b": [b for _, b in runs]}
        got = scope([{"train/loss": [1.0]}] * len(runs), facts).value(node(source))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = [{"a": np.float64(a), "b": np.float64(b), "abs": np.abs} for a, b in runs]
            code = _with_floats(source)
            want = [eval(code, {"f": np.float64}, own) for own in names]
        np.testing.assert_array_equal(got, np.array(want).reshape(np.shape(got)))


def _with_floats(source: str) -> str:
    """Constants as NumPy's, so that a division by zero gives what it gives in arrays."""
    for constant in ("1e300", "2.5", "0", "1", "2"):
        source = source.replace(f"({constant} ", f"(f({constant}) ").replace(f" {constant})", f" f({constant}))")
        source = source.replace(f"(-{constant})", f"(-f({constant}))").replace(f"({constant})", f"(f({constant}))")
        source = source.replace(f" {constant} ", f" f({constant}) ")
        source = f"f({constant})" if source == constant else source
    return source


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("last", [3.0, 5.0]),
        ("twice", [6.0, 10.0]),
        ("limit + 1", [4.0, 4.0]),
        ("last != limit", [False, True]),
        ("last_value(norm)", [math.nan, 7.0]),
        ("last_value(norm) != 3", [False, True]),  # a missing value is neither equal nor different
        ("last_value(norm) == 3 or last_value(norm) > 3 or last_value(norm) < 3", [False, True]),
        ("has(norm)", [False, True]),
        ("max(last_value(norm), 1)", [1.0, 7.0]),  # a missing value does not count
        ("min(4, last, 9)", [3.0, 4.0]),
        ("2 ** 1000 ** 2", [math.inf, math.inf]),
        ("log(-1)", [math.nan, math.nan]),
        ("1 / 0", [math.inf, math.inf]),
        ("records", [math.nan, math.nan]),
    ],
)
def test_values(source: str, want: list[float]) -> None:
    got = scope([{"train/loss": [1, 3]}, {"train/loss": [4, 5], "grad_norm": [7]}]).value(node(source))
    np.testing.assert_array_equal(got, want)


def test_points_and_blocks_keep_to_their_series() -> None:
    found = scope([{"train/loss": [1, 5, 3]}, {"train/loss": [4, 5], "grad_norm": [9, 1]}])
    points = found.value(node("loss > last"))
    assert isinstance(points, PointsArg)
    assert points.value.tolist() == [False, True, False, False, False]
    assert found.value(node("at(norm, loss) > loss")).value.tolist() == [False, False, False, True, False]
    blocks = found.value(node("blocks(loss) + last"))
    assert isinstance(blocks, BlocksArg)
    np.testing.assert_allclose(blocks.value[0, :3], np.log([1, 5, 3]) + 3)
    np.testing.assert_allclose(found.value(node("(loss if last > 4 else -loss)")).value, [-1, -5, -3, 4, 5])


def test_what_is_the_same_is_computed_once() -> None:
    found = scope([{"train/loss": [1, 3]}])
    assert found.value(node("head(loss) + 1")) is found.value(node("head(loss)  +  1"))
    assert found.value(node("head(loss) + 1")) is not found.value(node("head(loss) + 2"))


def test_no_runs() -> None:
    found = scope([])
    for source in ("last + 1", "has(norm) and last > 2", "share(loss > last)", "limit"):
        assert found.value(node(source)).shape == (0,)


def test_only_undecided_runs_are_asked() -> None:
    runs = [{"train/loss": [1.0, i]} for i in range(5)]
    found = scope(runs)
    asked: list[int] = []
    value = found.value

    def spy(self: Scope, one: Node) -> Any:
        asked.append(self.size)
        return value(one) if self is found else kept(self, one)

    kept = Scope.value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scope, "value", spy)
        got = found.value(node("last > 3 and minimum(loss) < 9"))
    assert got.tolist() == [False, False, False, False, True]
    assert min(asked) == 1, "the second half is asked of one run only"


@settings(max_examples=60)
@given(batches(("train/loss", "grad_norm"), max_runs=5), st.sampled_from(WIDE))
def test_lazily_as_if_all_were_worked_out(series: Any, source: str) -> None:
    """Each run alone leaves nothing to skip over."""
    whole = scope_of(series).value(node(source))
    for run in range(len(series.runs)):
        one = scope_of(series).where(np.arange(len(series.runs)) == run).value(node(source))
        if isinstance(whole, PointsArg):
            first = whole.layout.start[run]
            np.testing.assert_array_equal(one.value, whole.value[first : first + whole.layout.count[run]])
        else:
            np.testing.assert_array_equal(one, whole[run : run + 1])

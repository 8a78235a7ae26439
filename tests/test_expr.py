"""The expression language: what it accepts, of what type, and that nothing else gets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.expr import FLAG, NUMBER, ExprError, Node, Signature, Type, contradicts, parse
from loglens.hints import INSTEAD, ROLE_WORDS
from loglens.kernels import signatures
from loglens.roles import known_roles

KERNELS = signatures()
NAMES = {
    "loss": Type("series", "number", "loss"),
    "norm": Type("series", "number", "norm"),
    "high": Type("points", "flag", "loss"),
    "a": NUMBER,
    "b": NUMBER,
    "yes": FLAG,
}


def good(source: str) -> Node:
    node = parse(source, NAMES, KERNELS)
    assert isinstance(node, Node), node
    return node


@pytest.mark.parametrize(
    ("source", "shape", "dtype", "of"),
    [
        ("1", "run", "number", ""),
        ("1e-12", "run", "number", ""),
        ("True", "run", "flag", ""),
        ("loss", "series", "number", "loss"),
        ("-loss", "points", "number", "loss"),
        ("loss + a", "points", "number", "loss"),
        ("loss > a", "points", "flag", "loss"),
        ("a < b <= 3", "run", "flag", ""),
        ("1 < loss < 2", "points", "flag", "loss"),
        ("yes and not a > b", "run", "flag", ""),
        ("yes and loss > 1", "points", "flag", "loss"),
        ("a if yes else b", "run", "number", ""),
        ("loss if yes else 0", "points", "number", "loss"),
        ("blocks(loss) < a", "blocks", "flag", "loss"),
        ("records(loss)", "points", "number", "loss.records"),
        ("nonfinite(records(loss))", "points", "flag", "loss.records"),
        ("nonfinite(loss)", "points", "flag", "loss"),
        ("at(norm, loss)", "points", "number", "loss"),
        ("at(norm, loss) > loss", "points", "flag", "loss"),
        ("share(loss > a)", "run", "number", ""),
        ("max(a, b, 3)", "run", "number", ""),
        ("max(loss, a)", "points", "number", "loss"),
        ("abs(loss) ** 0.5 / 2", "points", "number", "loss"),
        ("has(norm)", "run", "flag", ""),
        ("  (a\n  + b)  ", "run", "number", ""),
    ],
)
def test_types(source: str, shape: str, dtype: str, of: str) -> None:
    assert good(source).type == Type(shape, dtype, of)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "at", "word"),
    [
        ("a + nope", 4, "nope"),
        ("  a + nope", 6, "nope"),
        ("a +\n  nope", 6, "nope"),
        ("max(a, nope)", 7, "nope"),
        ("loss.mean", 4, ".mean"),
        ("a is b", 2, "is"),
        ("(a) is not b", 4, "is not"),
        ("a // b", 2, "//"),
        ("(a) % b", 4, "%"),
        ("a & b", 2, "and"),
        ("share(yes)", 6, "a condition for each point"),
        ("delta(loss, high)", 12, "a condition"),
        ("a + yes", 4, "a condition"),
        ("not a", 4, "a number"),
        ("a × b", 2, "write *"),
        ("a if b else 1", 5, "a condition"),
        ("f(a)", 0, "unknown kernel 'f'"),
        ("a b", 2, "b"),
        ("", 0, "ends too early"),
        ("   ", 0, "ends too early"),
        ("a +", 3, "ends too early"),
        ("1e400", 0, "too large"),
        ("a; b", 1, "; b"),
        ("a\x00b", 1, "'\\x00'"),
    ],
)
def test_mistakes_are_told_at_the_word(source: str, at: int, word: str) -> None:
    error = parse(source, NAMES, KERNELS)
    assert isinstance(error, ExprError)
    assert (error.at, word in error.message) == (at, True), error


@given(st.text(max_size=60) | st.text(alphabet="abloshigyen().,+-*/<>=!&|^%~@:;'\"[]{}0123456789 e_\n", max_size=60))
def test_any_text_gives_a_node_or_a_mistake_inside_it(source: str) -> None:
    found = parse(source, NAMES, KERNELS)
    if isinstance(found, ExprError):
        assert 0 <= found.at <= len(source)
        assert found.message


@pytest.mark.parametrize("name", ["__import__", "eval", "open", "loss.__class__", "().__class__", "globals"])
def test_nothing_of_python_is_reachable(name: str) -> None:
    assert isinstance(parse(f"{name}(a)", NAMES, KERNELS), ExprError)
    assert isinstance(parse(name, NAMES, KERNELS), ExprError)


def test_where_something_stands_does_not_matter_for_equality() -> None:
    assert good("a  >  1") == good("a > 1")
    assert good("a > 1") != good("a > 2")


@pytest.mark.parametrize(
    ("source", "never"),
    [
        ("a > 3 and a < 2", True),
        ("a > 3 and 2 > a", True),
        ("a > 3 and yes and a <= 1", True),
        ("a > 3 > 4 and yes", False),
        ("a > 2 and a < 3", False),
        ("a > 3 and b < 2", False),
        ("a > 3 or a < 2", False),
        ("yes and not yes", True),
        ("yes and not a > 2", False),
        ("share(high) > 0.5 and share(high) < 0.1", True),
    ],
)
def test_contradictions(source: str, never: bool) -> None:
    assert contradicts(good(source)) is never


def test_names_are_given_in_order_with_repeats() -> None:
    assert list(good("a + max(b, a) * last_value(loss)").names()) == ["a", "b", "a", "loss"]


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("series -> number", Signature(("series",), (None,), "number")),
        ("series, number=3 -> points flag", Signature(("series", "number"), (None, 3.0), "points flag")),
        ("numbers, numbers* -> same", Signature(("numbers", "numbers"), (None, 0.0), "same", True)),
    ],
)
def test_signatures(text: str, signature: Signature) -> None:
    assert Signature.parse(text) == signature


def test_points_that_a_kernel_takes_side_by_side_lie_on_the_same_steps() -> None:
    table = {"f": Signature.parse("points number, points flag -> number")}
    assert isinstance(parse("f(loss, high)", NAMES, table), Node)
    error = parse("f(norm, high)", NAMES, table)
    assert isinstance(error, ExprError)
    assert "do not lie on the same steps" in error.message


def test_a_signature_without_a_result_is_refused() -> None:
    with pytest.raises(ValueError, match="without '->'"):
        Signature.parse("series, number")


def test_defaults_are_filled_in() -> None:
    table = {"f": Signature.parse("series, number=3 -> number")}
    node = parse("f(loss)", NAMES, table)
    assert isinstance(node, Node)
    assert [arg.value for arg in node.args] == ["loss", 3.0]


@pytest.mark.parametrize(
    ("source", "at", "hint"),
    [
        ("a > 1 && b > 2", 6, "'&&' (write 'and')"),
        ("yes || yes", 4, "'||' (write 'or')"),
        ("yes AND yes", 4, "'AND' (write 'and')"),
        ("!yes", 0, "'!' (write 'not')"),
        ("a => 3", 2, "'=>' (write '>=')"),
        ("a = 3", 2, "'=' (write '==')"),
        ("yes ? a : b", 4, "'?' (write 'a if condition else b')"),
        ("a > 5 %", 4, "'5 %' is not part of the rule language; write 0.05"),
        ("(a - b > 1", 0, "'(' is never closed"),
        ("yes and tail(loss", 12, "'(' is never closed"),
        ("a - b) > 1", 5, "')' closes nothing"),
        ("true", 0, "write True"),
        ("last(loss)", 0, "write last_value(…)"),
        ("std(loss)", 0, "write deviation(…)"),
        ("any(high)", 0, "write number(…) > 0"),
    ],
)
def test_habits_from_elsewhere_are_put_right(source: str, at: int, hint: str) -> None:
    error = parse(source, NAMES, KERNELS)
    assert isinstance(error, ExprError)
    assert error.at == at
    assert hint in error.message


def test_hints_name_kernels_that_exist() -> None:
    named = [word for text in INSTEAD.values() for word in re.findall(r"(\w+)\(…\)", text)]
    assert len(named) >= 20
    assert set(named) <= KERNELS.keys()
    assert not INSTEAD.keys() & KERNELS.keys()


def test_role_hints_name_roles_that_exist() -> None:
    assert set(ROLE_WORDS.values()) <= set(known_roles())


@given(st.text("ab()[]&|!=<>?% 5+", max_size=12))
def test_what_cannot_be_parsed_is_told_within_the_text(source: str) -> None:
    error = parse(source, NAMES, KERNELS)
    assert isinstance(error, Node) or (0 <= error.at <= len(source) and error.message)

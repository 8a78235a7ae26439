"""Expressions written out read back as the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.expr import FLAG, NUMBER, Node, parse
from loglens.kernels import signatures
from loglens.spelling import spell

NAMES = {"a": NUMBER, "b": NUMBER, "yes": FLAG}
KERNELS = signatures()
NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "2", "0.5", "1e-9"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
        st.tuples(inner, inner).map("({0[0]}) ** ({0[1]})".format),
        st.tuples(inner, inner, inner).map("({0[0]}) if ({0[1]}) < ({0[2]}) else a".format),
        inner.map("-({})".format),
        inner.map("abs({})".format),
    ),
    max_leaves=8,
)
CONDITIONS = st.recursive(
    st.tuples(NUMBERS, st.sampled_from(["<", "<=", "==", "!="]), NUMBERS).map("({0[0]}) {0[1]} ({0[2]})".format),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
        inner.map("not ({})".format),
    ),
    max_leaves=4,
)


@given(st.one_of(NUMBERS, CONDITIONS))
def test_what_is_written_reads_back(source: str) -> None:
    node = parse(source, NAMES, KERNELS)
    assert isinstance(node, Node)
    assert parse(spell(node), NAMES, KERNELS) == node


@pytest.mark.parametrize(
    "source", ["a - (b - 1)", "a - b - 1", "(-a) ** 2", "not yes or a > 0.25", "(a if yes else b) + 1"]
)
def test_no_bracket_too_many(source: str) -> None:
    node = parse(source, NAMES, KERNELS)
    assert isinstance(node, Node)
    assert spell(node) == source

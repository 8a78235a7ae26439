"""Writes a checked expression as people would write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loglens.expr import Node

_RANK = {"if": 0, "or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7, "**": 8}
_COMPARED = 4
_ATOM = 9


def spell(node: Node) -> str:
    """The text of an expression; `parse` reads it back as an equal one."""
    if node.op == "const":
        whole = isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 1e15
        return str(int(node.value) if whole else node.value)
    if node.op == "name":
        return str(node.value)
    if node.op == "call":
        return f"{node.value}({', '.join(map(spell, node.args))})"
    if node.op in ("not", "neg"):
        return f"{'not ' if node.op == 'not' else '-'}{_within(node.args[0], _rank(node))}"
    if node.op == "if":
        test, yes, no = (_within(arg, 1) for arg in node.args)
        return f"{yes} if {test} else {no}"
    # operators bind from left to right but for **; comparisons, `and` and `or` take any number of sides in Python
    rank, both = _rank(node), node.op in ("and", "or", "**") or _rank(node) == _COMPARED
    left, *others = node.args
    first = _within(left, rank + both)
    rest = [_within(arg, rank + (node.op != "**")) for arg in others]
    return f" {node.op} ".join([first, *rest])


def _rank(node: Node) -> int:
    if node.op in ("const", "name", "call"):
        return _ATOM
    return _RANK.get(node.op, _COMPARED)


def _within(node: Node, least: int) -> str:
    text = spell(node)
    return text if _rank(node) >= least else f"({text})"

"""How mistakes in expressions are told: Python's words for things turned into those of people who write rules."""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MEANT = {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"}
NAMED = 3  # names in a sentence before the rest is counted
REDUCE = "; reduce it with share(…), longest(…), trailing(…) or step_of_first(…)"


def suggestion(word: str, known: Sequence[str]) -> str:
    """A ready-made "; did you mean …?" or nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def unreadable(rest: str) -> str:
    """What to say where Python's parser gave up; its own words differ between versions."""
    rest = rest.strip()
    if not rest:
        return "not an expression: it ends too early"
    return f"not an expression from '{rest[:20]}{'…' if len(rest) > 20 else ''}' on"


def describe(param: str) -> str:
    """A type of a signature, for people."""
    return {
        "number": "a number",
        "numbers": "a number or a series",
        "series": "a series",
        "points number": "a series or a number for each point",
        "points flag": "a condition for each point",
        "blocks number": "a number for each block",
        "blocks flag": "a condition for each block",
    }[param]


def lie(shape: str, of: str) -> str:
    """Whose points or blocks they are."""
    owner, dot, _ = of.partition(".")
    return f"the records of {owner}" if dot else f"the {shape} of {owner}"


def operator_word(op: ast.operator) -> str:
    """An operator that rules do not have, and what to write for it."""
    return {
        "FloorDiv": "'//'", "Mod": "'%'", "MatMult": "'@'", "LShift": "'<<'", "RShift": "'>>'",
        "BitAnd": "'&' (write 'and')", "BitOr": "'|' (write 'or')", "BitXor": "'^' (write '**')",
    }[type(op).__name__]  # fmt: skip


def word_of(node: ast.AST) -> str:
    """A piece of Python that rules do not have."""
    if isinstance(node, ast.Constant):
        return "a text" if isinstance(node.value, (str, bytes)) else str(node.value)
    words = {
        "Subscript": "an index ('[…]')", "Lambda": "a lambda", "List": "a list", "Tuple": "a tuple", "Dict": "a dict",
        "Set": "a set", "JoinedStr": "a text", "Starred": "'*'", "ListComp": "a comprehension",
        "SetComp": "a comprehension", "DictComp": "a comprehension", "GeneratorExp": "a comprehension", "Is": "is",
        "IsNot": "is not", "In": "in", "NotIn": "not in", "NamedExpr": "':='", "Await": "await", "Yield": "yield",
        "YieldFrom": "yield", "UnaryOp": "this sign",
    }  # fmt: skip
    return words.get(type(node).__name__, type(node).__name__)


def enumerated(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        return f"{', '.join(shown)} and {len(names) - NAMED} more"
    return listed(shown)


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`: all of them."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

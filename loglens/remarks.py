"""What looks wrong in an expression whose types are right: numbers out of range, levels taken for values of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.spelling import spell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loglens.expr import Node

# kernel and place of the argument → least and most of a whole number
WHOLE = {
    ("lag", 1): (1, 1_000_000), ("slope", 1): (2, 1000), ("held_since", 1): (1, 1_000_000),
    ("episodes", 1): (1, 1_000_000), ("restart_shift", 1): (1, 1_000_000),
}  # fmt: skip
SHARES = frozenset([
    ("recent_best", 1), ("level_from", 1), ("level_from", 2), ("level_at_share", 1), ("trend_from", 1), ("swing", 1),
    ("turns", 1), ("share_of_last", 1), ("lower_tail", 1),
])  # fmt: skip
PLACES = frozenset([
    "head", "opening", "best", "crest", "tail", "recent_best", "blocks", "reference", "middle", "level_from",
    "level_at_share", "level_before", "level_after", "low", "finish", "level_at",
])  # fmt: skip  # levels; the kernels below give distances between levels
DISTANCES = frozenset(["noise", "head_noise", "roughness", "delta", "swing", "wiggle", "restart_shift", "surprise"])
LOGGED = frozenset(["minimum", "maximum", "first_value", "last_value", "natural"])  # in the units of the log
COMPARED = frozenset(["<", "<=", ">", ">=", "==", "!="])


def out_of_range(node: Node) -> Iterator[tuple[int, str]]:
    """Constants that a kernel cannot use: (column, what is wrong)."""
    for place, arg in enumerate(node.args):
        if node.op == "call" and arg.op in ("const", "neg") and (value := _constant(arg)) is not None:
            key = str(node.value), place
            if key in WHOLE and not (WHOLE[key][0] <= value <= WHOLE[key][1] and value == int(value)):
                least, most = WHOLE[key]
                yield arg.at, f"argument {place + 1} of {node.value}() must be a whole number, {least} to {most:,}"
            if key in SHARES and not 0 <= value <= 1:
                yield arg.at, f"argument {place + 1} of {node.value}() must be a share, 0 to 1"
        yield from out_of_range(arg)


def _constant(node: Node) -> float | None:
    if node.op == "const":
        return float(node.value)
    inner = node.args[0]
    return -float(inner.value) if inner.op == "const" else None


def mixed(node: Node, kinds: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Levels beside values that are none: (column, what to write). `kinds`: of every name, see `kind_of`."""
    for arg in node.args:
        yield from mixed(arg, kinds)
    if node.op not in COMPARED and node.op not in ("-", "+", "*", "/"):
        return
    left, right = (kind_of(arg, kinds) for arg in node.args)
    if "level" not in (left, right):
        return
    level, other = node.args if left == "level" else node.args[::-1]
    kind = right if left == "level" else left
    wrong = kind == "logged" or (kind in ("number", "level") and node.op in "*/")
    if wrong or (kind == "number" and node.op in COMPARED):
        what = {"logged": "a value of the log", "number": "a number", "level": "a level"}[kind]
        yield (
            node.at,
            f"`{spell(level)}` is a level, which is a logarithm where all values are positive; here it stands beside "
            f"`{spell(other)}`, {what}: bring it back with natural(…), or compare levels by delta(…) or noise(…)",
        )


def kind_of(node: Node, kinds: Mapping[str, str]) -> str:
    """`level`, `distance` (of levels), `logged` (in the units of the log), `number`, or nothing: not known."""
    if node.op == "const":
        return "number"
    if node.op == "name":
        return kinds.get(str(node.value), "")
    if node.op == "call" and node.value in PLACES:
        return "level"
    if node.op == "call" and node.value in DISTANCES:
        return "distance"
    if node.op == "call" and node.value in LOGGED:
        return "logged"
    parts = [kind_of(arg, kinds) for arg in node.args]
    if node.op == "neg" or (node.op == "call" and node.value in ("min", "max") and len(set(parts)) == 1):
        return parts[0]
    if node.op in ("+", "-"):
        return _sum(node.op, *parts)
    if node.op in ("*", "/") and set(parts) == {"number"}:
        return "number"
    return "logged" if node.op in ("*", "/") and sorted(parts) == ["logged", "number"] else ""


def _sum(op: str, left: str, right: str) -> str:
    if left == right == "level":
        return "distance" if op == "-" else ""
    if "level" in (left, right) and {left, right} <= {"level", "distance", "number"}:
        return "level"
    return left if left == right else ""

"""The expression language of rules: parsed with Python's `ast`, checked against the kernels, never `eval`ed.

Four shapes of value, each of numbers or of flags:
  series   a logged series, by the name that `needs:` gave it; in arithmetic it stands for its points
  points   a value for each point of one series
  blocks   a value for each block of a series
  run      one value for each run that is judged
"""

from __future__ import annotations

import ast
import math
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from loglens.hints import instead, syntax
from loglens.wording import MEANT, REDUCE, describe, lie, operator_word, word_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Shape = Literal["series", "points", "blocks", "run"]
Dtype = Literal["number", "flag", "text"]
MAX_LENGTH = 2000
MAX_DEPTH = 40

ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@dataclass(frozen=True, slots=True)
class Type:
    """Shape and kind of a value; `of` is the series that points and blocks belong to."""

    shape: Shape
    dtype: Dtype = "number"
    of: str = ""

    def __str__(self) -> str:
        what = {"number": "a number", "flag": "a condition", "text": "a text"}[self.dtype]
        if self.shape == "run":
            return what
        return "a series" if self.shape == "series" else f"{what} for each {self.shape[:-1]} of {self.of}"


NUMBER = Type("run")
FLAG = Type("run", "flag")
TEXT = Type("run", "text")  # for sentences only: names, in rules about groups


@dataclass(frozen=True, slots=True)
class Signature:
    """What a kernel takes and gives, as `series, number=3 -> points flag`; `*` after a type: any number of them."""

    params: tuple[str, ...]
    defaults: tuple[float | None, ...]
    result: str
    variadic: bool = False

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Read `text`; ValueError when it is malformed."""
        left, arrow, result = (part.strip() for part in text.partition("->"))
        if not arrow:
            raise ValueError(f"signature without '->': {text}")
        params, defaults = [], []
        for part in filter(None, (p.strip() for p in left.split(","))):
            kind, _, default = part.partition("=")
            params.append(kind.strip().rstrip("*"))
            defaults.append(float(default) if default else None)
        if left.endswith("*"):
            defaults[-1] = 0.0  # the last one may be left out, or repeated
        return cls(tuple(params), tuple(defaults), result, left.endswith("*"))


@dataclass(frozen=True, slots=True)
class Node:
    """A checked expression. `op` is const, name, call or an operator; `value` its constant, name or kernel."""

    op: str
    value: str | float | bool
    args: tuple[Node, ...]
    type: Type
    at: int = field(compare=False)  # column in the source

    def names(self) -> Iterator[str]:
        """Every name that is used, in order, repeats included."""
        if self.op == "name":
            yield str(self.value)
        for arg in self.args:
            yield from arg.names()


@dataclass(frozen=True, slots=True)
class ExprError:
    """A mistake at a column of the expression."""

    at: int
    message: str


class _FaultError(Exception):
    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at, self.message = at, message


def parse(source: str, names: Mapping[str, Type], kernels: Mapping[str, Signature]) -> Node | ExprError:
    """Check `source` against the names in scope and the kernels' signatures."""
    if len(source) > MAX_LENGTH:
        return ExprError(0, f"longer than {MAX_LENGTH} characters; use 'let:'")
    for at, character in enumerate(source):
        # only ASCII: the columns of `ast` count bytes, and Python takes look-alikes of letters for the same name
        if not (" " <= character <= "~" or character in "\n\t"):
            meant = f"; write {MEANT[character]}" if character in MEANT else ""
            return ExprError(at, f"unexpected character {character!a}{meant}")
    flat = source.replace("\n", " ").replace("\t", " ")
    indent = len(flat) - len(flat.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as `1if x else 2`, of which Python only warns
            tree = ast.parse(flat.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = getattr(error, "offset", 1) or 0
        at = offset - 1 + indent if offset > 0 else len(flat.rstrip())  # 0: it ends too early
        return ExprError(*syntax(flat, at))
    try:
        return _Checker(flat.strip(), indent, names, kernels).check(tree.body)
    except _FaultError as fault:
        return ExprError(fault.at, fault.message)


class _Checker:
    def __init__(self, source: str, indent: int, names: Mapping[str, Type], kernels: Mapping[str, Signature]) -> None:
        self.source, self.indent, self.names, self.kernels = source, indent, names, kernels

    def at(self, node: ast.expr) -> int:
        """Column of a node in the text as it was written."""
        return node.col_offset + self.indent

    def check(self, node: ast.expr, depth: int = 0) -> Node:
        if depth > MAX_DEPTH:
            raise _FaultError(self.at(node), f"nested deeper than {MAX_DEPTH} levels; use 'let:'")
        depth += 1
        match node:
            case ast.Constant(value=bool() as flag):
                return Node("const", flag, (), FLAG, self.at(node))
            case ast.Constant(value=int() | float() as number):
                return Node("const", self.finite(node, number), (), NUMBER, self.at(node))
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.Call(func=ast.Name(id=name)):
                return self.call(node, name, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.arithmetic("neg", [self.check(operand, depth)], node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.logic("not", [self.check(operand, depth)], node)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
                return self.arithmetic(ARITHMETIC[type(op)], [self.check(left, depth), self.check(right, depth)], node)
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                return self.logic(word, [self.check(v, depth) for v in values], node)
            case ast.Compare():
                return self.compare(node, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.choose(node, [self.check(part, depth) for part in (test, body, orelse)])
        raise self.foreign(node)

    def foreign(self, node: ast.expr) -> _FaultError:
        """The mistake of using Python that rules do not have, at the word that gives it away."""
        at, what = self.at(node), word_of(node)
        if isinstance(node, ast.Call):
            return self.foreign(node.func) if type(node.func) is not ast.Name else _FaultError(at, what)
        if isinstance(node, ast.Attribute):
            at, what = (node.end_col_offset or 0) - len(node.attr) - 1 + self.indent, f"'.{node.attr}'"
        elif isinstance(node, ast.Subscript):
            at = (node.value.end_col_offset or 0) + self.indent
        elif isinstance(node, ast.BinOp):
            at, what = self.operator(node.left, node.right), operator_word(node.op)
        return _FaultError(at, f"{what} is not part of the rule language")

    def operator(self, left: ast.expr, right: ast.expr) -> int:
        """Column of what stands between two operands."""
        between = self.source[left.end_col_offset : right.col_offset]
        return (left.end_col_offset or 0) + len(between) - len(between.lstrip(" )")) + self.indent

    def finite(self, node: ast.expr, number: float) -> float:
        try:
            value = float(number)
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            raise _FaultError(self.at(node), "a number too large to compute with")
        return value

    def name(self, node: ast.expr, name: str) -> Node:
        if name in self.names:
            return Node("name", name, (), self.names[name], self.at(node))
        if name in self.kernels:
            raise _FaultError(self.at(node), f"'{name}' is a kernel: write {name}(…)")
        raise _FaultError(self.at(node), f"unknown name '{name}'{instead(name, [*self.names, *self.kernels])}")

    def call(self, node: ast.Call, name: str, depth: int) -> Node:
        if name not in self.kernels:
            raise _FaultError(self.at(node), f"unknown kernel '{name}'{instead(name, list(self.kernels))}")
        if node.keywords:
            raise _FaultError(node.keywords[0].col_offset + self.indent, f"{name}() takes its arguments by position")
        signature = self.kernels[name]
        args = [self.check(arg, depth) for arg in node.args]
        needed, most = signature.defaults.count(None), len(signature.params)
        if len(args) < needed or (len(args) > most and not signature.variadic):
            takes = f"{needed} argument{'s' * (needed != 1)}" if needed == most else f"{needed} to {most} arguments"
            wanted = ", ".join(describe(param) for param in signature.params)
            raise _FaultError(self.at(node), f"{name}() takes {takes} ({wanted}), not {len(args)}")
        if signature.variadic and len(args) == 1 and args[0].type.shape != "run":
            whole = {"min": "minimum", "max": "maximum"}.get(name)
            instead_of = f"; its {name} over all points is {whole}(…)" if whole else ""
            raise _FaultError(self.at(node), f"{name}() of one series goes point by point{instead_of}")
        args = [self.fit(name, i, arg, signature) for i, arg in enumerate(args)]
        wide = [a for a, want in zip(args, signature.params, strict=False) if want.startswith(("points", "blocks"))]
        self.shape(wide, "number", node)  # they are taken side by side, so they must lie on the same steps
        for default in () if signature.variadic else signature.defaults[len(args) :]:
            args.append(Node("const", float(default or 0), (), NUMBER, self.at(node)))
        if signature.result == "same":
            result = self.shape(args, args[0].type.dtype, node)
        else:
            result = _result(signature.result, args)
        return Node("call", name, tuple(args), result, self.at(node))

    def fit(self, name: str, i: int, arg: Node, signature: Signature) -> Node:
        want = signature.params[min(i, len(signature.params) - 1)]
        got = arg.type
        shape, _, dtype = want.partition(" ")
        ok = {
            "numbers": got.dtype == "number",
            "series": got.shape == "series",
            "points": got.shape in ("points", "series") and got.dtype == dtype,
            "blocks": got.shape == "blocks" and got.dtype == dtype,
            "number": got == NUMBER,
        }[shape]
        if not ok:
            hint = REDUCE if shape == "number" and got.shape in ("points", "blocks") else ""
            raise _FaultError(arg.at, f"argument {i + 1} of {name}() must be {describe(want)}, not {got}{hint}")
        return arg

    def arithmetic(self, op: str, args: list[Node], node: ast.expr) -> Node:
        for arg in args:
            if arg.type.dtype != "number":
                raise _FaultError(arg.at, f"'{op}' needs numbers, not {arg.type}")
        return Node(op, op, tuple(args), self.shape(args, "number", node), self.at(node))

    def logic(self, op: str, args: list[Node], node: ast.expr) -> Node:
        for arg in args:
            if arg.type.dtype != "flag":
                raise _FaultError(arg.at, f"'{op}' needs conditions, not {arg.type}")
        return Node(op, op, tuple(args), self.shape(args, "flag", node), self.at(node))

    def compare(self, node: ast.Compare, depth: int) -> Node:
        operands = [node.left, *node.comparators]
        for i, op in enumerate(node.ops):
            if type(op) not in COMPARISON:
                at = self.operator(operands[i], operands[i + 1])
                raise _FaultError(at, f"'{word_of(op)}' is not part of the rule language")
        parts = [self.check(operand, depth) for operand in operands]
        pairs = []
        for op, left, right in zip(node.ops, parts, parts[1:], strict=False):
            for side in (left, right):
                if side.type.dtype != "number":
                    raise _FaultError(side.at, f"'{COMPARISON[type(op)]}' compares numbers, not {side.type}")
            pairs.append(
                Node(COMPARISON[type(op)], "", (left, right), self.shape([left, right], "flag", node), left.at)
            )
        return pairs[0] if len(pairs) == 1 else self.logic("and", pairs, node)

    def choose(self, node: ast.IfExp, parts: list[Node]) -> Node:
        if parts[0].type.dtype != "flag":
            raise _FaultError(parts[0].at, f"the test of 'if' must be a condition, not {parts[0].type}")
        if parts[1].type.dtype != parts[2].type.dtype:
            raise _FaultError(self.at(node), "both sides of 'if … else' must be numbers, or both conditions")
        return Node("if", "if", tuple(parts), self.shape(parts, parts[1].type.dtype, node), self.at(node))

    def shape(self, args: list[Node], dtype: Dtype, node: ast.expr) -> Type:
        """The common shape: single values spread over points or blocks of one series."""
        wide = {
            ("points" if a.type.shape == "series" else a.type.shape, a.type.of) for a in args if a.type.shape != "run"
        }
        if len(wide) > 1:
            (a, of_a), (b, of_b) = sorted(wide)[:2]
            plain = a == b == "points" and ".records" not in of_a + of_b  # at() aligns cleaned points
            hint = f"; align one with at({of_b}, {of_a})" if plain else ""
            raise _FaultError(self.at(node), f"{lie(a, of_a)} and {lie(b, of_b)} do not lie on the same steps{hint}")
        shape, of = wide.pop() if wide else ("run", "")
        return Type(shape, dtype, of)  # type: ignore[arg-type]


def _result(text: str, args: list[Node]) -> Type:
    shape, _, dtype = text.partition(" ")
    if shape in ("number", "flag", "text"):
        return Type("run", shape)  # type: ignore[arg-type]
    if shape == "like":
        first = args[0].type
        return Type("points" if first.shape == "series" else first.shape, dtype, first.of)  # type: ignore[arg-type]
    owner = args[-1].type.of if shape == "points" else args[0].type.of
    of = f"{owner}.records" if shape == "records" else owner
    return Type("points" if shape == "records" else shape, dtype or "number", of)  # type: ignore[arg-type]


def contradicts(node: Node) -> bool:
    """Whether an `and` can be seen never to hold: `x > 3 and x < 2`, `x and not x`. Only constants are compared."""
    if node.op != "and":
        return False
    low: dict[Node, float] = {}
    high: dict[Node, float] = {}
    for part in node.args:
        if part.op == "not" and part.args[0] in node.args:
            return True
        if part.op in _MIRRORED:
            left, right = part.args
            op = part.op if right.op == "const" else _MIRRORED[part.op]
            thing, bound = (left, right) if right.op == "const" else (right, left)
            if bound.op == "const" and op[0] == ">":
                low[thing] = max(low.get(thing, -math.inf), float(bound.value))
            elif bound.op == "const":
                high[thing] = min(high.get(thing, math.inf), float(bound.value))
    return any(low[thing] > high[thing] for thing in low.keys() & high.keys())


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

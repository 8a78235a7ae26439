"""Reads the values of a rule file: knows the names in scope and collects every mistake with its place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loglens.expr import FLAG, NUMBER, ExprError, Node, Signature, Type, contradicts, parse
from loglens.hints import percent_hint
from loglens.remarks import mixed, out_of_range
from loglens.rule import FORMATS, Cause, Template
from loglens.wording import REDUCE, suggestion
from loglens.yamlfile import Item, Mistake, Scalar, Sequence
from loglens.yamlfile import Mapping as Map

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loglens.rule import Scope

MAX_CHAIN = 120  # levels of lets built on lets; a rule is evaluated by recursion
_WORD = re.compile(r"[A-Za-z_]\w*")


AXIS = "axis"  # in a sentence: step, epoch or row, whatever the judged series counts


@dataclass
class RuleReader:
    """Reads one file; knows the names in scope and collects mistakes."""

    path: str
    kernels: Mapping[str, Signature]
    mistakes: list[Mistake] = field(default_factory=list)
    scope: dict[str, Type] = field(default_factory=dict)
    reach: dict[str, frozenset[str]] = field(default_factory=dict)  # name → needs, facts and parameters behind it
    depth: dict[str, int] = field(default_factory=dict)  # let → how deep its expression is, lets in it included
    kinds: dict[str, str] = field(default_factory=dict)  # name → level, distance … as far as known
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)  # need → its roles
    remarks: list[Mistake] = field(default_factory=list)  # what looks wrong, and need not be
    used: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)  # lets further down
    broken: set[str] = field(default_factory=set)  # names whose own mistake was told already
    nameless: bool = False  # the needs could not be read, so unknown names are no news
    about: Scope = "run"  # what one finding is about
    facts: Mapping[str, str] = field(default_factory=dict)  # names that every such rule may use, and what they are

    def wrong(self, item: Item | Scalar, message: str, at: int | None = None) -> None:
        """Note a mistake at an item, or at the character `at` of its text."""
        line, col = item.place(at) if at is not None and isinstance(item, Scalar) else (item.line, item.col)
        self.mistakes.append(Mistake(line, col, message))

    def misspelt(self, key: str) -> bool:
        """Whether a key is missing because it was misspelt, which was told already."""
        return any(m.message.endswith(f"; did you mean '{key}'?") for m in self.mistakes)

    def mapping(self, item: Item | None, known: Iterable[str], what: str) -> dict[str, Item]:
        """The known entries of a mapping."""
        if not isinstance(item, Map):
            if item is not None:
                self.wrong(item, f"{what} must be a mapping")
            return {}
        known = list(known)
        for name, key in item.keys.items():
            if name not in known:
                self.wrong(key, f"unknown key '{name}' in {what}{suggestion(name, known)}")
        return {k: v for k, v in item.items.items() if k in known}

    def text(self, item: Item | None, what: str, default: str = "") -> str:
        """A non-empty text, its white space folded."""
        if item is None:
            return default
        if not isinstance(item, Scalar) or item.value is None or not item.text.strip():
            self.wrong(item, f"{what} must be a text")
            return default
        return " ".join(item.text.split())

    def texts(self, item: Item | None, what: str) -> tuple[str, ...]:
        """A list of texts; a single one counts as a list."""
        if item is None:
            return ()
        items = item.items if isinstance(item, Sequence) else (item,)
        if not items:
            self.wrong(item, f"{what} is an empty list; leave it out")
        return tuple(self.text(i, f"an entry of {what}" if isinstance(item, Sequence) else what) for i in items)

    def choice(self, item: Item | None, what: str, allowed: Iterable[str], default: str) -> str:
        """One of the allowed words."""
        allowed = list(allowed)
        word = self.text(item, what)
        if item is None or not word:
            return default
        if word not in allowed:
            choices = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
            self.wrong(item, f"{what} must be {choices}, not '{word}'{suggestion(word, allowed)}")
            return default
        return word

    def number(self, item: Item | None, what: str, default: float, least: float | None = None) -> float:
        """A finite number, not below `least`."""
        if item is None:
            return default
        value = item.value if isinstance(item, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.wrong(item, f"{what} must be a number{percent_hint(item.text) if isinstance(item, Scalar) else ''}")
            return default
        if least is not None and value < least:
            self.wrong(item, f"{what} must be at least {least:g}, not {value:g}")
            return default
        return value

    def whole(self, item: Item | None, what: str, default: int, least: int = 0) -> int:
        """A whole number, not below `least`."""
        value = self.number(item, what, default, least)
        if item is not None and value != int(value):
            self.wrong(item, f"{what} must be a whole number, not {value:g}")
        return int(value)

    def flag(self, item: Item | None, what: str) -> bool:
        """True or false."""
        if item is None:
            return False
        value = item.value if isinstance(item, Scalar) else None
        if not isinstance(value, bool):
            self.wrong(item, f"{what} must be true or false")
        return value is True

    def expression(self, item: Item | None, what: str, want: str = "") -> Node | None:
        """`want`: 'flag', 'number', 'condition' (a flag, or one for each point) or '' for anything."""
        if item is None:
            return None
        if not isinstance(item, Scalar) or item.value is None:
            self.wrong(item, f"{what} must be an expression")
            return None
        source = str(item.value) if isinstance(item.value, bool) else item.text
        words = set(_WORD.findall(source)) & (self.scope.keys() | self.later)
        self.used |= words
        node = parse(source, self.scope, self.kernels)
        if isinstance(node, ExprError):
            word = _WORD.match(source, node.at)
            if word is not None and word[0] in self.later - self.scope.keys():
                self.wrong(item, f"{what}: '{word[0]}' stands further down; a let uses those above it", node.at)
            elif not words & self.broken and not self.nameless:  # what is built on a mistake is not told as another one
                self.wrong(item, f"{what}: {node.message}", node.at)
            return None
        if words & self.broken or not self._fits(item, node, what, want):
            return None
        for at, message in out_of_range(node):
            self.wrong(item, f"{what}: {message}", at)
        if self.about == "run":  # groups take natural values from their members
            self.remarks += [Mistake(*item.place(at), f"{what}: {message}") for at, message in mixed(node, self.kinds)]
        return node

    def _fits(self, item: Scalar, node: Node, what: str, want: str) -> bool:
        fits = {
            "flag": node.type == FLAG,
            "number": node.type == NUMBER,
            "condition": node.type.dtype == "flag" and node.type.shape in ("run", "points"),
        }.get(want, True)
        if not fits:
            wanted = {"flag": "one condition", "number": "one number", "condition": "a condition"}[want]
            hint = REDUCE if node.type.shape != "run" and want != "condition" else ""
            whole = "run" if self.about == "run" else "group"
            self.wrong(item, f"{what} must be {wanted} for a {whole}, not {node.type}{hint}", node.at)
            return False
        if self.about == "run" and node.type.dtype == "text":
            self.wrong(item, f"{what} names members of a group: that takes 'scope: group'", node.at)
            return False
        if self.depth_of(node) > MAX_CHAIN:
            self.wrong(item, f"{what}: built on lets that are nested deeper than {MAX_CHAIN} levels in all")
            return False
        return True

    def condition(self, item: Item | None, what: str, want: str = "flag") -> Node | None:
        """An expression that can be true of one run and false of another."""
        node = self.expression(item, what, want)
        if node is not None and item is not None:
            if node.op == "const":
                self.wrong(item, f"{what} is always {'true' if node.value else 'false'}")
            elif not self.reach_of(node):
                self.wrong(item, f"{what} looks at no series: it is the same for every run")
            elif contradicts(node):
                self.wrong(item, f"{what} can never hold: its parts contradict each other")
        return node

    def reach_of(self, node: Node) -> frozenset[str]:
        """The needs, parameters and facts that an expression depends on."""
        return frozenset().union(*(self.reach.get(name, frozenset([name])) for name in node.names()))

    def depth_of(self, node: Node) -> int:
        """How deep evaluation goes, lets included."""
        inner = self.depth.get(str(node.value), 0) if node.op == "name" else 0
        return 1 + max([inner, *map(self.depth_of, node.args)])

    def template(self, item: Item | None, what: str) -> Template:
        """A sentence whose holes are names in scope."""
        text = Template(self.text(item, what))
        if not isinstance(item, Scalar):
            return text
        for name, form, at in Template(item.text).places():
            self.used.add(name)
            if name == AXIS:
                continue
            if name not in self.scope and not self.nameless:
                self.wrong(item, f"{what}: unknown name '{{{name}}}'{suggestion(name, list(self.scope))}", at)
            elif name in self.scope and self.scope[name].shape not in ("run", "series") and name not in self.broken:
                self.wrong(item, f"{what}: '{{{name}}}' is {self.scope[name]}; reduce it to one", at)
            if form not in FORMATS:
                shift = at + len(name) + 1
                self.wrong(item, f"{what}: unknown format '{form}'{suggestion(form, list(FORMATS))}", shift)
        return text

    def guarded(self, item: Item | None, what: str) -> tuple[Cause, ...]:
        """A list of sentences, each with an optional condition."""
        if item is None:
            return ()
        if not isinstance(item, Sequence) or not item.items:
            self.wrong(item, f"{what} must be a list of sentences")
            return ()
        return tuple(self._guarded_one(entry, what) for entry in item.items)

    def _guarded_one(self, entry: Item, what: str) -> Cause:
        if not isinstance(entry, Map):
            return Cause(self.template(entry, f"an entry of {what}"))
        if len(entry.items) == 1 and " " in next(iter(entry.items)):
            self.wrong(entry, f"an entry of {what} is a sentence: quote it, as it holds ': '")
            return Cause(Template(""))
        parts = self.mapping(entry, ("when", "text"), f"an entry of {what}")
        if "text" not in parts:
            self.wrong(entry, f"an entry of {what} needs 'text'")
        return Cause(
            self.template(parts.get("text"), f"the text of {what}"),
            self.condition(parts.get("when"), f"'when' in {what}"),
        )

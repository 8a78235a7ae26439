"""Reads the values of a rule file: knows the names in scope and collects every mistake with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loglens.expr import FLAG, NUMBER, ExprError, Node, Signature, Type, parse, suggestion
from loglens.rule import FORMATS, Cause, Template
from loglens.yamlfile import Item, Mistake, Scalar, Sequence
from loglens.yamlfile import Mapping as Map

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass
class RuleReader:
    """Reads one file; knows the names in scope and collects mistakes."""

    path: str
    kernels: Mapping[str, Signature]
    mistakes: list[Mistake] = field(default_factory=list)
    scope: dict[str, Type] = field(default_factory=dict)

    def wrong(self, item: Item | Scalar, message: str, shift: int = 0) -> None:
        """Note a mistake at an item, `shift` columns into it."""
        self.mistakes.append(Mistake(item.line, item.col + shift, message))

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
        if not isinstance(item, Scalar) or item.value is None or str(item.value).strip() == "":
            self.wrong(item, f"{what} must be a text")
            return default
        return " ".join(str(item.value).split())

    def texts(self, item: Item | None, what: str) -> tuple[str, ...]:
        """A list of texts; a single one counts as a list."""
        if item is None:
            return ()
        items = item.items if isinstance(item, Sequence) else (item,)
        return tuple(self.text(i, f"an entry of {what}") for i in items)

    def choice(self, item: Item | None, what: str, allowed: Iterable[str], default: str) -> str:
        """One of the allowed words."""
        allowed = list(allowed)
        word = self.text(item, what, default)
        if item is not None and word not in allowed:
            self.wrong(
                item,
                f"{what} must be {', '.join(allowed[:-1])} or {allowed[-1]}, not '{word}'{suggestion(word, allowed)}",
            )
            return default
        return word

    def number(self, item: Item | None, what: str, default: float, least: float | None = None) -> float:
        """A number, not below `least`."""
        if item is None:
            return default
        value = item.value if isinstance(item, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.wrong(item, f"{what} must be a number")
            return default
        if least is not None and value < least:
            self.wrong(item, f"{what} must be at least {least:g}, not {value:g}")
            return default
        return value

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
        source = (
            {True: "True", False: "False"}.get(item.value, str(item.value))
            if isinstance(item.value, bool)
            else str(item.value)
        )
        node = parse(source, self.scope, self.kernels)
        if isinstance(node, ExprError):
            self.wrong(item, f"{what}: {node.message}", node.at if item.exact else 0)
            return None
        fits = {
            "flag": node.type == FLAG,
            "number": node.type == NUMBER,
            "condition": node.type.dtype == "flag" and node.type.shape in ("run", "points"),
        }.get(want, True)
        if not fits:
            wanted = {"flag": "one condition", "number": "one number", "condition": "a condition"}[want]
            hint = "; reduce it with share(…), longest(…) or step_of_first(…)" if node.type.shape != "run" else ""
            self.wrong(item, f"{what} must be {wanted} for a run, not {node.type}{hint}", node.at if item.exact else 0)
            return None
        return node

    def template(self, item: Item | None, what: str) -> Template:
        """A sentence whose holes are names in scope."""
        text = Template(self.text(item, what))
        for name, form in text.holes():
            if name not in self.scope:
                self.wrong(item, f"{what}: unknown name '{{{name}}}'{suggestion(name, list(self.scope))}")  # type: ignore[arg-type]
            elif self.scope[name].shape not in ("run", "series"):
                self.wrong(item, f"{what}: '{{{name}}}' has a value for each point; reduce it to one")  # type: ignore[arg-type]
            if form not in FORMATS:
                self.wrong(item, f"{what}: unknown format '{form}'{suggestion(form, list(FORMATS))}")  # type: ignore[arg-type]
        return text

    def guarded(self, item: Item | None, what: str) -> tuple[Cause, ...]:
        """A list of sentences, each with an optional condition."""
        if item is None:
            return ()
        if not isinstance(item, Sequence):
            self.wrong(item, f"{what} must be a list")
            return ()
        return tuple(self._guarded_one(entry, what) for entry in item.items)

    def _guarded_one(self, entry: Item, what: str) -> Cause:
        if not isinstance(entry, Map):
            return Cause(self.template(entry, f"an entry of {what}"))
        parts = self.mapping(entry, ("when", "text"), f"an entry of {what}")
        if "text" not in parts:
            self.wrong(entry, f"an entry of {what} needs 'text'")
        return Cause(
            self.template(parts.get("text"), f"the text of {what}"),
            self.expression(parts.get("when"), f"'when' in {what}", "flag"),
        )

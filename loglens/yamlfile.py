"""YAML with places: every value knows its line and column, every mistake is collected, nothing is guessed.

YAML 1.2's core scalars (so `no` is a string and `1e-3` a number), no duplicate keys, no anchors or aliases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?\Z")
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong at a place; line and column count from 1."""

    line: int
    col: int
    message: str


@dataclass(frozen=True, slots=True)
class Scalar:
    """A plain value. `exact` tells whether column arithmetic inside the text is possible."""

    value: Plain
    line: int
    col: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Item, ...]
    line: int
    col: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with string keys; each key keeps its place."""

    items: dict[str, Item]
    keys: dict[str, Scalar]
    line: int
    col: int


Item = Scalar | Sequence | Mapping


@dataclass
class Document:
    """A parsed file: its root (None when it cannot be used) and all mistakes so far."""

    root: Item | None
    mistakes: list[Mistake] = field(default_factory=list)


def parse(text: str) -> Document:
    """Read one YAML document; never raises."""
    document = Document(None)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        document.mistakes.append(Mistake(1, 1, f"larger than {MAX_BYTES // 1024} KiB"))
        return document
    try:
        if (mistake := _forbidden(text)) is not None:
            document.mistakes.append(mistake)
            return document
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        document.mistakes.append(_syntax(error))
        return document
    if node is not None:
        document.root = _convert(node, document.mistakes)
    return document


def _forbidden(text: str) -> Mistake | None:
    """The first anchor, alias, tag or too deep nesting; found on the event stream, before anything is expanded."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark = event.start_mark
        line, col = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return Mistake(line, col, "anchors and aliases (& and *) are not allowed")
        tag = getattr(event, "tag", None)
        if tag and not any(getattr(event, "implicit", None) or ()):
            return Mistake(line, col, f"tags are not allowed: {tag}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return Mistake(line, col, f"nested deeper than {MAX_DEPTH} levels")
    return None


def _syntax(error: yaml.YAMLError) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    context = getattr(error, "context", None)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    return Mistake(mark.line + 1, mark.column + 1, message) if mark else Mistake(1, 1, message)


def _convert(node: yaml.Node, mistakes: list[Mistake]) -> Item:
    line, col = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, line, col, mistakes)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(tuple(_convert(child, mistakes) for child in node.value), line, col)
    style = _style(node)
    single = node.start_mark.line == node.end_mark.line
    return Scalar(_plain(node), line, col + (style in ("'", '"')), exact=single and style not in ("|", ">"))


def _mapping(node: yaml.MappingNode, line: int, col: int, mistakes: list[Mistake]) -> Mapping:
    mapping = Mapping({}, {}, line, col)
    for key_node, value_node in node.value:
        key = _convert(key_node, mistakes)
        if not isinstance(key, Scalar):
            mistakes.append(Mistake(key.line, key.col, "a key must be a plain word"))
            continue
        name = key_node.value
        if name in mapping.items:
            first = mapping.keys[name].line
            mistakes.append(Mistake(key.line, key.col, f"duplicate key '{name}' (first on line {first})"))
        else:
            mapping.items[name] = _convert(value_node, mistakes)
            mapping.keys[name] = key
    return mapping


def _style(node: yaml.Node) -> str:
    """How a scalar is written: ' or " or | or >, nothing when plain."""
    return getattr(node, "style", None) or ""


def _plain(node: yaml.Node) -> Plain:
    text: str = node.value
    if _style(node):
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text

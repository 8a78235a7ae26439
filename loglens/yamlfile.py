"""YAML with places: every value knows its line and column, every mistake is collected, nothing is guessed.

YAML 1.2's core scalars (so `no` is a string and `1e-3` a number), no duplicate keys, no anchors, aliases or tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?\Z")
_ESCAPE = re.compile(r"\\U([0-9a-fA-F]{8})")
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
    """A plain value. `text` is how it reads once unquoted and unfolded, `raw` how it is written, quotes included."""

    value: Plain
    line: int
    col: int
    text: str = ""
    raw: str = ""

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column in the file of the character at `offset` of `text`, whatever the quoting and folding."""
        at = _raw_offset(self.raw, self.text, offset)
        line_start = self.raw.rfind("\n", 0, at) + 1
        return self.line + self.raw.count("\n", 0, at), at - line_start + (1 if line_start else self.col)


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
        node = _compose(text, _FAST)
    except _Refused as refused:
        document.mistakes.append(refused.mistake)
        return document
    if node is not None:
        document.root = _convert(node, text, document.mistakes)
    return document


class _Refused(Exception):  # noqa: N818 - a result, not an error
    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


def _compose(text: str, loader: type[yaml.SafeLoader]) -> yaml.Node | None:
    """The node graph. LibYAML is ten times as fast; what it refuses is read again for PyYAML's own words."""
    try:
        if (mistake := _forbidden(text, loader)) is not None:
            raise _Refused(mistake)
        return yaml.compose(text, Loader=loader)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if loader is not yaml.SafeLoader:
            return _compose(text, yaml.SafeLoader)
        if isinstance(error, yaml.YAMLError):
            raise _Refused(_syntax(error, text)) from None
        # PyYAML lets these through: "\UFFFFFFFF", a version of 5,000 digits
        at = next((m.start() for m in _ESCAPE.finditer(text) if int(m[1], 16) > 0x10FFFF), 0)
        raise _Refused(Mistake(*_place(text, at), "not valid YAML: a number that stands for nothing")) from None


_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _forbidden(text: str, loader: type[yaml.SafeLoader]) -> Mistake | None:
    """The first anchor, alias, tag or too deep nesting; found on the event stream, before anything is expanded."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        mark = event.start_mark
        line, col = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return Mistake(line, col, "anchors and aliases are not allowed; quote a text that begins with & or *")
        if getattr(event, "tag", None) is not None:
            return Mistake(line, col, "tags are not allowed; quote a text that begins with !")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return Mistake(line, col, f"nested deeper than {MAX_DEPTH} levels")
    return None


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a character."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _syntax(error: yaml.YAMLError, text: str) -> Mistake:
    if isinstance(error, yaml.reader.ReaderError):
        place = _place(text, error.position)
        return Mistake(*place, f"a character that no text file should hold: {chr(error.character)!a}")
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    context = getattr(error, "context", None)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    mark = getattr(error, "problem_mark", None)
    if mark is not None and (moved := _moved(problem, text, mark.line)) is not None:
        return moved
    message += next((hint for words, hint in _HINTS.items() if words in problem), "")
    if mark is None or "end of stream" in problem:  # where it begins tells more than the end of the file
        mark = getattr(error, "context_mark", None) or mark
    return Mistake(mark.line + 1, mark.column + 1, message) if mark else Mistake(1, 1, message)


def _moved(problem: str, text: str, number: int) -> Mistake | None:
    """The mistake of a line (counted from 0) that begins with a key further left or right than its neighbours."""
    if not any(words in problem for words in _MISPLACED):
        return None
    lines = [(i, line) for i, line in enumerate(text.split("\n")[: number + 1]) if _CONTENT.match(line)]
    if len(lines) < 2 or lines[-1][0] != number or not _KEY.match(lines[-1][1]):
        return None
    (before, above), (_, line) = lines[-2:]
    mine, other = len(line) - len(line.lstrip(" ")), len(above) - len(above.lstrip(" "))
    if mine == other:
        return None
    told = f"this line is indented by {mine}, line {before + 1} by {other}: keys of one mapping begin in one column"
    return Mistake(number + 1, mine + 1, f"not valid YAML: {told}")


_MISPLACED = ("mapping values are not allowed", "'<block mapping start>'", "found '?'")
_CONTENT = re.compile(r"\s*[^\s#]")
_KEY = re.compile(r"\s*[\w-]+:(\s|$)")

# what people trip over: a message that begins with {loss}, a sentence with a colon in it
_QUOTE = "; quote a text that begins with { or holds ': '"
_HINTS = {
    "mapping values are not allowed": _QUOTE,
    "expected <block end>": _QUOTE,
    "expected ',' or '}'": _QUOTE,
    "'\\t' that cannot start": "; indent with blanks",
}


def _convert(node: yaml.Node, text: str, mistakes: list[Mistake]) -> Item:
    line, col = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, line, col, text, mistakes)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(tuple(_convert(child, text, mistakes) for child in node.value), line, col)
    if not node.value.isascii() and any("\ud800" <= c <= "\udfff" for c in node.value):
        mistakes.append(Mistake(line, col, "half a character: \\ud800 to \\udfff stand for nothing alone"))
        return Scalar("?", line, col, "?", "?")
    raw = text[node.start_mark.index : node.end_mark.index]
    return Scalar(_plain(node), line, col, node.value, raw)


def _raw_offset(raw: str, text: str, offset: int) -> int:
    """Where in `raw` the character at `offset` of `text` is written.

    Both hold the same characters but for quotes, escapes and white space, so they are walked side by side.
    """
    style = raw[:1] if raw[:1] in ("'", '"', "|", ">") else ""
    at = raw.find("\n") + 1 if style in ("|", ">") else len(style)
    for i, character in enumerate(text[: offset + 1]):
        if character.isspace():
            continue
        at = _skip_space(raw, at, style)
        if i == offset:
            break
        at += _ESCAPES.get(raw[at + 1 : at + 2], 2) if style == '"' and raw[at : at + 1] == "\\" else 1
        at += style == "'" and character == "'"  # written twice
    return at


_ESCAPES = {"x": 4, "u": 6, "U": 10}  # length of \x41, \u0041, \U00000041; any other escape has two characters
_BLANK_ESCAPES = "ntrN_LP \n\t"


def _skip_space(raw: str, at: int, style: str) -> int:
    while at < len(raw):
        if raw[at].isspace():
            at += 1
        elif style == '"' and raw[at] == "\\" and raw[at + 1 : at + 2] in _BLANK_ESCAPES:
            at += 2
        else:
            break
    return at


def _mapping(node: yaml.MappingNode, line: int, col: int, text: str, mistakes: list[Mistake]) -> Mapping:
    mapping = Mapping({}, {}, line, col)
    for key_node, value_node in node.value:
        key = _convert(key_node, text, mistakes)
        if not isinstance(key, Scalar):
            mistakes.append(Mistake(key.line, key.col, "a key must be a plain word"))
            continue
        name = key.text
        if name in mapping.items:
            first = mapping.keys[name].line
            mistakes.append(Mistake(key.line, key.col, f"duplicate key '{name}' (first on line {first})"))
        else:
            mapping.items[name] = _convert(value_node, text, mistakes)
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

"""Files of settings as flat hyper-parameters. They are not trusted: no tag is obeyed and no alias followed."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from loglens.sources.paths import encodable

if TYPE_CHECKING:
    from collections.abc import Iterator

Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None

MAX_BYTES = 256 << 10
_DEPTH = 16
_NAMES = 1000  # hyper-parameters of one file
_LONGEST = 500  # characters of a value
_FILE = re.compile(
    r"(hparams|hyperparameters|hyperparams|config|configuration|args|params|parameters|training_args|opt)"
    r"\.(yaml|yml|json)",
    re.IGNORECASE,
)
HYDRA = ".hydra/config.yaml"


class NotSettingsError(ValueError):
    """A file of settings cannot be used; the text says why, with the line."""


def is_settings(name: str) -> bool:
    """Whether a path is that of hyper-parameters, by the last part of it."""
    return _FILE.fullmatch(name.rpartition("/")[2]) is not None


def settings_in(data: bytes, name: str) -> dict[str, str]:
    """The values of a file by their names, nested ones joined by `/`, lists as JSON. NotSettingsError says why not."""
    if len(data) > MAX_BYTES:
        raise NotSettingsError(f"more than {MAX_BYTES >> 10} kB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotSettingsError(f"not UTF-8 (byte {error.start})") from None
    return dict(_parsed(text, name.lower().endswith(".json")))


@lru_cache(maxsize=64)  # the runs of a sweep share most of their settings
def _parsed(text: str, is_json: bool) -> tuple[tuple[str, str], ...]:
    tree = _json(text) if is_json else _yaml(text)
    if not isinstance(tree, dict):
        raise NotSettingsError("no mapping of names to values")
    named = [value for key, value in tree.items() if key[:1] != "_" and key != "wandb_version"]
    if named and all(isinstance(value, dict) and "value" in value for value in named):
        tree = {key: value["value"] for key, value in tree.items() if isinstance(value, dict) and "value" in value}
    found: dict[str, str] = {}
    for key, value in _flat(tree):
        found.setdefault(key, value)
        if len(found) > _NAMES:
            raise NotSettingsError(f"more than {_NAMES} values")
    return tuple(found.items())


def _json(text: str) -> Tree:
    try:
        tree: Tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotSettingsError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise NotSettingsError("nested too deeply, or a number of too many digits") from None
    return tree


def _yaml(text: str) -> Tree:
    """The tree of a YAML document, built from its events: no tag makes anything, no alias grows, nothing too deep."""
    import yaml

    top: list[Tree] = []
    stack: list[list[Tree]] = [top]  # children of a mapping are keys and values in turn
    kinds: list[bool] = []
    anchored: dict[str, Tree] = {}  # plain values only: whatever is larger is not repeated
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            _check(event, len(stack))
            if isinstance(event, yaml.ScalarEvent):
                is_key = bool(kinds and kinds[-1]) and len(stack[-1]) % 2 == 0
                stack[-1].append(event.value if event.style or is_key else _word(event.value))
                if event.anchor is not None:
                    anchored[event.anchor] = stack[-1][-1]
            elif isinstance(event, yaml.AliasEvent):
                stack[-1].append(anchored.get(event.anchor or "", f"*{event.anchor}"))
            elif isinstance(event, yaml.CollectionStartEvent):
                stack.append([])
                kinds.append(isinstance(event, yaml.MappingStartEvent))
            elif isinstance(event, yaml.CollectionEndEvent):
                children = stack.pop()
                pairs = zip(map(_shown, children[::2]), children[1::2], strict=True) if kinds.pop() else None
                stack[-1].append(children if pairs is None else dict(pairs))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise NotSettingsError(f"{place}not valid YAML: {getattr(error, 'problem', None) or error}") from None
    except ValueError as error:
        raise error if isinstance(error, NotSettingsError) else NotSettingsError("not valid YAML") from None
    return top[0] if top else {}


def _check(event: object, depth: int) -> None:
    line = f"line {event.start_mark.line + 1}: "  # type: ignore[attr-defined]
    if depth > _DEPTH:
        raise NotSettingsError(f"{line}nested deeper than {_DEPTH} levels")


_WORDS: dict[str, Tree] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][-+]?[0-9]{1,3})?")


def _word(text: str) -> Tree:
    """A plain scalar: a number, nothing, true or false as JSON has them too, else text."""
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and (text[0] != "0" or text[:2] in ("0.", "0e", "0E")):
        return float(text)
    return _WORDS.get(text.lower(), text)


def _flat(tree: Tree, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict) and tree and depth < _DEPTH:
        for key, value in tree.items():
            yield from _flat(value, f"{prefix}/{key}" if prefix else str(key), depth + 1)
    elif prefix:
        yield encodable(prefix[:_LONGEST]), encodable(_shown(tree)[:_LONGEST])


def _shown(value: Tree) -> str:
    """A value as text; `null`, `true` and `false` as JSON writes them."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "…"

"""Lines of keys in TOML: tomllib keeps no positions."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_ARRAY = re.compile(r"\s*\[\[\s*([^\[\]]+?)\s*\]\]\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*(?:\.|$)""")


def line_of(text: str, keys: tuple[str, ...]) -> str:
    """`:LINE` of the key, found by a search (tomllib keeps no positions); nothing when not exactly one line fits."""
    table: tuple[str, ...] = ()
    found = []
    tables: dict[tuple[str, ...], int] = {}  # arrays of tables: how many of each there were
    for number, line in enumerate(text.split("\n"), 1):
        if header := _ARRAY.match(line):
            name = _split(header[1])
            tables[name] = tables.get(name, -1) + 1
            table = path = (*name, str(tables[name]))
        elif header := _HEADER.match(line):
            table = _split(header[1])
            path = table
        elif key := _KEY.match(line):
            path = (*table, *_split(key[1]))
        else:
            continue
        if path[: len(keys)] == keys:
            found.append((len(path) > len(keys), number))
    exact = [number for longer, number in found if not longer]
    hits = exact or [number for _, number in found[:1]]
    return f":{hits[0]}" if len(hits) == 1 else ""


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(dotted))

"""From what was typed to what is there: globs, the root that names are relative to, and names fit to be shown."""

# Plain strings and os.path: names that are not UTF-8, and the speed of large trees, ask for plain strings.
# ruff: noqa: PTH100, PTH112, PTH114, PTH118, PTH119, PTH120, PTH206, PTH208

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import translate
from typing import TYPE_CHECKING

from loglens.errors import LoglensError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Start:
    """A path to walk or read, absolute. `alone`: the one thing asked for, to be read whatever it is called."""

    path: str
    alone: bool = False


def resolve(paths: Sequence[str]) -> tuple[str, list[Start]]:
    """The root and the existing paths that `paths` stand for. Raises `LoglensError` for one that leads nowhere."""
    if not paths:
        raise LoglensError("no path given: name a folder, a file or a glob")
    found = [expand(os.fspath(path)) for path in paths]
    # Links come last: where a link and a folder of the same tree name one run, the folder's own name counts.
    flat = sorted(dict.fromkeys(path for matches in found for path in matches), key=os.path.islink)
    if len(paths) == 1 and found[0] and _is_glob(os.fspath(paths[0])):
        if len(flat) == 1:
            return _static_prefix(os.path.abspath(os.fspath(paths[0])))[0], [Start(flat[0])]
        return _common(flat), [Start(path) for path in flat]
    return _common(flat), [Start(path, alone=len(flat) == 1) for path in flat]


def expand(path: str) -> list[str]:
    """The absolute paths that a path or glob stands for, sorted."""
    if path == "-":
        raise LoglensError("-: standard input is read by itself, not beside other paths")
    if not path:
        raise LoglensError("an empty path: name a folder, a file or a glob ('.' is the working directory)")
    path = _of_file_url(path)
    if "\0" in path:
        raise LoglensError(f"{shown(path)}: a path cannot hold a NUL character")
    whole = os.path.abspath(path)
    if os.path.lexists(whole):
        return [whole]
    if not _is_glob(path):
        raise LoglensError(f"{shown(path)}: no such file or folder{_did_you_mean(whole)}")
    start, parts = _static_prefix(whole)
    matches = list(_match(start, parts))
    if not matches:
        raise LoglensError(f"{shown(path)}: the pattern matches nothing")
    return sorted(set(matches))


def _of_file_url(path: str) -> str:
    """The path that a `file://` URL names."""
    if not path.lower().startswith("file://"):
        return path
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(path)
    if parts.netloc not in ("", "localhost"):
        raise LoglensError(f"{shown(path)}: a file:// URL begins with file:/// and an absolute path")
    return url2pathname(parts.path)


def shown(name: str) -> str:
    """A name in printable characters: whatever is not becomes a backslash escape, so that no two names look alike."""
    if name.isprintable() and "\\" not in name:
        return name
    if os.sep == "/":
        name = name.replace("\\", "\\\\")
    return "".join(c if c.isprintable() else _escape(c) for c in name)


def encodable(text: str) -> str:
    """The text with the half characters that JSON can hold, and UTF-8 cannot, written out."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as os.fsdecode carries it
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode() if code < 0xD800 or code > 0xDFFF else f"\\u{code:04x}"


def _is_glob(path: str) -> bool:
    return bool(_MAGIC.search(path)) and not os.path.lexists(path)


def _static_prefix(whole: str) -> tuple[str, list[str]]:
    """The folder before the first magic character of an absolute glob, and the parts after it."""
    drive, tail = os.path.splitdrive(whole)
    parts = [part for part in tail.split(os.sep) if part]
    first = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
    return drive + os.sep + os.sep.join(parts[:first]), parts[first:]


def _match(start: str, parts: list[str]) -> Iterator[str]:
    """Paths below `start` that match the parts of a glob; `**` follows no links, so it always ends."""
    level = [start]
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            level = [folder for path in level for folder in _descend(path)]
        elif _MAGIC.search(part):
            wanted = re.compile(translate(part))
            hidden = part.startswith(".")
            level = [
                os.path.join(path, name)
                for path in level
                for name in _names(path)
                if wanted.match(name) and (hidden or not name.startswith("."))
            ]
        else:
            level = [joined for path in level if os.path.lexists(joined := os.path.join(path, part))]
        if not last:
            level = [path for path in level if os.path.isdir(path)]
    yield from level


def _descend(start: str) -> Iterator[str]:
    stack = [start]
    while stack:
        path = stack.pop()
        yield path
        inside = (os.path.join(path, name) for name in _names(path) if not name.startswith("."))
        stack += [sub for sub in inside if os.path.isdir(sub) and not os.path.islink(sub)]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _common(found: Sequence[str]) -> str:
    """The deepest folder that holds every path; a folder holds itself."""
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in found]
    try:
        return os.path.commonpath(folders)
    except ValueError:
        raise LoglensError("the paths lie on different drives: analyze them one drive at a time") from None


def _did_you_mean(whole: str) -> str:
    """A hint for a path that does not exist: the entry beside it with the closest name."""
    parent = os.path.dirname(whole)
    while not os.path.isdir(parent) and parent != os.path.dirname(parent):
        whole, parent = parent, os.path.dirname(parent)
    close = get_close_matches(os.path.basename(whole), _names(parent), n=1, cutoff=0.6)
    return (
        f"; did you mean {shown(os.path.normpath(os.path.join(os.path.relpath(parent), close[0])))}?" if close else ""
    )

"""What a shell may complete: ids of rules and roles. Files are skimmed as text, since a press of TAB must not wait."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from loglens.resources import resource_dir
from loglens.roles import known_roles
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click

FILES = 500  # rule files that are skimmed at most
HEAD = 4096  # characters of each: the id and the title come first
_ID = re.compile(r"^id:\s*([a-z][a-z0-9-]*)\s*$", re.MULTILINE)
_TITLE = re.compile(r"""^title:\s*["']?(.*?)["']?\s*$""", re.MULTILINE)


def complete_rules(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of rules, with their titles; the last one of a list with commas."""
    told, comma, last = incomplete.rpartition(",")
    ids = _rules(ctx.params.get("rules") or ctx.params.get("extra") or ())
    taken = set(told.split(","))
    found = [(rule, title) for rule, title in ids if rule.startswith(last) and rule not in taken]
    return [CompletionItem(f"{told}{comma}{rule}", help=visible(title)) for rule, title in found]


def complete_roles(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Roles; the last one of a list with commas."""
    told, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{told}{comma}{role}") for role in known_roles() if role.startswith(last)]


def complete_files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files and folders, which the shell knows best."""
    return [CompletionItem(incomplete, type="file")]


def complete_parameters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`RULE.` for what goes on with a parameter; `loglens explain RULE` names those."""
    if "." in incomplete:
        return []
    return [CompletionItem(f"{each.value}.", help=each.help) for each in complete_rules(ctx, param, incomplete)]


def _rules(further: Iterable[str]) -> list[tuple[str, str]]:
    """(id, title) of every rule that can be seen at a glance."""
    files = [*_files(resource_dir("rules")), *(file for path in further for file in _files(Path(path)))]
    found = {}
    for file in files[:FILES]:
        text = _head(file)
        if match := _ID.search(text):
            title = _TITLE.search(text)
            found[match[1]] = title[1] if title else ""
    return sorted(found.items())


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        yield from sorted(islice(place.rglob("*.y*ml"), FILES))


def _head(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(HEAD)
    except OSError:
        return ""

"""`docs/commands.md`: every command with its options and examples, made from the commands themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from loglens.commands.examples import CODES, EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# Commands

Every command with its options; `loglens COMMAND --help` says the same. `python -m loglens` is `loglens`. This page is
made from the commands (`pytest tests/test_pages.py --update-golden`)."""


def page(cli: click.Group) -> str:
    """The whole page, as Markdown."""
    codes = re.sub(r"\s+", " ", CODES.replace("\b", "")).replace(" Environment:", "\n\nEnvironment:")
    return "\n\n".join([HEAD, _text(codes), *_commands(cli, ())]) + "\n"


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield from _command(command, (*path, name))


def _command(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    name = " ".join(path)
    context = click.Context(command, info_name=f"loglens {name}")
    yield f"## {name}"
    yield f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`"
    yield _text(command.help or "")
    if name in EXAMPLES:
        width = max(len(line) for line, _ in EXAMPLES[name])
        yield "\n".join(["```sh", *(f"{line:<{width}}  # {why}" for line, why in EXAMPLES[name]), "```"])
    rows = [_option(p, context) for p in command.params if isinstance(p, click.Option)]
    yield "\n".join(["| option | what it does |", "|---|---|", *rows])


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    flags, told = record if record else (", ".join(option.opts), option.help or "")
    return f"| `{flags.replace('|', '&#124;')}` | {_text(told).replace('|', '&#124;')} |".replace("&#124;", "\\|")


def _text(text: str) -> str:
    """The text of a help as Markdown: one line a paragraph, signs of elements made harmless."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(paragraphs).replace("<", "&lt;").replace("*", "\\*")

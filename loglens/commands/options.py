"""Options that commands share, and what they mean: which settings, which logs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loglens.commands.completing import complete_files, complete_parameters, complete_rules
from loglens.config import Config, find_config, from_environment, load_config
from loglens.console import Progress, note
from loglens.errors import LoglensError
from loglens.reporters import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

    from loglens.api import Judged
    from loglens.model import Logs
    from loglens.rule import Rule

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=complete_files)
OUTPUT = click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FILE",
    shell_complete=complete_files,
    help="Write a report: .html .md .json .txt .sarif .xml (JUnit), findings.parquet, runs.parquet, or FORMAT:FILE.",
)


class _FormatName(click.Choice):  # type: ignore[type-arg]
    """A format; those of installed packages are looked for when none of ours is meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in FORMATS:
            from loglens.plugins import add_installed_reporters

            add_installed_reporters()
        return value if value in FORMATS else super().convert(value, param, ctx)


FORMAT = click.option("--format", "form", type=_FormatName(list(FORMATS)), help="Format on standard output.")
TOP = click.option("--top", type=click.IntRange(0), metavar="N", help="At most N pictures in HTML and Markdown.")
TEMPLATE = click.option(
    "--template",
    metavar="DIR",
    shell_complete=complete_files,
    help="Templates that replace those of HTML and Markdown (docs/templates.md).",
)
PNG = click.option("--png", is_flag=True, help="Pictures of Markdown as PNG, not SVG (needs loglens[png]).")
COLOR = click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours in text.")
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something breaks.")
LISTING = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people or programs."
)


def reads_logs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that reads logs."""
    options = (
        click.option(
            "--config",
            "config_file",
            metavar="FILE",
            shell_complete=complete_files,
            help="Settings; else the nearest loglens.toml.",
        ),
        click.option("--no-config", is_flag=True, help="Read no settings file."),
        click.option("--runs", "globs", multiple=True, metavar="GLOB", help="Only runs of such names."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out such files and folders."),
        click.option(
            "--max-file-bytes",
            type=click.IntRange(1),
            metavar="B",
            help="Name larger files instead of reading them (default: 32 GiB).",
        ),
        click.option("--follow-symlinks", is_flag=True, help="Follow links that lead out of the tree."),
        DEBUG,
        click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
        click.option("--progress", is_flag=True, help="Show progress where standard error is no terminal, too."),
        click.option("-v", "--verbose", is_flag=True, help="Say what is read, and where the time goes."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def chooses_rules(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that judges."""
    options = (
        click.option(
            "--select",
            multiple=True,
            metavar="IDS",
            shell_complete=complete_rules,
            help="Check only these rules (comma-separated ids).",
        ),
        click.option(
            "--ignore",
            multiple=True,
            metavar="IDS",
            shell_complete=complete_rules,
            help="Do not check these (comma-separated ids); replaces the file's list.",
        ),
        click.option(
            "--rules", multiple=True, metavar="FILE|DIR", shell_complete=complete_files, help="Further rules."
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="RULE.PARAM=VALUE",
            shell_complete=complete_parameters,
            help="Change a rule's parameter.",
        ),
        click.option(
            "--kernels", multiple=True, metavar="MODULE", help="Import further kernels for rules (runs the module)."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def chosen_rules(options: dict[str, Any], config: Config) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules that the options of `chooses_rules` and the settings ask for, and the ids of those left out."""
    from loglens.api import load_choice
    from loglens.plugins import add_kernels
    from loglens.selection import parse_settings

    for module in options["kernels"]:
        add_kernels(module)
    return load_choice(
        config.merged(
            select=ids(options["select"]),
            ignore=ids(options["ignore"]),
            rule_files=options["rules"],
            parameters=parse_settings(options["settings"]),
        )
    )


@dataclass(frozen=True)
class Reading:
    """What to read, and what to say meanwhile."""

    paths: tuple[str, ...]
    config: Config
    globs: tuple[str, ...]
    follow_symlinks: bool
    quiet: bool
    verbose: bool
    progress: bool = False
    max_file_bytes: int | None = None

    def batches(self) -> Iterator[Logs]:
        """The batches of runs, with progress on a terminal."""
        from loglens.api import batches
        from loglens.assumed import with_hparams

        progress = self._progress()
        try:
            for logs in batches(list(self.paths), roles=self.config.roles, **self.limits()):
                progress.add(len(logs.names), len(logs.sources))
                if self.verbose:
                    progress.clear()
                    note(f"read {repr(logs)[7:-1]}")
                yield with_hparams(logs, self.config.hparams)
        finally:
            progress.clear()

    def judged(
        self, rules: Sequence[Rule], narrowed: bool, kernels: Sequence[str], jobs: int, executor: Executor | None = None
    ) -> Iterator[Judged]:
        """What is found in each batch, by several processes or on an executor, with progress on a terminal."""
        from loglens.api import judge_paths

        progress = self._progress()
        more: dict[str, Any] = {"jobs": jobs, "executor": executor, "log": told, "roles": self.config.roles}
        more["hparams"] = self.config.hparams
        try:
            for part in judge_paths(
                list(self.paths), rules, narrowed=narrowed, kernels=kernels, **more, **self.limits()
            ):
                progress.add(len(part.names), part.files)
                yield part
        finally:
            progress.clear()

    def limits(self) -> dict[str, Any]:
        """Options of reading: what of the paths is read."""
        limit = {"max_file_bytes": self.max_file_bytes} if self.max_file_bytes else {}
        options = {"runs": self.globs, "exclude": self.config.exclude, "follow_symlinks": self.follow_symlinks}
        return options | limit

    def _progress(self) -> Progress:
        terminal = sys.stderr.isatty()
        return Progress(terminal, wanted=self.progress or (terminal and not self.quiet))


def told(text: str) -> None:
    """Say on standard error what happened to the work."""
    note(f"loglens: {text}")


def reading(options: dict[str, Any]) -> Reading:
    """Take the common options out of `options`; the rest stays."""
    config = settings(options.pop("config_file"), options.pop("no_config"), options.get("rules")).merged(
        exclude=options.pop("exclude")
    )
    names = ("paths", "globs", "follow_symlinks", "quiet", "verbose", "progress", "max_file_bytes")
    return Reading(config=config, **{name: options.pop(name) for name in names})


def settings(path: str | None, none: bool, rules: Sequence[str] | None = None) -> Config:
    """The settings of the file named, else of the nearest one; with `none` of no file. LOGLENS_* variables go before.

    `rules`: see `load_config`.
    """
    if none and path:
        raise LoglensError("--config and --no-config exclude each other")
    if path == "":
        raise LoglensError("--config: an empty name; name a settings file, or leave the option out")
    path = path or os.environ.get("LOGLENS_CONFIG")
    found = None if none else Path(path) if path else find_config(Path.cwd())
    return from_environment(load_config(found, rules) if found else Config(), os.environ)


def ids(values: Sequence[str]) -> list[str]:
    """Comma-separated values of a repeated option."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]

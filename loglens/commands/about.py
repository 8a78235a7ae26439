"""`explain`, `rules`, `config`, `schema`, `completion`: what loglens knows, without any logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loglens.commands.completing import complete_files, complete_rules
from loglens.commands.options import DEBUG, LISTING, settings
from loglens.commands.targets import check_targets
from loglens.config import Config, to_toml
from loglens.console import emit, note
from loglens.errors import LoglensError
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.rule import Rule
    from loglens.ruletest import CaseResult

SHELLS = ("bash", "zsh", "fish")


def _add_kernels(_context: click.Context, _option: click.Parameter, modules: Sequence[str]) -> None:
    from loglens.plugins import add_kernels

    for module in modules:
        add_kernels(module)


KERNELS = click.option(
    "--kernels",
    multiple=True,
    metavar="MODULE",
    expose_value=False,
    callback=_add_kernels,
    help="Import further kernels for rules (runs the module).",
)


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@click.command()
@click.argument("rule_id", metavar="RULE", shell_complete=complete_rules)
@click.option(
    "--rules", "extra", multiple=True, metavar="FILE|DIR", shell_complete=complete_files, help="Further rules."
)
@KERNELS
@DEBUG
def explain(rule_id: str, extra: tuple[str, ...]) -> int:
    """Say what a rule sees, why it matters, likely causes, remedies and parameters."""
    from loglens.api import load_chosen
    from loglens.explain import explain as page

    emit(page(load_chosen(Config(rule_files=extra, select=(rule_id,)))[0]))
    return 0


@click.group()
def rules() -> None:
    """List, check and test rules; print their schema."""


@rules.command("list")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete_files)
@LISTING
@KERNELS
@DEBUG
def rules_list(paths: tuple[str, ...], form: str) -> int:
    """Name every rule, with further ones from PATH."""
    from loglens.api import load_chosen
    from loglens.explain import as_json, as_table

    emit((as_json if form == "json" else as_table)(load_chosen(Config(rule_files=paths))))
    return 0


@rules.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete_files)
@KERNELS
@DEBUG
def rules_check(paths: tuple[str, ...]) -> int:
    """Check rule files (default: those that come with loglens); every mistake as file:line:col."""
    found, mistakes = _checked(paths)
    for mistake in mistakes:
        emit(visible(mistake))
    remarks = [f"{rule.path}:{m.line}:{m.col}: warning: {m.message}" for rule in found for m in rule.remarks]
    for remark in remarks:
        emit(visible(remark))
    note(
        f"{_many(len(found), 'rule')} {'is' if len(found) == 1 else 'are'} sound, {_many(len(mistakes), 'mistake')}"
        + (f", {_many(len(remarks), 'warning')}" if remarks else "")
    )
    return 1 if mistakes else 0


@rules.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete_files)
@click.option("-k", "only", default="", metavar="TEXT", help="Only cases whose 'rule: name' contains TEXT.")
@click.option("--junit", metavar="FILE", shell_complete=complete_files, help="Write the results as JUnit XML too.")
@KERNELS
@DEBUG
def rules_test(paths: tuple[str, ...], only: str, junit: str | None) -> int:
    """Run the cases in rule files (default: those that come with loglens)."""
    from loglens.ruletest import run_cases

    check_targets([("--junit", junit)] if junit is not None else [], (), {"a file of rules": paths})
    found, mistakes = _checked(paths)
    results = run_cases(found, only=only)
    if only and not results and not mistakes:
        raise LoglensError(f"no case has '{only}' in its 'rule: name'")
    failed = [result for result in results if result.failure]
    for line in mistakes:
        emit(visible(line))
    for result in failed:
        emit(visible(f"{result.place}: {result.rule}: {result.case}: {result.failure}"))
        for line in result.detail:
            emit(f"    {visible(line)}")
    if junit is not None:
        _write_junit(junit, results, mistakes)
    note(
        f"{len(results) - len(failed)} of {_many(len(results), 'case')} hold, "
        f"{_many(len(mistakes), 'mistake')} in rule files"
    )
    return 1 if failed or mistakes else 0


def _write_junit(path: str, results: Sequence[CaseResult], mistakes: Sequence[str]) -> None:
    from pathlib import Path

    from loglens.reporters import write_text
    from loglens.reporters.junit import render_cases

    write_text(Path(path), render_cases(results, mistakes))


def _checked(paths: Sequence[str]) -> tuple[tuple[Rule, ...], list[str]]:
    """The sound rules of `paths`, and every mistake; they may be explained by rules that come with loglens."""
    from loglens.kernels import signatures
    from loglens.ruleset import builtin_rules, check_files, check_links, check_new, rule_paths

    mistakes: list[str] = []
    if paths and not rule_paths(paths):
        raise LoglensError(f"no rule files (*.yaml, *.yml) in {', '.join(paths)}")
    found = check_files(paths or [builtin_rules()], signatures(), mistakes.append)
    if not mistakes:  # a faulty rule is missing from the links
        known = check_files([builtin_rules()], signatures(), mistakes.append) if paths else ()
        own = {rule.id for rule in found}
        check_new(found, known, mistakes.append)
        check_links((*found, *(rule for rule in known if rule.id not in own)), mistakes.append)
    return found, mistakes


@rules.command("schema")
@DEBUG
def rules_schema() -> int:
    """Print the JSON Schema of rule files, for editors."""
    from loglens.ruleschema import schema_text

    emit(schema_text())
    return 0


@click.group()
def config() -> None:
    """Settings."""


@config.command("show")
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    shell_complete=complete_files,
    help="This file; else the nearest loglens.toml.",
)
@click.option(
    "--rules",
    "extra",
    multiple=True,
    metavar="FILE|DIR",
    shell_complete=complete_files,
    help="Further rules that the settings may name.",
)
@DEBUG
def config_show(config_file: str | None, extra: tuple[str, ...]) -> int:
    """Print the settings in force, and which file they come from."""
    emit(to_toml(settings(config_file, none=False, rules=extra)))
    return 0


@click.group()
def schema() -> None:
    """JSON Schemas of what loglens writes."""


@schema.command("report")
@DEBUG
def schema_report() -> int:
    """Print the JSON Schema of the JSON report."""
    from loglens.reporters.records import schema_text

    emit(schema_text())
    return 0


@schema.command("comparison")
@DEBUG
def schema_comparison() -> int:
    """Print the JSON Schema of what `compare` writes as JSON."""
    import json

    from loglens.reporters.comparison import schema as comparison_schema

    emit(json.dumps(comparison_schema(), indent=2))
    return 0


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@DEBUG
def completion(shell: str) -> int:
    """Print the completion script of a shell: commands, options, ids of rules, roles."""
    from click.shell_completion import get_completion_class

    from loglens.cli import cli

    found = get_completion_class(shell)
    if found is None:
        raise LoglensError(f"no completion for {shell}")
    emit(found(cli, {}, "loglens", "_LOGLENS_COMPLETE").source())
    return 0


COMMANDS = (explain, rules, config, schema, completion)

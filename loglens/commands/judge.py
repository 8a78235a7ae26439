"""`analyze` and `report`: from logs, or from a JSON report, to what people and programs read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from loglens.commands.options import COLOR, DEBUG, FORMAT, OUTPUT, PATHS, TOP, ids, reading, reads_logs
from loglens.config import FAIL_ON, Config
from loglens.console import emit, note, text_width, wants_color
from loglens.errors import LoglensError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.report import Report
    from loglens.rule import Rule


@click.command()
@PATHS
@OUTPUT
@FORMAT
@TOP
@click.option("--select", multiple=True, metavar="IDS", help="Check only these rules (comma-separated ids).")
@click.option(
    "--ignore", multiple=True, metavar="IDS", help="Do not check these (comma-separated ids); replaces the file's list."
)
@click.option("--rules", multiple=True, metavar="FILE|DIR", help="Further rules.")
@click.option("--set", "settings", multiple=True, metavar="RULE.PARAM=VALUE", help="Change a parameter of a rule.")
@click.option("--kernels", multiple=True, metavar="MODULE", help="Import further kernels for rules (runs the module).")
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="Lowest severity that makes the exit code 1.")
@click.option("--require", multiple=True, metavar="ROLES", help="Roles that every run must have, else exit code 1.")
@click.option("--min-runs", type=click.IntRange(0), default=1, metavar="N", help="Fewer runs make the exit code 1.")
@click.option("--strict", is_flag=True, help="A log that was not read whole makes the exit code 2.")
@COLOR
@reads_logs
def analyze(**options: Any) -> int:
    """Judge every run under PATH (folders, files or globs) and report what is wrong."""
    from loglens.api import judge_batches
    from loglens.gate import Gate, summary_line
    from loglens.timings import Clock

    logs, clock = reading(options), Clock()
    required = _known_roles(ids(options["require"]))
    gate = Gate(options["fail_on"] or logs.config.fail_on, required, options["min_runs"], options["strict"])
    outputs = _outputs(options["output"])
    rules, left_out = _rules(options, logs.config)
    clock.lap("load rules")
    spent = clock.rule if logs.verbose else None
    report = judge_batches(clock.during("read", logs.batches(), then="judge"), rules, None, spent, left_out)
    clock.lap("judge")
    code, reasons = gate.judge(report)
    _write(report, outputs, options["top"])
    _print(report, options["form"] or "text", options["color"], options["top"])
    clock.lap("render")
    for reason in reasons:
        note(f"loglens: {reason}")
    if logs.verbose:
        for line in clock.lines():
            note(line)
    if not logs.quiet:
        note(summary_line(report, [path for _, path in outputs]))
    return code


def _known_roles(roles: Sequence[str]) -> tuple[str, ...]:
    from loglens.roles import is_role, known_roles
    from loglens.wording import suggestion

    for role in roles:
        if not is_role(role):
            raise LoglensError(f"--require: no role '{role}'{suggestion(role, known_roles())}")
    return tuple(roles)


def _rules(options: dict[str, Any], config: Config) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
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


def _outputs(names: Sequence[str]) -> list[tuple[str, str]]:
    """(format, path) of each `-o`; checked before anything is read."""
    from loglens.reporters import format_for

    return [format_for(name) for name in names]


def _write(report: Report, outputs: Sequence[tuple[str, str]], top: int | None) -> None:
    from loglens.reporters import write_report

    for form, path in outputs:
        write_report(report, form, path, **_top(top))


def _print(report: Report, form: str, color: str, top: int | None) -> None:
    from loglens.reporters import render

    emit(render(report, form, color=wants_color(color, sys.stdout), width=text_width(sys.stdout), **_top(top)))


def _top(top: int | None) -> dict[str, int]:
    return {} if top is None else {"top": top}


@click.command("report")
@click.argument("source", metavar="REPORT.json")
@OUTPUT
@FORMAT
@TOP
@COLOR
@DEBUG
def report_again(source: str, output: Sequence[str], form: str | None, top: int | None, color: str) -> int:
    """Render a JSON report again, in other formats."""
    from loglens.reporters.records import read_report

    outputs = _outputs(output)
    report = read_report(source)
    _write(report, outputs, top)
    if form or not outputs:
        _print(report, form or "text", color, top)
    return 0

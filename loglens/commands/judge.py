"""`analyze` and `report`: from logs, or from a JSON report, to what people and programs read."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loglens.commands.completing import complete_files, complete_roles
from loglens.commands.options import (
    COLOR,
    DEBUG,
    FORMAT,
    OUTPUT,
    PATHS,
    PNG,
    TEMPLATE,
    TOP,
    chooses_rules,
    chosen_rules,
    ids,
    reading,
    reads_logs,
    told,
)
from loglens.commands.targets import check_targets
from loglens.configcheck import FAIL_ON, role_mistake
from loglens.console import emit, note, text_width, wants_color
from loglens.errors import LoglensError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from loglens.commands.options import Reading
    from loglens.config import Config
    from loglens.gate import Gate
    from loglens.report import Report


@click.command()
@PATHS
@OUTPUT
@FORMAT
@TOP
@PNG
@TEMPLATE
@chooses_rules
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="Lowest severity that makes the exit code 1.")
@click.option(
    "--require",
    multiple=True,
    metavar="ROLES",
    shell_complete=complete_roles,
    help="Roles that every run must have, else exit code 1.",
)
@click.option("--min-runs", type=click.IntRange(0), metavar="N", help="Fewer runs make the exit code 1 (default: 1).")
@click.option(
    "--fail-above",
    type=click.IntRange(0),
    metavar="N",
    help="Up to N runs with findings at or above --fail-on leave the exit code 0 (default: 0).",
)
@click.option(
    "--baseline",
    metavar="FILE",
    shell_complete=complete_files,
    help="Findings in this file fail nothing; only new ones do.",
)
@click.option(
    "--write-baseline",
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the findings as a baseline; the exit code stays.",
)
@click.option(
    "--jobs", type=click.IntRange(0), default=1, metavar="N", help="At most N processes (0: one a processor)."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "dask", "ray"]),
    default="local",
    help="Where the work is done (docs/scale.md).",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="The cluster of --engine, such as tcp://HOST:8786.")
@click.option("--strict", is_flag=True, help="A log that was not read whole makes the exit code 2.")
@COLOR
@reads_logs
def analyze(**options: Any) -> int:
    """Judge every run under PATH (folders, files or globs) and report what is wrong."""
    from loglens.api import judge_batches, report_of
    from loglens.baseline import against, baseline_text
    from loglens.gate import gone_lines, summary_line
    from loglens.reporters import write_text
    from loglens.suppression import suppress
    from loglens.timings import Clock

    logs, clock = reading(options), Clock()
    gate = _gate(options, logs.config)
    outputs, look = _outputs(options["output"]), _look(options)
    _check_targets(options, outputs, logs)
    rules, left_out = chosen_rules(options, logs.config)
    known = _known(options["baseline"])
    clock.lap("load rules")
    spent = clock.rule if logs.verbose else None
    if options["jobs"] == 1 and options["engine"] == "local" and not options["scheduler"]:
        report = judge_batches(clock.during("read", logs.batches(), then="judge"), rules, None, spent, left_out)
    else:
        with _workers(options, logs.paths) as (jobs, executor):
            parts = logs.judged(rules, bool(left_out), options["kernels"], jobs, executor)
            report = report_of(parts, rules, left_out)
    report, remarks = suppress(report, logs.config.suppress)
    report = report if known is None else against(report, known)
    clock.lap("judge")
    code, reasons = gate.judge(report)
    look["fail_on"] = gate.fail_on
    _write(report, outputs, look)
    if options["write_baseline"]:
        write_text(Path(options["write_baseline"]), baseline_text(report))
    _print(report, options["form"] or "text", options["color"], look)
    clock.lap("render")
    for reason in [*reasons, *remarks, *gone_lines(report)]:
        note(f"loglens: {reason}")
    if logs.verbose:
        for line in clock.lines():
            note(line)
    if not logs.quiet:
        note(summary_line(report, [path for _, path in outputs]))
    return code


@contextmanager
def _workers(options: dict[str, Any], paths: Sequence[str]) -> Iterator[tuple[int, Executor | None]]:
    """How many processes, or the executor of a cluster."""
    jobs = options["jobs"] or os.cpu_count() or 1
    if options["engine"] == "local":
        if options["scheduler"]:
            raise LoglensError("--scheduler: name its engine, too: --engine dask or --engine ray")
        yield jobs, None
        return
    if "-" in paths:
        raise LoglensError(f"-: standard input is not seen by the workers of --engine {options['engine']}")
    from loglens.engines import cluster

    with cluster(options["engine"], options["scheduler"], told) as executor:
        yield jobs, executor


def _known(baseline: str | None) -> tuple[tuple[str, str, str, str, str], ...] | None:
    """What the baseline lists, read before any log is; None without one."""
    from loglens.baseline import read_baseline

    if baseline == "":
        raise LoglensError("--baseline: an empty name; name a file, or leave the option out")
    return read_baseline(Path(baseline)) if baseline else None


def _gate(options: dict[str, Any], config: Config) -> Gate:
    """What the command line says of the gate, else the settings."""
    from loglens.gate import Gate

    said = {name: options[name] for name in ("min_runs", "fail_above") if options[name] is not None}
    required = _known_roles(ids(options["require"]))
    return Gate(
        options["fail_on"] or config.fail_on,
        required or config.require,
        said.get("min_runs", config.min_runs),
        options["strict"],
        said.get("fail_above", config.fail_above),
        config.override,
    )


def _known_roles(roles: Sequence[str]) -> tuple[str, ...]:
    for role in roles:
        if why := role_mistake(role):
            raise LoglensError(f"--require: {why}")
    return tuple(roles)


def _outputs(names: Sequence[str]) -> list[tuple[str, str]]:
    """(format, path) of each `-o`; an ending that names no format is told before anything is read."""
    from loglens.reporters import format_for

    return [format_for(name) for name in names]


def _check_targets(options: dict[str, Any], outputs: Sequence[tuple[str, str]], logs: Reading) -> None:
    """Nothing that is read may be written to; a baseline may be renewed."""
    baseline, renewed = options["baseline"], options["write_baseline"]
    targets = [("-o", path) for _, path in outputs]
    inputs = {
        "the settings file": [logs.config.path] if logs.config.path else [],
        "a file of rules": [*logs.config.rule_files, *options["rules"]],
    }
    renewing = [("--write-baseline", renewed)] if renewed is not None else []
    check_targets([*targets, *renewing], logs.paths, inputs)
    check_targets(targets, (), {"the baseline": [baseline] if baseline else []})


def _look(options: dict[str, Any]) -> dict[str, Any]:
    """What the options say of how reports look; templates are checked before anything is read."""
    look = {name: options[name] for name in ("top", "template") if options[name] is not None}
    if "template" in look:
        from loglens.reporters.templating import check_templates

        check_templates(look["template"])
    return look | ({"png": True} if options["png"] else {})


def _write(report: Report, outputs: Sequence[tuple[str, str]], look: dict[str, Any]) -> None:
    from loglens.reporters import write_report

    for form, path in outputs:
        write_report(report, form, path, **look)


def _print(report: Report, form: str, color: str, look: dict[str, Any]) -> None:
    from loglens.reporters import render

    emit(render(report, form, color=wants_color(color, sys.stdout), width=text_width(sys.stdout), **look))
    if form == "github":
        from loglens.reporters.ci import add_job_summary

        add_job_summary(report, **look)


@click.command("report")
@click.argument("source", metavar="REPORT.json", shell_complete=complete_files)
@OUTPUT
@FORMAT
@TOP
@PNG
@TEMPLATE
@COLOR
@DEBUG
def report_again(source: str, **options: Any) -> int:
    """Render a JSON report again, in other formats.

    A report of several runs holds the curves of its sparklines and of the evidence that was drawn (24 pictures), a
    report of one run all of its curves, of 700 points at most. What else a page shows of curves, the median band of a
    group or a run that is opened to look closer, is drawn from these alone; for more, analyze the logs.
    """
    from loglens.reporters.records import read_report

    outputs, look = _outputs(options["output"]), _look(options)
    check_targets([("-o", path) for _, path in outputs])
    report = read_report(source)
    _write(report, outputs, look)
    if options["form"] or not outputs:
        _print(report, options["form"] or "text", options["color"], look)
    return 0

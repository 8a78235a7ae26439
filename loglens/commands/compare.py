"""`compare`: is a candidate worse than a baseline?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from loglens.commands.completing import complete_files
from loglens.commands.options import COLOR, chooses_rules, chosen_rules, reading, reads_logs
from loglens.commands.targets import check_targets
from loglens.configcheck import FAIL_ON
from loglens.console import emit, note, wants_color
from loglens.errors import LoglensError

if TYPE_CHECKING:
    from loglens.compare import Comparison
    from loglens.model import Logs

FORMATS = ("text", "json", "markdown", "html")
ENDINGS = {
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}


@click.command()
@click.argument("baseline", shell_complete=complete_files)
@click.argument("candidate", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FILE",
    shell_complete=complete_files,
    help="Write the comparison: .html .md .json .txt, or FORMAT:FILE.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="Format on standard output.")
@click.option(
    "--pair",
    type=click.Choice(("auto", "name", "group")),
    default="auto",
    help="Hold runs against those of the same name, or each against the whole baseline.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="warning",
    help="Lowest severity of a new finding that makes a run worse (default: warning); never: exit code 0 always.",
)
@chooses_rules
@COLOR
@reads_logs
def compare(baseline: str, candidate: str, **options: Any) -> int:
    """Say whether the runs of CANDIDATE are worse than those of BASELINE (folders, files or globs).

    Metric by metric at equal steps and at the end, chance taken into account; and finding by finding. Several runs
    of BASELINE that differ in seed or fold alone are one baseline; runs of equal names are held against each other;
    else each candidate is held against all. Exit code 1 when a run is worse.
    """
    from loglens.compare import compare as compared
    from loglens.reporters.comparison import summary_line

    outputs = [_format_for(name) for name in options["output"]]
    fail_on, pair = options.pop("fail_on"), options.pop("pair")
    logs = reading(options | {"paths": ()})
    check_targets([("-o", path) for _, path in outputs], (baseline, candidate))
    rules, _ = chosen_rules(options, logs.config)
    result = compared(*(_read(logs, path) for path in (baseline, candidate)), fail_on=fail_on, pair=pair, rules=rules)
    if all(one.verdict == "unknown" for one in result.comparisons):
        raise LoglensError(f"{baseline} and {candidate} have no loss or score in common: nothing to compare")
    for form, path in outputs:
        _write(result, form, path)
    emit(_render(result, options["form"], wants_color(options["color"], sys.stdout)))
    if not logs.quiet:
        note(summary_line(result))
    return int(result.worse and fail_on != "never")


def _read(reading: Any, path: str) -> Logs:
    from loglens.api import read
    from loglens.assumed import with_hparams

    options = reading.limits()
    return with_hparams(read(path, roles=reading.config.roles, **options), reading.config.hparams)


def _format_for(name: str) -> tuple[str, str]:
    from pathlib import Path

    form, colon, rest = name.partition(":")
    if colon and form in FORMATS and rest:
        return form, rest
    if Path(name).suffix.lower() not in ENDINGS:
        raise LoglensError(f"{name}: the ending names no format; use one of {' '.join(ENDINGS)}, or say FORMAT:{name}")
    return ENDINGS[Path(name).suffix.lower()], name


def _render(result: Comparison, form: str, color: bool = False) -> str:
    from loglens.reporters import comparison

    if form == "text":
        return comparison.as_text(result, color)
    if form == "html":
        from loglens.reporters.comparisonpage import as_html

        return as_html(result)
    return comparison.as_json(result) if form == "json" else comparison.as_markdown(result)


def _write(result: Comparison, form: str, path: str) -> None:
    from pathlib import Path

    from loglens.reporters import write_text

    write_text(Path(path), _render(result, form))

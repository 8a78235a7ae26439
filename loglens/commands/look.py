"""`inspect` and `export`: what was read, with no judgement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from loglens.commands.completing import complete_files
from loglens.commands.options import LISTING, PATHS, reading, reads_logs
from loglens.commands.targets import check_targets
from loglens.console import emit, note
from loglens.export import ENDINGS, TABLES


@click.command()
@PATHS
@LISTING
@reads_logs
def inspect(**options: Any) -> int:
    """Show what is found and read: runs, files, series with their roles and why, faults, skipped files."""
    from loglens.inspection import as_json, as_text

    logs = reading(options)
    if options["form"] == "json":
        emit(as_json(logs.batches()))
        return 0
    for number, part in enumerate(as_text(logs.batches())):
        emit(("\n" if number else "") + part)
    return 0


@click.command()
@PATHS
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    shell_complete=complete_files,
    help=f"File to write ({' '.join(ENDINGS)}).",
)
@click.option("--table", type=click.Choice(TABLES), default="scalars", help="What to write.")
@reads_logs
def export(**options: Any) -> int:
    """Write everything that was read as one long table."""
    from loglens.export import export as write

    logs = reading(options)
    check_targets([("-o", options["output"])], logs.paths)
    rows = write(logs.batches(), Path(options["output"]), options["table"])
    if not logs.quiet:
        note(f"{options['output']}: {rows:,} row{'' if rows == 1 else 's'}")
    return 0

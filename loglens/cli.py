"""The command line: the group of commands, and the one place where an exception becomes a line and an exit code.

Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

import click

from loglens import __version__
from loglens.commands import about, compare, judge, look
from loglens.commands.examples import add_examples
from loglens.console import discard_output, note, use_utf8
from loglens.errors import Interrupted, LoglensError
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

HELPS = frozenset({"-h", "--help", "-V", "--version"})


def main() -> None:
    """Entry point: run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run the command line; the exit code. The one place where exceptions become a line for people."""
    use_utf8()
    debug = "--debug" in args
    try:
        return _invoke(args)
    except LoglensError as error:
        return _fail(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return _fail("interrupted", Interrupted.exit_code, debug)
    except BaseException as error:  # a panic of Polars is no Exception
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        hint = "" if debug else "; --debug shows where, please report it"
        return _fail(f"internal error: {what}{hint}", LoglensError.exit_code, debug)


def _invoke(args: Sequence[str]) -> int:
    stream = sys.stdout
    try:
        code = cli.main(list(args), prog_name="loglens", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        note(error.format_message())
        return LoglensError.exit_code
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "loglens"
        raise LoglensError(f"{error.format_message().rstrip('.')}; see {command} --help") from None
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:
        if sys.stdout is stream:
            raise
        sys.stdout = stream  # click has put another in its place, as a pipe is closed, and said 1
        discard_output()
        if not HELPS.intersection(args):
            raise LoglensError("a pipe was closed while it was written to") from None
        return 0  # whoever closed it has read enough
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        note(traceback.format_exc().rstrip())
    note("loglens: " + "\n".join(map(visible, message.split("\n"))))  # it may quote files and arguments
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="loglens")
def cli() -> None:
    """Say what went wrong in training logs: in which run, from which step on, and what to do."""


for command in (judge.analyze, judge.report_again, compare.compare, look.inspect, look.export, *about.COMMANDS):
    cli.add_command(command)
add_examples(cli)

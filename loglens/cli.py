"""The command line: parse, call, print, exit. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loglens import __version__
from loglens.config import FAIL_ON, Config, find_config, load_config, to_toml
from loglens.console import Progress, emit, note, use_utf8, wants_color
from loglens.errors import Interrupted, LoglensError
from loglens.export import ENDINGS, TABLES
from loglens.reporters import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loglens.model import Logs
    from loglens.report import Report
    from loglens.rule import Rule

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
SHELLS = ("bash", "zsh", "fish")


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
    try:
        code = cli.main(list(args), prog_name="loglens", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        note(error.format_message())
        return LoglensError.exit_code
    except click.ClickException as error:
        usage = error.ctx.get_usage() + "\n" if isinstance(error, click.UsageError) and error.ctx else ""
        raise LoglensError(usage + error.format_message()) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        note(traceback.format_exc().rstrip())
    note(f"loglens: {message}")
    return code


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that reads logs."""
    options = (
        click.option("--config", "config_file", metavar="FILE", help="Settings; else the nearest loglens.toml."),
        click.option("--no-config", is_flag=True, help="Read no settings file."),
        click.option("--runs", "globs", multiple=True, metavar="GLOB", help="Only runs of such names."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out such files and folders."),
        click.option("--follow-symlinks", is_flag=True, help="Follow links that lead out of the tree."),
        click.option("--debug", is_flag=True, help="Show a traceback when something breaks."),
        click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
        click.option("-v", "--verbose", is_flag=True, help="Say what is read."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Reading:
    """What to read, and what to say meanwhile."""

    paths: tuple[str, ...]
    config: Config
    globs: tuple[str, ...]
    follow_symlinks: bool
    quiet: bool
    verbose: bool

    def batches(self) -> Iterator[Logs]:
        """The batches of runs, with progress on a terminal."""
        from loglens.api import batches

        options = {
            "runs": self.globs,
            "exclude": self.config.exclude,
            "follow_symlinks": self.follow_symlinks,
        }
        progress = Progress(shown=sys.stderr.isatty() and not self.quiet)
        try:
            for logs in batches(list(self.paths), roles=self.config.roles, **options):
                progress.add(len(logs.runs))
                if self.verbose:
                    progress.clear()
                    note(f"read {len(logs.runs)} runs, {len(logs.sources)} files, {logs.scalars.height:,} values")
                yield logs
        finally:
            progress.clear()


def _reading(options: dict[str, Any]) -> Reading:
    """Take the common options out of `options`; the rest stays."""
    config = _config(options.pop("config_file"), options.pop("no_config")).merged(exclude=options.pop("exclude"))
    options.pop("debug")
    names = ("paths", "globs", "follow_symlinks", "quiet", "verbose")
    return Reading(config=config, **{name: options.pop(name) for name in names})


def _config(path: str | None, none: bool) -> Config:
    if none and path:
        raise LoglensError("--config and --no-config exclude each other")
    if none:
        return Config()
    found = Path(path) if path else find_config(Path.cwd())
    return load_config(found) if found else Config()


def _ids(values: Sequence[str]) -> list[str]:
    """Comma-separated values of a repeated option."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="loglens")
def cli() -> None:
    """Say what went wrong in training logs: in which run, from which step on, and what to do."""


@cli.command()
@PATHS
@click.option("-o", "--output", multiple=True, metavar="FILE", help="Write a report (.html .md .json, or FORMAT:FILE).")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", help="Format on standard output.")
@click.option("--select", multiple=True, metavar="IDS", help="Check only these rules.")
@click.option("--ignore", multiple=True, metavar="IDS", help="Do not check these rules.")
@click.option("--rules", multiple=True, metavar="FILE|DIR", help="Further rules.")
@click.option("--set", "settings", multiple=True, metavar="RULE.PARAM=VALUE", help="Change a parameter of a rule.")
@click.option("--kernels", multiple=True, metavar="MODULE", help="Import further kernels for rules (runs the module).")
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="Lowest severity that makes the exit code 1.")
@click.option("--require", multiple=True, metavar="ROLES", help="Roles that every run must have, else exit code 1.")
@click.option("--min-runs", type=click.IntRange(0), default=1, metavar="N", help="Fewer runs make the exit code 1.")
@click.option("--strict", is_flag=True, help="A log that was not read whole makes the exit code 2.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours on stdout.")
@_common
def analyze(**options: Any) -> int:
    """Judge every run under PATH (folders, files or globs) and report what is wrong."""
    from loglens.api import judge_batches
    from loglens.gate import Gate, summary_line

    reading = _reading(options)
    gate = Gate(
        options["fail_on"] or reading.config.fail_on,
        tuple(_ids(options["require"])),
        options["min_runs"],
        options["strict"],
    )
    outputs = _outputs(options["output"])
    report = judge_batches(reading.batches(), _rules(options, reading.config))
    code, reasons = gate.judge(report)
    for form, path in outputs:
        _write(report, form, path)
    _print(report, options["form"], options["color"])
    for reason in reasons:
        note(f"loglens: {reason}")
    if not reading.quiet:
        note(summary_line(report, [path for _, path in outputs]))
    return code


def _rules(options: dict[str, Any], config: Config) -> tuple[Rule, ...]:
    from loglens.api import load_chosen
    from loglens.plugins import add_kernels
    from loglens.selection import parse_settings

    for module in options["kernels"]:
        add_kernels(module)
    return load_chosen(
        config.merged(
            select=_ids(options["select"]),
            ignore=_ids(options["ignore"]),
            rule_files=options["rules"],
            parameters=parse_settings(options["settings"]),
        )
    )


def _outputs(names: Sequence[str]) -> list[tuple[str, str]]:
    """(format, path) of each `-o`; checked before anything is read."""
    from loglens.reporters import format_for

    return [format_for(name) for name in names]


def _write(report: Report, form: str, path: str) -> None:
    from loglens.reporters import write_report

    write_report(report, form, path)


def _print(report: Report, form: str, color: str) -> None:
    from loglens.reporters import render

    options = {"color": wants_color(color, sys.stdout)} if form == "text" else {}
    emit(render(report, form, **options))


@cli.command()
@PATHS
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
@_common
def inspect(**options: Any) -> int:
    """Show what is found and read: runs, files, series with their roles and why, faults, skipped files."""
    from loglens.inspection import as_json, as_text

    reading = _reading(options)
    if options["form"] == "json":
        emit(as_json(reading.batches()))
        return 0
    for number, part in enumerate(as_text(reading.batches())):
        emit(("\n" if number else "") + part)
    return 0


@cli.command()
@PATHS
@click.option("-o", "--output", required=True, metavar="FILE", help=f"File to write ({' '.join(ENDINGS)}).")
@click.option("--table", type=click.Choice(TABLES), default="scalars", help="What to write.")
@_common
def export(**options: Any) -> int:
    """Write everything that was read as one long table."""
    from loglens.export import export as write

    reading = _reading(options)
    rows = write(reading.batches(), Path(options["output"]), options["table"])
    if not reading.quiet:
        note(f"{options['output']}: {rows:,} rows")
    return 0


@cli.command()
@click.argument("rule_id", metavar="RULE")
@click.option("--rules", "extra", multiple=True, metavar="FILE|DIR", help="Further rules.")
def explain(rule_id: str, extra: tuple[str, ...]) -> int:
    """Say what a rule sees, why it matters, likely causes, remedies and parameters."""
    from loglens.api import load_chosen
    from loglens.explain import explain as page

    emit(page(load_chosen(Config(rule_files=extra, select=(rule_id,)))[0]))
    return 0


@cli.group()
def rules() -> None:
    """List, check and test rules."""


@rules.command("list")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def rules_list(paths: tuple[str, ...], form: str) -> int:
    """Name every rule, with further ones from PATH."""
    from loglens.api import load_chosen
    from loglens.explain import as_json, as_table

    emit((as_json if form == "json" else as_table)(load_chosen(Config(rule_files=paths))))
    return 0


@rules.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def rules_check(paths: tuple[str, ...]) -> int:
    """Check rule files (default: those that come with loglens); every mistake as file:line:col."""
    found, mistakes = _checked(paths)
    for mistake in mistakes:
        emit(mistake)
    note(f"{len(found)} rules are sound, {len(mistakes)} mistakes")
    return 1 if mistakes else 0


@rules.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-k", "only", default="", metavar="TEXT", help="Only cases whose 'rule: name' contains TEXT.")
def rules_test(paths: tuple[str, ...], only: str) -> int:
    """Run the cases in rule files (default: those that come with loglens)."""
    from loglens.ruletest import run_cases

    found, mistakes = _checked(paths)
    results = run_cases(found, only=only)
    failed = [result for result in results if result.failure]
    for line in [*mistakes, *(f"{r.place}: {r.rule}: {r.case}: {r.failure}" for r in failed)]:
        emit(line)
    note(f"{len(results) - len(failed)} of {len(results)} cases hold, {len(mistakes)} mistakes in rule files")
    return 1 if failed or mistakes else 0


def _checked(paths: Sequence[str]) -> tuple[tuple[Rule, ...], list[str]]:
    from loglens.kernels import signatures
    from loglens.ruleset import builtin_rules, check_files

    mistakes: list[str] = []
    return check_files(paths or [builtin_rules()], signatures(), mistakes.append), mistakes


@cli.group()
def config() -> None:
    """Settings."""


@config.command("show")
@click.option("--config", "config_file", metavar="FILE", help="This file; else the nearest loglens.toml.")
def config_show(config_file: str | None) -> int:
    """Print the settings in force, and which file they come from."""
    emit(to_toml(_config(config_file, none=False)))
    return 0


@cli.group()
def schema() -> None:
    """JSON Schemas of what loglens writes."""


@schema.command("report")
def schema_report() -> int:
    """Print the JSON Schema of the JSON report."""
    from importlib.resources import files

    emit(files("loglens.reporters").joinpath("report.schema.json").read_text(encoding="utf-8"))
    return 0


@cli.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script of a shell: eval "$(loglens completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise LoglensError(f"no completion for {shell}")
    emit(found(cli, {}, "loglens", "_LOGLENS_COMPLETE").source())
    return 0

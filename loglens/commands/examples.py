"""Examples at the end of each `--help`. A test runs every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "analyze": (
        ("loglens analyze runs/", "judge every run below runs/"),
        ("loglens analyze runs/ -o report.html -o report.json", "one page for people, one file for programs"),
        ("loglens analyze runs/ --fail-on warning --require train/loss", "a gate in CI"),
        ("loglens analyze runs/ --select flat-loss --set flat-loss.least_fall=0.05", "one rule, another threshold"),
        ("cat metrics.jsonl | loglens analyze -", "from standard input"),
    ),
    "report": (("loglens report report.json -o report.md", "another format, without the logs"),),
    "compare": (
        ("loglens compare runs/a/seed-1 runs/a/seed-2", "is the second worse than the first?"),
        ("loglens compare 'runs/a/seed-*' runs/b -o comparison.html", "against several seeds, as a page"),
        ("loglens compare runs/a runs/b --fail-on never --format markdown", "told, but no gate"),
    ),
    "inspect": (
        ("loglens inspect runs/", "which names were taken for what, and why"),
        ("loglens inspect runs/ --format json", "the same for programs"),
    ),
    "export": (
        ("loglens export runs/ -o scalars.parquet", "every logged value as one long table"),
        ("loglens export runs/ -o hparams.csv --table hparams", "the hyper-parameters"),
    ),
    "explain": (("loglens explain widening-gap", "what it sees, why it matters, what to do, its parameters"),),
    "rules list": (
        ("loglens rules list", "every rule in a line"),
        ("loglens rules list my-rules/ --format json", "with further ones, for programs"),
    ),
    "rules check": (("loglens rules check my-rules/", "every mistake as file:line:col"),),
    "rules test": (
        ("loglens rules test my-rules/", "run the cases inside of rule files"),
        ("loglens rules test -k flat-loss --junit cases.xml", "some of them, for a server of CI"),
    ),
    "rules schema": (("loglens rules schema > rule.schema.json", "for completion and checks in an editor"),),
    "config show": (("loglens config show", "each setting in force, and where it comes from"),),
    "schema report": (("loglens schema report > report.schema.json", "to check or read JSON reports"),),
    "schema comparison": (("loglens schema comparison", "the form of comparisons"),),
    "completion": (
        ('eval "$(loglens completion bash)"', "now, in bash"),
        ("loglens completion fish > loglens.fish", "for ~/.config/fish/completions/"),
    ),
}
CODES = """Exit codes: 0 nothing at or above --fail-on; 1 something was; 2 the job could not be done; 130 interrupted.

\b
Environment: LOGLENS_CONFIG names the settings file; LOGLENS_SELECT,
LOGLENS_IGNORE, LOGLENS_FAIL_ON, LOGLENS_FAIL_ABOVE, LOGLENS_REQUIRE and
LOGLENS_MIN_RUNS go before it; NO_COLOR and FORCE_COLOR decide on colours.
`loglens config show` says what is in force."""


def add_examples(group: click.Group, path: tuple[str, ...] = ()) -> None:
    """Give each command below `group` its examples, and the group the exit codes."""
    if not path:
        group.epilog = CODES
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            add_examples(command, (*path, name))
        elif told := EXAMPLES.get(" ".join((*path, name))):
            lines = [f"  {line}\n      {why}" for line, why in told]
            command.epilog = "\b\n" + "\n".join(["Examples:", *lines])

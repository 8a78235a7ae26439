"""What the documentation shows works, and what works is documented."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from loglens import cli
from loglens.config import load_config
from loglens.configcheck import KEYS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "sample_logs/README.md")]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """Every line of the README's shell blocks that calls loglens, without its comment."""
    lines = [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("loglens ")]


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in group.commands.items():
        inner = leaves(command, (*path, name)) if isinstance(command, click.Group) else [((*path, name), command)]
        found += inner
    return found


def test_the_readme_has_commands() -> None:
    assert len(commands()) >= 5
    assert len([block for block in blocks("sh") if "python -m venv" in block]) == 2


@pytest.mark.parametrize("command", commands())
def test_each_command_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the samples in the place of runs/; `2` would mean that it cannot be done."""
    monkeypatch.chdir(tmp_path)
    for name in ("seed-1", "seed-2"):
        target = tmp_path / "runs" / "a" / name
        target.mkdir(parents=True)
        (target / "metrics.jsonl").write_bytes((ROOT / "sample_logs/overfitting/metrics.jsonl").read_bytes())
    assert cli.run(["analyze", "runs", "-o", "report.json"]) == 0
    args = shlex.split(command.partition("|")[0])[1:]
    expected = 1 if "--min-runs" in args else 0
    assert cli.run(args) == expected, capsys.readouterr().err


def test_the_settings_in_the_readme_are_valid_and_complete(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    path = tmp_path / "loglens.toml"
    path.write_text(text, encoding="utf-8")
    assert load_config(path).fail_on == "warning"
    assert set(tomllib.loads(text)) == KEYS.keys() - {"select"}


def test_the_python_in_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    exec(code.replace('"sample_logs"', repr(str(ROOT / "sample_logs"))), {})
    assert (tmp_path / "report.html").stat().st_size > 1000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    inner = [link for link in links if "://" not in link]
    assert [link for link in inner if not (page.parent / link).exists()] == []


def test_rules_that_the_readme_names_exist(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["rules", "list"])
    known = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    prose = README.partition("**What it reads.**")[0].partition("**What it finds.**")[2]
    named = set(re.findall(r"\(`([a-z-]+)`\)", prose))
    assert named
    assert named <= known


def test_every_command_and_option_has_a_help_text() -> None:
    for path, command in leaves(cli.cli):
        assert command.help, path
        options = [p for p in command.params if isinstance(p, click.Option)]
        assert all(option.help for option in options), path
        assert "--debug" in {flag for option in options for flag in option.opts}, path


def test_every_command_is_in_the_changelog_or_the_readme() -> None:
    text = README + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [name for name in cli.cli.commands if f"loglens {name}" not in text and f"`{name}`" not in text] == []

"""Every page of the documentation: its commands, its snippets and its settings work, and it leaves nothing out."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from loglens import cli
from loglens.commands.reference import page as reference
from loglens.config import VARIABLES, load_config
from loglens.configcheck import KEYS, OVERRIDE, SUPPRESS
from loglens.roles import HISTOGRAMS, PARTED, PLAIN, QUANTITIES, SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "sample_logs/README.md", *sorted(DOCS.glob("*.md"))]
TRAINS = DOCS / "recipes.md"  # its scripts need the frameworks: tests/frameworks runs them
INSTALLS = re.compile(r"(python -m venv|pip install|\.venv/bin/|eval )")
# what a program does with the environment that is no setting of ours
OTHERS = {"TERM", "COLUMNS"}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


def shell_lines(page: Path) -> list[str]:
    joined = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [line for each in joined if (line := re.sub(r"(^|\s)#.*", "", each).strip())]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages speak of: runs, samples, rules of one's own, a report."""
    monkeypatch.chdir(tmp_path)
    log = ROOT / "sample_logs/overfitting/metrics.jsonl"
    for name in ("a/seed-1", "a/seed-2", "b", "main/seed-1", "main/seed-2", "pull-request", "candidate"):
        Path("runs", name).mkdir(parents=True)
        shutil.copy(log, Path("runs", name))
    shutil.copy(log, tmp_path)
    for name in ("sample_logs", "benchmarks", "docs"):
        Path(name).symlink_to(ROOT / name)
    Path("my-rules").mkdir()
    rule = text_of(ROOT / "rules/flat-loss.yaml").replace("id: flat-loss", "id: my-flat-loss")
    Path("my-rules/mine.yaml").write_text(rule, encoding="utf-8")
    assert cli.run(["analyze", "runs", "-o", "report.json", "-q", "--fail-on", "never"]) == 0
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if shell_lines(p)], ids=lambda page: page.name)
def test_commands_run(
    page: Path, world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order, in one folder. 0 and 1 are answers; 2 would mean that it cannot be done."""
    for line in shell_lines(page):
        command = line.partition(" | jq")[0].rpartition("| ")[2].partition(" > ")[0].strip()
        if command.startswith("loglens "):
            with Path("metrics.jsonl").open(encoding="utf-8") as piped:
                monkeypatch.setattr("sys.stdin", piped)
                assert cli.run(shlex.split(command)[1:]) in (0, 1), f"{line}\n{capsys.readouterr().err}"
        elif command.startswith("python benchmarks/"):
            script, *options = shlex.split(command)[1:]
            assert all(f'"{each}"' in text_of(ROOT / script) for each in options if each.startswith("--")), line
        else:
            assert INSTALLS.match(line), f"{page.name}: nobody knows whether this works: {line}"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python") and p != TRAINS], ids=lambda page: page.name)
def test_python_runs(page: Path, world: Path) -> None:
    for code in blocks(page, "python"):
        exec(compile(code, page.name, "exec"), {"__name__": "example"})


def test_the_pieces_of_the_first_rule_are_a_whole_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of(DOCS / "writing-rules.md")
    section = text.partition("## Ten minutes")[2].partition("\n## ")[0]
    rule = tmp_path / "rule.yaml"
    rule.write_text("".join(re.findall(r"^```yaml\n(.*?)^```$", section, re.S | re.M)), encoding="utf-8")
    assert cli.run(["rules", "test", str(rule)]) == 0, capsys.readouterr().out
    assert "2 of 2 cases hold" in capsys.readouterr().err


def settings_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for number, text in enumerate(blocks(page, "toml")):
            if "project" not in tomllib.loads(text):
                yield f"{page.name}-{number}", text


@pytest.mark.parametrize("text", [text for _, text in settings_blocks()], ids=[name for name, _ in settings_blocks()])
def test_settings_are_sound(text: str, world: Path) -> None:
    place = Path("pyproject.toml" if "tool" in tomllib.loads(text) else "loglens.toml")
    place.write_text(text, encoding="utf-8")
    assert load_config(place, rules=()).path == str(place)


def test_every_command_and_option_is_on_its_page(golden: Callable[[Path, str], None]) -> None:
    golden(DOCS / "commands.md", reference(cli.cli))


def options(group: click.Group) -> set[str]:
    found: set[str] = set()
    for command in group.commands.values():
        found |= options(command) if isinstance(command, click.Group) else set()
        found |= {flag for param in command.params for flag in param.opts if flag.startswith("--")}
    return found


def test_no_option_is_documented_that_there_is_not() -> None:
    """What stands in code marks; options of other programs are named with these programs."""
    known = options(cli.cli) | {"--help", "--version"}
    told = {(page.name, option) for page in PAGES for option in re.findall(r"`(--[a-z][a-z-]+)", text_of(page))}
    scripts = "".join(map(text_of, [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("sample_logs/*.py")]))
    scripts += text_of(ROOT / "tests/conftest.py")
    assert sorted((page, o) for page, o in told if o not in known and f'"{o}"' not in scripts) == []


def test_every_key_and_variable_is_documented() -> None:
    page = text_of(DOCS / "settings.md")
    assert [key for key in KEYS if f"`{key}`" not in page and f"[{key}" not in page] == []
    assert [key for key in (*OVERRIDE, *SUPPRESS) if f"`{key}`" not in page] == []
    every = "".join(map(text_of, PAGES))
    sources = "".join(map(text_of, (ROOT / "loglens").rglob("*.py")))
    used = set(VARIABLES) | set(re.findall(r"environ(?:\.get\(|\[)\s*\"([A-Z][A-Z0-9_]+)\"", sources))
    assert len(used) > len(VARIABLES) + 3
    assert sorted(name for name in used - OTHERS if name not in every) == []


def test_every_rule_has_a_page_that_is_listed() -> None:
    rules = {path.stem for path in (ROOT / "rules").glob("*.yaml")}
    assert rules
    assert {path.stem for path in (DOCS / "rules").glob("*.md")} == {*rules, "index"}
    index = text_of(DOCS / "rules/index.md")
    assert [rule for rule in rules if f"({rule}.md)" not in index] == []


def test_every_role_is_on_the_page_of_roles() -> None:
    page = text_of(DOCS / "roles.md")
    plain = [*(f"<split>/{q}" for q in QUANTITIES if q != "metric"), *PLAIN, *PARTED, *HISTOGRAMS]
    assert [role for role in plain if f"`{role}" not in page] == []
    assert [split for split in SPLITS if f"`{split}`" not in page] == []
    assert "metric" in page


def test_every_page_is_on_the_site() -> None:
    site = text_of(ROOT / "mkdocs.yml")
    assert [page.name for page in DOCS.glob("*.md") if page.name not in site] == []

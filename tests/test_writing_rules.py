"""The manual of the rule language: its tables come from the code, its examples work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loglens.kernels import signatures
from loglens.manual import fill
from loglens.rulefile import FIELDS, read_rule
from loglens.ruleset import check_files, load_rules
from loglens.ruletest import run_cases

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "writing-rules.md").read_text("utf-8")
EXAMPLES = sorted((DOCS / "examples").glob("*.yaml"))


def test_tables_are_up_to_date(golden: Callable[[Path, str], None]) -> None:
    golden(DOCS / "writing-rules.md", fill(PAGE))


def test_every_kernel_is_in_the_table() -> None:
    table = PAGE.partition("<!-- kernels -->")[2].partition("<!-- /kernels -->")[0]
    rows = re.findall(r"^\| `(\w+)\([^`]*\)` \| [^|]+ \| (.*) \|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(signatures())
    assert all(about.endswith(".") for _, about in rows)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path) -> None:
    said: list[str] = []
    rules = check_files([path], signatures(), said.append)
    assert said == []
    assert [result.failure for result in run_cases(rules) if result.failure] == []
    assert path.stem == rules[0].id


def test_examples_go_beside_the_built_in_rules() -> None:
    ids = load_rules([DOCS / "examples"]).ids
    assert {path.stem for path in EXAMPLES} <= set(ids)


def test_the_page_links_every_example() -> None:
    assert set(re.findall(r"\(examples/([\w-]+\.yaml)\)", PAGE)) == {path.name for path in EXAMPLES}
    assert [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if not (DOCS / link).exists()] == []


def pieces(heading: str) -> list[str]:
    """The YAML blocks of a section."""
    section = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    return re.findall(r"^```yaml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def test_the_tutorial_grows_into_the_example() -> None:
    example = (DOCS / "examples" / "gpu-memory-high.yaml").read_text("utf-8")
    assert example.partition("\n")[2].startswith("".join(pieces("Ten minutes")))


def test_every_step_of_the_tutorial_is_sound() -> None:
    steps = pieces("Ten minutes")
    assert len(steps) == 7
    for i in range(1, len(steps)):
        _, mistakes = read_rule("".join(steps[:i]), "step.yaml", signatures())
        assert [
            m.message for m in mistakes if not m.message.endswith((" is missing", " is missing (or 'variants')"))
        ] == []
    rule, mistakes = read_rule("".join(steps), "step.yaml", signatures())
    assert rule is not None, mistakes
    assert rule.remarks == ()
    assert [result.failure for result in run_cases([rule])] == ["", ""]


def test_the_rule_about_groups_works() -> None:
    rule, mistakes = read_rule(pieces("Rules about groups")[-1], "group.yaml", signatures())
    assert rule is not None, mistakes
    assert [result.failure for result in run_cases([rule])] == ["", "", ""]


def test_the_failure_that_the_page_shows_is_what_is_said() -> None:
    text = "".join(pieces("Ten minutes")).replace("40000+1000x60", "40000..70000x60")
    rule, mistakes = read_rule(text, "my-rules/gpu-memory-high.yaml", signatures())
    assert rule is not None, mistakes
    result = run_cases([rule])[0]
    shown = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[0]
    told = f"{result.place}: {result.rule}: {result.case}: {result.failure}"
    assert shown.splitlines() == [told, *(f"    {line}" for line in result.detail)]


def test_keys_that_the_page_names_exist() -> None:
    for key in ("needs", "parameters", "let", "evidence", "when", "for", "onset", "severity", "message", "cases"):
        assert key in FIELDS
        assert f"`{key}`" in PAGE


def test_expressions_that_the_page_names_are_right() -> None:
    text = (DOCS / "examples" / "gpu-memory-high.yaml").read_text("utf-8")
    text = text.replace("needs:\n", "needs:\n  loss: train/loss\n  lr: lr\n  norm: grad_norm\n")
    prose = PAGE.partition("## Expressions")[2].partition("## Keys")[0]
    named = [code for code in re.findall(r"`([^`]+)`", prose) if re.match(r"\w+\(", code)]
    assert len(named) >= 6
    for i, code in enumerate(named):
        rule = text.replace("let:\n", f"let:\n  shown{i}: {code}\n")
        _, mistakes = read_rule(rule, "shown.yaml", signatures())
        assert not [m.message for m in mistakes if "never used" not in m.message], code

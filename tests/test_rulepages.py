"""The page of every rule says what its file says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loglens.rulepages import index, page
from loglens.ruleset import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from loglens.rule import Rule

PAGES = Path(__file__).parents[1] / "docs" / "rules"
RULES = sorted(load_rules().rules, key=lambda rule: rule.id)


def text_of(rule: Rule) -> str:
    return page(rule, Path(rule.path).read_text("utf-8"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_page(rule: Rule, golden: Callable[[Path, str], None]) -> None:
    golden(PAGES / f"{rule.id}.md", text_of(rule))


def test_index(golden: Callable[[Path, str], None]) -> None:
    golden(PAGES / "index.md", index(RULES))


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {"index", *(rule.id for rule in RULES)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_page_is_whole(rule: Rule) -> None:
    text = text_of(rule)
    for shown in (rule.title, *(p.name for p in rule.parameters), *(case.name for case in rule.cases)):
        assert shown in text
    conditions = text.partition("```yaml\n")[2].partition("```")[0]
    assert re.search(r"^\s*when: ", conditions, re.MULTILINE)
    assert all(f"  {name}: " in conditions for name, _ in rule.lets)
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if not link.startswith("http"):
            assert (PAGES / link).resolve().exists() or link.removesuffix(".md") in {r.id for r in RULES}, link

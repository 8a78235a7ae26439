"""The page of a rule says everything that its file says."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loglens.explain import WIDTH, as_json, as_table, explain
from loglens.ruleset import load_rules

if TYPE_CHECKING:
    from loglens.rule import Rule

RULES = load_rules().rules


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_everything_is_said(rule: Rule) -> None:
    page = explain(rule)
    said = words(page)
    assert page.startswith(f"{rule.id}: {rule.title} (")
    for text in (rule.why, rule.false_alarms, *rule.info.causes, *rule.info.remedies, *rule.references):
        assert words(text) in said
    for variant in rule.variants:
        assert words(variant.message.text) in said
    for need in rule.needs:
        assert " or ".join(need.roles) in said
    for parameter in rule.parameters:
        assert f"{parameter.name} " in said
        assert f"{parameter.default:g}" in said
        assert words(parameter.about) in said


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_an_example_is_shown(rule: Rule) -> None:
    fires = next(case for case in rule.cases if case.expect.status == "fired")
    example = words(explain(rule).partition("\nExample\n")[2])
    assert example.startswith(f"{fires.name}: fires")
    assert all(values in example for values in fires.series.values())


def test_prose_is_folded() -> None:
    for rule in RULES:
        _, _, prose = explain(rule).partition("Why it matters")
        head = prose.partition("What it sees")[0]
        assert max(map(len, head.splitlines())) <= WIDTH


def test_a_changed_parameter_is_shown() -> None:
    rule = next(rule for rule in RULES if rule.parameters)
    name = rule.parameters[0].name
    assert f"{name} " in explain(rule)
    assert "123456" in explain(rule.with_settings({name: 123456}))


def test_nothing_heavy_is_imported_for_it() -> None:
    code = "import sys; from loglens.ruleset import load_rules; from loglens.explain import explain; "
    code += "explain(load_rules()['flat-loss']); print(sorted({'numpy', 'polars', 'pyarrow'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"


def test_lists() -> None:
    lines = as_table(RULES).splitlines()
    assert lines[0].split() == ["rule", "severity", "title"]
    assert [line.split()[0] for line in lines[1:]] == [rule.id for rule in RULES]
    assert [entry["id"] for entry in json.loads(as_json(RULES))] == [rule.id for rule in RULES]


def test_rules_that_know_the_cost_of_a_guess_explain_how_a_cross_entropy_reads() -> None:
    rules = {rule.id: rule for rule in load_rules().rules}
    assert "How a cross-entropy reads" in explain(rules["bad-initialization"])
    assert "How a cross-entropy reads" not in explain(rules["loss-spike"])

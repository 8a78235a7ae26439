"""The JSON Schema of rule files agrees with the reader as far as a schema can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from loglens.ruleschema import rule_schema, schema_text
from loglens.ruleset import builtin_rules, rule_paths
from loglens.yamlfile import Item, Mapping, Scalar, parse

HERE = Path(__file__).parent
CHECK = jsonschema.Draft7Validator(rule_schema())
# what a schema cannot see: names, expressions, notation, YAML itself, what stands beside what
BAD_IN_SHAPE = [
    "unknown-key", "missing-id", "missing-everything", "id-not-kebab-case", "unknown-severity", "unknown-role",
    "unknown-severity-in-mapping", "unknown-status", "unknown-objective", "role-missing", "for-unreadable",
    "when-missing", "severity-empty", "let-with-a-bad-name", "cause-without-text", "causes-no-list", "remedies-empty",
    "cases-empty", "case-with-series-and-logs", "case-without-data", "case-without-expectation",
    "case-without-a-name", "case-of-an-unknown-role", "case-within-nothing", "case-expects-the-unknown",
    "case-with-half-an-onset", "needs-empty", "needs-no-mapping", "points-below-zero", "points-no-number",
    "optional-no-flag", "parameter-without-default", "parameter-no-number", "parameter-without-words",
    "when-beside-variants", "variant-without-when", "variants-empty", "variant-with-an-unknown-key",
    "not-checked-without-reason", "not-checked-no-list", "a-list", "a-word", "title-a-list", "title-empty",
    "let-a-list",
]  # fmt: skip


def plain(item: Item | None) -> Any:
    """A document as other YAML readers see it."""
    if isinstance(item, Mapping):
        return {key: plain(value) for key, value in item.items.items()}
    if item is None or isinstance(item, Scalar):
        return item.value if item else None
    return [plain(entry) for entry in item.items]


def test_the_schema_is_valid_itself() -> None:
    jsonschema.Draft7Validator.check_schema(rule_schema())


def test_the_file_beside_the_rules_is_up_to_date() -> None:
    path = builtin_rules() / "rule.schema.json"
    assert path.read_text("utf-8") == schema_text(), f"run: python -m loglens.ruleschema > {path}"


@pytest.mark.parametrize("path", [*rule_paths([builtin_rules()]), HERE / "rules" / "good.yaml"], ids=lambda p: p.stem)
def test_good_rules_fit(path: Path) -> None:
    assert [e.message for e in CHECK.iter_errors(plain(parse(path.read_text("utf-8")).root))] == []


@pytest.mark.parametrize("name", BAD_IN_SHAPE)
def test_bad_ones_do_not(name: str) -> None:
    text = (HERE / "rules" / "bad" / f"{name}.bad.yaml").read_text("utf-8")
    assert not CHECK.is_valid(plain(parse(text).root))

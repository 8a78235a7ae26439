"""Every kind of mistake in a rule file is told at its place; `tests/rules/bad/<what>.expected` says how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loglens.kernels import signatures
from loglens.rulefile import FIELDS, read_rule
from loglens.ruleset import builtin_rules, check_files, rule_paths
from loglens.yamlfile import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = Path(__file__).parent / "rules" / "bad"
GOOD = (Path(__file__).parent / "rules" / "good.yaml").read_text("utf-8")


def told(path: Path) -> list[str]:
    """The mistakes of a file, without its name."""
    said: list[str] = []
    rules = check_files([path], signatures(), said.append)
    assert not (said and rules), "a rule with mistakes must not be given back"
    return [line.removeprefix(f"{path}:") for line in said]


@pytest.mark.parametrize("path", sorted(BAD.glob("*.bad.yaml")), ids=lambda p: p.name.removesuffix(".bad.yaml"))
def test_mistakes_of(path: Path, golden: Callable[[Path, str], None]) -> None:
    said = told(path)
    assert said
    golden(path.with_name(path.name.replace(".bad.yaml", ".expected")), "".join(f"{line}\n" for line in said))


def test_every_expected_file_has_its_rule_file() -> None:
    names = {p.name.removesuffix(".expected") for p in BAD.glob("*.expected")}
    assert names == {p.name.removesuffix(".bad.yaml") for p in BAD.glob("*.bad.yaml")}


def test_the_good_file_has_no_mistake() -> None:
    rule, mistakes = read_rule(GOOD, "good.yaml", signatures())
    assert mistakes == []
    assert rule is not None
    assert (rule.id, rule.line, rule.severity) == ("too-high", 1, "error")


def test_several_mistakes_are_told_at_once_in_order() -> None:
    said = told(BAD / "several-at-once.bad.yaml")
    places = [tuple(map(int, line.split(":")[:2])) for line in said]
    assert len(places) >= 8
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("(" * 10_000 + "1" + ")" * 10_000, "longer than 2000 characters"),
        ("(" * 900 + "1" + ")" * 900, "not an expression"),
        ("not " * 490 + "True", "nested deeper than 40 levels"),
        ("-" * 1_900 + "1", "nested deeper than 40 levels"),
        ("+".join(["1"] * 990), "nested deeper than 40 levels"),
    ],
)
def test_deep_expressions_are_told_without_a_crash(source: str, message: str) -> None:
    _, mistakes = read_rule(GOOD.replace("last_value(loss)", f'"{source}"'), "deep.yaml", signatures())
    assert [(m.line, message in m.message) for m in mistakes] == [(9, True)]


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(GOOD.encode() + "# é\n".encode() * MAX_BYTES)
    assert told(path) == ["1:1: larger than 256 KiB"]


def test_a_file_with_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert told(path) == []


def test_columns_do_not_move_with_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "crlf.yaml"
    text = (BAD / "unknown-name-in-folded-text.bad.yaml").read_text("utf-8")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert told(path) == told(BAD / "unknown-name-in-folded-text.bad.yaml")


def test_every_cut_of_a_good_file_is_told_or_good() -> None:
    for at in range(0, len(GOOD), 7):
        rule, mistakes = read_rule(GOOD[:at], "cut.yaml", signatures())
        assert (rule is None) == bool(mistakes)


@pytest.mark.parametrize("path", rule_paths([builtin_rules()]), ids=lambda p: p.stem)
def test_losing_any_line_of_a_rule_never_crashes(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for i in range(len(lines)):
        rule, mistakes = read_rule("".join(lines[:i] + lines[i + 1 :]), "less.yaml", signatures())
        assert (rule is None) == bool(mistakes)


def test_fields_are_described_for_people() -> None:
    assert all(text and text[0] != " " for text in FIELDS.values())

"""Sets of rules: files and folders, ids that clash, links that lead nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loglens.errors import LoglensError, RuleError
from loglens.kernels import signatures
from loglens.ruleset import check_files, check_links, load_rules, rule_paths

GOOD = (Path(__file__).parent / "rules" / "good.yaml").read_text("utf-8")


def write(folder: Path, **explained_by: str) -> list[str]:
    """A rule for each name, explained by others; what is said about their links, less the folder."""
    for name, others in explained_by.items():
        text = GOOD.replace("id: too-high", f"id: {name}")
        (folder / f"{name}.yaml").write_text(text + (f"explained_by: {others}\n" if others else ""), "utf-8")
    said: list[str] = []
    check_links(check_files([folder], signatures(), said.append), said.append)
    return [line.replace(f"{folder}/", "") for line in said]


LINE = len(GOOD.splitlines()) + 1
CIRCLE = f"a.yaml:{LINE}:16: rules explain each other in a circle: "


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"a": "", "b": "[a]"}, []),
        ({"a": "", "b": "[a]", "c": "[a, b]"}, []),
        ({"flat": "[flatt, falt]"}, [
            f"flat.yaml:{LINE}:16: 'explained_by' names no rule: 'flatt'; did you mean 'flat'?",
            f"flat.yaml:{LINE}:23: 'explained_by' names no rule: 'falt'; did you mean 'flat'?",
        ]),
        ({"a": "[b]", "b": "[a]"}, [CIRCLE + "a → b → a"]),
        ({"a": "[b]", "b": "[c]", "c": "[a]"}, [CIRCLE + "a → b → c → a"]),
        ({"z": "[a]", "a": "[b]", "b": "[a]"}, [CIRCLE + "a → b → a"]),
    ],
)  # fmt: skip
def test_links(rules: dict[str, str], said: list[str], tmp_path: Path) -> None:
    assert write(tmp_path, **rules) == said


def test_ids_that_clash_are_told_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "b.yaml").write_text("\n# the same\n" + GOOD, "utf-8")
    said: list[str] = []
    rules = check_files([tmp_path], signatures(), said.append)
    assert said == [f"{tmp_path}/b.yaml:3:1: duplicate id 'too-high' (first in {tmp_path}/a.yaml:1)"]
    assert [rule.path for rule in rules] == [f"{tmp_path}/a.yaml"]


def test_mistakes_of_all_files_are_raised_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("id: A\n", "utf-8")
    (tmp_path / "b.yaml").write_text("", "utf-8")
    with pytest.raises(RuleError) as error:
        load_rules([tmp_path])
    lines = str(error.value).splitlines()
    assert any(line.startswith(f"{tmp_path}/a.yaml:1:5: ") for line in lines)
    assert f"{tmp_path}/b.yaml:1:1: empty file" in lines


def test_a_rule_of_ones_own_may_not_take_the_id_of_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD.replace("id: too-high", "id: flat-loss"), "utf-8")
    with pytest.raises(RuleError, match="duplicate id 'flat-loss'"):
        load_rules([tmp_path])


def test_paths(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("b.yaml", "a.yml", "inner/c.yaml", "rule.schema.json", "notes.md"):
        (tmp_path / name).write_text("", "utf-8")
    found = [path.relative_to(tmp_path).as_posix() for path in rule_paths([tmp_path])]
    assert found == ["a.yml", "b.yaml", "inner/c.yaml"]
    with pytest.raises(LoglensError, match=r"no such rule file or folder: .*nowhere"):
        rule_paths([tmp_path / "nowhere"])


def test_a_rule_by_its_id() -> None:
    rules = load_rules()
    assert rules["flat-loss"].id == "flat-loss"
    assert "flat-loss" in rules.ids
    with pytest.raises(KeyError):
        rules["flat-los"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_among_rules_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    assert rule_paths([tmp_path]) == []

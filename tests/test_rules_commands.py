"""`rules check` and `rules test` on rules of one's own: kernels, ids that are taken, results for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import parse

import pytest

from loglens import cli
from loglens.kernels import KERNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = """\
id: mine
title: Mine
needs: {loss: {role: train/loss, points: 5}}
when: loss > 3
for: 20 %
severity: warning
message: "{loss} is high."
why: To test.
remedies: [look]
cases:
  - {name: high, series: {train/loss: "1x120 5x80"}, expect: {severity: warning, onset: 120}}
  - {name: low, series: {train/loss: 1x200}, expect: none}
"""
MANUAL = (Path(__file__).parents[1] / "docs" / "writing-rules.md").read_text("utf-8")
MODULE = MANUAL.partition("```python\n")[2].partition("```")[0]  # the kernel that the manual shows


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = dict(KERNELS)
    (tmp_path / "mine.yaml").write_text(RULE)
    (tmp_path / "kernels_of_mine.py").write_text(MODULE)
    yield tmp_path
    KERNELS.clear()
    KERNELS.update(before)


def test_results_for_ci(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.yaml").write_text(RULE.replace("onset: 120", "onset: 100"))
    (folder / "broken.yaml").write_text("id: broken\n")
    out = folder / "out.xml"
    assert cli.run(["rules", "test", str(folder), "--junit", str(out)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-1].endswith("mine.yaml:11:5: mine: high: expected mine at step 100, got 120")
    root = parse(out).getroot()
    assert [root.get(key) for key in ("tests", "failures", "errors")] == [str(len(said) + 1), "1", str(len(said) - 1)]
    assert [failure.get("message") for failure in root.iter("failure")] == ["expected mine at step 100, got 120"]
    assert {case.get("name") for case in root.findall("testsuite[@name='mine']/testcase")} == {"high", "low"}


def test_results_that_cannot_be_written(folder: Path) -> None:
    assert cli.run(["rules", "test", str(folder / "mine.yaml"), "--junit", str(folder / "no" / "out.xml")]) == 2
    assert not (folder / "no").exists()


@pytest.mark.parametrize(
    "command", [["rules", "check"], ["rules", "test"], ["rules", "list"], ["explain", "mine", "--rules"]]
)
def test_kernels_of_ones_own(command: list[str], folder: Path) -> None:
    rule = folder / "mine.yaml"
    rule.write_text(
        RULE.replace("loss > 3\nfor: 20 %", "value_range(loss) > 3\nonset: first_step(loss)").replace("120}", "0}")
    )
    assert cli.run([*command, str(rule)]) != 0
    assert cli.run([*command, str(rule), "--kernels", str(folder / "kernels_of_mine.py")]) == 0
    assert cli.run([*command, str(rule), "--kernels", "no_such_module"]) == 2


def test_an_id_that_is_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = folder / "mine.yaml"
    rule.write_text(RULE.replace("id: mine", "id: flat-loss"))
    assert cli.run(["rules", "check", str(rule)]) == 1
    assert capsys.readouterr().out == f"{rule}:1:1: duplicate id 'flat-loss' (a rule that comes with loglens)\n"


@pytest.mark.parametrize("command", [["check"], ["test"]])
def test_a_folder_without_rules_is_no_success(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("no rule")
    assert cli.run(["rules", *command, str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"loglens: no rule files (*.yaml, *.yml) in {tmp_path}\n"


def test_no_case_to_run_is_no_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rules", "test", str(folder), "-k", "zzz"]) == 2
    assert capsys.readouterr().err == "loglens: no case has 'zzz' in its 'rule: name'\n"
    assert cli.run(["rules", "test", str(folder), "-k", "mine: low"]) == 0


def test_what_failed_is_shown_under_the_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = folder / "mine.yaml"
    rule.write_text(RULE.replace("5x80", "5x20"))
    assert cli.run(["rules", "test", str(rule)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{rule}:11:5: mine: high: expected mine, got none",
        "    'when': `loss > 3` holds at 20 of 140 points, 20 on end at most",
        "    'for' asks for 28 on end",
    ]

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import loglens
from loglens import cli
from loglens.config import Override
from loglens.gate import Gate

SAMPLES = Path(__file__).parents[1] / "sample_logs"
FAILED = ("lr-zero", "zero-loss")


@pytest.fixture(scope="module")
def report() -> loglens.Report:
    return loglens.analyze([str(SAMPLES / name) for name in (*FAILED, "overfitting", "healthy")])


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        (Gate(), 1),
        (Gate(fail_above=1), 1),
        (Gate(fail_above=2), 0),
        (Gate("warning", fail_above=2), 1),
        (Gate("warning", fail_above=3), 0),
        (Gate(override=(Override(FAILED, "never"),)), 0),
        (Gate(override=(Override(("lr-*",), "never"),)), 1),
        (Gate(override=(Override(("over*",), "warning"),), fail_above=2), 1),
        (Gate(override=(Override(("*",), ignore=("nothing",)), Override(("*",), "never"))), 1),
        (Gate("never", override=(Override(("over*",), "warning"),)), 1),
    ],
)
def test_how_many_of_which_runs_may_fail(gate: Gate, code: int, report: loglens.Report) -> None:
    assert gate.judge(report)[0] == code


def test_rules_ignored_for_some_runs_are_shown_and_fail_nothing(report: loglens.Report) -> None:
    rules = tuple(f.rule for name in FAILED for f in report[name].findings)
    assert Gate(override=(Override(FAILED, ignore=rules),)).judge(report)[0] == 0
    assert Gate(override=(Override(FAILED[:1], ignore=rules),)).judge(report)[0] == 1


def test_group_findings_count_once_and_only_fall_under_overrides_for_all_their_runs(report: loglens.Report) -> None:
    finding = report["lr-zero"].findings[0]
    group = loglens.model.Group("sweep", ("overfitting", "healthy"), (finding,))
    quiet = replace(report, runs=(report["overfitting"], report["healthy"]), groups=(group,))
    assert Gate().judge(quiet)[0] == 1
    assert Gate(fail_above=1).judge(quiet)[0] == 0
    assert Gate(override=(Override(("healthy",), "never"),)).judge(quiet)[0] == 1
    assert Gate(override=(Override(("healthy", "over*"), "never"),)).judge(quiet)[0] == 0


@pytest.mark.parametrize(
    ("text", "variables", "args", "code"),
    [
        ("fail-above = 1", {}, [], 0),
        ("", {"LOGLENS_FAIL_ABOVE": "1"}, [], 0),
        ("fail-above = 1", {"LOGLENS_FAIL_ABOVE": "0"}, [], 1),
        ("fail-above = 1", {}, ["--fail-above", "0"], 1),
        ("min-runs = 2\nfail-on = 'never'", {}, [], 1),
        ("min-runs = 2\nfail-on = 'never'", {}, ["--min-runs", "1"], 0),
        ("require = ['val/loss']\nselect = ['zero-loss']", {}, [], 1),
        ("require = ['val/loss']\nselect = ['zero-loss']", {}, ["--require", "train/loss"], 0),
        ("", {"LOGLENS_FAIL_ON": "fatal"}, [], 2),
        ("fail-on = 'never'", {"LOGLENS_CONFIG": "none.toml"}, [], 2),
    ],
)
def test_command_line_before_environment_before_file(
    text: str,
    variables: dict[str, str],
    args: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loglens.toml").write_text(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli.run(["analyze", str(SAMPLES / "lr-zero"), *args]) == code


def test_settings_beside_the_logs_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs, work = tmp_path / "logs", tmp_path / "work"
    for folder in (logs, work):
        folder.mkdir()
    for file in (SAMPLES / "lr-zero").iterdir():
        (logs / file.name).write_bytes(file.read_bytes())
    (logs / "loglens.toml").write_text("fail-on = 'never'")
    monkeypatch.chdir(work)
    assert cli.run(["analyze", str(logs)]) == 1


def test_settings_give_a_score_its_direction_and_take_roles_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text("step,goodness,loss\n" + "".join(f"{i},{i / 10},{9 - i / 10}\n" for i in range(60)))
    (tmp_path / "loglens.toml").write_text('[roles]\ngoodness = "val/metric:max"\n"los*" = "none"\n')
    assert cli.run(["analyze", "m.csv", "--format", "json"]) == 0
    metrics = {m["tag"]: m for m in json.loads(capsys.readouterr().out)["runs"][0]["metrics"]}
    assert (metrics["goodness"]["role"], metrics["goodness"]["direction"]) == ("val/metric", "max")
    assert metrics["loss"]["role"] is None

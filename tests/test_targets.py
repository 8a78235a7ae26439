"""No command writes over what it reads."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from loglens.cli import run

SAMPLES = Path(__file__).parents[1] / "sample_logs"
LOG = "step,train_loss\n" + "".join(f"{i},{2 / (i + 1)}\n" for i in range(40))


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with two runs, a baseline, a rule and settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "metrics.csv").write_text(LOG)
    Path("runs/a/config.yaml").write_text("lr: 0.1\n")
    Path("known.json").write_text('{"loglens_baseline": 1, "findings": []}\n')
    Path("loglens.toml").write_text("min-runs = 1\n")
    shutil.copy(SAMPLES.parent / "rules/zero-loss.yaml", "rule.yaml")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("analyze runs -o json:runs/a/metrics.csv", "a log that is read would be replaced"),
        ("analyze runs/a/metrics.csv -o json:runs/a/metrics.csv", "a log that is read would be replaced"),
        ("analyze runs/*/metrics.csv -o json:runs/b/metrics.csv", "a log that is read would be replaced"),
        ("analyze runs -o text:runs/a/config.yaml", "a log that is read would be replaced"),
        ("analyze runs --write-baseline runs/a/metrics.csv", "a log that is read would be replaced"),
        ("export runs -o runs/a/metrics.csv", "a log that is read would be replaced"),
        ("compare runs/a runs/b -o json:runs/b/metrics.csv", "a log that is read would be replaced"),
        ("analyze runs --baseline known.json -o json:known.json", "this is the baseline"),
        ("analyze runs -o json:loglens.toml", "this is the settings file"),
        ("analyze runs --rules rule.yaml -o json:rule.yaml", "this is a file of rules"),
        ("rules test rule.yaml --junit rule.yaml", "this is a file of rules"),
        ("analyze runs -o new.json --write-baseline new.json", "named by -o and --write-baseline"),
        ("analyze runs -o json:runs", "it is a folder"),
        ("analyze runs --write-baseline=", "an empty name"),
        ("analyze runs --baseline=", "an empty name"),
    ],
)
def test_what_is_read_is_not_replaced(args: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert run(args.split()) == 2
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_a_log_is_seen_through() -> None:
    Path("report.json").symlink_to("runs/a/metrics.csv")
    assert run(["analyze", "runs", "-o", "report.json"]) == 2
    assert Path("runs/a/metrics.csv").read_text() == LOG


@pytest.mark.parametrize("ending", ["html", "md", "json", "txt", "sarif", "xml"])
def test_an_earlier_report_beside_the_logs_may_be_replaced(ending: str) -> None:
    args = f"analyze runs -q --fail-on never -o runs/report.{ending}".split()
    assert [run(args), run(args)] == [0, 0]


def test_a_baseline_may_be_renewed() -> None:
    assert run(["analyze", "runs", "-q", "--baseline", "known.json", "--write-baseline", "known.json"]) == 0


@pytest.mark.parametrize("option", ["-o", "--write-baseline"])
def test_what_loglens_wrote_is_no_log(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "runs", "-q", "--fail-on", "never", option, "runs/a/earlier.json"]) == 0
    capsys.readouterr()
    assert run(["inspect", "runs", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [p["message"] for p in told["problems"]] == ["not a training log: written by loglens itself"]

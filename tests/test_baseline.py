from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

import loglens
from loglens import cli
from loglens.baseline import against, baseline_text, read_baseline
from loglens.errors import LoglensError
from loglens.reporters import render
from loglens.suppression import Suppression, suppress

SAMPLES = Path(__file__).parents[1] / "sample_logs"
DAY = date(2026, 6, 30)


@pytest.fixture(scope="module")
def report() -> loglens.Report:
    return loglens.analyze([str(SAMPLES / "lr-zero"), str(SAMPLES / "overfitting")])


def rules(of: loglens.Report, run: str) -> set[str]:
    return {f.rule for f in of[run].findings}


def known(report: loglens.Report, path: Path) -> tuple[tuple[str, str, str, str, str], ...]:
    path.write_text(baseline_text(report), encoding="utf-8")
    return read_baseline(path)


def test_a_baseline_is_sorted_one_finding_a_line_without_steps_and_values(report: loglens.Report) -> None:
    text = baseline_text(report)
    lines = text.splitlines()[1:-1]
    assert lines == sorted(lines)
    fields = {"run", "rule", "tag", "severity", "fingerprint"}
    assert [set(json.loads(line.rstrip(","))) for line in lines] == [fields] * len(lines)
    assert len(lines) == sum(len(run.findings) for run in report.runs)
    assert baseline_text(against(report, ())) == text


def test_beside_its_own_baseline_nothing_is_new(report: loglens.Report, tmp_path: Path) -> None:
    beside = against(report, known(report, tmp_path / "b.json"))
    assert {f.state for run in beside.runs for f in run.findings} == {"unchanged"}
    assert (beside.worst, beside.gone, beside.ok) == (None, (), True)


def test_new_and_gone_are_told_apart(report: loglens.Report, tmp_path: Path) -> None:
    one = loglens.analyze([str(SAMPLES / "lr-zero"), str(SAMPLES / "healthy")])
    beside = against(report, known(one, tmp_path / "b.json"))
    assert {f.state for f in beside["overfitting"].findings} == {"new"}
    assert {f.state for f in beside["lr-zero"].findings} == {"unchanged"}
    back = against(one, known(report, tmp_path / "b.json"))
    assert {(g.run, g.why) for g in back.gone} == {("overfitting", "no such run was read")}
    assert {g.rule for g in back.gone} == rules(report, "overfitting")


def test_what_has_become_worse_is_new(report: loglens.Report, tmp_path: Path) -> None:
    milder = tuple((run, rule, tag, "info", mark) for run, rule, tag, _, mark in known(report, tmp_path / "b.json"))
    beside = against(report, milder)
    assert {f.state for run in beside.runs for f in run.findings if f.severity != "info"} == {"new"}
    harsher = tuple((run, rule, tag, "error", mark) for run, rule, tag, _, mark in milder)
    assert {f.state for run in against(report, harsher).runs for f in run.findings} == {"unchanged"}


def test_what_was_not_checked_is_no_good_news(report: loglens.Report, tmp_path: Path) -> None:
    blind = loglens.analyze({"step": list(range(60)), "something": [1.0] * 60})
    line = {"run": blind.runs[0].run, "rule": "flat-loss", "tag": "loss", "fingerprint": "0"}
    path = tmp_path / "b.json"
    path.write_text(json.dumps({"loglens_baseline": 1, "findings": [line]}))
    assert against(blind, read_baseline(path)).gone[0].why.startswith("not checked now: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "line 1, column 2: not JSON"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"[]", "no baseline of version 1"),
        (b'{"loglens_baseline": 2}', "no baseline of version 1"),
        (b'{"loglens_baseline": 1, "findings": {}}', "must be a list"),
        (b'{"loglens_baseline": 1, "findings": [{"run": 1}]}', "finding 1 must have run, rule, tag, fingerprint"),
        (b"[" * 100_000, "not JSON"),
        (None, "No such file"),
    ],
)
def test_what_is_no_baseline_is_one_line(text: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(LoglensError) as caught:
        read_baseline(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "covered", "words"),
    [
        (Suppression("widening-gap", "known"), True, ""),
        (Suppression("*-gap", "known", ("over*",), "2026-06-30"), True, ""),
        (Suppression("widening-gap", "known", ("lr-*",)), False, "no finding answers to it"),
        (Suppression("widening-gap", "known", ("elsewhere",)), False, "no such run was read"),
        (
            Suppression("widening-gap", "known", ("*",), "2026-06-29"),
            False,
            "expired on 2026-06-29; its findings count",
        ),
        (Suppression("widening-gap", "known", ("*",), "June"), False, "date 'June' cannot be read"),
        (Suppression("zero-loss", "known", ("*",), "2020-01-01"), False, "nothing needs it"),
    ],
)
def test_what_a_suppression_does(entry: Suppression, covered: bool, words: str, report: loglens.Report) -> None:
    told, notes = suppress(report, [entry], DAY)
    found = {f.rule for f in told["overfitting"].findings if f.suppressed == "known"}
    assert found == ({"widening-gap"} if covered else set())
    assert [f for f in told["lr-zero"].findings if f.suppressed] == []
    assert (words in notes[0]) if words else notes == []


def test_every_format_says_so(report: loglens.Report, tmp_path: Path) -> None:
    told, _ = suppress(report, [Suppression("widening-gap", "a known ablation")], DAY)
    told = against(told, known(report, tmp_path / "b.json")[1:])
    for form in ("text", "markdown", "html", "json", "sarif", "junit"):
        assert "suppressed: a known ablation" in (shown := " ".join(render(told, form).split())) or form in (
            "json",
            "sarif",
        )
        assert "a known ablation" in shown
    assert "unchanged" in render(told, "json")
    assert "1 finding is suppressed." in render(told, "text")


def test_the_command_line_gates_on_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["analyze", str(SAMPLES / "lr-zero"), "--no-config"]
    assert cli.run([*args, "--write-baseline", "b.json"]) == 1
    assert cli.run([*args, "--baseline", "b.json"]) == 0
    capsys.readouterr()
    other = ["analyze", str(SAMPLES / "zero-loss"), "--no-config", "--baseline", "b.json"]
    assert cli.run(other) == 1
    assert "baseline: flat-loss in lr-zero is gone (no such run was read)" in capsys.readouterr().err
    assert cli.run([*args, "--baseline", "none.json"]) == 2


def test_settings_suppress_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loglens.toml").write_text(
        '[[suppress]]\nrule = "*"\nruns = "lr-*"\nreason = "frozen"\nexpires = 2999-01-01\n'
    )
    assert cli.run(["analyze", str(SAMPLES / "lr-zero")]) == 0
    assert "suppressed: frozen" in capsys.readouterr().out
    Path("loglens.toml").write_text('[[suppress]]\nrule = "*"\nreason = "frozen"\nexpires = "2020-01-01"\n')
    assert cli.run(["analyze", str(SAMPLES / "lr-zero")]) == 1
    assert "it expired on 2020-01-01; its findings count again" in capsys.readouterr().err

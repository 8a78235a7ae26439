"""`loglens.read` and `loglens.analyze`, as Python programs use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import loglens
from loglens.errors import ConfigError, LoglensError, RuleError

SAMPLES = Path(__file__).parents[1] / "sample_logs"
FLAT = {"epoch": list(range(40)), "loss": [2.5] * 40}


def rules_of(report: loglens.Report, run: str) -> set[str]:
    return {finding.rule for finding in report[run].findings}


@pytest.mark.parametrize("wrap", [str, Path, lambda path: [str(path)]], ids=["str", "Path", "list"])
def test_paths_of_every_kind(wrap: type[str]) -> None:
    assert loglens.read(wrap(SAMPLES / "healthy")).names == ("healthy",)


def test_what_was_read_can_be_analyzed_and_gives_the_same() -> None:
    logs = loglens.read(SAMPLES)
    assert loglens.read(logs) is logs
    assert loglens.analyze(logs).runs[0].findings == loglens.analyze(SAMPLES).runs[0].findings


@pytest.mark.parametrize("source", [FLAT, pl.DataFrame(FLAT)], ids=["dict", "frame"])
def test_data_in_memory(source: object) -> None:
    report = loglens.analyze(source)
    assert {f.rule for run in report.runs for f in run.findings} == {"flat-loss"}
    assert not report.ok


def test_findings_are_a_frame() -> None:
    frame = loglens.analyze(SAMPLES, select=["zero-loss"]).findings
    assert frame["rule"].to_list() == ["zero-loss"]
    assert frame["first_step"].to_list() == [1200]


def test_select_ignore_and_parameters() -> None:
    run = SAMPLES / "overfitting"
    assert rules_of(loglens.analyze(run, select=["flat-loss"]), "overfitting") == set()
    assert "widening-gap" in rules_of(loglens.analyze(run), "overfitting")
    assert "widening-gap" not in rules_of(loglens.analyze(run, ignore=["widening-gap"]), "overfitting")
    changed = loglens.analyze(run, parameters={"widening-gap": {"least_rise": 1000}})
    assert "widening-gap" not in rules_of(changed, "overfitting")


def test_a_settings_file_counts_when_it_is_named_and_arguments_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "loglens.toml"
    path.write_text('ignore = ["widening-gap"]\n[rules.widening-gap]\nleast_rise = 1000\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = SAMPLES / "overfitting"
    assert "widening-gap" in rules_of(loglens.analyze(run), "overfitting")
    assert "widening-gap" not in rules_of(loglens.analyze(run, config=path), "overfitting")
    back = loglens.analyze(run, config=path, ignore=["flat-loss"], parameters={"widening-gap": {"least_rise": 0.05}})
    assert "widening-gap" in rules_of(back, "overfitting")


def test_runs_and_exclude() -> None:
    assert loglens.read(SAMPLES, runs=["heal*"]).names == ("healthy", "healthy-csv")
    assert "healthy" not in loglens.read(SAMPLES, exclude=["healthy"]).names


def test_roles_of_ones_own() -> None:
    source = {"epoch": list(range(40)), "foo": [2.5] * 40}
    (unknown,), (named,) = (loglens.analyze(source, roles=roles).runs for roles in ({}, {"f?o": "train/loss"}))
    assert "flat-loss" not in {finding.rule for finding in unknown.findings}
    assert "flat-loss" in {finding.rule for finding in named.findings}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"select": ["flat-los"]}, LoglensError, "did you mean 'flat-loss'"),
        ({"parameters": {"flat-loss": {"least_fal": 1}}}, LoglensError, "did you mean 'least_fall'"),
        ({"config": "missing.toml"}, ConfigError, "missing.toml"),
        ({"rules": [str(Path(__file__).parents[1] / "pyproject.toml")]}, RuleError, "pyproject.toml"),
        ({"rules": ["missing.yaml"]}, LoglensError, "missing.yaml"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, object], error: type[LoglensError], words: str) -> None:
    with pytest.raises(error, match=words):
        loglens.analyze(SAMPLES / "healthy", **arguments)


def test_an_option_that_there_is_not_is_told_of_the_function_that_was_called() -> None:
    with pytest.raises(TypeError, match=r"analyze\(\) got an unexpected keyword argument 'fail_on'"):
        loglens.analyze(SAMPLES, fail_on="x")
    with pytest.raises(TypeError, match=r"read\(\) got an unexpected keyword argument 'rules'"):
        loglens.read(SAMPLES, rules=[])


def test_results_are_shown_short_and_names_complete() -> None:
    logs, report = loglens.read(SAMPLES), loglens.analyze(SAMPLES, select=["zero-loss", "flat-loss"])
    assert repr(logs).startswith("<Logs: 10 runs, 11 files, ")
    assert repr(report).startswith("<Report: 10 runs, ")
    assert logs.runs.columns == ["run", "files", "bytes", "points"]
    assert (logs.runs["run"].to_list(), logs.runs["files"].sum()) == ([*logs.names], 11)
    assert logs.runs["points"].sum() == logs.scalars.height
    assert {"analyze", "read", "LoglensError"} <= set(dir(loglens))
    assert loglens.LoglensError is LoglensError
    with pytest.raises(KeyError, match="healthy-csv"):
        report["healty"]
    assert (len(report.rules), "zero-loss" in report.left_out, "widening-gap" in report.left_out) == (2, False, True)


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LoglensError, match="no training logs"):
        loglens.read(tmp_path)


def test_the_same_logs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        report = loglens.analyze(SAMPLES)
        report.to_json(tmp_path / f"{name}.json")
        report.to_html(tmp_path / f"{name}.html")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_notebook_shows_logs_as_a_table() -> None:
    logs = loglens.read({"step": [0, 1], "<b>loss</b>": [1.0, 0.5]})
    shown = logs._repr_html_()
    assert shown.startswith("<p>Logs: 1 run, ")
    assert "<table" in shown
    assert "<b>" not in shown


def test_a_glob_alone_is_not_taken_for_its_letters() -> None:
    losses = {"a": [2.0 / (i + 1) for i in range(30)]}
    everything = loglens.analyze(SAMPLES, exclude="*.nothing")
    assert len(everything.runs) == len(loglens.analyze(SAMPLES).runs)
    assert loglens.analyze(losses, select="flat-loss").rules[0].id == "flat-loss"


@pytest.mark.parametrize(
    "options",
    [{"select": [3]}, {"exclude": [3]}, {"runs": [3]}, {"rules": [b"x"]}, {"roles": {"loss": 3}}, {"roles": {3: "lr"}}],
)
def test_arguments_of_a_wrong_kind_are_told_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(options))} must"):
        loglens.analyze({"loss": [1.0, 0.5, 0.2]}, **options)


@pytest.mark.parametrize("name", ["", "a\0b", "."])
def test_a_name_that_names_no_file_is_told(name: str) -> None:
    with pytest.raises(LoglensError, match="names no file"):
        loglens.analyze({"loss": [1.0, 0.5, 0.2]}).to_html(name)

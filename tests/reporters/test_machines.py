"""SARIF, JUnit, GitHub and GitLab: each read by somebody else's parser, for nothing, for much and for hostile names."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import junitparser
import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st
from sarif import loader

from loglens import cli
from loglens.model import Problem
from loglens.report import Report
from loglens.reporters import ci, junit, render, results

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
REPORTS = sorted(samples.reports())


@cache
def huge() -> Report:
    base = samples.reports()["diverged"].runs[0]
    return Report(tuple(replace(base, run=f"run-{i:05}", curves={}) for i in range(2_500)), rules=samples.RULES)


def report(name: str) -> Report:
    return huge() if name == "huge" else samples.reports()[name]


def findings(of: Report) -> int:
    return sum(len(r.findings) for r in of.runs) + sum(len(g.findings) for g in of.groups)


@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_sarif_is_read_by_sarif_tools(name: str, tmp_path: Path) -> None:
    path = tmp_path / "r.sarif"
    path.write_text(render(report(name), "sarif"), encoding="utf-8")
    read = loader.load_sarif_file(str(path))
    assert read.get_distinct_tool_names() == ["loglens"]
    assert read.get_result_count() == min(findings(report(name)), results.MOST)
    found = read.get_report()
    counts = [found.get_issue_count_for_severity(level) for level in ("error", "warning", "note")]
    assert sum(counts) == read.get_result_count()


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    """The schema of SARIF 2.1.0 (OASIS; as in the npm package @microsoft/jest-sarif, MIT)."""
    path = Path(__file__).parent / "schemas/sarif-2.1.0-rtm.5.json"
    return jsonschema.Draft4Validator(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_sarif_keeps_to_its_schema(name: str) -> None:
    document = json.loads(render(report(name), "sarif"))
    assert [f"{fault.json_path}: {fault.message[:200]}" for fault in sarif_schema().iter_errors(document)] == []
    document["runs"][0]["tool"] = {}
    assert not sarif_schema().is_valid(document)


@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_sarif_has_what_services_ask_for(name: str) -> None:
    (run,) = json.loads(render(report(name), "sarif"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["partialFingerprints"]["loglens/v1"]
        place = result["locations"][0].get("physicalLocation")
        if place:
            parts = urlsplit(place["artifactLocation"]["uri"])
            assert (parts.scheme, parts.netloc) == ("", "")
            assert not parts.path.startswith("/")


def test_sarif_rules_explain_themselves() -> None:
    (run,) = json.loads(render(samples.reports()["few"], "sarif"))["runs"]
    rule = next(r for r in run["tool"]["driver"]["rules"] if r["id"] == "widening-gap")
    assert rule["name"] == "WideningGap"
    assert rule["help"]["text"].startswith("The held-out loss rises")
    assert rule["defaultConfiguration"] == {"level": "warning"}


@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_junit_is_read_by_junitparser(name: str) -> None:
    text = render(report(name), "junit")
    read = junitparser.JUnitXml.fromroot(junitparser.junitparser.etree.parse(io.BytesIO(text.encode())).getroot())
    cases = [case for suite in read for case in suite]
    assert (read.tests, read.errors) == (len(cases), 0)
    failed = [case for case in cases if any(isinstance(r, junitparser.Failure) for r in case.result)]
    skipped = [case for case in cases if any(isinstance(r, junitparser.Skipped) for r in case.result)]
    assert (read.failures, read.skipped) == (len(failed), len(skipped))
    runs = report(name).runs[: junit.RUNS]
    assert sum(len(r.findings) + len(r.clear) + len(r.not_checked) for r in runs) <= len(cases)


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 4), ("warning", 5), ("info", 6), ("never", 0)])
def test_junit_fails_as_the_gate_does(fail_on: str, failures: int) -> None:
    text = render(samples.reports()["few"], "junit", fail_on=fail_on)
    assert f'failures="{failures}"' in text.splitlines()[1]


def test_a_file_that_was_not_read_whole_never_passes() -> None:
    problems = (Problem("a/b.csv", "corrupt", "line 3 is none"), Problem("notes.txt", "skipped", "no log"))
    broken = Report((samples.healthy(),), problems=problems)
    for form in ("sarif", "junit", "github", "gitlab"):
        assert "a/b.csv" in unquote(render(broken, form))
        assert "notes.txt" not in render(broken, form)
    assert 'message="not read whole: corrupt: line 3 is none"' in render(broken, "junit")


@pytest.mark.parametrize("form", ["sarif", "junit", "github", "gitlab"])
@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_no_control_character_of_a_name_arrives(form: str, name: str) -> None:
    assert not CONTROL.search(render(report(name), form))


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as GitHub's runner reads them."""
    found = []
    for line in text.splitlines():
        if match := re.fullmatch(r"::(\w+)(?: ([^:]*))?::(.*)", line):
            pairs = [pair.split("=", 1) for pair in (match[2] or "").split(",") if pair]
            found.append((match[1], {key: unescaped(value) for key, value in pairs}, unescaped(match[3])))
    return found


def unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_github_shows_the_worst_ten_and_counts_the_rest(name: str) -> None:
    text, every = render(report(name), "github"), findings(report(name))
    found = commands(text)
    told = [c for c in found if c[1]["title"] != "loglens"]
    assert len(told) == min(every, ci.ANNOTATIONS)
    assert (f"{every - 10:,} more finding" in text) == (every > 10)
    assert len(found) == len(text.splitlines()) - 1
    order = ["error", "warning", "notice"]
    assert [order.index(c[0]) for c in told] == sorted(order.index(c[0]) for c in told)


@given(st.text(max_size=40))
def test_nothing_of_a_name_starts_a_command_or_a_property(name: str) -> None:
    base = samples.reports()["diverged"].runs[0]
    text = render(Report((replace(base, run=f"{name}\n::error::x,file=/etc,%0A"),)), "github")
    assert len(commands(text)) == 3
    assert [set(command[1]) for command in commands(text)] == [{"title"}] * 3


@pytest.mark.parametrize("name", [*REPORTS, "huge"])
def test_gitlab_has_the_documented_fields(name: str) -> None:
    issues: list[dict[str, Any]] = json.loads(render(report(name), "gitlab"))
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"]
        assert issue["location"]["lines"]["begin"] == 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    if name == "huge":
        assert issues[results.MOST]["description"] == "2,500 more findings, not listed here"


def test_the_job_summary_is_appended_within_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "summary.md"
    place.write_text("# before\n")
    ci.add_job_summary(samples.reports()["few"])
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place))
    ci.add_job_summary(samples.reports()["few"], top=1)
    assert place.read_text().startswith("# before\n\n# 🔴 2 of 5 runs failed")
    place.write_bytes(b"x" * 900_000)
    ci.add_job_summary(huge())
    assert 900_000 < place.stat().st_size <= 1 << 20
    place.write_bytes(b"x" * ((1 << 20) - 100))
    ci.add_job_summary(huge())
    assert place.stat().st_size == (1 << 20) - 100


def test_a_summary_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.csv").write_text("step,train/loss\n" + "".join(f"{i},{9 - i / 10}\n" for i in range(60)))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary.md"))
    assert cli.run(["analyze", str(tmp_path), "--no-config", "-q", "--format", "github"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_endings_and_names_say_the_format(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("step,train/loss\n" + "".join(f"{i},{9 - i / 10}\n" for i in range(60)))
    outputs = [f"{tmp_path}/r.sarif", f"{tmp_path}/r.xml", f"gitlab:{tmp_path}/q.json", f"github:{tmp_path}/a.txt"]
    cli.run(["analyze", str(tmp_path / "m.csv"), "--no-config", "-q", *(x for o in outputs for x in ("-o", o))])
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "r.xml").read_text().startswith("<?xml")
    assert isinstance(json.loads((tmp_path / "q.json").read_text()), list)
    assert (tmp_path / "a.txt").exists()

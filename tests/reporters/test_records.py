from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.errors import LoglensError
from loglens.report import Report
from loglens.reporters import records, render

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


def test_the_shipped_schema_is_that_of_the_code(golden: Callable[[Path, str], None]) -> None:
    jsonschema.Draft7Validator.check_schema(records.schema())
    golden(records.SCHEMA_FILE, records.schema_text())


@pytest.mark.parametrize("name", samples.reports())
def test_reports_are_what_the_schema_says(name: str) -> None:
    data = json.loads(render(samples.reports()[name], "json"), parse_constant=pytest.fail)
    jsonschema.validate(data, records.schema())


def test_the_schema_refuses_what_is_none() -> None:
    data = json.loads(render(samples.reports()["diverged"], "json"))
    data["runs"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError, match="fine"):
        jsonschema.validate(data, records.schema())


def test_keys_are_those_of_the_public_contract() -> None:
    data = json.loads(render(samples.sweep(), "json"))
    assert (data["schema_version"], data["loglens_version"]) == (1, "0.1.0")
    run = data["runs"][0]
    assert set(run["sources"][0]) == {"path", "format", "bytes", "points"}
    assert run["steps"] == [0, 52425]
    assert run["findings"][0]["evidence"]["largest"] == "Infinity"
    assert run["findings"][0]["first_step"] == 31500
    assert data["problems"][0]["offset"] == 812345
    assert data["summary"]["failed"] == 1
    assert data["groups"][0]["findings"][0]["rule"] == "sweep-explained"


@pytest.mark.parametrize("name", sorted(set(samples.reports()) - {"hostile"}))
def test_a_report_read_back_is_the_same_report(name: str, tmp_path: Path) -> None:
    report = samples.reports()[name]
    path = tmp_path / "r.json"
    report.to_json(path)
    again = records.read_report(path)
    for form in ("json", "markdown", "text"):
        assert render(again, form) == render(report, form)
    assert _without_band(render(again, "html", interactive=False)) == _without_band(
        render(report, "html", interactive=False)
    )


def _without_band(page: str) -> str:
    """A page without its chart across runs, for which the document holds few points."""
    return re.sub(r'<section id="groups">.*?</section>\n</section>', "", page, flags=re.S)


def test_names_that_are_no_text_come_back_written_out(tmp_path: Path) -> None:
    samples.hostile().to_json(tmp_path / "r.json")
    names = {run.run for run in records.read_report(tmp_path / "r.json").runs}
    assert names >= {"lone\\udce9surrogate\\ud800", "esc\x1b[31mred\x07\x00nul", samples.HOSTILE[0]}


def test_numbers_of_numpy_and_lost_ones_are_written() -> None:
    one = samples.finding(
        "x", "info", "t", "m", (), 1, 2, evidence={"a": np.float64(0.5), "b": np.int64(3), "c": -np.inf, "d": np.nan}
    )  # type: ignore[dict-item]
    report = Report((samples.run("r", "healthy", "", (), (one,)),))
    evidence = json.loads(render(report, "json"))["runs"][0]["findings"][0]["evidence"]
    assert evidence == {"a": 0.5, "b": 3, "c": "-Infinity", "d": "NaN"}
    back = records.parse(render(report, "json")).runs[0].findings[0].evidence
    assert (back["c"], str(back["d"])) == (-np.inf, "nan")


def _document() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(render(samples.reports()["diverged"], "json"))
    return data


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("schema_version", 2, "not a loglens report of schema_version 1 (found 2)"),
        ("runs", {}, "$.runs: expected a list, found {}"),
        (
            "runs.0.verdict",
            "fine",
            "[0].verdict: expected one of failed, suspect, healthy, unknown, found 'fine'",
        ),
        ("runs.0.verdict", None, "found null"),
        ("runs.0.steps", [1], "$.runs[0].steps: expected 2 values, found [1]"),
        ("runs.0.steps", [1, 2**70], "$.runs[0].steps[1]: expected a whole number of 64 bits"),
        ("runs.0.wall_seconds", "long", "$.runs[0].wall_seconds: expected a number, found 'long'"),
        ("runs.0.sources.0.bytes", 1.5, "$.runs[0].sources[0].bytes: expected a whole number, found 1.5"),
        ("runs.0.sources.0.bytes", True, "expected a whole number, found True"),
        ("runs.0.findings.0.evidence", [], "$.runs[0].findings[0].evidence: expected an object, found []"),
        ("runs.0.findings.0.evidence.ratio", [1], "$.runs[0].findings[0].evidence.ratio: expected a number or"),
        ("runs.0.findings.0.tags", ["a", 7], "$.runs[0].findings[0].tags[1]: expected text, found 7"),
        ("curves.0.steps", [1, 2], "$.curves[0]: 2 steps but 700 values"),
    ],
)
def test_what_does_not_fit_is_named(path: str, value: object, told: str) -> None:
    data = copy.deepcopy(_document())
    holder: Any = data
    *way, last = path.split(".")
    for key in way:
        holder = holder[int(key) if key.isdigit() else key]
    holder[last] = value
    with pytest.raises(LoglensError) as caught:
        records.parse(json.dumps(data))
    assert told in str(caught.value)


def test_missing_keys_are_named() -> None:
    data = _document()
    del data["runs"][0]["run"], data["runs"][0]["verdict"]
    with pytest.raises(LoglensError, match=r"\$.runs\[0\]: expected an object with run, verdict"):
        records.parse(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1e999", "[" * 100_000, '{"schema_version": 1}', "NaN"])
def test_other_documents_are_refused(text: str) -> None:
    with pytest.raises(LoglensError) as caught:
        records.parse(text)
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    text = render(samples.reports()["unknown"], "json")
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 20)) :]
    try:
        report = records.parse(damaged)
    except LoglensError:
        return
    render(report, "html")


def test_unreadable_files_are_told_with_their_name(tmp_path: Path) -> None:
    binary = tmp_path / "r.json"
    binary.write_bytes(b"{\xff}")
    with pytest.raises(LoglensError, match=r"r\.json: not UTF-8 at byte 1"):
        records.read_report(binary)
    with pytest.raises(LoglensError, match=r"gone\.json: cannot be read: No such file"):
        records.read_report(tmp_path / "gone.json")


def test_many_runs_keep_small_curves() -> None:
    many = replace(samples.sweep(), runs=samples.sweep().runs * 5)
    named = tuple(replace(run, run=f"{run.run}-{i}") for i, run in enumerate(many.runs))
    text = render(replace(many, runs=named), "json")
    assert len(text) < 200 * 12_000

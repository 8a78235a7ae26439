"""The cases of rules: they fail when they should, and say how."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loglens.errors import LoglensError
from loglens.kernels import signatures
from loglens.rulefile import read_rule
from loglens.ruletest import run_cases, series_from

GOOD = (Path(__file__).parent / "rules" / "good.yaml").read_text("utf-8")


def failures(text: str, path: str = "good.yaml", **more: str) -> list[str]:
    rule, mistakes = read_rule(text, path, signatures())
    assert rule is not None, mistakes
    return [result.failure for result in run_cases([rule], **more)]  # type: ignore[arg-type]


def test_good_cases_pass() -> None:
    assert failures(GOOD) == ["", ""]


@pytest.mark.parametrize(
    ("old", "new", "failure"),
    [
        ("20x10", "2x10", "expected too-high, got silence"),
        ("1x10", "11x10", "expected silence, got too-high at step 0: train/loss ends at 11."),
        ("1x10", "1x2", "expected silence, got not-checked (too few points: 2 of 4 in train/loss; log it more often)"),
        ("expect: none", "expect: not-checked", "expected not-checked, got silence"),
        ("severity: warning", "severity: error", "expected severity error, got warning"),
        ("onset: 0", "onset: 3", "expected too-high at step 3, got 0"),
        ("onset: 0", "onset: 3, within: 2", "expected too-high at step 3 (within 2), got 0"),
    ],
)
def test_failures_say_what_was_found(old: str, new: str, failure: str) -> None:
    assert [f for f in failures(GOOD.replace(old, new)) if f] == [failure]


def test_an_onset_within_its_tolerance_passes() -> None:
    assert failures(GOOD.replace("onset: 0", "onset: 3, within: 3")) == ["", ""]


def test_only_some() -> None:
    assert len(failures(GOOD, only="high: low")) == 1
    assert failures(GOOD, only="nothing like this") == []


def test_results_say_where_the_case_stands() -> None:
    rule, _ = read_rule(GOOD, "a/good.yaml", signatures())
    assert rule is not None
    places = [(r.rule, r.case, r.place) for r in run_cases([rule])]
    line = GOOD.splitlines().index("  - name: high") + 1
    assert places[0] == ("too-high", "high", f"a/good.yaml:{line}")


def test_a_case_from_logs(tmp_path: Path) -> None:
    (tmp_path / "high.csv").write_text("step,loss\n" + "".join(f"{i},20\n" for i in range(10)), "utf-8")
    text = GOOD.replace("series: {train/loss: 20x10}", "logs: high.csv")
    assert failures(text, str(tmp_path / "good.yaml")) == ["", ""]
    assert failures(text.replace("onset: 0", "onset: 5"), str(tmp_path / "good.yaml"))[0]


def test_logs_that_do_not_exist() -> None:
    with pytest.raises(LoglensError, match=r"good.yaml:\d+: no such logs: .*nowhere.csv"):
        failures(GOOD.replace("series: {train/loss: 20x10}", "logs: nowhere.csv"))


def test_gaps_are_steps_without_a_value() -> None:
    rule, _ = read_rule(GOOD.replace("20x10", "20 _ nan 20 _"), "good.yaml", signatures())
    assert rule is not None
    records = series_from(rule.cases[0]).records
    assert records.step.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(records.value, [20, np.nan, 20])

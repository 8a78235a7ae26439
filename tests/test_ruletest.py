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
        ("20x10", "2x10", "expected too-high, got none"),
        ("1x10", "11x10", "expected none, got too-high at step 0: train/loss ends at 11."),
        ("1x10", "1x2", "expected none, got not-checked (too few points: 2 of 4 in train/loss; log it more often)"),
        ("expect: none", "expect: not-checked", "expected not-checked, got none"),
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
    assert places[0] == ("too-high", "high", f"a/good.yaml:{line}:5")


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


def details(text: str) -> list[str]:
    rule, mistakes = read_rule(text, "good.yaml", signatures())
    assert rule is not None, mistakes
    return [line for result in run_cases([rule]) for line in result.detail]


POINTS = GOOD.replace("when: last > limit\nonset: step_of_first(high)", "when: high\nfor: 5 points")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD, []),
        (
            GOOD.replace("20x10", "2x10"),
            ["'when': `last > limit` is false: 2 > 10", "last = 2, high holds at 0 of 10 points, norm_high = false"],
        ),
        (
            GOOD.replace("20x10", "10.000001x10").replace("default: 10,", "default: 10.000002,"),
            [
                "'when': `last > limit` is false: 10.000001 > 10.000002",
                "last = 10, high holds at 0 of 10 points, norm_high = false",
            ],
        ),
        (
            GOOD.replace("severity: warning", "severity: error"),
            [
                "'error': `norm_high` is false: `has(norm)` is false",
                "last = 20, high holds at 10 of 10 points, norm_high = false",
            ],
        ),
        (
            POINTS.replace("20x10", "2x6 20x4"),
            [
                "'when': `high` holds at 4 of 10 points, 4 on end at most",
                "'for' asks for 5 on end",
                "last = 20, high holds at 4 of 10 points, norm_high = false",
            ],
        ),
        (
            POINTS.replace("when: high", "when: high and norm_high"),
            [
                "'when': `high` holds at 10 of 10 points, 10 on end at most",
                "'when': `norm_high` is false: `has(norm)` is false",
                "together they hold at 0 on end at most; 'for' asks for 5",
                "last = 20, high holds at 10 of 10 points, norm_high = false",
            ],
        ),
    ],
)
def test_an_unexpected_silence_shows_what_failed(text: str, told: list[str]) -> None:
    assert details(text) == told


def test_a_rule_about_layers_says_that_it_shows_the_first() -> None:
    text = GOOD.replace("role: train/loss, points: 4", "role: 'grad_norm:*', each: true, points: 4")
    text = text.replace("{train/loss: 20x10}", "{'grad_norm:a': 1x10, 'grad_norm:b': 2x10}")
    told = details(text.replace("{train/loss: 1x10}", "{'grad_norm:a': 1x10}"))
    assert told[1].startswith("the first of 2 candidates: last = 1,")


def test_a_finding_about_a_group_has_no_step() -> None:
    text = GROUP.replace("expect: none", "expect: warning").replace("expect: info", "expect: none")
    assert failures(text) == [
        "expected none, got odd-one: val/loss differs.",
        "expected odd-one, got none",
    ]
    assert details(text) == ["'when': `wide > 0.5` is false: 0 > 0.5", "wide = 0"]


GROUP = """\
id: odd-one
title: One differs
scope: folds
needs: {final: {role: val/loss, points: 2}}
let: {wide: deviation(final) / median(final)}
when: wide > 0.5
severity: info
message: "{final} differs."
why: To test.
remedies: [look]
cases:
  - {name: wide, members: [{val/loss: 1x9}, {val/loss: 5x9}], expect: info}
  - {name: alike, members: [{val/loss: 1x9, times: 2}], expect: none}
"""

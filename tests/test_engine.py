"""For every rule and run exactly one of fired, clear and not checked, whatever was logged; and what a finding says."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from batches import batch, batches
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.engine import Judgement, judge
from loglens.facts import FACTS
from loglens.kernels import signatures
from loglens.rulefile import read_rule
from loglens.ruleset import load_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.rule import Rule
    from loglens.series import SeriesSet

HEAD = """\
id: toy
title: A toy
why: To test.
remedies: [look, {when: last > 100, text: look closer}]
cases:
  - {name: a, series: {train/loss: 1}, expect: warning}
  - {name: b, series: {train/loss: 1}, expect: none}
"""
BODY = """\
needs:
  loss: {role: train/loss, points: 2, log: the training loss}
  norm: {role: grad_norm, optional: true}
let:
  last: last_value(loss)
  high: loss > 10
when: high
for: 2 points
severity:
  error: has(norm) and maximum(norm) > 5
  warning: otherwise
message: "{loss} is high, {last} at the end."
causes:
  - of old
  - when: has(norm)
    text: "{norm} says so"
related: [norm]
"""


def rule(body: str = BODY) -> Rule:
    found, mistakes = read_rule(HEAD + body, "toy.yaml", signatures())
    assert found is not None, mistakes
    return found


def one(run: dict[str, Any], body: str = BODY) -> Judgement:
    return judge(batch([run]), [rule(body)])[0]


def statuses(rules: Sequence[Rule], judgement: Judgement) -> list[str]:
    found = [f.rule for f in judgement.findings] + list(judgement.clear) + [n.rule for n in judgement.not_checked]
    assert sorted(found) == sorted(rule.id for rule in rules), "exactly one status for every rule"
    return found


@lru_cache
def builtin() -> tuple[Rule, ...]:
    """The rules about single runs."""
    return tuple(rule for rule in load_rules().rules if getattr(rule, "scope", "run") == "run")


def roles_of(rules: Sequence[Rule]) -> list[str]:
    wanted = {role for rule in rules for need in rule.needs for role in need.roles}
    return sorted(role.replace("*", "part") for role in wanted)


any_batch = batches(roles_of(builtin()), max_runs=3, facts=list(FACTS))


@settings(max_examples=100)
@given(any_batch)
def test_every_rule_ends_in_exactly_one_status_for_every_run(series: SeriesSet) -> None:
    judgements = judge(series, builtin())
    assert len(judgements) == len(series.runs)
    for judgement in judgements:
        statuses(builtin(), judgement)
        for finding in judgement.findings:
            assert 0 <= finding.confidence <= 1
            assert finding.message
            assert "{" not in finding.message
            assert finding.first_step is None or isinstance(finding.first_step, int)
            assert all(text for text in (*finding.causes, *finding.remedies, *finding.counter_evidence))
        assert all(skip.reason for skip in judgement.not_checked)


@pytest.mark.parametrize("rule", builtin(), ids=lambda r: r.id)
@settings(max_examples=25)
@given(data=st.data())
def test_no_rule_stumbles_over_what_it_asks_for(rule: Rule, data: st.DataObject) -> None:
    roles = roles_of([rule])
    series = data.draw(batches(roles, max_runs=3))
    for judgement in judge(series, [rule]):
        statuses([rule], judgement)


@settings(max_examples=30)
@given(any_batch)
def test_judging_is_repeatable(series: SeriesSet) -> None:
    assert judge(series, builtin()) == judge(series, builtin())


def test_a_batch_without_runs() -> None:
    assert judge(batch([]), builtin()) == []


def test_a_finding() -> None:
    finding = one({"train/loss": [1, 1, 20, 30, 40], "grad_norm": [1, 1, 9, 9, 9]}).findings[0]
    assert (finding.rule, finding.severity, finding.confidence) == ("toy", "error", 0.9)
    assert finding.message == "train/loss is high, 40 at the end."
    assert (finding.first_step, finding.last_step, finding.axis) == (2, 4, "step")
    assert finding.causes == ("grad_norm says so", "of old")
    assert finding.remedies == ("look",)
    assert finding.evidence == {"last": 40.0}
    assert (finding.tags, finding.related) == (("train/loss",), ("grad_norm",))
    assert finding.first_wall_time == 1.7e9 + 120


def test_what_is_optional_may_be_missing() -> None:
    finding = one({"train/loss": [1, 1, 20, 300]}).findings[0]
    assert (finding.severity, finding.causes, finding.related) == ("warning", ("of old",), ())
    assert finding.remedies == ("look closer", "look")


def test_the_condition_must_hold_long_enough() -> None:
    assert one({"train/loss": [1, 20, 1, 20, 1]}).clear == ("toy",)
    assert one({"train/loss": [1, 20, 1, 20, 20]}).findings[0].first_step == 3


@pytest.mark.parametrize(
    ("hold", "steps"),
    [("3 points", [40]), ("4 points", []), ("30 steps", [40]), ("31 steps", []), ("50 %", [40]), ("51 %", [])],
)
def test_for_in_points_steps_and_shares(hold: str, steps: list[int]) -> None:
    loss = ([10, 20, 30, 40, 50, 60], [1, 20, 1, 20, 20, 20])
    findings = one({"train/loss": loss}, BODY.replace("2 points", hold)).findings
    assert [f.first_step for f in findings] == steps


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({}, "no train/loss logged; log the training loss, for instance as train_loss"),
        ({"train/loss": [1]}, "too few points: 1 of 2 in train/loss; log it more often"),
        ({"train/loss": [math.nan] * 9}, "train/loss has no finite value (2 needed)"),
        ({"train/loss": [1] * 9, "reward": [1]}, ""),
    ],
)
def test_reasons_for_not_checking(run: dict[str, Any], reason: str) -> None:
    assert [n.reason for n in one(run).not_checked] == ([reason] if reason else [])


def test_objectives() -> None:
    body = "objectives: [supervised]\n" + BODY
    got = one({"train/loss": [20] * 5, "reward": [1]}, body).not_checked
    assert [n.reason for n in got] == ["does not apply: reinforcement learning, whose losses need not fall"]


def test_the_rule_can_decline() -> None:
    body = BODY + 'not_checked:\n  - when: count(loss) < 4\n    reason: "only {last} to go by"\n'
    assert one({"train/loss": [20, 30]}, body).not_checked[0].reason == "only 30 to go by"
    assert one({"train/loss": [20, 30, 40, 50]}, body).findings


EACH = BODY.replace("role: train/loss,", "role: [train/loss, 'train/loss:*'], each: true,")


def test_one_finding_for_all_series_the_most_severe_then_the_earliest() -> None:
    run = {"train/loss:a": [1, 1, 20, 20], "train/loss:b": [1, 20, 20, 20], "train/loss:c": [1, 1, 1, 1]}
    findings = one(run, EACH).findings
    assert [(f.first_step, f.tags) for f in findings] == [(1, ("train/loss:b", "train/loss:a"))]


def test_the_first_role_that_a_run_has_counts() -> None:
    body = BODY.replace("role: train/loss,", "role: [train/loss, 'train/loss:*'],")
    run = {"train/loss:a": [20] * 4, "train/loss": [1] * 4}
    assert one(run, body).clear == ("toy",)


def test_an_onset_that_is_no_step_is_left_out() -> None:
    body = BODY.replace("when: high\nfor: 2 points", 'when: last > 1\nonset: "1 / (last - last)"')
    found = one({"train/loss": [20, 20]}, body.replace("  high: loss > 10\n", "")).findings
    assert [f.first_step for f in found] == [None]


def test_fingerprints_tell_runs_and_tags_apart_but_not_values() -> None:
    runs = [{"train/loss": [20] * 5}, {"train/loss": [99] * 9}]
    first, second = (j.findings[0].fingerprint for j in judge(batch(runs), [rule()]))
    again = judge(batch([{"train/loss": [50] * 7}]), [rule()])[0].findings[0].fingerprint
    assert first == again
    assert first != second


def test_settings_change_a_parameter() -> None:
    body = BODY.replace("loss > 10", "loss > limit") + "parameters:\n  limit: {default: 10, about: too high}\n"
    series = batch([{"train/loss": [20] * 5}])
    assert judge(series, [rule(body)])[0].findings
    assert judge(series, [rule(body).with_settings({"limit": 30})])[0].clear == ("toy",)
    both = judge(series, [rule(body), rule(body).with_settings({"limit": 30})])[0]
    assert (len(both.findings), both.clear) == (1, ("toy",)), "two settings beside each other must not share results"

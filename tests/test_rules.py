"""The built-in rules: their cases pass, and what must not matter does not."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from loglens.engine import Judgement, judge
from loglens.facts import FACTS
from loglens.groupcases import judge_members
from loglens.groupfacts import GROUP_FACTS
from loglens.rulereader import AXIS
from loglens.ruleset import check_links, load_rules
from loglens.ruletest import run_cases, series_from
from loglens.series import Ragged, SeriesSet

if TYPE_CHECKING:
    from loglens.rule import Case, Rule

FACT_NAMES = frozenset([*FACTS, *GROUP_FACTS])
RULES = load_rules().rules
CASES = [(rule, case) for rule in RULES for case in rule.cases]
DRAWN = [(rule, case) for rule, case in CASES if case.series]
FACTORS = (1000.0, 0.001)
# where the level itself has a meaning: a loss of nothing, a loss at the logarithm of the number of classes
ABSOLUTE = {"zero-loss", "flat-loss", "bad-initialization", "suspected-leakage"}
# where it matters how late the log begins: a first loss that is logged late is not that of the initial weights
FIRST_STEP = {"bad-initialization"}


def name(value: object) -> str:
    return getattr(value, "id", None) or getattr(value, "name", "?").replace(" ", "-")


@pytest.mark.parametrize(("rule", "case"), CASES, ids=name)
def test_case(rule: Rule, case: Case) -> None:
    assert [result.failure for result in run_cases([replace(rule, cases=(case,))])] == [""]


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_enough_cases(rule: Rule) -> None:
    fires = [case.expect.status == "fired" for case in rule.cases]
    assert (fires.count(True) >= 2, fires.count(False) >= 3) == (True, True), fires


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_every_severity_and_variant_has_a_case(rule: Rule) -> None:
    can = {severity for variant in rule.variants for severity, _ in variant.severity}
    shown = {case.expect.severity for case in rule.cases}
    assert can <= shown, f"no case expects {can - shown}"
    titles = {variant.title for variant in rule.variants}
    found = {f.title for case in rule.cases for f in findings(rule, case)}
    assert titles <= found, f"no case shows {titles - found}"


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_documentation_is_there(rule: Rule) -> None:
    assert rule.why.endswith(".")
    assert rule.false_alarms
    assert rule.remedies
    assert all(variant.causes for variant in rule.variants)
    assert all(need.log or need.optional for need in rule.needs), "a need says what to log when it is missing"
    assert all(parameter.about for parameter in rule.parameters)
    messages = [v.message.text for v in rule.variants if not re.fullmatch(r"\{\w+_told\}\.?", v.message.text)]
    assert all(" " in text for text in (rule.title, *messages))
    assert rule.path.endswith(f"/{rule.id}.yaml"), "the file is named after the rule"


def test_ids_are_unique_and_sorted() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))


def test_links_lead_somewhere_and_in_no_circle() -> None:
    said: list[str] = []
    check_links(RULES, said.append)
    assert said == []


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_every_let_can_be_shown(rule: Rule) -> None:
    lets = dict(rule.lets)
    assert all(lets[name].type.shape == "run" for name in rule.evidence)
    holes = {hole for v in rule.variants for hole, _ in v.message.holes()}
    assert holes <= {AXIS, *lets, *(n.name for n in rule.needs), *(p.name for p in rule.parameters)} | FACT_NAMES
    assert rule.evidence, "numbers that speak for the finding"


def findings(rule: Rule, case: Case) -> tuple[object, ...]:
    if case.members:
        return judge_members(rule, case).findings
    if not case.series:
        return ()
    return judge(series_from(case), [rule])[0].findings


def told(judgement: Judgement) -> tuple[str, str | None]:
    """Status and severity."""
    if judgement.findings:
        return "fired", judgement.findings[0].severity
    return ("not-checked" if judgement.not_checked else "clear"), None


def scaled(series: SeriesSet, factor: float) -> SeriesSet:
    """The same run with its losses in other units."""
    losses = np.array([role.partition(":")[0].endswith("/loss") for role in series.role], bool)
    records = series.records
    value = np.where(losses[records.owner], records.value * factor, records.value)
    return replace(series, records=replace(records, value=value))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize(("rule", "case"), [(r, c) for r, c in DRAWN if r.id not in ABSOLUTE], ids=name)
def test_the_unit_of_the_loss_does_not_matter(rule: Rule, case: Case, factor: float) -> None:
    series = series_from(case)
    assert told(judge(scaled(series, factor), [rule])[0]) == told(judge(series, [rule])[0])


@pytest.mark.parametrize(("rule", "case"), DRAWN, ids=name)
def test_the_distance_of_steps_does_not_matter(rule: Rule, case: Case) -> None:
    series = series_from(case)
    wide = replace(series, records=replace(series.records, step=series.records.step * 50 + 7))
    first, second = judge(series, [rule])[0], judge(wide, [rule])[0]
    assert told(second) == told(first)
    for near, far in zip(first.findings, second.findings, strict=True):
        assert far.first_step == (near.first_step * 50 + 7 if near.first_step is not None else None)


@lru_cache
def together() -> tuple[list[Judgement], list[Judgement]]:
    """Every case alone, and 50 and more of them as the runs of one batch, all judged by all rules."""
    alone = [series_from(case) for _, case in DRAWN]
    return [judge(one, RULES)[0] for one in alone], judge(joined(alone), RULES)


def joined(batches: list[SeriesSet]) -> SeriesSet:
    """One batch of all these runs."""
    columns = ("step", "value", "wall", "segment")
    flat = [np.concatenate([getattr(one.records, column) for one in batches]) for column in columns]
    count = np.concatenate([one.records.count for one in batches])
    start = (np.cumsum(count) - count).astype(np.int64)
    lists = [
        [x for one in batches for x in getattr(one, what)] for what in ("tag", "role", "stem", "axis", "direction")
    ]
    runs = tuple("case" for _ in batches)
    run = np.concatenate([one.run + i for i, one in enumerate(batches)])
    none = np.full(1, np.nan)
    facts = {name: np.concatenate([one.facts.get(name, none) for one in batches]) for name in FACTS}
    return SeriesSet(runs, run, *lists, Ragged(start, count, *flat), facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("i", range(len(DRAWN)), ids=[f"{r.id}-{c.name}".replace(" ", "-") for r, c in DRAWN])
def test_a_case_is_judged_alike_alone_and_in_a_batch(i: int) -> None:
    alone, batch = together()
    assert len(batch) >= 50
    assert batch[i] == alone[i]


@pytest.mark.parametrize(("rule", "case"), [(r, c) for r, c in DRAWN if r.id not in FIRST_STEP], ids=name)
def test_where_steps_begin_does_not_matter(rule: Rule, case: Case) -> None:
    series = series_from(case)
    late = replace(series, records=replace(series.records, step=series.records.step + 100))
    assert told(judge(late, [rule])[0]) == told(judge(series, [rule])[0])

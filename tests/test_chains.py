"""Chains of causes: which finding led to which, and where the story begins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loglens.chains import effects_of, link, root_of
from loglens.model import Axis, Finding, Severity


def finding(rule: str, step: int | None, severity: Severity = "error", axis: Axis = "step") -> Finding:
    return Finding(
        rule=rule, severity=severity, confidence=0.9, title=f"The {rule}", message=f"{rule} happened.",
        tags=("loss",), axis=axis, first_step=step, last_step=1000, first_wall_time=None, evidence={},
        counter_evidence=(), causes=(), remedies=(), caused_by=None, fingerprint="",
    )  # fmt: skip


EXPLAINED = {"spike": ("rate",), "nan": ("spike", "rate"), "zero": ("nan",)}


def causes(*findings: Finding) -> dict[str, str | None]:
    return {f.rule: f.caused_by for f in link(findings, EXPLAINED)}


def test_each_finding_names_the_earliest_that_explains_it() -> None:
    found = causes(finding("rate", 10), finding("spike", 20), finding("nan", 30), finding("zero", 31))
    assert found == {"rate": None, "spike": "rate", "nan": "rate", "zero": "nan"}


def test_a_cause_does_not_come_after_its_effect() -> None:
    assert causes(finding("spike", 900), finding("nan", 30)) == {"spike": None, "nan": None}


def test_a_cause_may_be_noticed_a_little_later() -> None:
    assert causes(finding("spike", 45), finding("nan", 30))["nan"] == "spike"


def test_steps_on_different_axes_are_not_compared() -> None:
    assert causes(finding("spike", 900), finding("nan", 3, axis="epoch"))["nan"] == "spike"


def test_linking_removes_nothing_and_changes_no_severity() -> None:
    given = (finding("nan", 30), finding("rate", 10, "info"))
    linked = link(given, EXPLAINED)
    assert {(f.rule, f.severity) for f in linked} == {("nan", "error"), ("rate", "info")}


def test_the_root_is_where_the_worst_chain_begins() -> None:
    linked = link((finding("rate", 10, "info"), finding("nan", 30), finding("other", 5, "warning")), EXPLAINED)
    root = root_of(linked)
    assert root is not None
    assert root.rule == "rate"


def test_without_findings_there_is_no_root() -> None:
    assert root_of(()) is None


def test_of_two_that_explain_each_other_the_earlier_is_the_cause() -> None:
    explained = {"a": ("b",), "b": ("a",)}
    linked = link((finding("a", 75), finding("b", 76)), explained)
    assert {f.rule: f.caused_by for f in linked} == {"a": None, "b": "a"}


def test_of_chains_as_severe_the_earlier_begins_the_story() -> None:
    root = root_of((finding("spike", 177, "warning"), finding("gap", 8, "warning"), finding("note", 1, "info")))
    assert root is not None
    assert root.rule == "gap"


def test_trouble_with_the_log_comes_last() -> None:
    root = root_of((finding("log-integrity", 0, "warning"), finding("gap", 800, "warning")))
    assert root is not None
    assert root.rule == "gap"


def test_effects_of_effects_belong_to_the_chain() -> None:
    linked = link((finding("rate", 10), finding("spike", 20), finding("zero", 40), finding("nan", 30)), EXPLAINED)
    root = root_of(linked)
    assert root is not None
    assert {f.rule for f in effects_of(root, linked)} == {"spike", "nan", "zero"}


RULES = ("a", "b", "c", "d")
STEP = st.one_of(st.none(), st.integers(0, 1000))


@given(
    st.lists(st.tuples(st.sampled_from(RULES), STEP), max_size=4, unique_by=lambda pair: pair[0]),
    st.dictionaries(st.sampled_from(RULES), st.lists(st.sampled_from(RULES), max_size=3).map(tuple)),
)
def test_no_chain_is_a_circle(found: list[tuple[str, int | None]], explained: dict[str, tuple[str, ...]]) -> None:
    linked = link(tuple(finding(rule, step) for rule, step in found), explained)
    cause = {f.rule: f.caused_by for f in linked}
    for rule in cause:
        seen: set[str] = set()
        at = rule
        while (above := cause[at]) is not None:
            assert above not in seen | {at}
            seen.add(at)
            at = above
    assert (root_of(linked) is None) == (not linked)

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.report import Report
from loglens.reporters import outline, render

if TYPE_CHECKING:
    from loglens.model import Verdict


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["a", "b", "c", "d", "e", "gone", None])), max_size=6)
)
def test_every_finding_is_in_one_chain_whatever_causes_what(links: list[tuple[str, str | None]]) -> None:
    found = tuple(
        samples.finding(rule, "warning", rule, rule, (), i, None, caused_by=cause)
        for i, (rule, cause) in enumerate(dict(links).items())
    )
    run = samples.run("r", "suspect", "", (), found)
    told = [f for chain in outline.chains_of(run) for f in (chain.root, *chain.effects)]
    assert sorted(f.rule for f in told) == sorted(f.rule for f in found)


def test_effects_of_effects_belong_to_the_first_cause() -> None:
    (chain,) = outline.chains_of(samples.diverged())
    assert chain.root.rule == "exploding-gradient"
    assert [f.rule for f in chain.effects] == ["diverging-loss", "nonfinite-loss"]


def test_the_headline_decides_which_chain_leads() -> None:
    one = samples.finding("a-rule", "warning", "A", "first said", (), 1, None)
    two = samples.finding("b-rule", "error", "B", "then said", (), 1, None)
    run = samples.run("r", "failed", "first said.", (), (one, two))
    lead = outline.lead_of(Report((run,)))
    assert lead is not None
    assert lead.root is one


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        ([], "No runs were found."),
        (["failed"], "The run failed."),
        (["healthy"] * 3, "All 3 runs look healthy."),
        (["failed"] * 2, "All 2 runs failed."),
        (["failed", "suspect", "healthy"], "1 of 3 runs failed, 1 is suspect."),
        (["suspect", "suspect", "healthy"], "2 of 3 runs are suspect."),
        (["unknown", "healthy"], "1 of 2 runs cannot be judged."),
        (["suspect", "suspect", "unknown"], "2 of 3 runs are suspect, 1 cannot be judged."),
        (["failed", "suspect", "suspect", "unknown"], "1 of 4 runs failed, 2 are suspect, 1 cannot be judged."),
    ],
)
def test_verdict_lines(verdicts: list[Verdict], line: str) -> None:
    runs = tuple(samples.run(str(i), verdict, "", ()) for i, verdict in enumerate(verdicts))
    assert outline.verdict_line(Report(runs)) == line


def test_causes_are_counted_apart_from_what_follows() -> None:
    few = samples.reports()["few"]
    assert outline.tally(few) == "2 errors, 1 warning at the root; 3 findings follow from them"
    assert outline.tally(samples.reports()["overfitting"]) == "1 warning at the root; 1 finding follows from it"
    assert outline.tally(samples.reports()["lr-zero"]) == "1 error"
    assert outline.tally(samples.reports()["empty"]) == "no findings"


def test_a_theme_of_many_titles_is_called_like_its_rule() -> None:
    titles = ("It jumped", "It crept")
    runs = tuple(
        samples.run(title, "failed", "", (), (samples.finding("diverging-loss", "error", title, "m", (), 1, None),))
        for title in titles
    )
    assert [t.title for t in outline.themes_of(Report(runs, rules=samples.RULES))] == ["Diverging loss"]
    assert [t.title for t in outline.themes_of(Report(runs[:1], rules=samples.RULES))] == ["It jumped"]


@pytest.mark.parametrize("form", ["text", "html", "markdown"])
def test_rules_that_were_left_out_are_mentioned(form: str) -> None:
    report = replace(samples.reports()["healthy"], left_out=("a", "b"))
    assert "Only 3 of 5 rules were applied." in render(report, form)
    assert "rules were applied" not in render(samples.reports()["healthy"], form)


def test_worst_runs_come_first_and_gaps_name_all_they_silence() -> None:
    report = samples.reports()["few"]
    assert [r.verdict for r in outline.worst_first(report.runs)] == [
        "failed",
        "failed",
        "suspect",
        "unknown",
        "healthy",
    ]
    gaps = outline.gaps_of(report)
    assert gaps[0].rules == ("vanishing-gradient", "exploding-gradient")
    assert sum(len(gap.rules) * len(gap.runs) for gap in gaps) == sum(len(r.not_checked) for r in report.runs)


def test_pictures_show_every_theme_before_any_twice() -> None:
    shown = [finding.rule for _, finding in outline.pictured(samples.sweep(), 4)]
    assert shown == ["exploding-gradient", "widening-gap", "widening-gap", "widening-gap"]


def test_coverage_counts_files_once() -> None:
    cover = outline.coverage_of(samples.sweep())
    assert (cover.files, cover.damaged, cover.skipped) == (41, 2, 1)
    assert cover.checks - cover.judged == sum(len(r.not_checked) for r in samples.sweep().runs)

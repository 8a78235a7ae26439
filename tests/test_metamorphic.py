"""What must not change what is said of a run, over all logs at hand: unit, names, steps, density of points."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from metamorphs import CHANGES, statuses

import loglens
from loglens.ruleset import load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Logs

THIRD, AGAIN = "every third point", "half as many points again"
FIRED = ("info", "warning", "error")
# these compare the loss with what guessing costs, or with zero: they are about its unit
OF_THE_UNIT = {"bad-initialization", "flat-loss", "suspected-leakage", "zero-loss"}
# these are about single points, which may be among those left out
OF_POINTS = {"gradient-spike", "log-integrity", "loss-spike", "nonfinite-gradient", "nonfinite-loss", "noisy-loss"}

# Of 296 runs with some 30 rules each, how many may change their mind, and why. Where evidence lies near a threshold the
# rules do not judge ("too close to call"), so that a finding may become not-checked, but nothing comes out of nothing.
ALLOWED = {
    (THIRD, "diverging-loss", "cried"): 1,  # it did diverge; with all points the noise hides it
    (THIRD, "missed-early-stop", "lost"): 1,  # of the rise after the lowest evaluation a third is left, of 15 five
    (THIRD, "widening-gap", "lost"): 1,  # the same run
    (THIRD, "noisy-loss", "cried"): 1,  # with longer steps between points the fall itself counts as scatter
    (AGAIN, "loss-spike", "cried"): 1,  # a saw-tooth of one tooth more
    (AGAIN, "loss-spike", "lost"): 1,  # drawn points widen the tail that a spike must stand out of
}


@pytest.fixture(scope="module")
def logs(corpus: Path) -> list[Logs]:
    """Both collections, without the files that describe them."""
    exclude = ["labels.jsonl", "MANIFEST.csv"]
    return [loglens.read(corpus / name, exclude=exclude) for name in ("labelled", "real")]


def kind(change: str, rule: str, old: str, new: str) -> str | None:
    """`cried`: a finding out of nothing; `lost`: one that went although it was judged again."""
    if change == "losses × 1000" and rule in OF_THE_UNIT:
        return None
    if old == "clear" and new in FIRED:
        return "cried"
    if old in FIRED and new == "clear" and not (change == THIRD and rule in OF_POINTS):
        return "lost"
    return None


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_matter_changes_no_finding(change: str, logs: list[Logs]) -> None:
    rules = load_rules().rules
    counted: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], list[str]] = {}
    for some in logs:
        before, after = (statuses(version, rules) for version in CHANGES[change](some))
        assert before.keys() == after.keys()
        for (run, rule), old in before.items():
            new = after[run, rule]
            if (what := kind(change, rule, old, new)) is not None:
                counted[change, rule, what] += 1
                examples.setdefault((change, rule, what), []).append(f"{run}: {old} → {new}")
    beyond = {key: examples[key] for key, count in counted.items() if count > ALLOWED.get(key, 0)}
    assert not beyond


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_something(change: str, logs: list[Logs]) -> None:
    before, after = CHANGES[change](logs[0])
    columns = ["run", "tag", "step", "value"]
    assert not before.scalars.select(columns).equals(after.scalars.select(columns), null_equal=True)

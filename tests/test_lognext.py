"""What to log next."""

from __future__ import annotations

import numpy as np
import pytest

import loglens
from loglens.boosting import grows_trees
from loglens.lognext import columns
from loglens.model import NotChecked
from loglens.ruleset import load_rules

STEPS = list(range(100))
FALL = list(2 * np.exp(-np.arange(100) / 20) + 0.3)


def said(**more: list[float]) -> str:
    return loglens.analyze({"step": STEPS, "train/loss": FALL, **more}).runs[0].log_next


def test_the_columns_that_settle_most_are_named_with_what_they_settle() -> None:
    text = said()
    assert text.startswith("Logging the loss on held-out data (val/loss) would settle ")
    assert "; the gradient norm (grad_norm) would settle " in text
    assert text.endswith(".")


def test_what_is_logged_is_not_asked_for() -> None:
    text = said(grad_norm=[1 + 0.1 * (n % 7) for n in STEPS], **{"val/loss": FALL})
    assert "(grad_norm)" not in text
    assert "(val/loss)" not in text


def test_a_column_with_too_few_points_is_asked_for_more_often() -> None:
    rules = {rule.id: rule for rule in load_rules().rules}
    missing = [NotChecked("loss-spike", "too few points: 20 of 40 in loss")]
    (wanted,) = columns(rules, missing, {"train/loss": 20})
    assert (wanted.role, wanted.points, wanted.rules) == ("train/loss", 40, ("loss-spike",))


def test_what_does_not_apply_or_is_about_groups_asks_for_nothing() -> None:
    rules = {rule.id: rule for rule in load_rules().rules}
    missing = [
        NotChecked("loss-spike", "does not apply: adversarial training"),
        NotChecked("fold-variance", "no group"),
    ]
    assert columns(rules, missing, {}) == ()


@pytest.mark.parametrize(
    ("train", "held_out", "trees"),
    [
        ("train-logloss", "valid-logloss", True),
        ("validation_0-rmse", "validation_1-rmse", True),
        ("training binary_logloss", "valid_1 binary_logloss", True),
        ("learn/Logloss", "test/Logloss", True),
        ("train_loss", "val_loss", False),
        ("train/rmse", "val/rmse", False),
    ],
)
def test_boosted_trees_are_not_asked_for_their_gradients(train: str, held_out: str, trees: bool) -> None:
    run = loglens.analyze({"step": STEPS, train: FALL, held_out: FALL}).runs[0]
    assert ("(grad_norm)" not in run.log_next) == trees, run.log_next
    assert grows_trees([], [], {"params.num_leaves": "31"})
    assert not grows_trees(["lr"], [train], {"params.num_leaves": "31"})

"""Which series a rule looks at, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from batches import batch

from loglens.binding import bind, objective_of
from loglens.kernels import signatures
from loglens.rulefile import read_rule

if TYPE_CHECKING:
    from loglens.rule import Rule

TOY = """\
id: toy
title: A toy
needs:
{needs}
when: count(x) > 0
onset: first_step(x)
severity: warning
message: "{{x}}"
related: [{others}]
why: To test.
remedies: [none]
cases:
  - {{name: a, series: {{train/loss: 1}}, expect: warning}}
  - {{name: b, series: {{train/loss: 1}}, expect: none}}
"""
LOSS, SCORE = "train/loss", "val/accuracy"


def rule(**needs: str) -> Rule:
    others = ", ".join(name for name in needs if name != "x") or "x"
    text = TOY.format(needs="\n".join(f"  {name}: {need}" for name, need in needs.items()), others=others)
    found, mistakes = read_rule(text, "toy.yaml", signatures())
    assert found is not None, mistakes
    return found


def bound(run: dict[str, Any], **needs: str) -> list[dict[str, str | None]] | str:
    """The tags of each candidate, or the reason why there is none."""
    series = batch([run])
    found = bind(rule(**needs), series)
    if found.reasons:
        return found.reasons[0]
    return [
        {name: series.tag[index[i]] if index[i] >= 0 else None for name, index in found.index.items()}
        for i in range(len(found.run))
    ]


@pytest.mark.parametrize(
    ("run", "needs", "want"),
    [
        ({LOSS: [1]}, {"x": LOSS}, [{"x": LOSS}]),
        ({}, {"x": LOSS}, "no train/loss logged; log it, for instance as train_loss"),
        ({}, {"x": f"[{LOSS}, val/loss]"}, "no train/loss or val/loss logged; log it, for instance as train_loss"),
        (
            {},
            {"x": f"{{role: {LOSS}, log: the loss}}"},
            "no train/loss logged; log the loss, for instance as train_loss",
        ),
        (
            {LOSS: [1, 2]},
            {"x": f"{{role: {LOSS}, points: 3}}"},
            "too few points: 2 of 3 in train/loss; log it more often",
        ),
        ({LOSS: []}, {"x": f"{{role: {LOSS}, points: 0}}"}, [{"x": LOSS}]),
        ({LOSS: [1]}, {"x": f"[{SCORE}, {LOSS}]"}, [{"x": LOSS}]),
        ({LOSS: [1], SCORE: [1]}, {"x": f"[{SCORE}, {LOSS}]"}, [{"x": SCORE}]),
        ({LOSS: [1], SCORE: [1]}, {"x": f"{{role: [{SCORE}, {LOSS}], each: true}}"}, [{"x": SCORE}, {"x": LOSS}]),
        (
            {"grad_norm:a": [1, 2], "grad_norm:b": [1]},
            {"x": '"grad_norm:*"'},
            [{"x": "grad_norm:a"}, {"x": "grad_norm:b"}],
        ),
        ({"grad_norm:a": [1]}, {"x": "grad_norm"}, "no grad_norm logged; log it, for instance as grad_norm"),
        ({LOSS: [1]}, {"x": LOSS, "y": "{role: lr, optional: true}"}, [{"x": LOSS, "y": None}]),
        ({LOSS: [1]}, {"x": LOSS, "y": "lr"}, "no lr logged; log it, for instance as train/lr"),
        ({LOSS: [1], "lr": [1]}, {"x": LOSS, "y": "lr"}, [{"x": LOSS, "y": "lr"}]),
        (
            {"train/loss:a": [1, 2], "train/loss:b": [1], "val/loss:b": [1], "val/loss:a": [1, 2, 3]},
            {"x": '"train/loss:*"', "y": '"val/loss:*"'},
            [{"x": "train/loss:a", "y": "val/loss:a"}, {"x": "train/loss:b", "y": "val/loss:b"}],
        ),  # paired by their parts
        (
            {"train/loss:c": [1], "val/loss:b": [1], "val/loss:a": [1, 2, 3]},
            {"x": '"train/loss:*"', "y": '"val/loss:*"'},
            [{"x": "train/loss:c", "y": None}],
        ),  # never with another part
        (
            {"train/accuracy": [1], "val/loss:b": [1], "val/loss:a": [1, 2, 3]},
            {"x": "train/accuracy", "y": '"val/loss:*"'},
            [{"x": "train/accuracy", "y": "val/loss:a"}],
        ),  # else with the one that has most points
    ],
)
def test_candidates(run: dict[str, Any], needs: dict[str, str], want: object) -> None:
    assert bound(run, **needs) == want


def test_candidates_of_several_runs_stand_in_their_order() -> None:
    series = batch([{LOSS: [1]}, {}, {LOSS: [1]}])
    found = bind(rule(x=LOSS), series)
    assert found.run.tolist() == [0, 2]
    assert found.index["x"].tolist() == [0, 1]
    assert found.reasons == {1: "no train/loss logged; log it, for instance as train_loss"}


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        ({"generator_loss", "discriminator_loss"}, "gan"),
        ({"generator_loss"}, "unknown"),
        ({"reward", LOSS}, "rl"),
        ({"kl"}, "rl"),
        ({LOSS}, "supervised"),
        ({"test/f1"}, "supervised"),
        ({"lr"}, "unknown"),
        (set(), "unknown"),
    ],
)
def test_objectives(roles: set[str], kind: str) -> None:
    assert objective_of(roles) == kind

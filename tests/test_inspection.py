"""What `inspect` says of a loss beside names and points."""

from __future__ import annotations

import json
import math

import loglens
from loglens.inspection import as_json, as_text

LOGS = loglens.read(
    {
        "step": list(range(50)),
        "train/loss": [4.1 * math.exp(-n / 30) for n in range(50)],
        "train/perplexity": [math.exp(4.1 * math.exp(-n / 30)) for n in range(50)],
    }
)


def test_a_cross_entropy_is_read_for_people() -> None:
    (text,) = as_text([LOGS])
    assert "loss: train/loss 0.801 reads as cross-entropy, since train/perplexity is its exponential" in text


def test_json_tells_the_objective_and_the_kind_of_the_loss() -> None:
    (run,) = json.loads(as_json([LOGS]))["runs"]
    assert run["objective"] == "supervised"
    assert run["reading"]["kind"] == "cross-entropy"
    (adversarial,) = json.loads(
        as_json([loglens.read({"step": [0, 1], "generator_loss": [1.0, 2.0], "discriminator_loss": [1.0, 2.0]})])
    )["runs"]
    assert adversarial["objective"] == "gan"
    assert adversarial["reading"] is None

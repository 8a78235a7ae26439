"""The kind of a loss: claimed with a reason or not at all; a cross-entropy in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.lossreading import objective, reading_of
from loglens.model import Metric, Reading


def series(tag: str, role: str, first: float, last: float, points: int = 100) -> Metric:
    way = "min" if role.endswith(("loss", "perplexity")) else "max"
    best = min(first, last) if way == "min" else max(first, last)
    return Metric(tag, role, "", way, "step", points, first, best, last)  # type: ignore[arg-type]


def read(*metrics: Metric, told: dict[str, str] | None = None, aim: str = "supervised") -> Reading:
    reading = reading_of(metrics, told or {}, aim)
    assert reading is not None
    return reading


LOSS = series("train/loss", "train/loss", 2.31, 0.41)


def test_known_classes_and_an_accuracy_make_a_beginning_at_a_guess_a_cross_entropy() -> None:
    accuracy = series("train/acc", "train/accuracy", 0.1, 0.88)
    reading = read(LOSS, accuracy, told={"model.num_classes": "10"})
    assert (reading.kind, reading.classes) == ("cross-entropy", 10)
    assert reading.text == (
        "train/loss 0.41 reads as cross-entropy, since it began at 2.31, near ln 10 of the classes: the true class "
        "gets 66 % on average (geometric mean); chance is 2.3 = ln 10; train/acc is 88 %"
    )


def test_a_beginning_like_that_of_a_guess_says_the_kind_but_not_how_many_classes() -> None:
    reading = read(LOSS, series("acc", "train/accuracy", 0.1, 0.9))
    assert (reading.kind, reading.classes) == ("cross-entropy", None)
    assert "ln " not in reading.text


def test_a_perplexity_that_is_the_exponential_proves_a_language_model() -> None:
    perplexity = series("ppl", "train/perplexity", math.exp(2.31), math.exp(0.41))
    reading = read(LOSS, perplexity, told={"vocab_size": "65"})
    assert reading.kind == "cross-entropy"
    assert "the true token gets 66 %" in reading.text
    assert "perplexity 1.51" in reading.text
    assert "chance is 4.17 = ln 65" in reading.text
    assert read(LOSS, series("ppl", "train/perplexity", 2**2.31, 2**0.41)).kind == "unknown", "in bits, it is another"


@pytest.mark.parametrize(
    ("tag", "told", "kind", "classes"),
    [
        ("train/cross_entropy", {}, "cross-entropy", None),
        ("learn/Logloss", {}, "cross-entropy", 2),
        ("train/multi_logloss", {"num_class": "3"}, "cross-entropy", None),
        ("loss", {"loss": "sparse_categorical_crossentropy"}, "cross-entropy", None),
        ("loss", {"criterion": "CrossEntropyLoss()", "num_classes": "10"}, "cross-entropy", 10),
        ("loss", {"loss": "binary_crossentropy"}, "cross-entropy", 2),
        ("train/mse_loss", {}, "regression", None),
        ("loss", {"loss_fn": "MSELoss"}, "regression", None),
        ("loss", {"loss": "mean_squared_error"}, "regression", None),
        ("loss", {"num_classes": "10"}, "unknown", None),
        ("train/cross_entropy", {"label_smoothing": "0.1"}, "unknown", None),
        ("train/cross_entropy", {"label_smoothing": "0.0"}, "cross-entropy", None),
        ("place", {}, "unknown", None),
    ],
)
def test_names_and_settings_that_say_what_a_loss_is(
    tag: str, told: dict[str, str], kind: str, classes: int | None
) -> None:
    reading = read(series(tag, "train/loss", 1.7, 0.6), told=told)
    assert (reading.kind, reading.classes) == (kind, classes)
    assert reading.reason


def test_a_negative_loss_is_none() -> None:
    assert read(series("train/nll_logloss", "train/loss", 1.0, -3.0)).kind == "negative"


@pytest.mark.parametrize("aim", ["rl", "gan", "elbo", "unknown"])
def test_other_objectives_are_not_read_as_probabilities(aim: str) -> None:
    assert read(series("cross_entropy", "train/loss", 2.3, 0.4), aim=aim).kind == "unknown"


def test_a_loss_that_ended_in_nan_is_not_read_by_its_last_number() -> None:
    reading = reading_of([series("log_loss", "val/loss", 0.69, 0.3)], {}, "supervised", {"log_loss"})
    assert reading is not None
    assert reading.text == "log_loss reads as cross-entropy, since its name says so"


def test_worse_than_a_guess_is_said() -> None:
    loss = series("log_loss", "val/loss", 0.69, 1.2)
    reading = read(loss, told={"num_classes": "2", "loss": "binary_crossentropy"})
    assert "worse than a guess" in reading.text


def test_a_latent_variable_model_is_told_by_its_terms() -> None:
    assert objective({"train/loss", "train/loss:kl", "train/loss:recon"}, "supervised") == "elbo"
    assert objective({"train/loss", "train/loss:kl"}, "supervised") == "supervised"
    assert objective({"train/loss:kl", "train/loss:recon"}, "rl") == "rl"


NUMBER = st.floats(allow_nan=False, width=32)


@given(NUMBER, NUMBER, st.dictionaries(st.sampled_from(["num_classes", "vocab_size", "loss"]), st.text(max_size=6)))
def test_any_values_can_be_read(first: float, last: float, told: dict[str, str]) -> None:
    metrics = [series("logloss", "val/loss", first, last), series("a", "val/accuracy", first, last)]
    assert reading_of(metrics, told, "supervised") is not None
    assert reading_of([], told, "supervised") is None

"""What a story says beside its headline, in lines."""

from __future__ import annotations

from dataclasses import replace

import samples

from loglens.report import Report
from loglens.reporters.asides import asides, log_next, lost, repeated, spent
from loglens.reporters.outline import verdict_line


def test_a_broken_run_tells_last_good_step_checkpoint_and_loss() -> None:
    told = dict(asides(samples.diverged()))
    assert told["last good"] == "step 30,000"
    assert told["checkpoint"].startswith("resume from checkpoint-30000 (step 30,000); ")
    assert told["lost"] == ("40 % of the run, from step 31,500 on: 20,925 steps, 4.6 h, 36.6 GPU-hours on 8 devices")


def test_after_a_best_evaluation_it_is_said_so_and_the_loss_is_read() -> None:
    told = dict(asides(samples.overfitting()))
    assert told["lost"].startswith("79 % of the run, after the best evaluation at epoch 9: 31 epochs, ")
    assert told["meaning"].startswith("val_loss 0.679 reads as cross-entropy")


def test_a_healthy_run_of_which_nothing_is_known_has_none() -> None:
    assert asides(samples.healthy()) == ()
    assert lost(samples.healthy()) == ""


def test_sums_and_repetitions_are_told_once() -> None:
    report = samples.sweep()
    assert repeated(report) == "Of 40 runs, widening-gap in 6."
    assert spent(report.summary).startswith("11 h of 27 h (40 %) was spent after trouble began")
    assert repeated(Report((samples.diverged(), samples.healthy()))) == ""
    assert spent(Report((samples.healthy(),)).summary) == ""


def test_the_most_frequent_wish_stands_for_a_tree() -> None:
    report = samples.sweep()
    assert log_next(report).endswith(" of 40 runs.")
    one = replace(samples.healthy(), log_next="Logging x would settle one more: y.")
    assert log_next(Report((one,))) == "Logging x would settle one more: y."
    assert log_next(Report((replace(one, log_next=""),))) == ""


def test_healthy_by_some_rules_is_no_more_than_that() -> None:
    report = Report((samples.healthy(),), rules=samples.RULES[:1], left_out=("flat-loss",))
    assert verdict_line(report) == "No alarm in 1 run by the one selected rule."

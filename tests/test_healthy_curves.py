"""Alarms that can be trusted: of thousands of simulated healthy trainings hardly one is warned of."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np
from batches import batch
from healthycurves import healthy_run

from loglens.engine import judge
from loglens.ruleset import load_rules

RUNS = 2000


@lru_cache
def alarms() -> tuple[Counter[str], list[str]]:
    """Runs by the highest severity found in them, and what was found above a note."""
    rng = np.random.default_rng(20)
    runs = [healthy_run(rng) for _ in range(RUNS)]
    judged = judge(batch([run for run, _ in runs]), [rule for rule in load_rules().rules if rule.scope == "run"])
    worst: Counter[str] = Counter()
    told = []
    for (_, what), judgement in zip(runs, judged, strict=True):
        severities = {f.severity for f in judgement.findings}
        worst[next((s for s in ("error", "warning", "info") if s in severities), "none")] += 1
        told += [f"{what}: {f.severity} {f.rule}: {f.message}" for f in judgement.findings if f.severity != "info"]
    return worst, told


def test_hardly_a_healthy_run_is_warned_of() -> None:
    worst, told = alarms()
    assert worst["warning"] <= 0.015 * RUNS, "\n".join(told)


def test_no_healthy_run_is_called_broken() -> None:
    worst, told = alarms()
    assert worst["error"] <= 0.001 * RUNS, "\n".join(told)

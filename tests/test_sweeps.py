"""What explains the failures of a sweep: the test, its correction, and real trainings."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from summaries import metric, run

import loglens
from loglens.sweeps import CERTAIN, best_at_edge, explain_sweep, fisher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import RunReport
    from loglens.report import Report

SAMPLES = Path(__file__).parent.parent / "sample_logs"


def exact(runs: int, failed: int, inside: int, both: int) -> float:
    """Fisher's two-sided p in whole numbers."""

    def ways(k: int) -> int:
        return math.comb(failed, k) * math.comb(runs - failed, inside - k)

    possible = range(max(0, failed + inside - runs), min(failed, inside) + 1)
    return sum(ways(k) for k in possible if ways(k) <= ways(both)) / math.comb(runs, inside)


@given(st.integers(1, 40), st.data())
def test_fisher_is_exact(runs: int, data: st.DataObject) -> None:
    failed, inside = data.draw(st.integers(0, runs)), data.draw(st.integers(0, runs))
    p = fisher(runs, failed, inside)
    assert len(p) == failed + 1
    for both in range(max(0, failed + inside - runs), min(failed, inside) + 1):
        assert p[both] == pytest.approx(exact(runs, failed, inside, both), rel=1e-6)


def test_fisher_of_the_lady_tasting_tea() -> None:
    assert fisher(8, 4, 4)[4] == pytest.approx(2 / 70)


def test_fisher_of_large_sweeps() -> None:
    p = fisher(20_000, 10_000, 7_000)
    assert np.all((p >= 0) & (p <= 1))
    assert p[3_500] == pytest.approx(1)
    assert p[7_000] < 1e-300


def swept(*rows: tuple[int, Mapping[str, object]]) -> list[RunReport]:
    """Runs, each failed (1) or not (0), with its settings."""
    return [run(f"r{i}", told, "failed" if failed else "healthy") for i, (failed, told) in enumerate(rows)]


def test_numbers_are_split_by_their_order() -> None:
    rates = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]  # not by their text, in which 0.0001 < 0.01 < 0.0003
    runs = swept(*[(int(rate >= 3e-3), {"lr": rate, "bs": bs}) for rate in rates for bs in (16, 32, 64)])
    split = explain_sweep(runs)
    assert split is not None
    assert (split.part, split.failed, split.runs) == ("lr ≥ 0.003", 9, 9)
    assert (split.rest, split.rest_failed, split.rest_runs) == ("below", 0, 9)
    assert split.p == pytest.approx(split.tested * 2 / math.comb(18, 9))


def test_failures_below_a_bound_are_told_from_there() -> None:
    split = explain_sweep(swept(*[(int(w < 4), {"warmup": w}) for w in range(10) for _ in range(2)]))
    assert split is not None
    assert (split.part, split.failed, split.runs) == ("warmup < 4", 8, 8)
    assert (split.rest, split.rest_failed, split.rest_runs) == ("from there on", 0, 12)


def test_words_are_split_as_they_are() -> None:
    words = ["adam", "sgd", "lion", "adamw"]
    split = explain_sweep(swept(*[(int(w == "lion"), {"opt": w}) for w in words for _ in range(5)]))
    assert split is not None
    assert (split.part, split.rest, split.failed, split.rest_failed) == ("opt = lion", "otherwise", 5, 0)
    only = explain_sweep(swept(*[(int(w != "lion"), {"opt": w}) for w in words for _ in range(5)]))
    assert only is not None
    assert (only.part, only.rest, only.failed, only.runs) == ("opt ≠ lion", "with it", 15, 15)


def test_runs_in_trouble_are_explained_where_failures_are_not() -> None:
    runs = [run(f"r{i}", {"lr": i}, "suspect" if i > 9 else "healthy") for i in range(20)]
    split = explain_sweep(runs)
    assert split is not None
    assert (split.part, split.failed, split.runs, split.outcome) == ("lr ≥ 10", 10, 10, "failed or are suspect")


def test_what_moves_together_is_said() -> None:
    runs = swept(*[(int(i >= 6), {"lr": 0.1 * i, "clip": 10 - i, "bs": i % 2}) for i in range(12)])
    split = explain_sweep(runs)
    assert split is not None
    assert (split.name, split.also) == ("clip", ("lr",))


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([], id="nothing"),
        pytest.param(swept(*[(0, {"lr": i}) for i in range(20)]), id="nothing failed"),
        pytest.param(swept(*[(1, {"lr": i}) for i in range(20)]), id="all failed"),
        pytest.param(swept(*[(int(i > 2), {"lr": i}) for i in range(6)]), id="too few to tell"),
        pytest.param(swept(*[(i % 2, {"lr": i}) for i in range(20)]), id="no order in it"),
        pytest.param(swept(*[(int(i > 9), {"seed": i}) for i in range(20)]), id="seeds explain nothing"),
        pytest.param(swept(*[(int(i > 9), {"note_id": f"x{i}"}) for i in range(20)]), id="names explain nothing"),
        pytest.param(swept(*[(int(i > 9), {"lr": "nan"}) for i in range(20)]), id="always the same"),
        pytest.param(swept(*[(int(i > 9), {}) for i in range(20)]), id="nothing known"),
    ],
)
def test_no_explanation(runs: list[RunReport]) -> None:
    assert explain_sweep(runs) is None


def test_runs_that_do_not_say_are_left_out() -> None:
    runs = swept(*[(int(i >= 6), {"lr": i, **({"clip": i // 6} if i % 6 else {})}) for i in range(12)])
    split = explain_sweep([*runs, run("mute", {}, "failed"), run("unknown", {"lr": 0}, "unknown")])
    assert split is not None
    assert (split.name, split.runs + split.rest_runs) == ("lr", 12)


def test_chance_is_corrected_for() -> None:
    """Failures that depend on nothing: 300 sweeps of 40 runs with eight hyper-parameters each."""
    rng = random.Random(5)
    explained = 0
    for _ in range(300):
        told = [{f"h{k}": rng.choice([0.1, 0.2, 0.5, 1, 2]) for k in range(8)} for _ in range(40)]
        explained += explain_sweep(swept(*[(int(rng.random() < 0.3), t) for t in told])) is not None
    assert explained / 300 <= 2 * CERTAIN


VALUES = st.sampled_from(["1", "2", "x", "1e999", "nan", ""])
ANY = st.tuples(st.booleans(), st.dictionaries(st.sampled_from("abc"), VALUES))


@given(st.lists(ANY, max_size=12))
def test_any_settings_can_be_tested(rows: list[tuple[bool, dict[str, str]]]) -> None:
    split = explain_sweep(swept(*[(int(failed), dict(told)) for failed, told in rows]))
    assert split is None or 0 <= split.p < CERTAIN


def rated(*rows: tuple[float, float], role: str = "val/loss") -> list[RunReport]:
    return [run(f"r{i}", {"lr": rate}, metrics=(metric(role, end),)) for i, (rate, end) in enumerate(rows)]


def test_the_edge_of_a_sweep() -> None:
    edge = best_at_edge(rated((1e-4, 0.9), (1e-3, 0.6), (1e-2, 0.3)))
    assert edge is not None
    assert (edge.name, edge.value, edge.end, edge.tried) == ("lr", "0.01", "largest", 3)
    score = best_at_edge(rated((1e-4, 0.9), (1e-3, 0.6), (1e-2, 0.3), role="val/accuracy"))
    assert score is not None
    assert score.end == "smallest"
    assert best_at_edge(rated((1e-4, 0.9), (1e-3, 0.3), (1e-2, 0.6))) is None
    assert best_at_edge(rated((1e-4, 0.9), (1e-3, 0.301), (1e-2, 0.3))) is None, "within the noise"
    assert best_at_edge(rated((1e-4, 0.9), (1e-2, 0.3))) is None, "two are no sweep"
    failed = [*rated((1e-4, 0.9), (1e-3, 0.3)), run("hot", {"lr": 1}, "failed", {"val/loss": 0.01})]
    assert best_at_edge(failed) is None, "what lies beyond was tried"


# --- real trainings ---------------------------------------------------------------------------------------------------


def trained(folder: Path, *options: str) -> Report:
    """What is said of the sweep that the project's own script trains."""
    script = SAMPLES / "sweep.py"
    subprocess.run([sys.executable, str(script), str(folder), *options], check=True, timeout=300)
    return loglens.analyze(folder)


def test_the_learning_rate_explains_a_trained_sweep(tmp_path: Path) -> None:
    report = trained(tmp_path / "sweep")
    (group,) = report.groups
    assert (group.kind, len(group.runs)) == ("sweep", 40)
    finding = next(f for f in group.findings if f.rule == "sweep-failures")
    failed = sum(run.verdict == "failed" for run in report.runs)
    assert failed >= 5
    assert finding.message == f"lr ≥ 10: {failed} of 8 failed; below: 0 of 32."
    assert finding.counter_evidence == ()


@pytest.mark.parametrize("seed", ["0", "1"])
def test_failures_at_random_are_explained_by_nothing(tmp_path: Path, seed: str) -> None:
    report = trained(tmp_path / "sweep", "--by", "bad-batches", "--seed", seed)
    assert report.summary.failed == 8
    assert [f.rule for group in report.groups for f in group.findings if f.rule == "sweep-failures"] == []

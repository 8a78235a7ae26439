"""The sample logs: what loglens says of them, and the script that makes them."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import loglens

if TYPE_CHECKING:
    from types import ModuleType

SAMPLES = Path(__file__).parents[1] / "sample_logs"
RUNS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__")
MUST = {
    "collapsed-predictions": "collapsed-predictions",
    "diverging": "diverging-loss",
    "lr-zero": "flat-loss",
    "nan-gradient": "nonfinite-gradient",
    "overfitting": "widening-gap",
    "restart": "log-integrity",
    "zero-loss": "zero-loss",
}


@cache
def maker() -> ModuleType:
    """`make.py` as a module; it imports its neighbours as a script does."""
    sys.path.insert(0, str(SAMPLES))
    try:
        spec = importlib.util.spec_from_file_location("sample_logs_make", SAMPLES / "make.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SAMPLES))
    return module


@cache
def report() -> loglens.Report:
    return loglens.analyze(SAMPLES)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_folder_is_a_run_and_every_run_is_made_by_the_script() -> None:
    assert [run.run for run in report().runs] == RUNS == sorted(maker().CASES)


@pytest.mark.parametrize("run", RUNS)
def test_the_fault_is_found_and_the_healthy_are_left_alone(run: str) -> None:
    found = {f.rule for f in report()[run].findings if f.severity != "info"}
    assert (MUST[run] in found) if run in MUST else not found


def test_the_cut_file_is_named() -> None:
    problem = next(p for p in report().problems if p.kind == "truncated")
    assert problem.run == "truncated"
    assert problem.offset is not None
    assert problem.offset < (SAMPLES / problem.path).stat().st_size


def test_the_readme_says_what_loglens_says() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert maker().table(report()) in text, "run: python sample_logs/make.py --table"
    assert maker().with_table(text) == text


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    for out in ("one", "two"):
        maker().make(tmp_path / out, list(maker().CASES))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_training_again_gives_the_same_kinds_of_logs(tmp_path: Path) -> None:
    """Not the same numbers: the last digits of a sum depend on the processor."""
    maker().make(tmp_path, list(maker().CASES))
    here, there = loglens.read(SAMPLES), loglens.read(tmp_path)
    assert [source.path for source in here.sources] == [source.path for source in there.sources]
    for name in ("tag", "role", "axis"):
        assert here.metrics[name].cast(str).to_list() == there.metrics[name].cast(str).to_list()


def test_the_samples_stay_small() -> None:
    assert sum(map(len, files(SAMPLES).values())) < 600_000

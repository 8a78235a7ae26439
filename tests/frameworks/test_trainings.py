"""Small trainings through the loggers of the real libraries: every value, run, role and setting comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from loglens.sources import read

if TYPE_CHECKING:
    from loglens.model import Logs

pytestmark = pytest.mark.slow
TRAININGS = Path(__file__).parent / "trainings"
# script: the library it needs
SCRIPTS = {
    "lightning_loggers": "lightning",
    "keras_history": "keras",
    "keras_tensorboard": "tensorflow",
    "transformers_trainer": "transformers",
    "sb3_ppo": "stable_baselines3",
    "summary_writers": "tensorboardX",
    "boosting": "catboost",
    "accelerate_trackers": "accelerate",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_training(tmp_path: Path, script: str, installed: Any) -> None:
    installed(SCRIPTS[script])
    environment = os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", str(TRAININGS / f"{script}.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    logs = read(tmp_path, exclude=["truth"])
    told = json.loads((tmp_path / "truth" / "told.txt").read_text())
    assert set(logs.names) == set(told)
    for run, truth in told.items():
        check_series(logs, run, truth)
        check_roles(logs, run, truth)
        check_rest(logs, run, truth)
    assert [problem for problem in logs.problems if problem.kind != "skipped"] == []


def check_series(logs: Logs, run: str, truth: dict[str, Any]) -> None:
    """Every point that was logged is there, in order, and no other series."""
    rows = logs.scalars.cast({"run": pl.String, "tag": pl.String}).filter(run=run)
    found = {str(tag): frame for (tag,), frame in rows.group_by("tag", maintain_order=True)}
    assert set(truth["series"]) <= set(found), run
    if not truth.get("subset"):
        assert set(truth["series"]) == set(found), run
    for tag, points in truth["series"].items():
        steps, values = (np.asarray(part) for part in zip(*points, strict=True))
        np.testing.assert_array_equal(found[tag]["step"], steps, f"{run}: {tag}")
        same(found[tag]["value"].to_numpy(), values.astype(float), truth, f"{run}: {tag}")


def same(found: np.ndarray, told: np.ndarray, truth: dict[str, Any], where: str) -> None:
    """Equal; in event files to single precision, in print to the digits that were printed."""
    if truth.get("rounded"):
        np.testing.assert_allclose(found, told, rtol=6e-3, atol=6e-6, err_msg=where)
    elif digits := truth.get("digits"):
        np.testing.assert_allclose(found, told, rtol=10.0**-digits, err_msg=where)
    else:
        np.testing.assert_array_equal(found, told.astype(np.float32) if truth["float32"] else told, where)


def check_roles(logs: Logs, run: str, truth: dict[str, Any]) -> None:
    metrics = logs.metrics.cast({"run": pl.String, "tag": pl.String}).filter(run=run)
    roles = dict(metrics.select("tag", pl.col("role").cast(pl.String)).iter_rows())
    assert {tag: roles.get(tag, "no such series") for tag in truth["roles"]} == truth["roles"], run


def check_rest(logs: Logs, run: str, truth: dict[str, Any]) -> None:
    """Hyper-parameters, histograms, texts and the files that the run came from."""
    hparams = dict(logs.hparams.cast({"run": pl.String}).filter(run=run).select("name", "value").iter_rows())
    assert truth.get("hparams", {}).items() <= hparams.items(), run
    histograms = logs.histograms.cast({"run": pl.String, "tag": pl.String}).filter(run=run)
    for tag, points in truth.get("histograms", {}).items():
        found = histograms.filter(tag=tag).select("step", "min", "max", "count", "mean").to_numpy()
        np.testing.assert_allclose(found[:, : len(points[0])], points, rtol=1e-9, err_msg=f"{run}: {tag}")
    texts = logs.texts.cast({"run": pl.String}).filter(run=run)["text"].to_list()
    assert set(truth.get("texts", {}).values()) <= set(texts), run

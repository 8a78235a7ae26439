"""Stores as the libraries themselves write them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Logs

pytestmark = pytest.mark.slow
POINTS = 50
# Python of a training; `log` takes names and values of a step.
VALUES = "{'loss': 1 / (i + 1), 'val/acc': i / 50, 'odd': float(['nan', 'inf', '-inf', '1'][i % 4])}"
WANDB = f"""
import wandb
run = wandb.init(project="p", dir=".", config={{"lr": 0.1, "opt": {{"name": "adam"}}}})
for i in range({POINTS}):
    run.log({VALUES})
run.finish()
"""
MLFLOW = f"""
import mlflow, sys
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("exp")
with mlflow.start_run(run_name="one"):
    mlflow.log_params({{"lr": 0.1, "opt/name": "adam"}})
    for i in range({POINTS}):
        mlflow.log_metrics({VALUES}, step=i)
"""
TRACKIO = f"""
import trackio, os, sys
run = trackio.init(project="proj", name="one", config={{"lr": 0.1, "opt": {{"name": "adam"}}}})
for i in range({POINTS}):
    trackio.log({VALUES})
trackio.finish()
"""


Installed = Callable[[str], None]


def train(library: str, code: str, folder: Path, *args: str) -> Path:
    """Run a training in a process of its own."""
    offline = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "TRACKIO_DIR": str(folder)}
    offline |= {"MLFLOW_ALLOW_FILE_STORE": "true", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", code, *args]
    done = subprocess.run(command, cwd=folder, env=os.environ | offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def check(logs: Logs, names: int = 1) -> None:
    assert len(logs.names) == names
    frame = logs.scalars.cast({"tag": str})
    loss = frame.filter(tag="loss")
    assert loss["value"].to_list() == [1 / (i + 1) for i in range(POINTS)]
    assert loss["step"].to_list() == list(range(POINTS))
    assert loss["wall_time"].is_sorted()
    assert frame.filter(tag="val/acc")["value"].to_list() == [i / 50 for i in range(POINTS)]
    odd = [math.nan, math.inf, -math.inf, 1.0] * (POINTS // 4 + 1)
    assert repr(frame.filter(tag="odd")["value"].to_list()) == repr(odd[:POINTS])
    assert {(name, value) for _, name, value, *_ in logs.hparams.iter_rows()} >= {("lr", "0.1"), ("opt/name", "adam")}
    assert [problem for problem in logs.problems if problem.kind != "skipped"] == []


def test_wandb(tmp_path: Path, installed: Installed) -> None:
    installed("wandb")
    logs = read(train("wandb", WANDB, tmp_path))
    check(logs)
    assert logs.names[0].startswith("wandb/offline-run-")


def test_mlflow_files(tmp_path: Path, installed: Installed) -> None:
    installed("mlflow")
    check(read(train("mlflow", MLFLOW, tmp_path, f"file://{tmp_path}/mlruns")))


def test_mlflow_database(tmp_path: Path, installed: Installed) -> None:
    installed("mlflow")
    logs = read(train("mlflow", MLFLOW, tmp_path, f"sqlite:///{tmp_path}/mlflow.db"))
    check(logs)
    assert logs.names == ("mlflow.db/exp/one",)


def test_trackio(tmp_path: Path, installed: Installed) -> None:
    installed("trackio")
    logs = read(train("trackio", TRACKIO, tmp_path))
    check(logs)
    assert logs.names == ("proj.db/one",)


def test_trackio_that_was_killed(tmp_path: Path, installed: Installed) -> None:
    """What is in the write-ahead log of a process that died is read, too."""
    installed("trackio")
    killed = TRACKIO.replace("trackio.finish()", "import time; time.sleep(3); os._exit(0)")
    check(read(train("trackio", killed, tmp_path)))

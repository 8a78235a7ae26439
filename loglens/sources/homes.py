"""Files that lie below the folder of their run.

Metrics of MLflow's file store, what W&B keeps in `files`, MMEngine in `vis_data`, DVCLive in `plots/metrics`, and the
state that transformers saves with every checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loglens.sources.base import LogFile

METRICS = "metrics"
STATE = "trainer_state.json"
VISUAL = "vis_data"
_DEEP = 5  # levels
_CHECKPOINT = re.compile(r"checkpoint-\d{1,18}")
_WANDB = r"(offline-)?run-\d{8}_\d{6}-[\w-]+"
_WANDB_RUN = re.compile(_WANDB)
_INNER = re.compile(rf"[/\\]([0-9a-f]{{32}}[/\\](params|tags)[/\\]|{_WANDB}[/\\]logs[/\\]debug[^/\\]*$)")


def at_home(file: LogFile) -> LogFile:
    """The file under a name that lies in the folder of its run; people are shown where it really is."""
    above, _, base = file.name.rpartition("/")
    folders = above.split("/") if above else []
    if file.format == "mlflow" and METRICS in folders:
        place = _last(folders, METRICS)
        folders, base = folders[:place], ".".join([*folders[place + 1 :], base])
    elif file.format == "mlflow" and folders and in_metrics(file.path):
        folders, base = [], ".".join([*folders, base])  # the folder `metrics` itself was asked for
    elif len(folders) > 1 and base == STATE and _CHECKPOINT.fullmatch(folders[-1]):
        folders, base = folders[:-1], f"{folders[-1]}.{base}"
    elif "/".join(["", *folders, ""]).find("/plots/metrics/") >= 0 and base.endswith(".tsv"):
        folders = _without_plots(folders)
    elif _is_inside(folders, file.path):
        folders = folders[:-1]
    else:
        return file
    return replace(file, name="/".join([*folders, base]), origin=file.origin or file.name)


def _is_inside(folders: list[str], path: str) -> bool:
    """Whether the last folder is one that a tool keeps inside the folder of a run."""
    if len(folders) > 1 and folders[-1] == VISUAL:
        return True
    return bool(folders) and folders[-1] == "files" and _WANDB_RUN.fullmatch(_folder_above(path)) is not None


def _without_plots(folders: list[str]) -> list[str]:
    """The folders without DVCLive's `plots/metrics`; those below it name the metric."""
    place = next(i for i in range(len(folders) - 1) if folders[i : i + 2] == ["plots", METRICS])
    return [*folders[:place], *folders[place + 2 :]]


def metric_name(path: str) -> str:
    """The name of the metric that a file of MLflow's store holds: its path below `metrics`."""
    parts = re.split(r"[/\\]", path)
    return "/".join(parts[_last(parts[:-1], METRICS) + 1 :]) if METRICS in parts[:-1] else parts[-1]


def in_metrics(path: str) -> bool:
    """Whether a file lies in a folder `metrics`, or not far below one."""
    return METRICS in re.split(r"[/\\]", path)[-_DEEP:-1]


def is_inner(path: str) -> bool:
    """Whether a file is a store's own: a parameter or tag of MLflow, which its metrics' reader takes, a log of W&B."""
    return _INNER.search(path) is not None


def _last(parts: list[str], wanted: str) -> int:
    return len(parts) - 1 - parts[::-1].index(wanted)


def _folder_above(path: str) -> str:
    """The name of the folder two levels above a file."""
    parts = re.split(r"[/\\]", path)
    return parts[-3] if len(parts) > 2 else ""

"""Write logs as other programs do. Wall times are given, not read off a clock: the same logs make the same bytes."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Row = dict[str, float]
START = 1735689600.0  # 2025-01-01T00:00Z
SECONDS_PER_STEP = 0.1


def _tf1(tag: str, value: float) -> Summary.Value:
    return Summary.Value(tag=tag, simple_value=value)


def _tf2(tag: str, value: float) -> Summary.Value:
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    return Summary.Value(tag=tag, tensor=make_tensor_proto(value, dtype="float32"), metadata=plugin)


def write_events(folder: Path, rows: Iterable[Row], form: str = "tf2", delay: float = 0.0) -> Path:
    """One event file; each row has `step` and tags. `form` tf1 is what PyTorch and Lightning write, tf2 Keras."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    begin = START + delay + SECONDS_PER_STEP * rows[0]["step"]
    path = folder / f"events.out.tfevents.{int(begin)}.sample.1.0{'.v2' if form == 'tf2' else ''}"
    value = {"tf1": _tf1, "tf2": _tf2}[form]
    with path.open("wb") as out:
        writer = RecordWriter(out)
        writer.write(Event(wall_time=begin, file_version="brain.Event:2").SerializeToString())
        for row in rows:
            wall, step = START + delay + SECONDS_PER_STEP * row["step"], int(row["step"])
            for tag in (name for name in row if name != "step"):
                event = Event(wall_time=wall, step=step, summary=Summary(value=[value(tag, row[tag])]))
                writer.write(event.SerializeToString())
        writer.flush()
    return path


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """As Keras' CSVLogger: `epoch` first, then the metrics by name."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["epoch", *sorted(rows[0].keys() - {"epoch"})]
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_text(row[name]) for name in names] for row in rows)


def _rounded(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value if isinstance(value, int) else float(f"{value:.5g}") for name, value in row.items()}


def write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    """One JSON object a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(_rounded(row)) + "\n" for row in rows), encoding="utf-8", newline="\n")


def write_trainer_state(path: Path, rows: Iterable[Row], max_steps: int) -> None:
    """As the Trainer of Hugging Face saves its state."""
    path.parent.mkdir(parents=True, exist_ok=True)
    history = [_rounded(row) for row in rows]
    state = {
        "best_metric": None,
        "epoch": history[-1]["epoch"],
        "global_step": history[-1]["step"],
        "is_local_process_zero": True,
        "log_history": history,
        "logging_steps": history[1]["step"] - history[0]["step"],
        "max_steps": max_steps,
    }
    path.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8", newline="\n")

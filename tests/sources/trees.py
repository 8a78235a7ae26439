"""Small trees of logs for the tests: event files by TensorBoard's own writer, tables, JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

POINTS = 12
BEGIN = 1_600_000_000.0


def events(
    path: Path,
    tags: Iterable[str],
    *,
    begin: float = BEGIN,
    steps: Sequence[int] = range(POINTS),
    hparams: bool = False,
) -> None:
    """An event file with one point a step and tag; with an hparams record where asked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=begin, file_version="brain.Event:2").SerializeToString())
        if hparams:
            writer.write(_hparams(begin).SerializeToString())
        for step in steps:
            for tag in tags:
                value = summary_pb2.Summary.Value(tag=tag, simple_value=1.0 / (1 + step))
                event = event_pb2.Event(wall_time=begin + step, step=step, summary={"value": [value]})
                writer.write(event.SerializeToString())


def _hparams(begin: float) -> event_pb2.Event:
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    return event_pb2.Event(wall_time=begin, summary=hparams_pb({"lr": 0.1, "batch": 32}))


def table(path: Path, header: str = "epoch,loss,val_loss", rows: int = POINTS) -> None:
    """A CSV file with falling numbers below the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width = header.count(",")
    lines = [",".join([str(row), *[f"{1 / (row + column + 1):.4f}" for column in range(width)]]) for row in range(rows)]
    path.write_text("\n".join([header, *lines, ""]))


def lines(path: Path, keys: Iterable[str] = ("loss", "val_loss"), rows: int = POINTS) -> None:
    """A JSONL file with the keys in every record, and a step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = ({"step": row, **dict.fromkeys(keys, 1 / (row + 1))} for row in range(rows))
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def plant(root: Path, tree: Mapping[str, str]) -> None:
    """Files by their paths.

    `events: a b` is an event file with these tags (`events:` only its header), `hparams` one with that record only,
    `csv: header` a table, `jsonl: a b` JSON lines; anything else is the text of the file.
    """
    for name, what in tree.items():
        kind, _, detail = what.partition(":")
        path = root / name
        if kind == "events":
            events(path, detail.split())
        elif kind == "hparams":
            events(path, detail.split(), hparams=True, steps=[0])
        elif kind == "csv":
            table(path, detail.strip())
        elif kind == "jsonl":
            lines(path, detail.split())
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(what)

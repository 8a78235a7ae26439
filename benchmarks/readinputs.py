"""The inputs of `benchmarks/read.py`: event files as TensorBoard writes them, CSV and JSON lines as Python does."""

from __future__ import annotations

import csv
import io
import json
import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tensorboard.compat.proto.event_pb2 import Event

ROWS, COLUMNS = 1000, 10


@dataclass(frozen=True)
class Expected:
    """What a complete reading holds."""

    points: int
    series: int
    last_step: int


@dataclass(frozen=True)
class Case:
    """Something to read: `make(folder, scale)` writes it and gives back what must be found.

    `limits`: the largest share of a peer's time that reading may take.
    """

    title: str
    make: Callable[[Path, float], Expected]
    limits: dict[str, float]


def record(payload: bytes) -> bytes:
    from google_crc32c import value as crc32c

    def masked(data: bytes) -> bytes:
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def scalar(tag: str, step: int, value: float, new: bool) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=1.6e9 + step / 10, step=step)
    out = event.summary.value.add(tag=tag)
    if new:
        out.tensor.dtype = 1
        out.tensor.tensor_shape.SetInParent()
        out.tensor.tensor_content = struct.pack("<f", value)
        out.metadata.plugin_data.plugin_name = "scalars"
    else:
        out.simple_value = value
    return event


def image(step: int, size: int) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=1.6e9 + step / 10, step=step)
    event.summary.value.add(tag="samples").image.encoded_image_string = random.randbytes(size)
    return event


def write(folder: Path, events: Iterator[Event]) -> None:
    from tensorboard.compat.proto.event_pb2 import Event

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "events.out.tfevents.1600000000.host").open("wb", buffering=1 << 20) as stream:
        stream.write(record(Event(wall_time=1.6e9, file_version="brain.Event:2").SerializeToString()))
        stream.writelines(record(event.SerializeToString()) for event in events)


def series(tags: int, steps: int, new: bool = False) -> Iterator[Event]:
    names = [f"train/metric_{i}" for i in range(tags)]
    return (scalar(tag, step, random.random(), new) for step in range(steps) for tag in names)


def one_file(new: bool) -> Callable[[Path, float], Expected]:
    def make(folder: Path, scale: float) -> Expected:
        steps = int(50_000 * scale)
        write(folder, series(20, steps, new))
        return Expected(20 * steps, 20, steps - 1)

    return make


def many_folders(folder: Path, scale: float) -> Expected:
    runs = int(500 * scale)
    for run in range(runs):
        write(folder / f"run_{run:04d}", series(8, 250))
    return Expected(runs * 2000, runs * 8, 249)


def with_images(folder: Path, scale: float) -> Expected:
    """1 GB of images of 1 MB among 100,000 scalars."""
    steps, images = 10_000, max(1, int(1000 * scale))

    def events() -> Iterator[Event]:
        for step in range(steps):
            yield from (scalar(f"train/metric_{i}", step, random.random(), False) for i in range(10))
            if step * images // steps != (step + 1) * images // steps:
                yield image(step, 1 << 20)

    write(folder, events())
    return Expected(10 * steps, 10, steps - 1)


def texts(form: str) -> Callable[[Path, float], Expected]:
    """Runs with values as Python writes floats; twenty different ones, repeated."""

    def make(folder: Path, scale: float) -> Expected:
        runs, rng = int(1000 * scale), random.Random(0)
        names = ["step", *(f"part{place}/loss" for place in range(COLUMNS - 1))]
        kinds = [_text(form, names, rng) for _ in range(min(runs, 20))]
        for run in range(runs):
            below = folder / f"run_{run:04d}"
            below.mkdir()
            (below / f"metrics.{form}").write_bytes(kinds[run % len(kinds)])
        return Expected(runs * ROWS * (COLUMNS - 1), runs * (COLUMNS - 1), ROWS - 1)

    return make


def _text(form: str, names: list[str], rng: random.Random) -> bytes:
    rows = [[step, *(rng.random() * 10 for _ in names[1:])] for step in range(ROWS)]
    if form == "jsonl":
        return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([names, *rows])
    return stream.getvalue().encode()


CASES = {
    "A": Case("1 file, 20 tags x 50,000 steps, simple_value", one_file(False), {"server": 0.35, "tbparse": 1 / 30}),
    "B": Case("1 file, 20 tags x 50,000 steps, tensors", one_file(True), {"server": 0.35}),
    "C": Case("500 folders x 8 tags x 250 steps", many_folders, {"server": 1.0}),
    "D": Case("1 file, 1 GB of images and 100,000 scalars", with_images, {"server": 0.2}),
    "E": Case("1,000 CSV files of 1,000 rows x 10 columns", texts("csv"), {"pandas": 0.5}),
    "F": Case("1,000 JSONL files of 1,000 rows x 10 columns", texts("jsonl"), {"pandas": 0.5}),
}

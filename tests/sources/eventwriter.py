"""Event files for the tests: TensorBoard's own writer, and its framing by hand where a file must be odd."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from google_crc32c import value as crc32c
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from loglens.sources.base import LogFile, Tables
from loglens.sources.tensorboard import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NAME = "events.out.tfevents.1.host"


def written(folder: Path, events: Iterable[Event]) -> Path:
    """A file that TensorBoard's own writer makes of these events (with a header event of its own before them)."""
    writer = EventFileWriter(str(folder))
    for event in events:
        writer.add_event(event)
    writer.close()
    (path,) = folder.glob("*tfevents*")
    return path


def framed(events: Iterable[Event | bytes]) -> bytes:
    """Records as the format lays them out; a payload may be any bytes."""
    return b"".join(record(item if isinstance(item, bytes) else item.SerializeToString()) for item in events)


def record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def scalar(tag: str, step: int, value: float, wall_time: float = 1.5) -> Event:
    """A scalar as TensorFlow 1 and PyTorch write it."""
    event = Event(step=step, wall_time=wall_time)
    event.summary.value.add(tag=tag, simple_value=value)
    return event


def tensor_scalar(tag: str, step: int, dtype: int, plugin: str = "scalars", **fields: object) -> Event:
    """A scalar as TensorFlow 2 writes it; `fields` are those of its TensorProto."""
    event = Event(step=step, wall_time=2.5)
    value = event.summary.value.add(tag=tag)
    value.tensor.dtype = dtype
    value.tensor.tensor_shape.SetInParent()
    if plugin:
        value.metadata.plugin_data.plugin_name = plugin
    for name, content in fields.items():
        if isinstance(content, list):
            getattr(value.tensor, name).extend(content)
        else:
            setattr(value.tensor, name, content)
    return event


def session_start() -> Event:
    return Event(wall_time=3.0, session_log=SessionLog(status=SessionLog.START))


def old_histogram(tag: str, step: int, limits: list[float], counts: list[float], **fields: float) -> Event:
    """A histogram as TensorFlow 1 and PyTorch write it."""
    event = Event(step=step, wall_time=1.0)
    histo = event.summary.value.add(tag=tag).histo
    histo.bucket_limit.extend(limits)
    histo.bucket.extend(counts)
    for name, value in fields.items():
        setattr(histo, name, value)
    return event


def new_histogram(tag: str, step: int, rows: list[tuple[float, float, float]]) -> Event:
    """A histogram as TensorFlow 2 writes it: rows of left edge, right edge, count."""
    flat = [number for row in rows for number in row]
    event = tensor_scalar(tag, step, 2, "histograms", tensor_content=struct.pack(f"<{len(flat)}d", *flat))
    for size in (len(rows), 3):
        event.summary.value[0].tensor.tensor_shape.dim.add(size=size)
    return event


def hparams_event(values: Mapping[str, float | str | bool]) -> Event:
    """A record of the hparams plugin as it stands at the start of a session."""
    data = HParamsPluginData()
    for name, value in values.items():
        kind = "bool_value" if isinstance(value, bool) else "string_value" if isinstance(value, str) else "number_value"
        setattr(data.session_start_info.hparams[name], kind, value)
    event = Event(wall_time=1.0)
    metadata = event.summary.value.add(tag="_hparams_/session_start_info").metadata
    metadata.plugin_data.plugin_name = "hparams"
    metadata.plugin_data.content = data.SerializeToString()
    return event


def log_file(path: Path, name: str = NAME) -> LogFile:
    return LogFile(str(path), name, path.stat().st_size if path.exists() else 0, "tensorboard")


def read_bytes(folder: Path, content: bytes) -> Tables:
    """What the reader makes of a file with this content."""
    path = folder / NAME
    path.write_bytes(content)
    return read([log_file(path)])


def by_series(logged: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Points as a reader gives them: tag by tag, each in the order of its records."""
    return sorted(logged, key=lambda point: point[0])


def points(tables: Tables) -> list[tuple[str, int, float]]:
    """Tag, step and value of every scalar, in order."""
    if tables.scalars is None:
        return []
    frame = tables.scalars
    return list(zip(frame["tag"].to_list(), frame["step"].to_list(), frame["value"].to_list(), strict=True))

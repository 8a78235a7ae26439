"""Hyper-parameters out of the records of TensorBoard's hparams plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import polars as pl

    from loglens.sources.eventnotes import Notes


def hparams_frame(frames: list[pl.DataFrame], notes: Notes) -> pl.DataFrame | None:
    """file, name, value, number from frames of file, at and content; the last value of a name in a file counts."""
    import polars as pl

    found: dict[tuple[int, str], tuple[str, float | None]] = {}
    for frame in frames:
        for file, at, content in frame.select("file", "at", "content").iter_rows():
            for name, value in _session(content, file, at, notes).items():
                found[file, name] = value
    if not found:
        return None
    rows = [(file, name, *value) for (file, name), value in sorted(found.items())]
    schema = {"file": pl.UInt32, "name": pl.String, "value": pl.String, "number": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _session(content: bytes, file: int, at: int, notes: Notes) -> dict[str, tuple[str, float | None]]:
    """The hyper-parameters of a session start; none, with a note, when the content cannot be decoded."""
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    try:
        data = HParamsPluginData.FromString(content)
    except DecodeError as error:
        notes.add(file, "corrupt", f"hyper-parameters cannot be decoded: {error}", at)
        return {}
    return {name: _value(value) for name, value in data.session_start_info.hparams.items()}


def _value(value: Any) -> tuple[str, float | None]:
    """Text and number of a protobuf Value; whole numbers are written without a fraction."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = float(value.number_value)
        whole = number.is_integer() and abs(number) < 1e15
        return (str(int(number)) if whole else repr(number)), number
    if kind == "string_value":
        return value.string_value, None
    if kind == "bool_value":
        return ("true" if value.bool_value else "false"), None
    if kind in ("list_value", "struct_value"):
        from google.protobuf.json_format import MessageToDict

        return json.dumps(MessageToDict(value), sort_keys=True), None
    return "null", None

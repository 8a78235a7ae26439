"""Event protobufs to Arrow. The only module that knows `ptars`.

The descriptors hold the fields that are analysed and no other: images, audio and graphs are passed over undecoded.
Field numbers are those of TensorFlow's event.proto, summary.proto and tensor.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from loglens.sources.tensors import binary_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Field(NamedTuple):
    """A field of a message; `kind` is a scalar type or the name of a message."""

    number: int
    kind: str
    repeated: bool = False
    oneof: bool = False  # told apart from its default value when it is absent


Messages = dict[str, dict[str, Field]]

PLUGIN = {"plugin_name": Field(1, "string")}
VALUE = {
    "tag": Field(1, "string"),
    "simple_value": Field(2, "float", oneof=True),
    "tensor": Field(8, "Tensor", oneof=True),
    "metadata": Field(9, "Metadata"),
}
EVENT = {
    "wall_time": Field(1, "double"),
    "step": Field(2, "int64"),
    "summary": Field(5, "Summary", oneof=True),
    "session_log": Field(7, "SessionLog", oneof=True),
}
# Enough for scalars as nearly all writers store them, at half the cost.
NARROW: Messages = {
    "Plugin": PLUGIN,
    "Metadata": {"plugin_data": Field(1, "Plugin")},
    "Tensor": {"dtype": Field(1, "int32"), "tensor_content": Field(4, "bytes")},
    "Value": VALUE,
    "Summary": {"value": Field(1, "Value", repeated=True)},
    "SessionLog": {"status": Field(1, "int32")},
    "Event": EVENT,
}
FULL: Messages = NARROW | {
    "Plugin": PLUGIN | {"content": Field(2, "bytes")},
    "Metadata": {"plugin_data": Field(1, "Plugin"), "data_class": Field(4, "int32")},
    "Dim": {"size": Field(1, "int64")},
    "Shape": {"dim": Field(2, "Dim", repeated=True)},
    "Tensor": {
        "dtype": Field(1, "int32"),
        "tensor_shape": Field(2, "Shape"),
        "tensor_content": Field(4, "bytes"),
        "float_val": Field(5, "float", repeated=True),
        "double_val": Field(6, "double", repeated=True),
        "int_val": Field(7, "int32", repeated=True),
        "string_val": Field(8, "bytes", repeated=True),
        "int64_val": Field(10, "int64", repeated=True),
        "bool_val": Field(11, "bool", repeated=True),
        "half_val": Field(13, "int32", repeated=True),
        "uint32_val": Field(16, "uint32", repeated=True),
        "uint64_val": Field(17, "uint64", repeated=True),
    },
    "Histo": {
        "min": Field(1, "double"),
        "max": Field(2, "double"),
        "num": Field(3, "double"),
        "sum": Field(4, "double"),
        "sum_squares": Field(5, "double"),
        "bucket_limit": Field(6, "double", repeated=True),
        "bucket": Field(7, "double", repeated=True),
    },
    "Value": VALUE | {"histo": Field(5, "Histo", oneof=True)},
}


@dataclass(frozen=True, slots=True)
class Decoder:
    """The event of one of the descriptors above: `handler` makes Arrow of many, `parse` a Python object of one."""

    handler: Any
    parse: Callable[[bytes], object]


@cache
def narrow() -> Decoder:
    """Decoder for scalars: tag, simple_value, plugin name, tensor type and content."""
    return decoder("narrow", NARROW)


@cache
def full() -> Decoder:
    """Decoder for everything that is analysed."""
    return decoder("full", FULL)


def decode(
    decoder: Decoder, payloads: pa.BinaryArray, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, pa.RecordBatch | str]]:
    """Record batches of the `payloads` with these indices; a payload that is no event gives the reason instead."""
    if len(rows) < len(payloads):
        payloads = payloads.take(pa.array(rows))
    bad = {
        int(place): fault for place in overlong(payloads) if (fault := _fault(decoder, payloads[int(place)].as_py()))
    }
    if bad:
        keep = np.setdiff1d(np.arange(len(rows)), list(bad))
        yield from ((rows[place : place + 1], fault) for place, fault in bad.items())
        payloads, rows = payloads.take(pa.array(keep)), rows[keep]
    if len(rows):
        yield from _halved(decoder, payloads, rows)


def overlong(payloads: pa.BinaryArray) -> np.ndarray:
    """Indices of payloads with nine bytes in a row that all have their top bit set: a number of 64 bits, or chance.

    As a length such a number overflows inside ptars, which then panics and writes to standard error.
    """
    offsets, data = binary_parts(payloads)
    high = data[offsets[0] : offsets[-1]] >= 0x80
    two = high[:-1] & high[1:]
    four = two[:-2] & two[2:]
    eight = four[:-4] & four[4:]
    places = np.flatnonzero(eight[:-1] & high[8:]) + offsets[0]
    found: np.ndarray = np.unique(np.searchsorted(offsets, places, side="right") - 1)
    return found


def _fault(decoder: Decoder, payload: bytes) -> str | None:
    """Why the protobuf library does not take this payload, or None."""
    from google.protobuf.message import DecodeError

    try:
        decoder.parse(payload)
    except DecodeError as error:
        return str(error)
    return None


def _halved(
    decoder: Decoder, payloads: pa.BinaryArray, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, pa.RecordBatch | str]]:
    """Decode all at once; where that fails, halve until the bad payloads stand alone."""
    try:
        batch = decoder.handler.array_to_record_batch(payloads)
    except ValueError as error:
        if len(rows) == 1:
            yield rows, str(error)
            return
        middle = len(rows) // 2
        yield from _halved(decoder, payloads.slice(0, middle), rows[:middle])
        yield from _halved(decoder, payloads.slice(middle), rows[middle:])
    else:
        yield rows, batch


def decoder(package: str, messages: Messages, top: str = "Event") -> Decoder:
    """Decoder for the message `top` of a descriptor."""
    from google.protobuf import descriptor_pool, message_factory
    from ptars import HandlerPool

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file(package, messages))
    file = pool.FindFileByName(f"{package}.proto")
    event = file.message_types_by_name[top]
    return Decoder(HandlerPool([file]).get_for_message(event), message_factory.GetMessageClass(event).FromString)


def _file(package: str, messages: Messages) -> bytes:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        _add_message(file.message_type.add(name=name), package, fields)
    return bytes(file.SerializeToString())


def _add_message(message: Any, package: str, fields: Mapping[str, Field]) -> None:
    if any(field.oneof for field in fields.values()):
        message.oneof_decl.add(name="what")
    for name, field in fields.items():
        out = message.field.add(name=name, number=field.number)
        out.label = out.LABEL_REPEATED if field.repeated else out.LABEL_OPTIONAL
        if field.kind[0].isupper():
            out.type, out.type_name = out.TYPE_MESSAGE, f".{package}.{field.kind}"
        else:
            out.type = out.Type.Value(f"TYPE_{field.kind.upper()}")
        if field.oneof:
            out.oneof_index = 0

"""Event protobufs to Arrow. The only module that knows `ptars`.

The descriptors hold the fields that are analysed and no other: images, audio and graphs are passed over undecoded.
Field numbers are those of TensorFlow's event.proto, summary.proto and tensor.proto.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa


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


@cache
def narrow() -> Any:
    """Handler for scalars: tag, simple_value, plugin name, tensor type and content."""
    return _handler("narrow", NARROW)


@cache
def full() -> Any:
    """Handler for everything that is analysed."""
    return _handler("full", FULL)


def decode(handler: Any, payloads: pa.BinaryArray, first: int = 0) -> Iterator[tuple[int, pa.RecordBatch | str]]:
    """Record batches, each with the index of its first payload; a payload that is no event gives the reason instead."""
    if len(payloads) == 0:
        return
    try:
        batch = handler.array_to_record_batch(payloads)
    except BaseException as error:
        # ptars panics on some lengths that overflow; its exception derives from BaseException and has no public name.
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        if len(payloads) == 1:
            yield first, str(error)
            return
        middle = len(payloads) // 2
        yield from decode(handler, payloads.slice(0, middle), first)
        yield from decode(handler, payloads.slice(middle), first + middle)
    else:
        yield first, batch


def _handler(package: str, messages: Messages) -> Any:
    from google.protobuf import descriptor_pool
    from ptars import HandlerPool

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file(package, messages))
    file = pool.FindFileByName(f"{package}.proto")
    return HandlerPool([file]).get_for_message(file.message_types_by_name["Event"])


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

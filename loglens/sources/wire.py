"""The protobuf wire format, just enough to look into an event without decoding it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FIELDS = 512  # looked at in one event; beyond that decoding is quicker
MAX_VALUES = 1 << 16
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# Plugins of TensorBoard whose tensors are known to be of no use here, so that they need no second look.
OTHER_PLUGINS = (
    "images", "audio", "pr_curves", "mesh", "projector", "custom_scalars", "profile", "debugger-v2", "beholder",
    "graphs", "graph_keras_model", "graph_run_metadata", "graph_run_metadata_graph",
)  # fmt: skip


class Buffer(Protocol):
    """Bytes at any place, in memory or not."""

    @overload
    def __getitem__(self, at: int, /) -> int: ...
    @overload
    def __getitem__(self, at: slice, /) -> bytes | memoryview: ...


class Token(NamedTuple):
    """A field: its number, its wire type, and where its value lies."""

    number: int
    wire: int
    start: int
    end: int


def fields(buffer: Buffer, start: int, end: int, budget: Iterator[int] | None = None) -> Iterator[Token]:
    """The fields of the message in buffer[start:end]; ValueError when it is none, or when `budget` has run out."""
    while start < end:
        if budget is not None and next(budget, None) is None:
            raise ValueError("too many fields")
        key, at = varint(buffer, start, end)
        wire = key & 7
        if wire == VARINT:
            _, stop = varint(buffer, at, end)
        elif wire == BYTES:
            size, at = varint(buffer, at, end)
            stop = at + size
        elif wire in (FIXED64, FIXED32):
            stop = at + (8 if wire == FIXED64 else 4)
        else:
            raise ValueError(f"wire type {wire}")
        if stop > end:
            raise ValueError("field beyond its message")
        yield Token(key >> 3, wire, at, stop)
        start = stop


def varint(buffer: Buffer, start: int, end: int) -> tuple[int, int]:
    """The number at `start` and where it ends; ValueError when it is cut or too long."""
    value = 0
    for shift, at in enumerate(range(start, min(end, start + 10))):
        byte = buffer[at]
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + 1
    raise ValueError("bad varint")


def useless(buffer: Buffer, start: int, end: int) -> bool:
    """Does the event in buffer[start:end] hold nothing that is analysed? Only the ends of its fields are touched.

    False for whatever cannot be parsed: the decoder shall say what is wrong with it.
    """
    budget = iter(range(MAX_FIELDS))
    try:
        for token in fields(buffer, start, end, budget):
            if token.number == 7:
                return False
            values = fields(buffer, token.start, token.end, budget) if token.number == 5 else ()
            if any(_useful(buffer, value, budget) for value in values):
                return False
    except ValueError:
        return False
    return True


def crowded(buffer: Buffer, start: int, end: int) -> bool:
    """Has the event in buffer[start:end] over MAX_VALUES values? Empty ones take two bytes each, decoded a hundred."""
    budget = iter(range(MAX_VALUES))
    try:
        for token in fields(buffer, start, end, budget):
            if token.number == 5:
                deque(fields(buffer, token.start, token.end, budget), maxlen=0)
    except ValueError:
        return next(budget, None) is None
    return False


def _useful(buffer: Buffer, value: Token, budget: Iterator[int]) -> bool:
    kinds, plugin = set(), ""
    for token in fields(buffer, value.start, value.end, budget):
        kinds.add(token.number)
        if token.number == 9:
            plugin = plugin_name(buffer, token)
    if 2 in kinds or 5 in kinds:
        return True
    return plugin not in OTHER_PLUGINS and (8 in kinds or plugin != "")


def plugin_name(buffer: Buffer, metadata: Token) -> str:
    """The plugin that a SummaryMetadata names, or an empty string. IndexError when the buffer ends before its name."""
    for token in fields(buffer, metadata.start, metadata.end):
        if token.number == 1 and token.wire == BYTES:
            for name in fields(buffer, token.start, token.end):
                if name.number == 1:
                    found = bytes(buffer[name.start : name.end])
                    if len(found) < name.end - name.start:
                        raise IndexError(name.end)
                    return found.decode("utf-8", "replace")
    return ""

"""A writer of `.wandb` files for the tests: the protobuf fields and the framing, by hand."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 1 << 15


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def item(name: str | tuple[str, ...], text: str) -> bytes:
    names = field(1, name.encode()) if isinstance(name, str) else b"".join(field(2, part.encode()) for part in name)
    return names + field(16, text.encode())


def history(values: Mapping[str | tuple[str, ...], object], step: int | None = None) -> bytes:
    items = b"".join(field(1, item(name, json.dumps(value))) for name, value in values.items())
    return field(2, items + (field(2, field(1, step)) if step is not None else b""))


def config(values: Mapping[str, object]) -> bytes:
    return b"".join(field(1, item(name, json.dumps(value))) for name, value in values.items())


def run(values: Mapping[str, object]) -> bytes:
    return field(17, field(1, b"abc") + field(4, config(values)))


def late_config(values: Mapping[str, object]) -> bytes:
    return field(5, config(values))


def output(size: int) -> bytes:
    """A record of another kind."""
    return field(13, field(3, b"x" * size))


def framed(records: Iterable[bytes]) -> bytes:
    """The file that holds these records."""
    out = bytearray(HEADER)
    for record in records:
        begin = True
        while begin or record:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += bytes(room)
                continue
            part, record = record[: room - 7], record[room - 7 :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[begin, not record]
            out += struct.pack("<IHB", zlib.crc32(part, zlib.crc32(bytes([kind]))), len(part), kind) + part
            begin = False
    return bytes(out)

"""JSON files that people name: read up to a bound, and every fault told with its place."""

from __future__ import annotations

import json
from codecs import BOM_UTF8 as BOM
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.tabular import visible

if TYPE_CHECKING:
    from os import PathLike

HEAD = 4096  # bytes in which an object has begun


class JsonFileError(LoglensError):
    """The file cannot be read, or is not JSON; `str()` says where, without the name of the file."""


def read_object(path: str | PathLike[str], largest: int) -> Any:
    """The document in a file whose JSON begins with `{`, of at most `largest` bytes; else JsonFileError."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(HEAD)
            if len(data) == HEAD and data.removeprefix(BOM).lstrip()[:1] not in (b"{", b""):
                raise JsonFileError("not JSON that begins with {")  # it may have no end, as /dev/zero
            data += file.read(largest + 1 - len(data))
    except OSError as error:
        raise JsonFileError(f"cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise JsonFileError("cannot be read: a name cannot hold a NUL character") from None
    if len(data) > largest:
        raise JsonFileError(f"larger than {largest >> 20} MB")
    return parsed(data)


def parsed(data: bytes | str) -> Any:
    """The document; JsonFileError says at which byte, or line and column, it is none."""
    try:
        return json.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    except UnicodeDecodeError as error:
        raise JsonFileError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise JsonFileError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise JsonFileError(f"not JSON that can be read: {visible(str(error))[:120]}") from None

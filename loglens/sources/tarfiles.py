"""Tar archives, read from front to back. Nothing is written anywhere and no link is followed."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loglens.sources.packing import Damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.sources.packing import Readable
    from loglens.sources.stored import Held, Stored

BLOCK = 512
_STEP = 1 << 20
_LONGEST = 1 << 20  # bytes of an extended header
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_EXTENDED = (*_PAX, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True, slots=True)
class Header:
    """A file of the archive. Its bytes begin at `offset`; `refused` says why it is not to be read."""

    name: str
    size: int
    offset: int
    refused: str = ""


class Forward:
    """A stream that can only be read on."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        return self._stream.read(size)

    def skip(self, size: int) -> None:
        """Pass over bytes; the end is no error."""
        while size > 0 and (data := self._stream.read(min(size, _STEP))):
            size -= len(data)

    def tell(self) -> int:
        """Bytes passed so far."""
        return self._stream.tell()


class Backed(Forward):
    """Bytes that are all there."""

    def __init__(self, buffer: Stored | Held) -> None:
        self._buffer, self._at = buffer, 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes; the end is no error."""
        self._at = min(len(self._buffer), self._at + size)

    def tell(self) -> int:
        """Bytes passed so far."""
        return self._at


def headers(tape: Forward) -> Iterator[Header]:
    """Every file of a tar. Between two steps up to `size` bytes of it may be read. Damage where it cannot go on."""
    told: dict[str, str] = {}
    end = 0
    while True:
        tape.skip(end - tape.tell())
        at = tape.tell()
        if at < end:
            raise Damage("truncated", "the archive ends inside a file", at)
        block = tape.read(BLOCK)
        if not block.strip(b"\0") and len(block) in (0, BLOCK):
            return
        info = _header(block, at)
        size = _number(told["size"]) if info.type in _FILES and "size" in told else info.size
        if size < 0:
            raise Damage("corrupt", "a file of a size that is none, the rest of the archive was not read", at)
        begin = tape.tell()
        end = begin + -(-size // BLOCK) * BLOCK if info.type in (*_FILES, *_EXTENDED) else begin
        if info.type in _EXTENDED:
            told.update(_extension(info, tape, at))
            continue
        if info.type != tarfile.DIRTYPE:
            yield Header(told.get("path", info.name), size, begin, _refusal(info, told))
        told = {}


def _header(block: bytes, at: int) -> tarfile.TarInfo:
    if len(block) < BLOCK:
        raise Damage("truncated", "the archive ends inside a header", at)
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        what = "no tar archive" if at == 0 else "bad header in the archive, the rest was not read"
        raise Damage("corrupt", f"{what} ({error})", at) from None


def _refusal(info: tarfile.TarInfo, told: dict[str, str]) -> str:
    kind = _KINDS.get(info.type, "" if info.type in _FILES else "a file of an unknown kind")
    if any(name.startswith("GNU.sparse") for name in told):
        kind = "a sparse file"
    return f"{kind} in an archive, not read" if kind else ""


def _extension(info: tarfile.TarInfo, tape: Forward, at: int) -> dict[str, str]:
    """What an extended header says about the next file."""
    if info.size > _LONGEST:
        raise Damage("corrupt", f"an extended header of {info.size} bytes, the rest of the archive was not read", at)
    data = tape.read(info.size)
    if len(data) < info.size:
        raise Damage("truncated", "the archive ends inside a header", at)
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.rstrip(b"\0").decode(errors="surrogateescape")}
    return dict(_records(data)) if info.type in _PAX else {}


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """The records `length key=value` of a pax header, as far as they are whole."""
    while data:
        length = data[:20].partition(b" ")[0]
        if not length.isdigit() or not len(length) < int(length) <= len(data):
            return
        record, data = data[len(length) + 1 : int(length)], data[int(length) :]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        yield key.decode(errors="replace"), value.decode(errors="surrogateescape")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1

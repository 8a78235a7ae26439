"""Compressed streams: read piece by piece, never further than the limits, whatever is wrong with them."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loglens.model import ProblemKind

ENDINGS = (".gz", ".zst", ".bz2", ".xz")
LIMIT = 2 << 30  # bytes that a log may expand to
RATIO = 200  # times its size that a stream may expand to, once it is past UNSUSPECTED; logs reach 5 to 40
UNSUSPECTED = 16 << 20
LINES, TINY = 8_000_000, 8  # lines that may be of fewer bytes than this on average: their steps alone would be longer
CHUNK = 1 << 16  # bytes taken in at a time
OUT = 1 << 20  # bytes let out at a time
_BITE = 64  # bytes taken in at a time before damage
_XZ_MEMORY = 256 << 20
_STREAMS, _SMALL = 10_000, 256  # streams behind each other that may be of fewer bytes than this on average


class Damage(OSError):  # noqa: N818 (it is data, named as the framing names it)
    """A stream cannot be read on. `offset` is the place in the compressed bytes, where it is known."""

    def __init__(self, kind: ProblemKind, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.offset = kind, message, offset


class Stream:
    """Bytes to be read once, from front to back. Damage ends it like the end of a file, and is kept in `fault`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._waiting, self._at = b"", 0
        self._place = 0
        self.fault: Damage | None = None

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes (all without), fewer only at the end."""
        parts: list[bytes] = []
        left = size if size >= 0 else -1
        while left and (self._at < len(self._waiting) or self._more()):
            part = self._waiting[self._at :] if left < 0 else self._waiting[self._at : self._at + left]
            self._at += len(part)
            left -= len(part) if left > 0 else 0
            parts.append(part)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._place += len(data)
        return data

    def tell(self) -> int:
        """How many bytes were read."""
        return self._place

    def _more(self) -> bool:
        """Whether there is a further chunk to read from."""
        try:
            self._waiting, self._at = next((chunk for chunk in self._chunks if chunk), b""), 0
        except Damage as damage:
            self._waiting, self.fault = b"", damage
        return bool(self._waiting)


class Readable(Protocol):
    """What a stream is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        ...

    def tell(self) -> int:
        """Bytes read so far."""
        ...


class _Engine(Protocol):
    """The shape of the standard library's decompressors, but for that of zlib."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor in the shape of the others. What stands before damage is let out before the error."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._rest = b""
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._rest and not self.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._error is not None:
            raise self._error
        before, data = self._zlib.copy(), self._rest + data
        try:
            out = self._zlib.decompress(data, max(0, max_length))
        except zlib.error as error:
            out, self._error = _up_to_damage(before, data), error
            if not out:
                raise
        self._rest = b"" if self._error else self._zlib.unconsumed_tail
        return out


def _up_to_damage(engine: zlib._Decompress, data: bytes) -> bytes:
    """What comes out of damaged bytes before the damage."""
    out, size, at = bytearray(), _BITE, 0
    while at < len(data):
        before = engine.copy()
        try:
            out += engine.decompress(data[at : at + size])
            at += size
        except zlib.error:
            if size == 1:
                break
            engine, size = before, 1
    return bytes(out)


_ENGINES: dict[bytes, Callable[[], _Engine]] = {
    b"\x1f\x8b": _Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}
_ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + i]) + b"\x2a\x4d\x18" for i in range(16)))


def is_packed(head: bytes) -> bool:
    """Whether bytes begin like a compressed stream."""
    return head.startswith((*_ENGINES, *_ZSTD))


def unpacked_name(name: str) -> str:
    """The name without the ending of a compression."""
    return next((name[: -len(end)] for end in ENDINGS if name.lower().endswith(end) and len(name) > len(end)), name)


def expanded(raw: Readable, *, limit: int = LIMIT) -> Stream:
    """The bytes behind a compressed stream; of one that is not compressed the bytes themselves."""
    head = raw.read(CHUNK)
    source = _chunks(head, raw)
    if head.startswith(_ZSTD):
        return Stream(_measured(_zstd(source), raw, limit))
    engine = next((made for magic, made in _ENGINES.items() if head.startswith(magic)), None)
    return Stream(_measured(source if engine is None else _by_engine(source, engine, raw), raw, limit))


def _chunks(head: bytes, raw: Readable) -> Iterator[bytes]:
    while head:
        yield head
        head = raw.read(CHUNK)


def _measured(chunks: Iterator[bytes], raw: Readable, limit: int) -> Iterator[bytes]:
    """The chunks, up to the limits."""
    total = lines = 0
    for chunk in chunks:
        total += len(chunk)
        lines += chunk.count(b"\n")
        if total > limit:
            yield chunk[: limit - total]
            message = f"expands to more than {limit >> 20} MB: the rest was not read"
            raise Damage("unreadable", message)
        if total > UNSUSPECTED and total > RATIO * raw.tell():
            message = f"expands to more than {RATIO} times its size, as no log does: the rest was not read"
            raise Damage("unreadable", message, raw.tell())
        if lines > LINES and total < lines * TINY:
            message = f"over {LINES} lines of less than {TINY} bytes, as no log has: the rest was not read"
            raise Damage("unreadable", message, raw.tell())
        yield chunk


def _by_engine(source: Iterator[bytes], make: Callable[[], _Engine], raw: Readable) -> Iterator[bytes]:
    """One compressed stream after the other, as appending writes them."""
    engine: _Engine | None = None
    data, streams = b"", 0
    try:
        while data or (data := next(source, b"")):
            if engine is None:
                if not data.strip(b"\0"):  # padding
                    data = b""
                    continue
                engine, streams = make(), streams + 1
                if streams > _STREAMS and raw.tell() < streams * _SMALL:
                    message = f"more than {_STREAMS} compressed streams of next to nothing: the rest was not read"
                    raise Damage("unreadable", message, raw.tell())
            out = engine.decompress(data, OUT)
            yield out
            while not engine.eof and (out or not engine.needs_input):
                out = engine.decompress(b"", OUT)
                yield out
            data = engine.unused_data if engine.eof else b""
            if engine.eof:
                engine = None
    except Damage:
        raise
    except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError, MemoryError) as error:
        raise Damage("corrupt", f"compressed data is damaged ({_plain(error)})", raw.tell() - len(data)) from None
    if engine is not None:
        raise Damage("truncated", "compressed data ends before its end", raw.tell())


def _zstd(source: Iterator[bytes]) -> Iterator[bytes]:
    import pyarrow as pa

    pulled = _Pulled(source)
    try:
        with pa.CompressedInputStream(pa.PythonFile(pulled, mode="r"), "zstd") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (OSError, pa.ArrowException, MemoryError) as error:
        cut = pulled.ended and "runcated" in str(error)
        message = "compressed data ends before its end" if cut else f"compressed data is damaged ({_plain(error)})"
        raise Damage("truncated" if cut else "corrupt", message, pulled.place) from None


class _Pulled(io.RawIOBase):
    """Chunks as the file that Arrow wants."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks, self._waiting = chunks, b""
        self.place, self.ended = 0, False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._waiting = self._waiting or next(self._chunks, b"")
        self.ended = not self._waiting
        end = len(self._waiting) if size < 0 else size
        data, self._waiting = self._waiting[:end], self._waiting[end:]
        self.place += len(data)
        return data


def _plain(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__

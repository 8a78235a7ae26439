"""Text files as bytes: pieces of bounded size cut at line ends, their encoding, and problems with their place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from loglens.model import Problem
from loglens.sources.packing import Stream
from loglens.sources.places import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.model import ProblemKind
    from loglens.sources.base import LogFile
    from loglens.sources.packing import Readable

PIECE = 32 << 20  # bytes read at a time; no line is longer
BLOCK = 256 << 10  # bytes of a block
HEAD = 64 << 10  # bytes in which an end of a line is looked for
SHOWN = 10  # problems of one kind that are named one by one
CONTROL = bytes(code for code in range(32) if code not in b"\t\n\r\f\x1b")
LFS = b"version https://git-lfs"
MARKERS = (b"<<<<<<< ", b"=======", b">>>>>>> ", b"||||||| ")
BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True)
class Piece:
    """A part of a text file that ends where a line ends (but for the last one), as UTF-8.

    `offset` is its place in the file in bytes, `line` the number of its first line, from 1. `width` is the number of
    bytes a character takes in a file that is not UTF-8 (Latin-1 1, UTF-16 2), and 0 for UTF-8.
    """

    data: bytes
    offset: int = 0
    line: int = 1
    width: int = 0

    def at(self, position: int) -> int:
        """The offset in the file of a position in `data`."""
        if self.width == 0:
            return self.offset + position
        return self.offset + self.width * len(self.data[:position].decode(errors="replace"))


@dataclass
class Faults:
    """Problems of one file; many of a kind become one line."""

    file: LogFile
    problems: list[Problem]

    def __post_init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def add(
        self, kind: ProblemKind, message: str, *, offset: int | None = None, line: int | None = None, of: str = ""
    ) -> None:
        """Record a problem; from the eleventh of the same sort (`of`) on they are only counted."""
        seen = self.counts.get((kind, of), 0) + 1
        self.counts[kind, of] = seen
        if not of or seen <= SHOWN:
            self.problems.append(Problem(self.file.name, kind, message, offset, line))
        elif seen == SHOWN + 1:
            self.problems.append(Problem(self.file.name, kind, "1 more " + of, offset, line))
            self.counts[kind, "at " + of] = len(self.problems) - 1
        else:
            place = self.counts[kind, "at " + of]
            first = self.problems[place]
            self.problems[place] = Problem(first.path, kind, f"{seen - SHOWN} more {of}", first.offset, first.line)

    def skip(self, reason: str, *, cut: bool = False) -> None:
        """The file is no log: what seemed damaged in it is not, and is forgotten (but for its cut end with `cut`)."""
        name = self.file.name
        kept = ("truncated",) if cut else ()
        self.problems[:] = [problem for problem in self.problems if problem.path != name or problem.kind in kept]
        self.problems.append(Problem(name, "skipped", f"not a training log: {reason}"))


def pieces(file: LogFile, faults: Faults) -> Iterator[Piece]:
    """The file in pieces of bounded size, decoded; what cannot be read is a problem."""
    try:
        with opened(file, faults.problems) as stream:
            # A buffer of the size of the file is cheaper than one of the largest size.
            yield from _pieces(stream, PIECE if file.packed else file.size + 1, faults)
    except OSError as error:
        faults.add("unreadable", f"cannot be read: {error.strerror or error}")


def _pieces(stream: Readable, expected: int, faults: Faults) -> Iterator[Piece]:
    data = stream.read(min(PIECE, expected))
    if len(data) < PIECE:
        data += stream.read(PIECE - len(data))  # a pipe, or a file that grows
    if (not data and isinstance(stream, Stream) and stream.fault is not None) or not _is_text(data, faults):
        return  # why nothing was unpacked is told elsewhere
    if b"\r" in data[:HEAD] and b"\n" not in data:
        data, stream = data.replace(b"\r", b"\n"), _OldMac(stream)
    mark, encoding = _encoding(data)
    if len(data) < PIECE:
        yield _decoded(data, mark, encoding)
    elif encoding == "utf-8":
        yield from _stream(stream, data, len(mark), faults)
    else:
        faults.add("unreadable", f"UTF-16 text of more than {PIECE >> 20} MB is not read: convert it to UTF-8")


class _OldMac:
    """A text whose lines end with a carriage return, with line ends as everything here expects them."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.tell = stream.tell

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size).replace(b"\r", b"\n")


def blocks_of(piece: Piece) -> Iterator[Piece]:
    """A piece in parts of some thousand lines, so that what is wrong in one of them slows down no other."""
    begin, line, data = 0, piece.line, piece.data
    while begin < len(data):
        end = data.find(b"\n", begin + BLOCK) + 1 if piece.width == 0 else 0
        end = end or len(data)
        part = Piece(data[begin:end], piece.offset + begin, line, piece.width)
        yield part
        begin, line = end, line + part.data.count(b"\n")


def _stream(stream: Readable, data: bytes, skip: int, faults: Faults) -> Iterator[Piece]:
    """A large file, piece by piece; a line that fills a whole piece is skipped and named."""
    offset, line, data = skip, 1, data[skip:]
    while data:
        end = data.rfind(b"\n") + 1
        if end:
            yield _utf8(Piece(data[:end], offset, line))
            offset, line, data = offset + end, line + data.count(b"\n", 0, end), data[end:]
        if len(data) >= PIECE:
            faults.add("corrupt", f"a line of more than {PIECE >> 20} MB is skipped", offset=offset, line=line)
            data = _next_line(stream)
            offset, line = stream.tell() - len(data), line + 1
            continue
        more = stream.read(PIECE)
        if not more:
            break
        data += more
    if data:
        yield _utf8(Piece(data, offset, line))


def _next_line(stream: Readable) -> bytes:
    """What follows the next line end, as far as it was read."""
    while block := stream.read(PIECE):
        place = block.find(b"\n")
        if place >= 0:
            return block[place + 1 :] or stream.read(PIECE)
    return b""


def _is_text(data: bytes, faults: Faults) -> bool:
    if not data:
        faults.add("skipped", "empty file (0 bytes)")
    elif data.startswith(LFS):
        faults.add("unreadable", "a git-LFS pointer: the log itself was not downloaded (git lfs pull)")
    elif not data.startswith(tuple(mark for mark, _ in BOMS)) and _binary(data[:4096]):
        faults.add("unreadable", "binary data, not text")
    else:
        return True
    return False


def _binary(head: bytes) -> bool:
    """True when more than a tenth is control characters; UTF-16 without a mark has half of its bytes 0."""
    if _bare_utf16(head) or _zeroed(head):
        return False
    return (len(head) - len(head.translate(None, CONTROL))) * 10 > len(head)


def _zeroed(head: bytes) -> bool:
    """Whether bytes are text but for a stretch of zeros, as a full disk or a killed machine leaves in a log."""
    text = head.replace(b"\0", b"")
    if (
        not len(text) < len(head) <= 32 * len(text)
        or b"\n" not in text
        or len(text.translate(None, CONTROL)) < len(text)
    ):
        return False
    try:
        text[:-3].decode()  # the last character may be cut
    except UnicodeDecodeError as error:
        return error.end >= len(text) - 3
    return True


def as_text(head: bytes) -> bytes:
    """The first bytes of a text in wide characters or with zeros in it as UTF-8 without these; of all else nothing."""
    mark, encoding = _encoding(head)
    if encoding != "utf-8":
        return _decoded(head, mark, encoding).data
    return head.replace(b"\0", b"") if _zeroed(head) else b""


def _bare_utf16(head: bytes) -> str | None:
    for name, zeros in (("utf-16-le", head[1:200:2]), ("utf-16-be", head[0:200:2])):
        others = head[0:200:2] if name == "utf-16-le" else head[1:200:2]
        if len(zeros) > 3 and zeros.count(0) > 0.9 * len(zeros) and others.count(0) == 0:
            return name
    return None


def _encoding(data: bytes) -> tuple[bytes, str]:
    """The mark that a file begins with, and its encoding."""
    return next(((m, e) for m, e in BOMS if data.startswith(m)), (b"", _bare_utf16(data[:4096]) or "utf-8"))


def _decoded(data: bytes, mark: bytes, encoding: str) -> Piece:
    """A whole file as UTF-8."""
    if encoding == "utf-8":
        return _utf8(Piece(data[len(mark) :], len(mark)))
    text = data[len(mark) :].decode(encoding, errors="replace").encode(errors="replace")
    return Piece(text, len(mark), 1, 4 if encoding.startswith("utf-32") else 2)


def _utf8(piece: Piece) -> Piece:
    """The same piece when it is UTF-8, else read as Latin-1."""
    if piece.data.isascii():
        return piece
    try:
        piece.data.decode()
    except UnicodeDecodeError:
        return replace(piece, data=piece.data.decode("latin-1").encode(), width=1)
    return piece


def is_marker(line: bytes) -> bool:
    """True for a line that a version control system wrote into a conflict."""
    return line.startswith(MARKERS) and (not line.startswith(b"=======") or line.rstrip() == b"=======")

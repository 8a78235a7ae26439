"""Archives as places: zip, and tar with or without compression, read without unpacking them."""

from __future__ import annotations

import io
import lzma
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from loglens.model import Problem
from loglens.sources.configs import is_settings
from loglens.sources.formats import SNIFFED, ending, format_by_name
from loglens.sources.packing import CHUNK, LIMIT, RATIO, UNSUSPECTED, Damage, Stream, unpacked_name
from loglens.sources.places import MAPPED, Member, kept, opened, random_access
from loglens.sources.stored import Held
from loglens.sources.tarfiles import Backed, Forward, headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglens.sources.base import LogFile
    from loglens.sources.stored import Stored
    from loglens.sources.tarfiles import Header

MEMBERS = 100_000  # files of one archive
DIRECTORY = 16 << 20  # bytes of a zip's table of contents
EXPANDED = 16 << 30  # bytes that a compressed tar may expand to
KEPT = 4 << 30  # bytes of the logs in a compressed tar
_OPEN = 16  # archives whose table of contents is remembered
_TAR = re.compile(r"\.(tar(\.(gz|zst|bz2|xz))?|tgz|tzst|tbz2?|txz)$", re.IGNORECASE)
_ZIP = re.compile(r"\.zip$", re.IGNORECASE)
_ROOTED = re.compile(r"/|[A-Za-z]:/")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_END = struct.Struct("<4s4H2LH")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, RuntimeError,
    MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Archive:
    """The files of an archive. `stamp` changes when the archive does, so that what is remembered is never stale."""

    file: LogFile
    stamp: str = ""

    @property
    def depth(self) -> int:
        """How many archives its members lie in."""
        outer = self.file.place
        return 1 + (outer.depth if isinstance(outer, Archive) else 0)

    def members(self) -> Iterator[Member]:
        """All files, by name. OSError when it is no archive."""
        return iter(_index(self).members)

    def open(self, path: str) -> Stream:
        """The bytes of a member. OSError when there is none of this path."""
        return _index(self).open(path)

    def faults(self) -> list[Problem]:
        """What kept the archive from being read whole."""
        return _index(self).told


def archive_stem(name: str) -> str | None:
    """The name of an archive without its ending; None for any other file. A model's file is a zip too, and is none."""
    found = _TAR.search(name) or _ZIP.search(name)
    return name[: found.start()] if found and found.start() else None


def may_matter(name: str) -> bool:
    """Whether a member may be a log, settings, or an archive with some; of all others only the names are looked at."""
    base = name.rpartition("/")[2]
    plain = unpacked_name(base)
    told = format_by_name(plain) or archive_stem(base) or is_settings(base)
    return bool(told) or ending(plain) in SNIFFED


@lru_cache(maxsize=_OPEN)
def _index(archive: Archive) -> _Zip | _Tar:
    return _Zip(archive.file) if _ZIP.search(archive.file.path) else _Tar(archive.file)


def _clean(name: str) -> tuple[str, str]:
    """The name with single slashes, and why it must not be used."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = bool(_ROOTED.match(name)) or ".." in parts
    return "/".join(parts), "its path leads out of the archive, not read" if outside else ""


def _listed(found: dict[str, Member]) -> list[Member]:
    return [found[name] for name in sorted(found) if name]


# --- tar --------------------------------------------------------------------------------------------------------------


class _Tar:
    """Where the members of a tar are: in itself, or in a copy of what may be logs when it is compressed."""

    def __init__(self, file: LogFile) -> None:
        self.told: list[Problem] = []
        self.found: dict[str, Member] = {}
        self.at: dict[str, tuple[int, int]] = {}
        self.kept = 0
        if file.path.lower().endswith(".tar"):
            self.buffer: Stored | Held = random_access(file, self.told)
            self._walk(file, Backed(self.buffer), None)
        else:
            with (
                opened(replace(file, packed=True), self.told, EXPANDED) as stream,
                tempfile.SpooledTemporaryFile(MAPPED, prefix="loglens-") as spool,
            ):
                self._walk(file, Forward(stream), spool)
                self.buffer = Held(kept(spool))
        if self.told and not self.found:
            raise Damage(self.told[-1].kind, self.told[-1].message, self.told[-1].offset)
        del self.told[:-1]  # where the compressed bytes end, the archive in them does too
        self.members = _listed(self.found)

    def _walk(self, file: LogFile, tape: Forward, spool: tempfile.SpooledTemporaryFile[bytes] | None) -> None:
        try:
            for header in headers(tape):
                if len(self.found) >= MEMBERS:
                    raise Damage("unreadable", f"more than {MEMBERS} files in the archive: the rest was not read")
                name, refused = _clean(header.name)
                refused = refused or header.refused or _too_large(header.size)
                self.found[name] = Member(name, name, header.size, refused)
                if not refused and may_matter(name):
                    self.at[name] = self._placed(header, tape, spool)
        except Damage as damage:
            self.told.append(Problem(file.name, damage.kind, damage.message, damage.offset))

    def _placed(
        self, header: Header, tape: Forward, spool: tempfile.SpooledTemporaryFile[bytes] | None
    ) -> tuple[int, int]:
        """Begin and end of a member's bytes in the buffer."""
        if spool is None:
            return header.offset, header.offset + header.size
        self.kept += header.size
        if self.kept > KEPT:
            raise Damage("unreadable", f"logs of more than {KEPT >> 20} MB in the archive: the rest was not read")
        begin, left = spool.tell(), header.size
        while left and (data := tape.read(min(left, CHUNK))):
            spool.write(data)
            left -= len(data)
        return begin, spool.tell()

    def open(self, path: str) -> Stream:
        """The bytes of a member."""
        if path not in self.at:
            raise FileNotFoundError(2, "no such file in the archive")
        return Stream(_cut(self.buffer, *self.at[path], self.found[path].size))


def _cut(buffer: Stored | Held, begin: int, end: int, size: int) -> Iterator[bytes]:
    done = 0
    for place in range(begin, min(end, len(buffer)), _STEP):
        part = buffer[place : min(end, place + _STEP)]
        done += len(part)
        yield part
    if done < size:
        raise Damage("truncated", "the archive ends inside this file", done)


_STEP = 1 << 20


def _too_large(size: int) -> str:
    return f"{size} bytes: larger than the limit of {LIMIT} bytes" if size > LIMIT else ""


# --- zip --------------------------------------------------------------------------------------------------------------


class _Zip:
    """The table of contents of a zip."""

    def __init__(self, file: LogFile) -> None:
        self.told: list[Problem] = []
        buffer = random_access(file, self.told)
        if (size := _directory(buffer)) > DIRECTORY:
            raise Damage("unreadable", f"a zip with a table of contents of {size} bytes (limit {DIRECTORY})")
        try:
            self.zip = zipfile.ZipFile(_Window(buffer))
            entries = [entry for entry in self.zip.infolist() if not entry.is_dir()]
        except (*_BROKEN, NotImplementedError) as error:
            raise Damage("corrupt", f"not a zip archive, or cut ({_plain(error)})") from None
        if len(entries) > MEMBERS:
            message = f"more than {MEMBERS} files in the archive: the rest was not read"
            self.told.append(Problem(file.name, "unreadable", message))
        self.entries: dict[str, zipfile.ZipInfo] = {}
        found: dict[str, Member] = {}
        for entry in entries[:MEMBERS]:
            name, refused = _clean(entry.filename.replace("\\", "/"))
            found[name] = Member(name, name, entry.file_size, refused or _refusal(entry))
            self.entries[name] = entry
        self.members = _listed(found)

    def open(self, path: str) -> Stream:
        """The bytes of a member."""
        if path not in self.entries:
            raise FileNotFoundError(2, "no such file in the archive")
        return Stream(self._chunks(self.entries[path]))

    def _chunks(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self.zip.open(entry) as stream:
                while data := stream.read(CHUNK):
                    yield data
        except _BROKEN as error:
            raise Damage("corrupt", f"damaged inside the archive ({_plain(error)})") from None


def _refusal(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 1:
        return "encrypted in the archive, not read"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a symbolic link in an archive, not read"
    if entry.compress_type not in _METHODS:
        return f"compressed in the archive by a method that is not read ({entry.compress_type})"
    if entry.file_size > UNSUSPECTED and entry.file_size > RATIO * entry.compress_size:
        return f"would expand to more than {RATIO} times its size, as no log does: not read"
    return _too_large(entry.file_size)


def _directory(buffer: Stored | Held) -> int:
    """Size of the table of contents as the end of the zip tells it; 0 when there is none."""
    tail = buffer[max(0, len(buffer) - (1 << 16) - _END.size) :]
    place = tail.rfind(b"PK\5\6")
    if place < 0 or place + _END.size > len(tail):
        return 0
    size = int(_END.unpack_from(tail, place)[5])
    large = tail.rfind(b"PK\6\6", 0, place)
    if size == 0xFFFFFFFF and 0 <= large <= len(tail) - 48:
        return int.from_bytes(tail[large + 40 : large + 48], "little")
    return min(size, len(buffer))


def _plain(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


class _Window(io.RawIOBase):
    """Bytes as a file to be read anywhere."""

    def __init__(self, buffer: Stored | Held) -> None:
        super().__init__()
        self._buffer, self._at = buffer, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, len(self._buffer))[whence]
        if base + offset < 0:
            raise OSError("a place before the begin")  # zipfile tries such places
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = len(self._buffer) if size is None or size < 0 else self._at + size
        data = self._buffer[self._at : end]
        self._at += len(data)
        return data

"""What becomes of a file, wherever it was found: a log, settings, a checkpoint, an archive to look into, or nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from loglens.model import Problem
from loglens.sources.archives import Archive, archive_stem
from loglens.sources.base import LogFile
from loglens.sources.checkpoints import is_checkpoint
from loglens.sources.configs import HYDRA, is_settings
from loglens.sources.formats import SNIFFED, ending, format_by_name, parts, sounds_like_log, unread_by_name
from loglens.sources.homes import at_home, in_metrics, is_inner
from loglens.sources.packing import is_packed, unpacked_name
from loglens.sources.paths import shown
from loglens.sources.places import head
from loglens.sources.sniff import HEAD, is_trainer_state, prose_kind, sniff
from loglens.sources.text import as_text

if TYPE_CHECKING:
    import re

    from loglens.model import ProblemKind
    from loglens.sources.places import Member, Place

# Folders of tools. Every other folder that starts with a dot is passed over too, unless it was asked for.
PASSED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "__MACOSX"})
NESTED = 3  # archives inside one another that are opened
MEMBERS = 200_000  # files in all archives together
STREAMED = 1 << 30  # bytes of a compressed tar that is read without having been asked for
_WHY_NOT = {
    "binary": "binary file of an unknown format",
    "empty": "empty file",
    "database": "a database, but neither of MLflow nor of Trackio",
}


@dataclass
class Claims:
    """Guards what was found so far. Folders and names are relative to the root of the analysis."""

    unwanted: re.Pattern[str] | None = None
    max_bytes: int | None = None
    folders: dict[str, list[LogFile]] = field(default_factory=dict)
    settings: dict[str, list[LogFile]] = field(default_factory=dict)
    checkpoints: list[LogFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: int = 0
    _names: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)  # folders that hold something, and those above them
    _archives: deque[tuple[LogFile, str, bool]] = field(default_factory=deque)
    _members: int = 0

    @property
    def claimed(self) -> bool:
        """Whether anything was taken."""
        return bool(self.folders or self.settings or self.checkpoints or self._archives)

    def excluded(self, name: str) -> bool:
        """Whether a glob of `exclude` matches the path below the root, or its last part."""
        return self.unwanted is not None and any(map(self.unwanted.match, (name, name.rpartition("/")[2])))

    def problem(self, name: str, kind: ProblemKind, message: str) -> None:
        """Say what is not read, and why."""
        self.problems.append(Problem(path=name or ".", kind=kind, message=message))

    def take(self, file: LogFile, *, alone: bool = False, stamp: str = "") -> None:
        """Decide what a file is. `alone`: it was asked for by name, and is read whatever that name is.

        `stamp` changes with the file's contents.
        """
        folder, _, base = file.name.rpartition("/")
        named = _named(base)
        if named.archive:
            self._archives.append((file, stamp, alone))
        elif named.checkpoint and not alone:
            self.checkpoints.append(file)
        elif named.settings and not alone:
            file = at_home(file)
            folder = file.name.rpartition("/")[0]
            folder = folder.removesuffix(".hydra").rstrip("/") if file.name.endswith(HYDRA) else folder
            self.settings.setdefault(folder, []).append(file)
        elif named.unread and not alone:
            self.problem(file.origin or file.name, "skipped", named.unread)
        else:
            self._take_log(file, folder, named, alone)

    def _take_log(self, file: LogFile, folder: str, named: _Named, alone: bool) -> None:
        plain = named.plain
        if named.packed and f"{folder}/{plain}".lstrip("/") in self._names:
            self.problem(file.origin or file.name, "skipped", "the same file lies beside it uncompressed")
        elif named.format is not None:
            self._claim(replace(file, packed=named.packed, format=named.format))
        elif alone or (not is_inner(file.path) and (ending(plain) in SNIFFED or in_metrics(file.path))):
            self._look_inside(replace(file, packed=named.packed), folder, plain, alone)

    def _look_inside(self, file: LogFile, folder: str, base: str, alone: bool) -> None:
        """Take a file whose name does not tell its format; a text log that nothing reads is said."""
        from loglens.sources.sqlitefile import database_kind

        name = file.origin or file.name
        try:
            if alone and not file.packed:
                file = replace(file, packed=is_packed(head(file, 8)))
            first = head(file, HEAD)
        except OSError as error:
            self.problem(name, "unreadable", error.strerror or str(error) or "cannot be opened")
            return
        kind = sniff(first) if ending(base) != ".py" else "json" if is_trainer_state(first) else ""
        if kind == "binary" and (text := as_text(first)):
            first, kind = text, sniff(text)
        if kind == "mlflow" and not alone and not in_metrics(file.path):
            kind = "text"
        if kind == "database":
            kind = database_kind(file, self.problems)
        if kind == "text":
            heard = alone or sounds_like_log(base, folder.rpartition("/")[2])
            found = prose_kind(first)
            kind = (found or "text") if heard else found if found == "text" else ""  # its reader says what is wrong
        if kind and kind not in _WHY_NOT:
            self._claim(replace(file, format=kind))
        elif kind and (alone or sounds_like_log(base, folder.rpartition("/")[2])):
            self.problem(name, "skipped", _WHY_NOT[kind])

    def _claim(self, file: LogFile) -> None:
        """Take a file as a log."""
        if file.name in self._names:
            return
        self._names.add(file.name)
        if self.max_bytes is not None and file.size > self.max_bytes:
            message = f"{file.size} bytes: larger than the limit of {self.max_bytes} bytes"
            self.problem(file.origin or file.name, "unreadable", message)
            return
        for one in parts(at_home(file), self.problems):
            folder = one.name.rpartition("/")[0]
            self.folders.setdefault(folder, []).append(one)
            while folder and folder not in self._taken:
                self._taken.add(folder)
                folder = folder.rpartition("/")[0]

    # --- places with files of their own -------------------------------------------------------------------------------

    def members(self, place: Place, folder: str, origin: str, *, stamp: str = "") -> int:
        """Take the files of a place, named below `folder` and shown below `origin`; how many there were."""
        count = 0
        for member in place.members():
            parts = [shown(part) for part in member.name.split("/")]
            hidden = any((part.startswith(".") and part != "..") or part in PASSED_FOLDERS for part in parts)
            if hidden and not f"/{member.name}".endswith(f"/{HYDRA}"):
                continue
            count += 1
            self._member(place, member, "/".join(parts), folder, origin, stamp)
        return count

    def _member(self, place: Place, member: Member, below: str, folder: str, origin: str, stamp: str) -> None:
        self.seen += 1
        name, told = (f"{top}/{below}" if top else below for top in (folder, origin))
        levels = below.split("/")
        if self.unwanted is not None and any(
            self.excluded("/".join(filter(None, (folder, *levels[:n])))) for n in range(1, len(levels) + 1)
        ):
            return
        if member.refused:
            if is_log_name(levels[-1]):
                self.problem(told, "skipped", member.refused)
            return
        self.take(LogFile(member.path, name, member.size, "", place, origin=told if told != name else ""), stamp=stamp)

    def open_archives(self) -> None:
        """Look into the archives, when all else is known: their runs get names that nothing else has."""
        while self._archives:
            file, stamp, alone = self._archives.popleft()
            told = file.origin or file.name
            archive = Archive(file, stamp)
            if archive.depth > NESTED:
                self.problem(told, "skipped", f"an archive inside {NESTED} others, not opened")
            elif self._members > MEMBERS:
                self.problem(told, "skipped", f"not opened: the archives before it hold more than {MEMBERS} files")
            elif not alone and file.size > STREAMED and not file.path.lower().endswith((".tar", ".zip")):
                self.problem(told, "skipped", "a large compressed archive: name it as a path to have it read")
            else:
                self._open(archive, told)

    def _open(self, archive: Archive, told: str) -> None:
        before = self._found()
        try:
            count = self.members(archive, self._label(archive.file.name), told, stamp=archive.stamp)
            faults = archive.faults()
        except OSError as error:
            kind: ProblemKind = getattr(error, "kind", "unreadable")
            self.problem(told, kind, error.strerror or str(error) or "cannot be opened")
            return
        self._members += count
        self.problems += [replace(fault, path=told) for fault in faults]
        if self._found() == before:
            self.problem(told, "skipped", f"an archive of {count} file{'' if count == 1 else 's'}, none of them a log")

    def _found(self) -> int:
        return len(self._names) + len(self.problems) + len(self._archives)

    def _label(self, name: str) -> str:
        """The folder that an archive stands for: its name without the ending, where nothing else has that."""
        folder, _, base = name.rpartition("/")
        label = f"{folder}/{archive_stem(base)}".lstrip("/")
        tries = [label, name, *(f"{name} ({n})" for n in range(2, len(self._taken) + 3))]
        return next(one for one in tries if one not in self._taken and one not in self._names)


class _Named(NamedTuple):
    """What the name of a file tells. `plain` is the name without the ending of a compression."""

    plain: str
    packed: bool
    format: str | None
    unread: str | None
    archive: bool
    checkpoint: bool
    settings: bool


@lru_cache(maxsize=4096)  # large trees have many files of few names
def _named(base: str) -> _Named:
    plain = unpacked_name(base)
    return _Named(
        plain,
        plain != base,
        format_by_name(plain),
        unread_by_name(plain),
        archive_stem(base) is not None,
        is_checkpoint(base),
        is_settings(base),
    )


def is_log_name(base: str) -> bool:
    """Whether a file of this name is taken for a log."""
    named = _named(base)
    return named.format is not None or sounds_like_log(named.plain, "")


def may_be_of_use(base: str) -> bool:
    """Whether a file of this name is looked at, or said to be left out."""
    named = _named(base)
    told = named.format or named.unread or named.archive or named.checkpoint or named.settings
    return bool(told) or ending(named.plain) in SNIFFED

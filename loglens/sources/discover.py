"""Walk the paths, claim the files that look like logs, and say which others were left out and why."""

# Plain strings and os.path: scandir entries and plain strings: a tree may hold a million files.
# ruff: noqa: PTH112, PTH116, PTH119

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from fnmatch import translate
from typing import TYPE_CHECKING

from loglens.model import Problem
from loglens.sources.base import LogFile
from loglens.sources.formats import SNIFFED, ending, format_by_name, sounds_like_log, unread_by_name
from loglens.sources.paths import resolve, shown
from loglens.sources.places import head
from loglens.sources.sniff import HEAD, is_trainer_state, sniff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import ProblemKind
    from loglens.sources.families import Family
    from loglens.sources.paths import Start

# Folders of tools. Every other folder that starts with a dot is passed over too, unless it was asked for.
PASSED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
_KINDS = {stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@dataclass(frozen=True)
class Discovery:
    """What is to be read. `root` is the absolute folder that names are relative to, `own_name` what `.` is called."""

    root: str
    own_name: str
    families: tuple[Family, ...]
    problems: list[Problem]
    seen: int  # files looked at, logs or not


def discover(
    paths: Sequence[str],
    *,
    follow_symlinks: bool = False,
    exclude: Sequence[str] = (),
    max_file_bytes: int | None = None,
) -> Discovery:
    """Find the logs under `paths`. Raises `LoglensError` for a path that leads nowhere; all else is a problem.

    `exclude`: globs on a file's or folder's name, or on its path relative to the root.
    """
    from loglens.sources.families import group

    root, starts = resolve(paths)
    unwanted = re.compile("|".join(translate(glob.rstrip("/")) for glob in exclude)) if exclude else None
    walk = _Walk(root, follow_symlinks, unwanted, max_file_bytes)
    for start in starts:
        walk.start(start)
    walk.late_links()
    families = tuple(group(walk.folders))
    return Discovery(root, _own_name(root, walk.folders), families, walk.problems, walk.files_seen)


def _own_name(root: str, folders: dict[str, list[LogFile]]) -> str:
    """What the root folder is called as a run: its own name, made different from what lies in it."""
    name = own = shown(os.path.basename(root.rstrip(os.sep))) or "root"
    tries = 1
    while name in folders:
        tries += 1
        name = f"{own} ({tries})"
    return name


@dataclass
class _Walk:
    root: str
    follow: bool
    unwanted: re.Pattern[str] | None
    max_bytes: int | None
    folders: dict[str, list[LogFile]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files_seen: int = 0
    visited: set[tuple[int, int]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)

    def start(self, start: Start) -> None:
        """Walk a path that was asked for; a link is followed, for it was meant."""
        name = os.path.relpath(start.path, self.root).replace(os.sep, "/")
        rel = "" if name == "." else "/".join(map(shown, name.split("/")))
        if not start.alone and self.excluded(rel):
            return
        try:
            status = os.stat(start.path)
        except OSError as error:
            self.problem(rel, "unreadable", error.strerror or "cannot be opened")
            return
        if stat.S_ISDIR(status.st_mode):
            if start.alone or os.path.basename(start.path) not in PASSED_FOLDERS:
                self.folder(start.path, rel)
            return
        folder, _, base = rel.rpartition("/")
        self.file(start.path, folder, base, status, alone=start.alone)

    def late_links(self) -> None:
        """Follow the links found on the way, after the real folders: each folder is read once, under its own name."""
        while self.links:
            path, rel = self.links.pop(0)
            self.folder(path, rel)

    def folder(self, top: str, rel: str) -> None:
        """Walk a folder, depth first, in the order of names."""
        stack = [(top, rel)]
        while stack:
            path, rel = stack.pop()
            try:
                status = os.stat(path)
                if (status.st_dev, status.st_ino) in self.visited:
                    continue
                self.visited.add((status.st_dev, status.st_ino))
                with os.scandir(path) as entries:
                    ordered = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.problem(rel or ".", "unreadable", f"folder cannot be read: {error.strerror}")
                continue
            below = [sub for entry in ordered if (sub := self.entry(entry, rel))]
            stack += reversed(below)

    def entry(self, entry: os.DirEntry[str], rel: str) -> tuple[str, str] | None:
        """Take one entry of a folder; a folder to walk is given back."""
        if entry.name.startswith(".") or entry.name in PASSED_FOLDERS:
            return None
        base = shown(entry.name)
        name = f"{rel}/{base}" if rel else base
        if self.excluded(name):
            return None
        try:
            if entry.is_dir(follow_symlinks=False):
                return entry.path, name
            if entry.is_symlink() and not self.may_follow(entry, name):
                return None
            self.file(entry.path, rel, base, None)
        except OSError as error:
            self.problem(name, "unreadable", error.strerror or "cannot be opened")
        return None

    def excluded(self, name: str) -> bool:
        """Whether a glob of `exclude` matches the path below the root, or its last part."""
        return self.unwanted is not None and any(map(self.unwanted.match, (name, name.rpartition("/")[2])))

    def may_follow(self, entry: os.DirEntry[str], name: str) -> bool:
        """Whether a link is a file to be taken now; a folder's link is kept for later or said to be left out."""
        target = os.path.realpath(entry.path)
        is_folder, inside = os.path.isdir(target), _is_inside(target, self.root)
        if self.follow:
            if is_folder:
                self.links.append((entry.path, name))
            return not is_folder
        if not inside and (is_folder or format_by_name(entry.name)):
            what = "link to a folder" if is_folder else "link to a file"
            self.problem(name, "skipped", f"{what} outside the tree: --follow-symlinks reads it")
        elif not os.path.lexists(target) and format_by_name(entry.name):
            self.problem(name, "unreadable", "broken link")
        return False  # what lies inside is read under its own name

    def file(self, path: str, folder: str, base: str, status: os.stat_result | None, *, alone: bool = False) -> None:
        """Claim one file, or say why it is left out."""
        self.files_seen += 1
        name = f"{folder}/{base}" if folder else base
        form = format_by_name(base)
        reason = None if alone else unread_by_name(base)
        if not form and not reason and ending(base) not in SNIFFED and not alone:
            if status is None and not stat.S_ISREG(mode := os.lstat(path).st_mode):
                self.special(name, mode)
            return
        status = status or os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            self.special(name, status.st_mode)
        elif reason:
            self.problem(name, "skipped", reason)
        elif form := form or self.look_inside(path, folder, base, alone=alone):
            self.claim(LogFile(path, name, status.st_size, form), folder)

    def claim(self, file: LogFile, folder: str) -> None:
        """Take a file as a log."""
        if file.name in self.names:
            return
        self.names.add(file.name)
        if self.max_bytes is not None and file.size > self.max_bytes:
            self.problem(file.name, "unreadable", f"{file.size} bytes: larger than the limit of {self.max_bytes} bytes")
            return
        self.folders.setdefault(folder, []).append(file)

    def look_inside(self, path: str, folder: str, base: str, *, alone: bool) -> str | None:
        """The format of a file whose name does not tell; a text log that nothing reads is said."""
        name = f"{folder}/{base}" if folder else base
        try:
            first = head(LogFile(path, name, 0, ""), HEAD)
            if ending(base) == ".py":
                return "json" if is_trainer_state(first) else None
            kind = sniff(first)
        except OSError as error:
            self.problem(name, "unreadable", error.strerror or "cannot be opened")
            return None
        if kind in ("text", "binary", "empty"):
            if alone and kind == "text":
                return "csv"  # asked for by name: the table reader says what is wrong with it
            if alone or sounds_like_log(base, folder.rpartition("/")[2]):
                self.problem(name, "skipped", _WHY_NOT[kind])
            return None
        return kind

    def special(self, name: str, mode: int) -> None:
        self.problem(name, "skipped", f"{_KINDS.get(stat.S_IFMT(mode), 'special file')}, not opened")

    def problem(self, name: str, kind: ProblemKind, message: str) -> None:
        self.problems.append(Problem(path=name or ".", kind=kind, message=message))


_WHY_NOT = {
    "text": "plain text; only tables and JSON lines are read",
    "binary": "binary file of an unknown format",
    "empty": "empty file",
}


def _is_inside(path: str, root: str) -> bool:
    real = os.path.realpath(root)
    return path == real or path.startswith(real.rstrip(os.sep) + os.sep)

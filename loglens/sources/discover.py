"""Walk the paths, claim the files that look like logs, and say which others were left out and why."""

# Plain strings and os.path: scandir entries and plain strings: a tree may hold a million files.
# ruff: noqa: PTH112, PTH113, PTH114, PTH116, PTH118, PTH119

from __future__ import annotations

import os
import posixpath
import re
import stat
from dataclasses import dataclass, field
from fnmatch import translate
from typing import TYPE_CHECKING

from loglens.errors import LoglensError
from loglens.sources.base import LogFile
from loglens.sources.claims import PASSED_FOLDERS, Claims, may_be_of_use
from loglens.sources.formats import format_by_name
from loglens.sources.homes import in_metrics
from loglens.sources.packing import unpacked_name
from loglens.sources.paths import resolve, shown
from loglens.sources.remote import is_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import Problem
    from loglens.sources.families import Family
    from loglens.sources.paths import Start

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
    from loglens.sources.beside import with_neighbours
    from loglens.sources.families import group

    unwanted = re.compile("|".join(translate(glob.rstrip("/")) for glob in exclude)) if exclude else None
    claims = Claims(unwanted, max_file_bytes)
    root = _remote(paths, claims) if any(map(is_url, paths)) else _local(paths, claims, follow_symlinks)
    claims.open_archives()
    families = tuple(with_neighbours(group(claims.folders), claims))
    return Discovery(root, _own_name(root, claims.folders), families, claims.problems, claims.seen)


def _local(paths: Sequence[str], claims: Claims, follow: bool) -> str:
    """Take what lies on the disk below `paths`; the root of it all."""
    root, starts = resolve(paths)
    walk = _Walk(root, follow, claims)
    for start in starts:
        walk.start(start)
    walk.late_links()
    return root


def _remote(paths: Sequence[str], claims: Claims) -> str:
    """Take what lies in a store below `paths`; the folder that holds it all."""
    from loglens.sources.remote import Remote, locate, without_secrets

    if local := [path for path in paths if not is_url(path)]:
        raise LoglensError(f"{shown(local[0])}: analyze paths on the disk and URLs one after the other, not together")
    starts = [locate(path) for path in paths]
    if len({start.url for start in starts}) > 1:
        raise LoglensError(f"{shown(without_secrets(paths[0]))} and others: analyze the paths of one store at a time")
    folders = [start.path if start.size is None else start.path.rpartition("/")[0] for start in starts]
    root = posixpath.commonpath(folders)
    for start, folder in zip(starts, folders, strict=True):
        below = "/".join(map(shown, folder[len(root) :].strip("/").split("/")))
        place = Remote(start.url, folder)
        try:
            if start.size is None:
                claims.members(place, below, below)
                continue
            base = shown(start.path.rpartition("/")[2])
            claims.seen += 1
            name = f"{below}/{base}".lstrip("/")
            claims.take(LogFile(start.path, name, start.size, "", place), alone=len(starts) == 1)
        except OSError as error:
            raise LoglensError(f"{shown(without_secrets(paths[0]))}: {error.args[-1]}") from None
    return root


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
    claims: Claims
    visited: set[tuple[int, int]] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)

    def start(self, start: Start) -> None:
        """Walk a path that was asked for; a link is followed, for it was meant."""
        name = os.path.relpath(start.path, self.root).replace(os.sep, "/")
        rel = "" if name == "." else "/".join(map(shown, name.split("/")))
        if not start.alone and self.claims.excluded(rel):
            return
        try:
            status = os.stat(start.path)
        except OSError as error:
            self.claims.problem(rel, "unreadable", error.strerror or "cannot be opened")
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
                self.claims.problem(rel or ".", "unreadable", f"folder cannot be read: {error.strerror}")
                continue
            below = [sub for entry in ordered if (sub := self.entry(entry, rel))]
            stack += reversed(below)

    def entry(self, entry: os.DirEntry[str], rel: str) -> tuple[str, str] | None:
        """Take one entry of a folder; a folder to walk is given back."""
        if entry.name == ".hydra":
            self.hydra(entry.path, rel)
        if entry.name.startswith(".") or entry.name in PASSED_FOLDERS:
            return None
        base = shown(entry.name)
        name = f"{rel}/{base}" if rel else base
        if self.claims.excluded(name):
            return None
        try:
            if entry.is_dir(follow_symlinks=False):
                return entry.path, name
            if entry.is_symlink() and not self.may_follow(entry, name):
                return None
            self.file(entry.path, rel, base, None)
        except OSError as error:
            self.claims.problem(name, "unreadable", error.strerror or "cannot be opened")
        return None

    def hydra(self, path: str, rel: str) -> None:
        """The settings that Hydra keeps in a hidden folder beside the logs."""
        place = os.path.join(path, "config.yaml")
        if os.path.isfile(place) and not os.path.islink(place) and not os.path.islink(path):
            self.file(place, f"{rel}/.hydra".lstrip("/"), "config.yaml", None)

    def may_follow(self, entry: os.DirEntry[str], name: str) -> bool:
        """Whether a link is a file to be taken now; a folder's link is kept for later or said to be left out."""
        target = os.path.realpath(entry.path)
        is_folder, inside = os.path.isdir(target), _is_inside(target, self.root)
        if self.follow:
            if is_folder:
                self.links.append((entry.path, name))
            return not is_folder
        if not inside and (is_folder or format_by_name(unpacked_name(entry.name))):
            what = "link to a folder" if is_folder else "link to a file"
            self.claims.problem(name, "skipped", f"{what} outside the tree: --follow-symlinks reads it")
        elif not os.path.lexists(target) and format_by_name(unpacked_name(entry.name)):
            self.claims.problem(name, "unreadable", "broken link")
        return False  # what lies inside is read under its own name

    def file(self, path: str, folder: str, base: str, status: os.stat_result | None, *, alone: bool = False) -> None:
        """Hand on a regular file; only those are looked at whose names ask for it."""
        self.claims.seen += 1
        name = f"{folder}/{base}" if folder else base
        wanted = alone or may_be_of_use(base) or in_metrics(path)
        if status is None and not wanted:
            if not stat.S_ISREG(mode := os.lstat(path).st_mode):
                self.special(name, mode)
            return
        status = status or os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            self.special(name, status.st_mode)
        elif wanted:
            stamp = f"{status.st_size}-{status.st_mtime_ns}"
            self.claims.take(LogFile(path, name, status.st_size, ""), alone=alone, stamp=stamp)

    def special(self, name: str, mode: int) -> None:
        self.claims.problem(name, "skipped", f"{_KINDS.get(stat.S_IFMT(mode), 'special file')}, not opened")


def _is_inside(path: str, root: str) -> bool:
    real = os.path.realpath(root)
    return path == real or path.startswith(real.rstrip(os.sep) + os.sep)

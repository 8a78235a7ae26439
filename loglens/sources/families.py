"""Folders that may become one run travel together. Judged by names and the first bytes; the tags decide later."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loglens.sources.homes import STATE
from loglens.sources.places import head
from loglens.sources.splits import plain, split_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loglens.sources.base import LogFile

BATCH_BYTES = 64 << 20
BATCH_FOLDERS = 300
SCALARS_DEPTH = 3  # add_scalars("a/b", {"c": …}) makes a/b/c in some writers
_EXPANDS = 8  # times, that a compressed log may
_LOOKED_AT = 8  # event files of a folder whose first bytes are looked at; restarts write the same tags


@dataclass(frozen=True, slots=True)
class Family:
    """The smallest set of folders that might join into runs. `folder` is the topmost, "" the root itself.

    `beside` are settings and checkpoints (by their `format`), which are no logs.
    """

    folder: str
    files: tuple[LogFile, ...]
    beside: tuple[LogFile, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all logs, guessed for compressed ones."""
        return sum(file.size * (_EXPANDS if file.packed else 1) for file in self.files)

    @property
    def folders(self) -> int:
        """How many folders hold the files."""
        return len({file.name.rpartition("/")[0] for file in self.files})


def group(folders: Mapping[str, list[LogFile]]) -> Iterator[Family]:
    """The families of a tree, by the name of their topmost folder."""
    events = {folder for folder, files in folders.items() if any(file.format == "tensorboard" for file in files)}
    paired = _paired(folders)
    tops: dict[str, str] = {}
    for folder in sorted(folders, key=_depth):
        for host in _hosts(folder, folders, events, paired):
            ends = sorted((_top(tops, folder), _top(tops, host)), key=_depth)
            tops[ends[1]] = ends[0]
    families: dict[str, list[LogFile]] = {}
    for folder, files in folders.items():
        families.setdefault(_top(tops, folder), []).extend(files)
    for top in sorted(families, key=lambda name: name.split("/")):
        yield Family(top, tuple(sorted(families[top], key=lambda file: file.name.split("/"))))


def batches(
    families: Iterable[Family], *, batch_bytes: int = BATCH_BYTES, batch_folders: int = BATCH_FOLDERS
) -> Iterator[tuple[LogFile, ...]]:
    """Whole families until a batch holds enough; one that is larger by itself is a batch of its own."""
    files: list[LogFile] = []
    size = count = 0
    for family in families:
        if files and (size + family.bytes > batch_bytes or count + family.folders > batch_folders):
            yield tuple(files)
            files, size, count = [], 0, 0
        files += (*family.files, *family.beside)
        size += family.bytes
        count += family.folders
    if files:
        yield tuple(files)


def parent_of(folder: str) -> str | None:
    """The folder above, "" for the root, None above the root."""
    return folder.rpartition("/")[0] if folder else None


def event_host(folder: str) -> str | None:
    """The folder of a training whose event files lie in its `runs` or one level below, as transformers does it."""
    above, _, last = folder.rpartition("/")
    if last == "runs":
        return above
    outer, _, middle = above.rpartition("/")
    return outer if middle == "runs" else None


def _paired(folders: Iterable[str]) -> set[str]:
    """Folders with a train-like and a held-out sub-folder side by side."""
    kinds: dict[str, set[str]] = {}
    for folder in folders:
        above, _, name = folder.rpartition("/")
        if kind := split_kind(name):
            kinds.setdefault(above, set()).add(kind)
    return {above for above, found in kinds.items() if len(found) == 2}


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


def _top(tops: Mapping[str, str], folder: str) -> str:
    while (above := tops.get(folder, folder)) != folder:
        folder = above
    return folder


def _hosts(folder: str, folders: Mapping[str, list[LogFile]], events: set[str], paired: set[str]) -> Iterator[str]:
    """The folders above that `folder` might join; which one it is, the tags decide."""
    above = parent_of(folder)
    if above is None:
        return
    if split_kind(folder.rpartition("/")[2]) and (above in events or above in paired):
        yield above
    if any(file.format != "tensorboard" for file in folders[folder]):
        return
    host = event_host(folder)
    if host is not None and any(file.name.endswith(STATE) for file in folders.get(host, ())):
        yield host
    first = b""
    if above in folders or above in paired:
        first = _head(folders[folder])
        if b"_hparams_/" in first:
            yield above
    for _ in range(SCALARS_DEPTH):
        if above in events:
            first = first or _head(folders[folder])
            if _opens_like(first, folder[len(above) + 1 if above else 0 :]):
                yield above
                return
        above = parent_of(above)
        if above is None:
            return


def _head(files: Sequence[LogFile]) -> bytes:
    """The first bytes of the first files, where records open with their tags."""
    found = b""
    for file in files[:_LOOKED_AT]:
        try:
            found += head(file, 4096)
        except OSError:  # the reader will name it
            continue
    return found


def _opens_like(head: bytes, below: str) -> bool:
    """Whether event records start with a tag that opens the name of their folder, as `add_scalars` writes it."""
    flat = plain(below)
    for end in (found.start() for found in re.finditer("_", flat)):
        tag = re.escape(flat[:end].encode(errors="replace")).replace(b"_", b".")
        if 0 < end < 128 and re.search(b"\x0a" + re.escape(bytes([end])) + tag, head, re.DOTALL):
            return True
    return False

"""Files that a command is going to write: none may be what it reads, and no two may be one. Asked before it reads."""

# Plain strings and os.path: names that are not UTF-8, as everywhere where paths are looked up.
# ruff: noqa: PTH110, PTH112, PTH113, PTH119, PTH202

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from loglens.errors import LoglensError
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def check_targets(
    targets: Iterable[tuple[str, str]], paths: Sequence[str] = (), inputs: Mapping[str, Sequence[str]] | None = None
) -> None:
    """LoglensError for a file to be written that is a log below `paths`, one of `inputs`, or named twice.

    `targets`: (option, file); `inputs`: what they are → files that are read beside logs. A device takes all.
    """
    taken: dict[str, str] = {}
    read = {os.path.realpath(file): what for what, files in (inputs or {}).items() for file in files}
    for option, name in targets:
        if "\0" in name:
            raise LoglensError(f"{option} {visible(name)}: a name cannot hold a NUL character")
        if not name:
            raise LoglensError(f"{option}: an empty name; name a file, or leave the option out")
        place = os.path.realpath(name)
        if os.path.isdir(place):
            raise LoglensError(f"{visible(name)}: cannot be written: it is a folder")
        if os.path.exists(place) and not os.path.isfile(place):
            continue
        if place in taken:
            twice = f"two {option}" if taken[place] == option else f"{taken[place]} and {option}"
            raise LoglensError(f"{visible(name)}: named by {twice}: one would replace the other")
        taken[place] = option
        if place in read:
            raise LoglensError(f"{option} {visible(name)}: this is {read[place]}; write to another file")
        if os.path.exists(place) and _is_log(place, paths):
            raise LoglensError(
                f"{option} {visible(name)}: a log that is read would be replaced; write to another file, "
                "or delete this one first"
            )


def _is_log(place: str, paths: Sequence[str]) -> bool:
    """Whether a file is one that reading `paths` takes: a log, settings, a checkpoint, an archive."""
    from loglens.sources.paths import expand
    from loglens.sources.remote import is_url

    for path in paths:
        if path == "-" or is_url(path):
            continue
        for start in map(os.path.realpath, expand(path)):
            if place == start or (place.startswith(start.rstrip(os.sep) + os.sep) and _is_taken(place)):
                return True
    return False


def _is_taken(place: str) -> bool:
    """Whether a file is used; of JSON and of text, which reports are too, whether it holds values."""
    from loglens.sources.base import LogFile
    from loglens.sources.claims import Claims, may_be_of_use

    folder, base = os.path.split(place)
    if not may_be_of_use(base):
        return False
    claims = Claims()
    claims.take(LogFile(place, f"{os.path.basename(folder)}/{base}", os.path.getsize(place), ""))
    formats = {file.format for files in claims.folders.values() for file in files}
    return claims.claimed and (not formats or not formats <= {"json", "text"} or _holds_values(place))


def _holds_values(place: str) -> bool:
    from loglens.api import read

    try:
        return read(place).scalars.height > 0
    except LoglensError:
        return False

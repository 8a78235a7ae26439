"""Names that are unique in a run, and the restart number of each event file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Key:
    """What tells the series of one run apart. `file` is "" for event files: those of a folder are one log."""

    name: str
    folder: str
    file: str
    kind: str = "scalar"


def labels(keys: Iterable[Key]) -> dict[Key, str]:
    """A tag for every series of one run: its name, with the folder or file before it where the name comes twice."""
    by_name: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(set(keys), key=lambda key: (key.folder, key.file, key.kind != "scalar", key.name)):
        by_name[key.name].append(key)
    found = {key: label for twins in by_name.values() for key, label in _prefixed(twins)}
    return _made_unique(found)


def _prefixed(twins: Sequence[Key]) -> Iterator[tuple[Key, str]]:
    if len(twins) == 1:
        yield twins[0], twins[0].name
        return
    beside: dict[str, set[str]] = defaultdict(set)
    for key in twins:
        beside[key.folder].add(key.file)
    for key in twins:
        folder = f"{key.folder}/" if key.folder else ""
        file = f"{key.file}::" if key.file and len(beside[key.folder]) > 1 else ""
        yield key, folder + file + key.name


def _made_unique(found: dict[Key, str]) -> dict[Key, str]:
    """Number what is still equal: a tag logged as `train/loss` beside a `loss` in the folder `train`, say."""
    taken: set[str] = set()
    unique: dict[Key, str] = {}
    for key in sorted(found, key=lambda key: found[key] != key.name):  # what was logged so keeps its name
        label, tries = found[key], 1
        while label in taken:
            tries += 1
            label = f"{found[key]} ({tries})"
        taken.add(label)
        unique[key] = label
    return unique


@dataclass(frozen=True, slots=True)
class Stretch:
    """One event file of a folder: its tags, its last own segment, and when it began (None when unknown)."""

    file: int
    name: str
    began: float | None
    tags: frozenset[str]
    last_segment: int


def restarts(stretches: Iterable[Stretch]) -> dict[int, int]:
    """What to add to the segments of each event file of one folder.

    Files come in the order in which they began. One opens a new segment when it goes on with a tag of the present
    segment; a file with other tags (a second writer, an evaluation) belongs to the present one.
    """
    ordered = sorted(stretches, key=lambda s: (s.began is None, s.began or 0.0, s.name))
    base = top = 0
    present: set[str] = set()
    offsets: dict[int, int] = {}
    for stretch in ordered:
        if present & stretch.tags:
            base = top = top + 1
            present = set()
        offsets[stretch.file] = base
        present |= stretch.tags
        top = max(top, base + stretch.last_segment)
    return offsets

"""Which files make which run, and what the run is called. Decided by the tags found, for one batch at a time."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from loglens.sources.families import SCALARS_DEPTH, event_host, parent_of
from loglens.sources.formats import FORMATS
from loglens.sources.places import head
from loglens.sources.splits import file_unit, scalars_prefix, split_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loglens.sources.base import LogFile


_COMPARED = 300  # text logs of one folder that are compared key by key, each with each
_TIMESTAMP = re.compile(r"\d{9,}(\.\d+)?")  # how writers name the folder of an hparams record


@dataclass(slots=True)
class Facts:
    """What a file was found to hold."""

    tags: frozenset[str] = frozenset()
    longest: int = 0  # points of its longest series
    hparams: bool = False
    texts: bool = False
    refused: bool = False  # the reader says that it is no training log

    @property
    def holds_data(self) -> bool:
        """Whether anything came out of the file."""
        return bool(self.tags) or self.hparams or self.texts


@dataclass(frozen=True, slots=True)
class Place:
    """The run a file belongs to, and its folder inside that run ("" for the run's own)."""

    run: str
    folder: str


@dataclass(slots=True)
class _Folder:
    """One folder of a batch: the tags of its joinable files and what else the joining rules ask."""

    tags: frozenset[str]
    events: bool
    only_events: bool
    only_hparams: bool


def place(files: Sequence[LogFile], facts: Sequence[Facts], own_name: str) -> list[Place | None]:
    """The run of every file; None for a file that holds nothing in a folder without a run."""
    by_folder: dict[str, list[int]] = defaultdict(list)
    for i, file in enumerate(files):
        by_folder[file.name.rpartition("/")[0]].append(i)
    single = {i: run for members in by_folder.values() for i, run in _file_runs(files, facts, members).items()}
    own = {name: [i for i in members if i not in single] for name, members in by_folder.items()}
    folders = {
        name: _describe(name, [(files[i], facts[i]) for i in members], parted=len(members) < len(by_folder[name]))
        for name, members in own.items()
    }
    owner = _owners(folders)
    alive = {owner[name] for name, members in own.items() if any(facts[i].holds_data for i in members)}
    places: list[Place | None] = [None] * len(files)
    for name, members in by_folder.items():
        run = owner[name]
        for i in members:
            if i in single:
                places[i] = Place(single[i], "")
            elif run in alive and not facts[i].refused:
                places[i] = Place(run or own_name, name[len(run) :].lstrip("/") if name != run else "")
    return places


def _describe(name: str, members: Sequence[tuple[LogFile, Facts]], *, parted: bool) -> _Folder:
    """What joins ask of a folder; `parted`: it holds text logs besides, which are runs by themselves."""
    tags = frozenset[str]().union(*(facts.tags for _, facts in members))
    # An event file counts even when it holds only its header, as the one beside the folders of add_scalars often does.
    events = [file.format == "tensorboard" for file, _ in members]
    only_events = all(events) and not parted
    # add_hparams writes the final scores of the run beside the record, one point each.
    longest = max((facts.longest for _, facts in members), default=0)
    final = longest <= 1 and _TIMESTAMP.fullmatch(name.rpartition("/")[2]) is not None
    hparams = any(facts.hparams for _, facts in members) and not any(facts.texts for _, facts in members)
    return _Folder(tags, any(events), only_events, only_events and hparams and (not tags or final))


def _owners(folders: Mapping[str, _Folder]) -> dict[str, str]:
    """The folder that each folder's files count to: itself or one above it."""
    pairs = _split_pairs(folders)
    hosts = {folder for folder, found in folders.items() if found.tags or found.events} | {above for above, _ in pairs}
    owner: dict[str, str] = {}
    for name in sorted(folders, key=lambda folder: folder.count("/")):  # a host is settled before its guests
        host = _host(name, folders, pairs, hosts)
        owner[name] = name if host is None else owner.get(host, host)
    return owner


def _host(name: str, folders: Mapping[str, _Folder], pairs: set[tuple[str, str]], hosts: set[str]) -> str | None:
    folder, above = folders[name], parent_of(name)
    if above is None:
        return None
    if (scalars := _scalars_host(name, folders)) is not None:
        return scalars
    parent_events = above in folders and folders[above].events
    if split_kind(name.rpartition("/")[2]) and ((above, name) in pairs or parent_events):
        return above
    if folder.only_hparams and above in hosts:
        return above
    return _copied_host(name, folders)


def _scalars_host(name: str, folders: Mapping[str, _Folder]) -> str | None:
    """The folder above whose writer made this one for a key of `add_scalars`."""
    folder, above = folders[name], parent_of(name)
    if not folder.only_events or len(folder.tags) != 1:
        return None
    for _ in range(SCALARS_DEPTH):
        if above is None:
            break
        below = name[len(above) :].lstrip("/")
        if above in folders and folders[above].events and scalars_prefix(below, next(iter(folder.tags))):
            return above
        above = parent_of(above)
    return None


def _copied_host(name: str, folders: Mapping[str, _Folder]) -> str | None:
    """The folder above whose trainer wrote the same series to event files in `runs`, under names of their own."""
    host = event_host(name)
    if host is None or host not in folders or not folders[name].only_events or folders[host].events:
        return None
    copies = [
        other
        for other, found in folders.items()
        if event_host(other) == host and found.only_events and _is_copy(folders[host].tags, found.tags)
    ]
    return host if copies == [name] else None


def _is_copy(tags: frozenset[str], others: frozenset[str]) -> bool:
    """Whether every series (`loss`, `eval_loss`) has a copy named by transformers (`train/loss`, `eval/loss`)."""
    asked = tags - {"epoch"}
    named = {f"eval/{tag[5:]}" if tag.startswith("eval_") else f"train/{tag}" for tag in asked}
    return len(asked) > 1 and named <= others


def _split_pairs(folders: Mapping[str, _Folder]) -> set[tuple[str, str]]:
    """(parent, folder) for split folders that share a tag with one of the other kind beside them."""
    beside: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in folders:
        above, _, last = name.rpartition("/")
        if name and (kind := split_kind(last)):
            beside[above].append((name, kind))
    found = set()
    for above, names in beside.items():
        for (one, kind), (other, other_kind) in combinations(names, 2):
            if kind != other_kind and folders[one].tags & folders[other].tags:
                found |= {(above, one), (above, other)}
    return found


def _file_runs(files: Sequence[LogFile], facts: Sequence[Facts], members: Sequence[int]) -> dict[int, str]:
    """The text logs of one folder that are runs by themselves, because two of them share a header.

    Parts of one log (`learn_error.tsv` beside `test_error.tsv`, the `0.monitor.csv` … of parallel environments) do
    share a header and are one run. What was printed for people is a run by itself only where nothing better is.
    """
    printed = [i for i in members if FORMATS[files[i].format].printed]
    better = [i for i in members if i not in set(printed) and facts[i].tags]
    if printed and better:
        runs = _file_runs(files, facts, [i for i in members if i not in set(printed)])
        by_stem = {_stem(files[i]): run for i, run in runs.items()}
        return runs | {i: by_stem.get(_stem(files[i]), files[i].name) for i in printed if runs and facts[i].tags}
    units: dict[str, list[int]] = defaultdict(list)
    kinds: dict[str, set[str | None]] = defaultdict(set)
    for i in members:
        if FORMATS[files[i].format].prose and facts[i].tags:
            unit, kind = file_unit(files[i].name.rpartition("/")[2])
            units[unit].append(i)
            kinds[unit].add(kind)
    parts: dict[str, list[int]] = {}
    for unit, found in units.items():
        if kinds[unit] >= {"train", "held-out"} or kinds[unit] == {"part"}:
            parts[unit] = found
        else:
            parts.update({files[i].name.rpartition("/")[2]: [i] for i in found})
    if not _two_share(files, facts, list(parts.values())):
        return {}
    folder = files[members[0]].name.rpartition("/")[0]
    # A unit without a name (train.csv beside val.csv) is the folder's own run.
    named = {unit: found for unit, found in parts.items() if not unit.startswith(".")}
    return {i: f"{folder}/{unit}".lstrip("/") for unit, found in named.items() for i in found}


def _stem(file: LogFile) -> str:
    """The name of a file without its ending."""
    last = file.name.rpartition("/")[2]
    return last.rpartition(".")[0] or last


def _two_share(files: Sequence[LogFile], facts: Sequence[Facts], units: Sequence[Sequence[int]]) -> bool:
    """Equal tags, equal first lines of tables (a column may be empty in one), or JSON keys that one has in full."""
    found = [(files[unit[0]], frozenset[str]().union(*(facts[i].tags for i in unit))) for unit in units]
    distinct = dict.fromkeys((file.format, tags) for file, tags in found)
    if len(distinct) < len(found):
        return True
    if len(found) > 1 and _equal_headers(found):
        return True
    keyed = [(form, tags) for form, tags in distinct if form != "csv"][:_COMPARED]
    return any(
        form == other and 2 * len(one & two) >= max(len(one), len(two)) and (one <= two or two <= one)
        for (form, one), (other, two) in combinations(keyed, 2)
    )


def _equal_headers(found: Sequence[tuple[LogFile, frozenset[str]]]) -> bool:
    """Whether two tables have one header and a tag in common; in long tables a header says nothing about the tags."""
    by_header: dict[bytes, set[str]] = {}
    for file, tags in found:
        header = _header(file)
        if header is None:
            continue
        if by_header.setdefault(header, set()) & tags:
            return True
        by_header[header] |= tags
    return False


def _header(file: LogFile) -> bytes | None:
    """The first line of a table that is no comment; None when the format has no header or the file cannot be read."""
    if file.format != "csv":
        return None
    try:
        lines = head(file, 1 << 16).splitlines()
    except OSError:
        return None
    return next((line.strip() for line in lines if line.strip() and not line.startswith(b"#")), None)

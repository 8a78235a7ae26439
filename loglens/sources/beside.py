"""What lies beside logs: files of settings, which become hyper-parameters, and checkpoints, which are listed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from loglens.model import Problem, Source
from loglens.sources.checkpoints import checkpoint_of, told_by
from loglens.sources.configs import HYDRA, MAX_BYTES, NotSettingsError, settings_in
from loglens.sources.families import parent_of
from loglens.sources.places import head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loglens.model import Logs, ProblemKind
    from loglens.sources.base import LogFile
    from loglens.sources.claims import Claims
    from loglens.sources.families import Family

SETTINGS, CHECKPOINT = "settings", "checkpoint"  # the `format` of such files
_CALLED = re.compile(r"(ckpt|checkpoint|weight|model|snapshot|save|saved_model)s?")
RUN_NAME = "run name"  # what `Logs.hparams.source` says of values in the name of a run


def with_neighbours(families: Iterable[Family], claims: Claims) -> Iterator[Family]:
    """The families with the settings and checkpoints beside them; settings without a log near are said."""
    found = list(families)
    folders = [{file.name.rpartition("/")[0] for file in family.files} | {family.folder} for family in found]
    used: set[str] = set()
    checkpoints = _by_family(claims.checkpoints, folders)
    for i, family in enumerate(found):
        near = folders[i] | {above for folder in folders[i] if (above := parent_of(folder)) is not None}
        settings = [file for folder in sorted(near & claims.settings.keys()) for file in claims.settings[folder]]
        used.update(file.name for file in settings)
        beside = [replace(file, format=SETTINGS) for file in settings]
        beside += [replace(file, format=CHECKPOINT) for file in checkpoints[i]]
        yield replace(family, beside=tuple(beside)) if beside else family
    for file in (file for files in claims.settings.values() for file in files):
        if file.name not in used and file.name.lower().endswith(".json"):
            claims.problem(file.origin or file.name, "skipped", "settings, not a training log")


def _by_family(checkpoints: Iterable[LogFile], folders: Sequence[set[str]]) -> Mapping[int, list[LogFile]]:
    homes = {folder: i for i, names in enumerate(folders) for folder in names}
    out: dict[int, list[LogFile]] = defaultdict(list)
    owner = _Owner(homes)
    for file in checkpoints:
        home = owner(file.name.rpartition("/")[0])
        if home is not None:
            out[home].append(file)
    return out


class _Owner:
    """Whose a folder is: that of the nearest folder above it that is someone's.

    Else, where it is called as one of checkpoints, that of the only one beside it.
    """

    def __init__(self, homes: Mapping[str, int]) -> None:
        self._homes = homes
        self._beside: dict[str, set[int]] = defaultdict(set)
        for folder, home in homes.items():
            if (above := parent_of(folder)) is not None:
                self._beside[above].add(home)

    def __call__(self, folder: str) -> int | None:
        above: str | None = folder
        while above is not None:
            if above in self._homes:
                return self._homes[above]
            above = parent_of(above)
        outer, _, name = folder.rpartition("/")
        beside = self._beside.get(outer, set()) if _CALLED.fullmatch(name.lower()) else set()
        return next(iter(beside)) if len(beside) == 1 else None


def attach(logs: Logs, files: Sequence[LogFile], beside: Sequence[LogFile], own_name: str) -> Logs:
    """`logs` with the hyper-parameters of settings and of the runs' names, and with their checkpoints."""
    if not logs.names:
        return logs
    homes = _homes(logs.names, files, own_name)
    logs = _with_hparams(logs, homes, [file for file in beside if file.format == SETTINGS])
    return _with_checkpoints(logs, homes, [file for file in beside if file.format == CHECKPOINT])


def _homes(runs: Sequence[str], files: Sequence[LogFile], own_name: str) -> dict[str, str]:
    """The folder of every run; that of one named by its file is the folder of the file."""
    inside = {""}
    for file in files:
        folder = file.name.rpartition("/")[0]
        while folder not in inside:
            inside.add(folder)
            folder = folder.rpartition("/")[0]
    return {run: "" if run == own_name else run if run in inside else run.rpartition("/")[0] for run in runs}


# --- hyper-parameters -------------------------------------------------------------------------------------------------

_Rows = list[tuple[str, str, str, float | None, str]]


def _with_hparams(logs: Logs, homes: Mapping[str, str], settings: Sequence[LogFile]) -> Logs:
    """What a log itself says comes first, then settings beside it, then those above, then the name of the run."""
    import polars as pl

    from loglens.settings import in_name
    from loglens.sources.frames import SCHEMAS

    read = _Settings(settings)
    known = set(logs.hparams.select(pl.col("run").cast(pl.String), "name").iter_rows())
    rows: _Rows = []
    sources = list(logs.sources)
    for run, home in homes.items():
        above = parent_of(home)
        for file in (*read.of(home), *(() if above is None else read.of(above))):
            values = read.values(file)
            told = file.origin or file.name
            if values:
                sources.append(Source(run, told, SETTINGS, file.size, 0))
            rows += _fresh(run, values, told, known)
        rows += _fresh(run, in_name(run), RUN_NAME, known)
    problems = (*logs.problems, *read.problems)
    if rows:
        added = pl.DataFrame(rows, schema=SCHEMAS["hparams"], orient="row")
        hparams = pl.concat([logs.hparams, added]).sort(pl.col("run").cast(pl.String), "name", maintain_order=True)
        logs = replace(logs, hparams=hparams)
    return replace(logs, sources=tuple(sorted(sources, key=lambda s: s.run.split("/"))), problems=problems)


def _fresh(run: str, values: Mapping[str, str], source: str, known: set[tuple[str, str]]) -> _Rows:
    """The values whose names the run does not have yet."""
    rows: _Rows = []
    for name, value in values.items():
        if (run, name) not in known:
            known.add((run, name))
            rows.append((run, name, value, as_number(value), source))
    return rows


class _Settings:
    """Guards the files of settings of a batch: each is read once."""

    def __init__(self, files: Iterable[LogFile]) -> None:
        self._by_folder: dict[str, dict[str, LogFile]] = defaultdict(dict)
        for file in files:
            folder = file.name.removesuffix(f"/{HYDRA}") if file.name.endswith(f"/{HYDRA}") else ""
            folder = folder or file.name.rpartition("/")[0].removesuffix(".hydra")
            self._by_folder[folder][file.name] = file
        self._values: dict[str, dict[str, str]] = {}
        self.problems: list[Problem] = []

    def of(self, folder: str) -> Iterable[LogFile]:
        """The files in a folder, by name."""
        return [file for _, file in sorted(self._by_folder.get(folder, {}).items())]

    def values(self, file: LogFile) -> dict[str, str]:
        """What a file says; nothing, and a problem, where it cannot be used."""
        if file.name not in self._values:
            self._values[file.name] = {}
            try:
                self._values[file.name] = settings_in(head(file, MAX_BYTES + 1), file.name)
            except OSError as error:
                self._told(file, "unreadable", f"cannot be read: {error.strerror or error}")
            except NotSettingsError as error:
                self._told(file, "skipped", f"settings not read: {error}")
        return self._values[file.name]

    def _told(self, file: LogFile, kind: ProblemKind, message: str) -> None:
        self.problems.append(Problem(file.origin or file.name, kind, message))


def as_number(value: str) -> float | None:
    """The number that a value is, as `1e-3` or `12`; None for any other text."""
    try:
        return float(value) if len(value) < 40 and "_" not in value else None
    except ValueError:
        return None


# --- checkpoints ------------------------------------------------------------------------------------------------------


def _with_checkpoints(logs: Logs, homes: Mapping[str, str], files: Sequence[LogFile]) -> Logs:
    import polars as pl

    from loglens.sources.frames import SCHEMAS

    if not files:
        return logs
    runs = list(homes)
    counts = Counter(homes.values())
    owner = _Owner({home: i for i, home in enumerate(homes.values()) if counts[home] == 1})
    sizes: dict[tuple[int, str], int] = defaultdict(int)
    for file in files:
        path = checkpoint_of(file.origin or file.name)
        run = owner(file.name.rpartition("/")[0])
        if path is not None and run is not None:
            sizes[run, path] += file.size
    rows = [(runs[run], path, *told_by(path), size) for (run, path), size in sizes.items()]
    frame = pl.DataFrame(rows, schema=SCHEMAS["checkpoints"], orient="row")
    order = (pl.col("run").cast(pl.String), "step", "epoch", "path")
    return replace(logs, checkpoints=frame.sort(*order, nulls_last=True))

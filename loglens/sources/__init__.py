"""Finding and reading logs. A new format is one line in `formats.FORMATS` and one module with `read(files)`."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from loglens.errors import LoglensError
from loglens.sources.discover import Discovery, discover
from loglens.sources.families import BATCH_BYTES, BATCH_FOLDERS, batches
from loglens.sources.formats import FORMATS, Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from loglens.model import Logs, Problem
    from loglens.sources.base import LogFile
    from loglens.sources.names import RoleTable

__all__ = ["FORMATS", "Discovery", "Format", "discover", "each_batch", "read", "read_batch", "read_batches"]

_REASONS = 3  # shown when nothing could be read
# A process of its own costs 1.3 s of a processor before it reads anything: it must save some seconds.
PAYS = 192 << 20  # bytes of logs that pay for a process
A_RUN = 40 << 10  # bytes for which a process pays as for a small run, which costs about a millisecond
LEAST_BATCH, FEWEST_FOLDERS = 2 << 20, 32
MAX_FILE_BYTES = 32 << 30  # a larger file is no log of scalars, or one that no memory holds
THREADS = 2


class Part(Protocol):
    """What is made of a batch: it has the names of its runs and the problems of its files."""

    @property
    def names(self) -> tuple[str, ...]:
        """The runs."""
        ...

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Damage and skips."""
        ...


P = TypeVar("P", bound=Part)
Files = tuple["LogFile", ...]


def read_batches(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], **options: Any) -> Iterator[Logs]:
    """Read everything under `paths`, whole runs at a time; options as of `each_batch`."""
    return each_batch(paths, _itself, **options)


def _itself(logs: Logs) -> Logs:
    return logs


def each_batch(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    make: Callable[[Logs], P],
    *,
    roles: RoleTable | None = None,
    follow_symlinks: bool = False,
    exclude: Sequence[str] = (),
    runs: Sequence[str] = (),
    batch_bytes: int = BATCH_BYTES,
    batch_folders: int = BATCH_FOLDERS,
    max_file_bytes: int | None = MAX_FILE_BYTES,
    jobs: int = 1,
    executor: Executor | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> Iterator[P]:
    """What `make` makes of each batch of whole runs under `paths`; what was left out is in the first one's problems.

    `runs`: globs that a run's name must match one of; `exclude`: globs on names or paths of files and folders.
    The path `-` is standard input. Files of more than `max_file_bytes` are named, not read. `jobs`: at most so many
    processes, fewer where the bytes do not pay for them; `executor`: work there instead (`make` must pickle); `log` is
    told of workers that died.
    Raises `LoglensError` when a path leads nowhere or nothing at all can be read.
    """
    from loglens.plugins import add_installed_readers
    from loglens.sources.stdin import spooled

    add_installed_readers()
    listed = [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(path) for path in paths]
    with spooled(listed) as local:
        found = discover(local, follow_symlinks=follow_symlinks, exclude=exclude, max_file_bytes=max_file_bytes)
        one = partial(_one, make=make, own_name=found.own_name, roles=roles, globs=tuple(runs))
        total, folders = (sum(getattr(family, of) for family in found.families) for of in ("bytes", "folders"))
        processes = _processes(jobs, executor, total + A_RUN * folders)
        if processes > 1 or executor:
            parts = 4 * max(processes, 4)
            batch_bytes = min(batch_bytes, max(total // parts, LEAST_BATCH))
            batch_folders = min(batch_folders, max(folders // parts, FEWEST_FOLDERS))
        groups = batches(found.families, batch_bytes=batch_bytes, batch_folders=batch_folders)
        if processes > 1 or executor:
            from loglens.parallel import elsewhere

            done: Iterable[tuple[bool, P]] = elsewhere(one, groups, processes, executor, partial(_lost, make), log)
        else:
            done = map(one, groups)
        yield from _told(done, make, found, listed, runs)


def _processes(jobs: int, executor: Executor | None, work: int) -> int:
    """How many work at once on what costs as much as so many bytes."""
    if executor is None:
        return min(jobs, max(work // PAYS, 1))
    from loglens.parallel import workers_of

    return workers_of(executor)


def _one(
    files: Files, make: Callable[[Logs], P], own_name: str, roles: RoleTable | None, globs: tuple[str, ...]
) -> tuple[bool, P]:
    """Whether a batch holds any run, and what is made of the wanted ones."""
    from loglens.plugins import add_installed_readers

    add_installed_readers()  # in a process of its own, perhaps
    logs = read_batch(files, own_name, roles)
    return bool(logs.names), make(_only(logs, globs))


def _lost(make: Callable[[Logs], P], files: Files, why: str) -> tuple[bool, P]:
    """What stands for a batch that could not be read at all."""
    from loglens.model import Problem
    from loglens.sources.frames import empty_logs

    problems = tuple(Problem(file.origin or file.name, "unreadable", why) for file in files if file.format in FORMATS)
    return False, make(replace(empty_logs(), problems=problems))


def _told(
    done: Iterable[tuple[bool, P]],
    make: Callable[[Logs], P],
    found: Discovery,
    paths: Sequence[str],
    globs: Sequence[str],
) -> Iterator[P]:
    """The batches with runs in them; problems of others wait for the next of those."""
    pending = list(found.problems)
    shared: set[Problem] = set()  # of files that belong to runs of several batches
    any_run = any_data = False
    for has_data, part in done:
        problems = tuple(p for p in part.problems if p.run is not None or p not in shared)
        shared.update(p for p in problems if p.run is None)
        any_data = any_data or has_data
        if not part.names:
            pending += problems
            continue
        any_run = True
        yield replace(part, problems=(*pending, *problems))  # type: ignore[type-var]
        pending = []
    if not any_run:
        raise LoglensError(_nothing(paths, found, pending, globs if any_data else ()))
    if pending:
        from loglens.sources.frames import empty_logs

        yield make(replace(empty_logs(), problems=tuple(pending)))


def read(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], **options: object) -> Logs:
    """All batches of `read_batches` as one `Logs`; it takes the same options.

    Two threads share the batches: all of them are kept anyhow, and most of the work is done outside of Python.
    """
    from concurrent.futures import ThreadPoolExecutor

    from loglens.sources.frames import concat

    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="loglens-read")
    threads.workers = THREADS  # type: ignore[attr-defined]  # what the size of the batches goes by
    try:
        return concat(list(read_batches(paths, **{"executor": threads, **options})))
    finally:
        threads.shutdown(cancel_futures=True)


def read_batch(files: Sequence[LogFile], own_name: str, roles: RoleTable | None = None) -> Logs:
    """Read the files of whole families. `own_name` is what a run in the root folder is called."""
    from loglens.sources.assemble import assemble
    from loglens.sources.beside import attach
    from loglens.sources.formats import reader
    from loglens.sources.names import assign_roles, load_table
    from loglens.sources.remote import fetched

    table = load_table() if roles is None else roles
    beside = [file for file in files if file.format not in FORMATS]
    files = fetched([file for file in files if file.format in FORMATS])
    by_format: dict[str, list[int]] = {}
    for i, file in enumerate(files):
        by_format.setdefault(file.format, []).append(i)
    tables = []
    for key, places in by_format.items():
        found = reader(key)([files[i] for i in places])
        inside = range(len(files), len(files) + len(found.more))
        files = [*files, *found.more]
        tables.append(([*places, *inside], found))
    logs = assemble(files, tables, own_name, lambda series: assign_roles(series, table))
    return attach(logs, files, beside, own_name)


def _only(logs: Logs, globs: Sequence[str]) -> Logs:
    if not globs:
        return logs
    from fnmatch import fnmatchcase

    from loglens.sources.frames import keep_runs

    return keep_runs(logs, [run for run in logs.names if any(fnmatchcase(run, glob) for glob in globs)])


def _nothing(paths: Sequence[str], found: Discovery, problems: Sequence[Problem], globs: Sequence[str]) -> str:
    """Why there is nothing to analyze, in one line."""
    from loglens.sources.paths import shown
    from loglens.sources.remote import without_secrets

    where = ", ".join(shown(without_secrets(path)) for path in paths[:3]) + (" …" if len(paths) > 3 else "")
    if globs:
        return f"no run under {where} has a name that matches {', '.join(map(shown, globs))}"
    looked = f"{found.seen} file{'' if found.seen == 1 else 's'} looked at"
    reasons = "; ".join(f"{p.path}: {p.message}" for p in problems[:_REASONS])
    more = f"; and {len(problems) - _REASONS} more" if len(problems) > _REASONS else ""
    return f"no training logs under {where}: {looked}" + (f"; {reasons}{more}" if reasons else "")

"""`read` and `analyze`: the whole way from a path to a report, for Python and for the command line."""

from __future__ import annotations

import re
from fnmatch import translate
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.model import Logs
from loglens.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from loglens.model import Problem, RunReport
    from loglens.rule import Rule

FRAMES = ("scalars", "metrics", "histograms", "hparams", "texts")


def read(source: Any, *, roles: Mapping[str, str] | None = None, **options: Any) -> Logs:
    """Read logs: a path or several, a Polars or pandas frame, a dict of lists, a Keras `history.history`.

    `roles` maps globs on names to roles. Options for paths: `exclude` (globs), `follow_symlinks`.
    LoglensError when nothing could be read; damage that leaves something to read is in `Logs.problems`.
    """
    if isinstance(source, Logs):
        return source
    paths = _paths(source)
    if paths is None:
        from loglens.sources.inmemory import logs_from

        return logs_from(source, roles=roles)
    from loglens.sources import read as read_paths

    return read_paths(paths, roles=roles, **options)


def analyze(
    source: Any,
    *,
    rules: Sequence[str | PathLike[str]] = (),
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    parameters: Mapping[str, Mapping[str, float]] | None = None,
    roles: Mapping[str, str] | None = None,
    **options: Any,
) -> Report:
    """Judge every run of `source` (as for `read`, or what `read` gave).

    `rules` names further rule files or folders; `parameters` is {rule: {parameter: value}}.
    """
    chosen = load_chosen(rules, select, ignore, parameters)
    return judge_batches(batches(source, roles=roles, **options), chosen)


def load_chosen(
    rules: Iterable[str | PathLike[str]] = (),
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    parameters: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Rule, ...]:
    """The rules to check. RuleError for a faulty rule file, LoglensError for an unknown id or parameter."""
    from loglens.ruleset import load_rules
    from loglens.selection import choose

    return choose(load_rules([fspath(path) for path in rules]), select, ignore, parameters)


def batches(
    source: Any, *, roles: Mapping[str, str] | None = None, only: Sequence[str] = (), **options: Any
) -> Iterator[Logs]:
    """Read `source` batch by batch, so that memory does not grow with the number of runs.

    `only`: globs on the names of runs; LoglensError when there are runs, but none of such a name.
    """
    seen, kept = 0, 0
    for logs in _all_batches(source, roles, options):
        part = pick(logs, only) if only else logs
        seen, kept = seen + len(logs.runs), kept + len(part.runs)
        yield part
    if seen and not kept:
        raise LoglensError(f"none of {seen} runs is named like {', '.join(only)}")


def _all_batches(source: Any, roles: Mapping[str, str] | None, options: Mapping[str, Any]) -> Iterator[Logs]:
    paths = _paths(source)
    if paths is None:
        return iter((read(source, roles=roles),))
    from loglens.sources import read_batches

    return read_batches(paths, roles=roles, **options)


def pick(logs: Logs, globs: Iterable[str]) -> Logs:
    """The runs whose names match one of `globs`, with their files and problems; problems of no run stay."""
    import polars as pl

    wanted = [re.compile(translate(glob)) for glob in globs]
    runs = tuple(run for run in logs.runs if any(glob.match(run) for glob in wanted))
    mine = pl.col("run").cast(pl.String).is_in(runs)
    frames = {name: getattr(logs, name).filter(mine) for name in FRAMES}
    return Logs(
        **frames,
        runs=runs,
        sources=tuple(s for s in logs.sources if s.run in runs),
        problems=tuple(p for p in logs.problems if p.run is None or p.run in runs),
    )


def judge_batches(
    logs: Iterable[Logs], rules: Sequence[Rule], on_batch: Callable[[Logs], None] | None = None
) -> Report:
    """Judge batch after batch; `on_batch` is told of each one that is done."""
    from loglens import __version__
    from loglens.story import tell

    runs: list[RunReport] = []
    problems: list[Problem] = []
    for batch in logs:
        runs += tell(batch, rules)
        problems += batch.problems
        if on_batch is not None:
            on_batch(batch)
    return Report(
        runs=tuple(sorted(runs, key=lambda run: run.run)),
        problems=tuple(sorted(problems, key=lambda p: (p.path, p.offset or 0, p.line or 0, p.kind, p.message))),
        rules=tuple(rule.info for rule in rules),
        version=__version__,
    )


def _paths(source: Any) -> list[str] | None:
    """The paths that `source` names; None when it is data."""
    if isinstance(source, str | PathLike):
        return [fspath(source)]
    if isinstance(source, list | tuple) and source and all(isinstance(item, str | PathLike) for item in source):
        return [fspath(item) for item in source]
    return None

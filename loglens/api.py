"""`read` and `analyze`: the whole way from a path to a report, for Python and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loglens.assumed import with_hparams
from loglens.config import Config, load_config
from loglens.model import Logs
from loglens.report import Report
from loglens.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from loglens.model import Problem, RunReport
    from loglens.rule import Rule

READING = ("runs", "follow_symlinks", "batch_bytes", "batch_folders", "max_file_bytes")  # options of reading paths


def read(source: Any, *, roles: Mapping[str, str] | None = None, **options: Any) -> Logs:
    """Read logs: a path or several, a Polars or pandas frame, a dict of lists, a Keras `history.history`.

    `roles` maps globs on names, or `re:` and an expression, to roles. Options for paths: `runs` and `exclude` (globs),
    `follow_symlinks`.
    LoglensError when nothing could be read; damage that leaves something to read is in `Logs.problems`.
    """
    _check_options("read", options, "exclude")
    _check_roles(roles)
    options |= {name: _texts(name, options[name]) for name in ("runs", "exclude") if options.get(name) is not None}
    if isinstance(source, Logs):
        return source
    paths = _paths(source)
    if paths is None:
        from loglens.sources.inmemory import logs_from

        return logs_from(source, roles=roles)
    from loglens.sources import read as read_paths
    from loglens.sources.names import load_table

    return read_paths(paths, roles=load_table(roles), **options)


def analyze(
    source: Any,
    *,
    rules: Iterable[str | PathLike[str]] = (),
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    parameters: Mapping[str, Mapping[str, float]] | None = None,
    roles: Mapping[str, str] | None = None,
    exclude: Iterable[str] = (),
    config: str | PathLike[str] | None = None,
    **options: Any,
) -> Report:
    """Judge every run of `source` (as for `read`, or what `read` gave).

    `rules` names further rule files or folders, `parameters` is {rule: {parameter: value}}, `config` a settings file
    (none is looked for); what is given here wins over it. `jobs`: at most so many processes, `executor`: one of
    `concurrent.futures` or of its kind to work on (a script that asks for processes must guard its main part, as with
    any pool). Further options are those of `read`.
    """
    _check_options("analyze", options, "jobs", "executor")
    _check_roles(roles)
    rules, exclude = _texts("rules", rules), _texts("exclude", exclude)
    select = None if select is None else _texts("select", select)
    ignore = None if ignore is None else _texts("ignore", ignore)
    if options.get("runs") is not None:
        options["runs"] = _texts("runs", options["runs"])
    settings = load_config(Path(config), rules) if config is not None else Config()
    settings = settings.merged(select, ignore, rules, parameters, roles, exclude)
    chosen, left_out = load_choice(settings)
    jobs, executor = options.pop("jobs", 1), options.pop("executor", None)
    if (jobs > 1 or executor) and _paths(source) is not None:
        options |= {"roles": settings.roles, "exclude": settings.exclude, "jobs": jobs, "executor": executor}
        options["hparams"] = settings.hparams
        report = report_of(judge_paths(source, chosen, narrowed=bool(left_out), **options), chosen, left_out)
        return suppress(report, settings.suppress)[0]
    read_logs = batches(source, roles=settings.roles, exclude=settings.exclude, **options)
    logs = (with_hparams(each, settings.hparams) for each in read_logs)
    return suppress(judge_batches(logs, chosen, left_out=left_out), settings.suppress)[0]


def load_chosen(settings: Config) -> tuple[Rule, ...]:
    """The rules to check. RuleError for a faulty rule file, LoglensError for an unknown id or parameter."""
    return load_choice(settings)[0]


def load_choice(settings: Config) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules to check, and the ids of those that the settings leave out; errors as of `load_chosen`."""
    from loglens.ruleset import load_rules
    from loglens.selection import choose

    known = load_rules(settings.rule_files)
    chosen = choose(known, settings.select, settings.ignore, settings.parameters)
    kept = {rule.id for rule in chosen}
    return chosen, tuple(rule_id for rule_id in known.ids if rule_id not in kept)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """One text or path, or several; a text is never taken apart, which as globs would mean everything."""
    several = (value,) if isinstance(value, str | PathLike) else tuple(value)
    for each in several:
        if not isinstance(each, str | PathLike) or not isinstance(fspath(each), str):
            raise TypeError(f"{name} must be texts, not {type(each).__name__}")
    return tuple(map(fspath, several))


def _check_roles(roles: Mapping[str, str] | None) -> None:
    if not isinstance(roles, Mapping | None):
        raise TypeError(f"roles must be a dict of globs and roles, not {type(roles).__name__}")
    for glob, role in (roles or {}).items():
        if not isinstance(glob, str) or not isinstance(role, str):
            raise TypeError(f"roles must map texts on texts, not {glob!r} on {role!r}")


def _check_options(function: str, options: Iterable[str], *more: str) -> None:
    """TypeError, as of any Python function, for an argument that there is not."""
    known = (*READING, *more)
    if unknown := [name for name in options if name not in known]:
        others = f"; options of reading are {', '.join(known)}"
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}{others}")


def batches(source: Any, *, roles: Mapping[str, str] | None = None, **options: Any) -> Iterator[Logs]:
    """Read `source` batch by batch, so that memory does not grow with the number of runs."""
    paths = _paths(source)
    if paths is None:
        return iter((read(source, roles=roles),))
    from loglens.sources import read_batches
    from loglens.sources.names import load_table

    return read_batches(paths, roles=load_table(roles), **options)


@dataclass(frozen=True)
class Judged:
    """What leaves the analysis of a batch. `files` counts those that were read."""

    names: tuple[str, ...]
    runs: tuple[RunReport, ...]
    problems: tuple[Problem, ...]
    files: int


def judge_batch(
    logs: Logs,
    rules: Sequence[Rule],
    spent: Callable[[str, float], None] | None = None,
    narrowed: bool = False,
    kernels: Sequence[str] = (),
    hparams: Mapping[str, str] | None = None,
) -> Judged:
    """Judge the runs of one batch; `spent` is told the seconds of each rule, `narrowed`: some rules were left out.

    `kernels`: modules that rules take kernels from, imported where this runs (in another process, perhaps); `hparams`:
    what the settings say of every run.
    """
    from loglens.plugins import add_installed_kernels, have_kernels
    from loglens.story import tell

    add_installed_kernels()
    logs = with_hparams(logs, hparams or {})
    for module in kernels:
        have_kernels(module)
    return Judged(logs.names, tell(logs, rules, spent, narrowed=narrowed), logs.problems, len(logs.sources))


def judge_paths(
    source: Any,
    rules: Sequence[Rule],
    *,
    narrowed: bool = False,
    kernels: Sequence[str] = (),
    hparams: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Judged]:
    """Judge what is under paths batch by batch, with `jobs` or an `executor` elsewhere; options as of `each_batch`."""
    from loglens.sources import each_batch
    from loglens.sources.names import load_table

    make = partial(judge_batch, rules=tuple(rules), narrowed=narrowed, kernels=tuple(kernels), hparams=hparams)
    return each_batch(_paths(source) or (), make, roles=load_table(options.pop("roles", None)), **options)


def judge_batches(
    logs: Iterable[Logs],
    rules: Sequence[Rule],
    on_batch: Callable[[Logs], None] | None = None,
    spent: Callable[[str, float], None] | None = None,
    left_out: Sequence[str] = (),
) -> Report:
    """Judge batch after batch; `on_batch` is told of each one that is done, `spent` the seconds of each rule.

    `left_out`: ids of rules that are known but were not wanted.
    """

    def judged() -> Iterator[Judged]:
        for batch in logs:
            yield judge_batch(batch, rules, spent, narrowed=bool(left_out))
            if on_batch is not None:
                on_batch(batch)

    return report_of(judged(), rules, left_out)


def report_of(parts: Iterable[Judged], rules: Sequence[Rule], left_out: Sequence[str] = ()) -> Report:
    """The report on all batches; groups are judged here, as they reach across."""
    from loglens import __version__
    from loglens.grouping import group_runs

    runs: list[RunReport] = []
    problems: list[Problem] = []
    for part in parts:
        runs += part.runs
        problems += part.problems
    told, groups = group_runs(sorted(runs, key=lambda run: run.run), rules)
    return Report(
        runs=told,
        groups=groups,
        problems=tuple(sorted(problems, key=lambda p: (p.path, p.offset or 0, p.line or 0, p.kind, p.message))),
        rules=tuple(rule.info for rule in rules),
        version=__version__,
        left_out=tuple(left_out),
    )


def _paths(source: Any) -> list[str] | None:
    """The paths that `source` names; None when it is data."""
    if isinstance(source, str | PathLike):
        return [fspath(source)]
    if isinstance(source, list | tuple) and source and all(isinstance(item, str | PathLike) for item in source):
        return [fspath(item) for item in source]
    return None

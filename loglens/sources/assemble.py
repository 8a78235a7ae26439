"""From what the readers found to one `Logs`: runs named, tags unique, restarts numbered, roles given."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING

import polars as pl

from loglens.model import Logs, Problem, Source
from loglens.roles import SCORES, is_role
from loglens.sources.base import Tables, scalar_schema
from loglens.sources.formats import FORMATS, ending
from loglens.sources.frames import METRICS, run_order
from loglens.sources.labels import Key, Stretch, labels, restarts
from loglens.sources.names import SeriesName
from loglens.sources.placing import Series, placed_histograms, placed_hparams, placed_scalars, placed_texts
from loglens.sources.repeats import without_repeats
from loglens.sources.runs import Facts, Place, place
from loglens.sources.seriesrows import series_rows
from loglens.sources.superseded import newest_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from loglens.model import Direction
    from loglens.sources.base import LogFile
    from loglens.sources.names import Role
    from loglens.sources.seriesrows import SeriesRows

    Label = tuple[str, str, str, str]  # the fields of a `Key`
    Assign = Callable[[Sequence[SeriesName]], list[Role]]

_MANY = 3  # points beyond which the number of points says nothing about a role


def assemble(
    files: Sequence[LogFile],
    found: Sequence[tuple[Sequence[int], Tables]],
    own_name: str,
    assign: Assign,
    places: Sequence[Place | None] | None = None,
) -> Logs:
    """One `Logs` of whole families. `found` pairs the tables of a reader with the places of its files in `files`.

    `places` are given where the runs are known beforehand; else folders, names and tags tell.
    """
    tables = newest_only(files, _merge(found))
    scalars = None if tables.scalars is None else series_rows(tables.scalars.cast(scalar_schema()))  # type: ignore[arg-type]
    histograms = None if tables.histograms is None else series_rows(tables.histograms)
    series = [*_series_of(scalars, "scalar"), *_series_of(histograms, "histogram")]
    facts = _facts(files, series, tables)
    if places is None:
        places = place(files, facts, own_name)
    used = places  # fixed from here on
    series, unused = without_repeats(
        files, used, series, lambda some: [role.role for role in assign([_series_name(files, used, [s]) for s in some])]
    )
    told = _less_unused(files, facts, tables.problems, unused)
    _name_series(files, places, series)
    runs = tuple(sorted({where.run for where in places if where}, key=run_order))
    ordered = sorted((s for s in series if s.run), key=lambda s: (run_order(s.run), s.tag, s.kind, s.offset, s.file))
    metrics, roles = _metrics(files, places, ordered, assign, tables.roles)
    points = _points(series, len(files))
    return Logs(
        scalars=placed_scalars(scalars, ordered, roles),
        metrics=metrics,
        histograms=placed_histograms(histograms, ordered),
        hparams=placed_hparams(tables, places, [file.origin or file.name for file in files]),
        texts=placed_texts(tables, places),
        names=runs,
        sources=_sources(files, facts, places, points),
        problems=_problems(files, facts, places, told),
    )


def _less_unused(
    files: Sequence[LogFile], facts: Sequence[Facts], problems: Sequence[Problem], unused: Mapping[int, str]
) -> list[Problem]:
    """The problems, with no more of a file that is not used than the reason."""
    for i in unused:
        facts[i].refused = True
    names = {files[i].name for i in unused}
    told = [Problem(files[i].name, "skipped", reason) for i, reason in unused.items()]
    return [problem for problem in problems if problem.path not in names or problem.kind == "error"] + told


def _merge(found: Sequence[tuple[Sequence[int], Tables]]) -> Tables:
    """The tables of all readers as one, `file` counting over the whole batch."""

    def column(name: str) -> pl.DataFrame | None:
        frames = []
        for places, tables in found:
            frame: pl.DataFrame | None = getattr(tables, name)
            if frame is not None and frame.height:
                index = pl.Series(places, dtype=pl.UInt32)
                frames.append(frame.with_columns(file=index.gather(frame["file"])))
        return pl.concat(frames, how="diagonal_relaxed") if frames else None

    problems = [problem for _, tables in found for problem in tables.problems]
    roles = {(places[file], tag): role for places, tables in found for (file, tag), role in tables.roles.items()}
    return Tables(column("scalars"), column("histograms"), column("hparams"), column("texts"), problems, roles)


def _series_of(rows: SeriesRows | None, kind: str) -> list[Series]:
    """The series of a frame, by file and name."""
    if rows is None:
        return []
    points = rows.counts.tolist()
    axes = rows.first("axis") if kind == "scalar" else ["step"] * len(points)
    columns = (rows.first("file"), rows.first("tag"), points, axes, rows.first("wall_time"), rows.last_segment())
    found = [
        Series(file, tag, kind, count, axis, began, segment, place)
        for place, (file, tag, count, axis, began, segment) in enumerate(zip(*columns, strict=True))
    ]
    return sorted(found, key=lambda one: (one.file, one.name))


def _facts(files: Sequence[LogFile], series: Iterable[Series], tables: Tables) -> list[Facts]:
    facts = [Facts() for _ in files]
    tags: dict[int, set[str]] = defaultdict(set)
    for one in series:
        tags[one.file].add(one.name)
        facts[one.file].longest = max(facts[one.file].longest, one.points)
    for i, names in tags.items():
        facts[i].tags = frozenset(names)
    for i in _files_in(tables.hparams):
        facts[i].hparams = True
    for i in _files_in(tables.texts):
        facts[i].texts = True
    refused = {problem.path for problem in tables.problems if problem.kind == "skipped" and problem.line is None}
    for file, what in zip(files, facts, strict=True):
        what.refused = not what.holds_data and file.name in refused
    return facts


def _files_in(frame: pl.DataFrame | None) -> list[int]:
    return [] if frame is None else frame["file"].unique().to_list()


def _name_series(files: Sequence[LogFile], places: Sequence[Place | None], series: Sequence[Series]) -> None:
    """Give every series its run, its tag and the number its restarts count from."""
    by_run: dict[str, list[tuple[Series, Label]]] = defaultdict(list)
    by_log: dict[tuple[str, str], dict[int, list[Series]]] = defaultdict(lambda: defaultdict(list))
    for one in series:
        where, file = places[one.file], files[one.file]
        if where is None:  # a reader that refuses a file and gives its values all the same
            continue
        one.run = where.run
        last = file.name.rpartition("/")[2] if FORMATS[file.format].prose else ""
        by_run[where.run].append((one, (one.name, where.folder, last, one.kind)))
        if not last:
            by_log[where.run, where.folder][one.file].append(one)
    known: dict[tuple[Label, ...], list[str]] = {}  # the runs of a sweep share their names
    for members in by_run.values():
        keys = tuple([key for _, key in members])
        if keys not in known:
            found = labels(Key(*key) for key in keys)
            known[keys] = [found[Key(*key)] for key in keys]
        for (one, _), tag in zip(members, known[keys], strict=True):
            one.tag = tag
    for logs in by_log.values():
        if len(logs) > 1:
            _number(files, logs)


def _number(files: Sequence[LogFile], logs: dict[int, list[Series]]) -> None:
    offsets = restarts(
        Stretch(
            file,
            files[file].name,
            min((s.began for s in members if s.began is not None and isfinite(s.began)), default=None),
            frozenset(s.name for s in members),
            max(s.last_segment for s in members),
        )
        for file, members in logs.items()
    )
    for file, members in logs.items():
        for one in members:
            one.offset = offsets[file]


def _metrics(
    files: Sequence[LogFile],
    places: Sequence[Place | None],
    ordered: Sequence[Series],
    assign: Assign,
    own: Mapping[tuple[int, str], str | None],
) -> tuple[pl.DataFrame, dict[tuple[str, str], str | None]]:
    """The frame of series, and the role of each (run, tag). Runs with the same series share one look-up.

    `own` are roles that files give to their series by themselves.
    """
    rows: list[tuple[object, ...]] = []
    given: dict[tuple[str, str], str | None] = {}
    known: dict[tuple[tuple[object, ...], ...], list[Role]] = {}
    for run, members in groupby(ordered, key=lambda s: s.run):
        merged = [(tag, list(parts)) for tag, parts in groupby(members, key=lambda s: s.tag)]
        names = [_name_parts(files, places, parts) for _, parts in merged]
        looked_up = tuple([(*name[:4], min(name[4], _MANY), name[5]) for name in names])
        if looked_up not in known:
            known[looked_up] = assign([SeriesName(*name) for name in names])
        for (tag, parts), name, found in zip(merged, names, known[looked_up], strict=True):
            role = _given(found, own, parts[0]) if own else found
            given[run, tag] = role.role
            told = (role.role, role.reason, role.direction, role.stem)
            points = sum(part.points for part in parts)
            rows.append((run, tag, name[0], name[1], *told, parts[0].axis, points))
    return _columns(rows), given


def _columns(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """The frame of series; column by column, which is several times quicker than row by row."""
    values = zip(*rows, strict=True) if rows else ((),) * len(METRICS)
    return pl.DataFrame(
        {name: pl.Series(some, dtype=METRICS[name]) for name, some in zip(METRICS, values, strict=True)}
    )


def _given(role: Role, own: Mapping[tuple[int, str], str | None], series: Series) -> Role:
    """The role that the file gives, where it gives another one than the name tells."""
    told = own.get((series.file, series.name), role.role)
    if told == role.role or (told is not None and not is_role(told)):
        return role
    quantity = (told or "").rpartition("/")[2].partition(":")[0]
    direction: Direction | None = "min" if quantity in ("loss", "perplexity") else "max" if quantity in SCORES else None
    return replace(role, role=told, reason="named in the file", direction=direction)


def _series_name(files: Sequence[LogFile], places: Sequence[Place | None], parts: Sequence[Series]) -> SeriesName:
    return SeriesName(*_name_parts(files, places, parts))


def _name_parts(
    files: Sequence[LogFile], places: Sequence[Place | None], parts: Sequence[Series]
) -> tuple[str, str, str, str, int, str]:
    """The fields of a `SeriesName`: name, folder, file, format, points, kind."""
    file, where = files[parts[0].file], places[parts[0].file]
    last = file.name.rpartition("/")[2]
    infix = FORMATS[file.format].infix
    if infix and infix in last:  # time and host say nothing, and would make every run of a sweep look different
        last = last[: last.index(infix) + len(infix)]
    points = sum(part.points for part in parts) if parts[0].kind == "scalar" else 0
    return parts[0].name, where.folder if where else "", last, file.format, points, parts[0].kind


def _points(series: Iterable[Series], files: int) -> list[int]:
    points = [0] * files
    for one in series:
        if one.kind == "scalar":
            points[one.file] += one.points
    return points


def _sources(
    files: Sequence[LogFile], facts: Sequence[Facts], places: Sequence[Place | None], points: Sequence[int]
) -> tuple[Source, ...]:
    rows = [
        Source(where.run, file.origin or file.name, file.format, file.size, count)
        for file, fact, where, count in zip(files, facts, places, points, strict=True)
        if where and not fact.refused
    ]
    return tuple(sorted(rows, key=lambda source: (run_order(source.run), source.path.split("/"))))


def _homes(files: Sequence[LogFile], places: Sequence[Place | None]) -> dict[str, str]:
    """The run of each folder whose files are all of one run."""
    found: dict[str, set[str]] = defaultdict(set)
    for file, where in zip(files, places, strict=True):
        if where:
            found[file.name.rpartition("/")[0]].add(where.run)
    return {folder: min(runs) for folder, runs in found.items() if len(runs) == 1}


def _beside(problem: Problem) -> str:
    """The folder whose run a problem is told of; an error printed into another file is that of the job."""
    return problem.path.rpartition("/")[0] if problem.kind == "error" else "\0"


def _is_last(path: str, files: Sequence[LogFile]) -> bool:
    """Whether no text log in the same folder with the same ending comes after this one, as that of a resumed job."""
    folder, _, base = path.rpartition("/")
    beside = (file.name.rpartition("/") for file in files if file.format == "text")
    later = (last for where, _, last in beside if where == folder and ending(last) == ending(base))
    return all(_by_number(last) <= _by_number(base) for last in later)


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """Sorting key in which `slurm-9` comes before `slurm-10`."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name[:200])]


def _problems(
    files: Sequence[LogFile], facts: Sequence[Facts], places: Sequence[Place | None], problems: Sequence[Problem]
) -> tuple[Problem, ...]:
    """The readers' problems with the run they belong to, and every file that nothing at all was said about."""
    run_of = {file.name: where.run for file, where in zip(files, places, strict=True) if where}
    told_as = {file.name: file.origin or file.name for file in files}
    home = _homes(files, places)
    told = [
        replace(p, path=told_as.get(p.path, p.path), run=p.run or run_of.get(p.path) or home.get(_beside(p)))
        for p in problems
        if p.kind != "error" or _is_last(p.path, files)
    ]
    told = [p for p in told if p.kind != "error" or p.run is not None]
    named = {problem.path for problem in told}
    named |= {file.origin for file, where in zip(files, places, strict=True) if where and file.origin}
    silent = [
        Problem(file.origin or file.name, "skipped", "no values in it")
        for file, fact, where in zip(files, facts, places, strict=True)
        if where is None and not fact.holds_data and (file.origin or file.name) not in named
    ]
    return tuple(sorted(told + silent, key=lambda p: (p.path.split("/"), p.offset or 0, p.line or 0)))

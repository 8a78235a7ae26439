"""From frames to flat, ragged arrays: the cleaned series that kernels work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from loglens.facts import facts_of
from loglens.histograms import from_histograms
from loglens.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import Logs


@dataclass(frozen=True, eq=False)
class Ragged:
    """Points of many series, laid end to end. Series i owns `[start[i], start[i] + count[i])` of the flat arrays."""

    start: np.ndarray  # int64 (series,)
    count: np.ndarray  # int64 (series,)
    step: np.ndarray  # int64 (points,)
    value: np.ndarray  # float64 (points,)
    wall: np.ndarray  # float64 (points,), seconds since 1970 or NaN
    segment: np.ndarray  # int32 (points,)

    @cached_property
    def owner(self) -> np.ndarray:
        """Index of the series that owns each point, int64 (points,)."""
        return np.repeat(np.arange(len(self.start)), self.count)

    @cached_property
    def place(self) -> np.ndarray:
        """Position of each point within its series, int64 (points,)."""
        return np.arange(int(self.count.sum())) - np.repeat(self.start, self.count)

    def owners(self, points: np.ndarray) -> np.ndarray:
        """The series that own these points; int64 (points,)."""
        # of several that begin at a point all but the last are empty
        return np.searchsorted(self.start, points, side="right") - 1

    def within(self, edge: np.ndarray) -> np.ndarray:
        """The points before which a condition on neighbours (a point fewer) holds, both of one series."""
        points = np.flatnonzero(edge) + 1
        return points[self.start[self.owners(points)] != points] if len(points) else points

    def select(self, keep: np.ndarray, order: np.ndarray | None = None) -> Ragged:
        """The points where `keep` holds, in `order` (which must not mix series)."""
        chosen = np.flatnonzero(keep) if order is None else order[keep[order]]
        count = np.bincount(self.owner[chosen], minlength=len(self.start)).astype(np.int64)
        return Ragged(
            np.concatenate(([0], np.cumsum(count)[:-1])).astype(np.int64),
            count,
            self.step[chosen],
            self.value[chosen],
            self.wall[chosen],
            self.segment[chosen],
        )

    def take(self, index: np.ndarray) -> Ragged:
        """The series of `index` (-1: an empty one), in that order."""
        known = index >= 0
        count = np.where(known, self.count[index], 0) if len(self.count) else np.zeros(len(index), np.int64)
        first = np.concatenate(([0], np.cumsum(count)[:-1])).astype(np.int64) if len(index) else count
        return _Taken(self, index, first, count)

    def gather(self, flat: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Of an array with an entry a point, the stretches of the series of `index` (-1: none), end to end."""
        mine = index[index >= 0]
        start, end = self.start[mine], self.start[mine] + self.count[mine]
        if len(mine) and np.array_equal(start[1:], end[:-1]):
            return flat[start[0] : end[-1]]
        bounds = zip(start.tolist(), end.tolist(), strict=True)
        return np.concatenate([flat[:0], *(flat[first:end] for first, end in bounds)])

    def followed_by(self, other: Ragged) -> Ragged:
        """These series and then those of `other`."""
        if not len(other.start):
            return self
        pairs = [(getattr(self, name), getattr(other, name)) for name in ("step", "value", "wall", "segment")]
        start = np.concatenate([self.start, other.start + len(self.step)])
        return Ragged(start, np.concatenate([self.count, other.count]), *(np.concatenate(pair) for pair in pairs))


class _Taken(Ragged):
    """Series taken from others; a column is gathered when it is first read, as most rules read one or two."""

    def __init__(self, source: Ragged, index: np.ndarray, start: np.ndarray, count: np.ndarray) -> None:
        for name, value in (("source", source), ("index", index), ("start", start), ("count", count)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in ("step", "value", "wall", "segment"):
            raise AttributeError(name)
        source: Ragged = self.__dict__["source"]
        column = source.gather(getattr(source, name), self.__dict__["index"])
        object.__setattr__(self, name, column)
        return column


class Members(NamedTuple):
    """The series of a run, and the role of each."""

    roles: tuple[str, ...]
    series: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Kind:
    """Runs whose series agree in names, roles, stems and numbers of points."""

    roles: tuple[str, ...]
    tags: tuple[str, ...]
    runs: np.ndarray  # int64 (runs,)
    table: np.ndarray  # int64 (runs, roles), the series of each run


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """The series of a batch that play a role. Arrays named after `Logs.metrics` have one entry a series."""

    runs: tuple[str, ...]
    run: np.ndarray  # int64 (series,), index into runs
    tag: list[str]
    role: list[str]
    stem: list[str]
    axis: list[str]
    direction: list[str | None]
    records: Ragged  # everything that was logged, in the order in which it was logged
    facts: dict[str, np.ndarray] = field(default_factory=dict)  # float64 (runs,) each; strings about groups
    members: tuple[tuple[str, ...], ...] = ()  # where the "runs" are groups: the names of their runs, by step

    @cached_property
    def overwritten(self) -> np.ndarray:
        """Which records a later restart logged again; bool (records,)."""
        return overwritten(self.records)

    @cached_property
    def points(self) -> Ragged:
        """Finite values on rising steps, without what a restart overwrote; of a repeated step the last one counts."""
        records = self.records
        keep = np.isfinite(records.value) & ~self.overwritten
        if not len(records.within(records.step[1:] <= records.step[:-1])):
            return records if keep.all() else records.select(keep)
        order = np.lexsort((np.arange(len(records.step)), records.step, records.owner))
        kept = order[keep[order]]
        owner, step = records.owner[kept], records.step[kept]
        last = np.ones(len(kept), bool)
        last[:-1] = (owner[1:] != owner[:-1]) | (step[1:] != step[:-1])
        keep = np.zeros(len(records.step), bool)
        keep[kept[last]] = True
        return records.select(keep, order)

    @cached_property
    def features(self) -> Parts:
        """Block statistics of `points`, computed once for all series of a role."""
        return Parts(self.points, self.role)

    @cached_property
    def counts(self) -> list[int]:
        """Number of finite points of each series."""
        return self.points.count.tolist()

    def members_of(self, run: int) -> Members:
        """The series of a run, role by role."""
        return self._members.get(run, Members((), ()))

    @cached_property
    def _members(self) -> dict[int, Members]:
        found = {}
        for run, by_role in self.by_run.items():
            mine = tuple(i for members in by_role.values() for i in members)
            found[run] = Members(tuple(self.role[i] for i in mine), mine)
        return found

    @cached_property
    def kinds(self) -> list[Kind]:
        """The runs of the batch, those together that log the same things."""
        alike: dict[tuple[tuple[str, str, str, int], ...], list[int]] = {}
        for run in range(len(self.runs)):
            mine = self.members_of(run).series
            alike.setdefault(tuple((self.role[i], self.tag[i], self.stem[i], self.counts[i]) for i in mine), []).append(
                run
            )
        return [
            Kind(
                tuple(role for role, *_ in names),
                tuple(tag for _, tag, *_ in names),
                np.array(runs, np.int64),
                np.array([self.members_of(run).series for run in runs], np.int64).reshape(len(runs), len(names)),
            )
            for names, runs in alike.items()
        ]

    @cached_property
    def by_run(self) -> dict[int, dict[str, list[int]]]:
        """run index → role → its series, those with most points first."""
        found: dict[int, dict[str, list[int]]] = {}
        count = self.points.count
        for i in np.lexsort((-self.records.count, -count, self.run)):
            found.setdefault(int(self.run[i]), {}).setdefault(self.role[i], []).append(int(i))
        return found


def overwritten(records: Ragged) -> np.ndarray:
    """Which records a later restart of the same series logged again (its first step lies at or before theirs)."""
    lost = np.zeros(len(records.step), bool)
    edge = records.within(records.segment[1:] != records.segment[:-1])
    for series in np.unique(records.owners(edge)):
        first = records.start[series]
        end = first + records.count[series]
        segment, step = records.segment[first:end], records.step[first:end]
        cutoff = np.iinfo(np.int64).max
        for number in np.unique(segment)[::-1]:
            mine = segment == number
            lost[first:end][mine] = step[mine] >= cutoff
            cutoff = min(cutoff, int(step[mine].min()))
    return lost


def series_of(logs: Logs) -> SeriesSet:
    """The series of `logs` that have a role, finer ones standing for coarser copies of the same thing.

    Histograms count as what can be read off them: norms of gradients and weights, shares of zeros and of saturation.
    """
    text = [pl.col(name).cast(pl.String) for name in ("run", "tag", "role", "stem", "axis", "direction")]
    metrics = logs.metrics.with_columns(text).filter(pl.col("role").is_not_null() & (pl.col("points") > 0))
    drawn = pl.col("role").str.starts_with("histogram:")
    derived, scalars = from_histograms(logs.histograms, metrics.filter(drawn))
    known = pl.concat([metrics.filter(~drawn), derived], how="diagonal")
    known = known.sort("points", descending=True, maintain_order=True)
    known = known.unique(["run", "role", "stem"], keep="first", maintain_order=True)
    logged, place = _stretches(logs.scalars)
    read_off, more = _stretches(scalars)
    everything = logged.followed_by(read_off)
    found = {**{key: i + len(place) for key, i in more.items()}, **place}
    index = [
        found[run, source] for run, source in zip(known["run"], known["source"].fill_null(known["tag"]), strict=True)
    ]
    number = {name: i for i, name in enumerate(logs.names)}
    return SeriesSet(
        runs=logs.names,
        run=np.array([number[name] for name in known["run"]], np.int64),
        tag=known["tag"].to_list(),
        role=known["role"].to_list(),
        stem=known["stem"].to_list(),
        axis=known["axis"].to_list(),
        direction=known["direction"].to_list(),
        records=everything.take(np.array(index, np.int64)),
        facts=facts_of(logs, _courses(logged, place)),
    )


def _stretches(scalars: pl.DataFrame) -> tuple[Ragged, dict[tuple[str, str], int]]:
    """Each (run, tag) as one stretch of flat arrays, and where it is found. Rows are sorted only where they must be."""
    run, tag = scalars["run"].to_physical().to_numpy(), scalars["tag"].to_physical().to_numpy()
    edge = np.flatnonzero((run[1:] != run[:-1]) | (tag[1:] != tag[:-1])) + 1
    start = np.concatenate(([0], edge)).astype(np.int64) if len(run) else np.zeros(0, np.int64)
    heads = scalars[start].select(pl.col("run", "tag").cast(pl.String))
    place = {key: i for i, key in enumerate(heads.iter_rows())}
    if len(place) < len(start):
        return _stretches(scalars.sort("run", "tag", maintain_order=True))
    records = Ragged(
        start,
        np.diff(start, append=len(run)).astype(np.int64),
        scalars["step"].fill_null(0).to_numpy(),
        scalars["value"].fill_null(float("nan")).to_numpy(),
        _times(scalars["wall_time"]),
        scalars["segment"].fill_null(0).to_numpy(),
    )
    return records, place


def _times(wall: pl.Series) -> np.ndarray:
    """NaN where no time was logged; where none was at all, one NaN stands for all of them."""
    if wall.null_count() == len(wall):
        return np.broadcast_to(np.float64("nan"), (len(wall),))
    return wall.fill_null(float("nan")).to_numpy()


def _courses(logged: Ragged, place: Mapping[tuple[str, str], int]) -> pl.DataFrame:
    """Last step, last segment and number of records of every (run, tag), which are in the order of `logged`."""
    last = {
        name: np.maximum.reduceat(column, logged.start) if len(column) else column
        for name, column in (("step", logged.step), ("segment", logged.segment))
    }
    names = pl.DataFrame(list(place), schema={"run": pl.String, "tag": pl.String}, orient="row")
    return names.with_columns(pl.Series(name, column) for name, column in {**last, "len": logged.count}.items())

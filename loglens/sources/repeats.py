"""What a run says twice: a curve printed for people and written for machines, last values beside their curve."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from loglens.sources.columns import bare
from loglens.sources.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loglens.sources.base import LogFile
    from loglens.sources.placing import Series
    from loglens.sources.runs import Place

_ENOUGH = 0.5  # of the printed points, that the other log has
_CURVE = 3  # points
_LAST = "last values only, of the curves in {}"
_ASIDE = frozenset({None, "epoch", "throughput", "step_time", "memory"})  # roles that make no log by themselves


def without_repeats(
    files: Sequence[LogFile],
    places: Sequence[Place | None],
    series: Sequence[Series],
    role_of: Callable[[Sequence[Series]], Sequence[str | None]],
) -> tuple[list[Series], dict[int, str]]:
    """The series less those that a text log repeats of another log of its run; text logs that are not used, and why.

    A curve is the same when the names agree, or the roles. A text log that has lost all that is judged is not used.
    """
    by_run: dict[str, tuple[list[Series], list[Series]]] = defaultdict(lambda: ([], []))
    for one in series:
        where = places[one.file]
        if where is not None and one.kind == "scalar":
            by_run[where.run][FORMATS[files[one.file].format].printed].append(one)
    gone: set[int] = set()
    unused: dict[int, str] = {}
    for better, printed in by_run.values():
        if better and printed:
            roles = role_of([*better, *printed])
            lost = _repeated(better, roles[: len(better)], printed, roles[len(better) :])
            gone |= {id(one) for one in lost}
            unused |= _unused(files, better, printed, roles[len(better) :], lost, gone)
        last = _last_values(files, places, better)
        if last:
            lone = [one for one in better if one.file in {one.file for one in last}]
            gone |= {id(one) for one in last}
            unused |= _unused(files, better, lone, role_of(lone), last, gone, _LAST)
    return [one for one in series if id(one) not in gone], unused


def _last_values(files: Sequence[LogFile], places: Sequence[Place | None], series: Sequence[Series]) -> list[Series]:
    """The series of documents of one record (`metrics.json`) that another file of the run has as a curve."""

    def called(one: Series) -> str:
        where = places[one.file]
        return f"{where.folder}/{one.name}".lstrip("/") if where else one.name

    longest: dict[int, int] = defaultdict(int)
    curves: set[str] = set()
    for one in series:
        longest[one.file] = max(longest[one.file], one.points)
        if one.points >= _CURVE:
            curves.add(called(one))
    alone = {file for file, points in longest.items() if points == 1 and files[file].format == "json"}
    return [one for one in series if one.file in alone and called(one) in curves]


def _repeated(
    better: Sequence[Series],
    roles: Sequence[str | None],
    printed: Sequence[Series],
    printed_roles: Sequence[str | None],
) -> list[Series]:
    most: dict[str, int] = defaultdict(int)
    for one, role in zip(better, roles, strict=True):
        for key in (bare(one.name), f"role {role}" if role else ""):
            most[key] = max(most[key], one.points)
    return [
        one
        for one, role in zip(printed, printed_roles, strict=True)
        if max(most.get(bare(one.name), 0), most.get(f"role {role}", 0) if role else 0) >= _ENOUGH * one.points
    ]


def _unused(
    files: Sequence[LogFile],
    better: Sequence[Series],
    printed: Sequence[Series],
    roles: Sequence[str | None],
    lost: Sequence[Series],
    gone: set[int],
    what: str = "a text log that repeats {}, which counts instead",
) -> dict[int, str]:
    """Files all of whose curves are in other logs, said; what is left of them goes too."""
    left = {one.file for one, role in zip(printed, roles, strict=True) if id(one) not in gone and role not in _ASIDE}
    left_out = {one.file for one in lost}
    source = next((files[one.file] for one in better if one.file not in left_out), files[better[0].file])
    said = {}
    for place in sorted({one.file for one in lost} - left):
        gone |= {id(one) for one in printed if one.file == place}
        said[place] = what.format((source.origin or source.name).rpartition("/")[2])
    return said

"""Which runs belong together: repetitions that differ in fold or seed, and sweeps over hyper-parameters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from loglens.settings import is_seed, masked, settings_of, varied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loglens.model import RunReport

Kind = Literal["folds", "sweep", "restarts"]
MOST_SWEEPS = 32  # kinds of runs in one folder that are looked at; a folder of more is a heap, not a sweep
SHARED = 0.5  # share of names that two runs must have in common to be of one experiment


class Together(NamedTuple):
    """Runs that belong together; `name` is the same when the group is analysed again."""

    kind: Kind
    runs: tuple[RunReport, ...]
    name: str
    text: str = ""  # what the group is, where its kind does not say it all


def groups_of(runs: Sequence[RunReport]) -> tuple[Together, ...]:
    """Every group of at least two runs: folds and seeds first, then sweeps, then restarts, each by name.

    Folds: names equal but for a fold or seed number, or, in one folder, hyper-parameters equal but for those. Sweep: in
    one folder, the same metrics, other hyper-parameters. Restarts: one training, gone on with in further folders. Runs
    that merely lie side by side are no group. A run may be in one group of each kind.
    """
    runs = sorted(runs, key=lambda run: run.run)
    told = {run.run: settings_of(run) for run in runs}
    named = _by_name(runs)
    taken = {run.run for group in named for run in group.runs}
    rest = [run for run in runs if run.run not in taken]
    folds = [*named, *_by_settings(rest, told)]
    return (*sorted(folds, key=lambda g: g.name), *_sweeps(runs, told), *_restarts(runs))


def _by_name(runs: Sequence[RunReport]) -> list[Together]:
    found: dict[str, list[RunReport]] = {}
    for run in runs:
        if (name := masked(run.run)) != run.run:
            found.setdefault(name, []).append(run)
    return [Together("folds", tuple(members), name) for name, members in found.items() if len(members) > 1]


def _by_settings(runs: Sequence[RunReport], told: Mapping[str, Mapping[str, str]]) -> Iterator[Together]:
    """Runs of one folder whose settings name a seed or fold and are otherwise the same."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[RunReport]] = {}
    for run in runs:
        settings = told[run.run]
        same = tuple(sorted((name, value) for name, value in settings.items() if not is_seed(name)))
        if len(same) < len(settings):
            found.setdefault((_parent(run), same), []).append(run)
    for (parent, same), members in found.items():
        again = [{name: v for name, v in told[run.run].items() if is_seed(name)} for run in members]
        if len(members) > 1 and any(one != again[0] for one in again):
            yield Together("folds", tuple(members), _name(parent, dict(same)))


def _sweeps(runs: Sequence[RunReport], told: Mapping[str, Mapping[str, str]]) -> Iterator[Together]:
    folders: dict[str, list[RunReport]] = {}
    for run in runs:
        if _tags(run) and any(not is_seed(name) for name in told[run.run]):
            folders.setdefault(_parent(run), []).append(run)
    for parent in sorted(folders):
        left = folders[parent]
        for number in range(MOST_SWEEPS):
            if len(left) < 2:
                break
            members, left = _alike(left, told)
            if len(members) > 1 and varied([told[run.run] for run in members]):
                yield Together("sweep", tuple(members), f"{parent}/* ({number})" if number else f"{parent}/*")


def _restarts(runs: Sequence[RunReport]) -> Iterator[Together]:
    from loglens.groupfacts import short_names
    from loglens.restarts import chains, story  # needs NumPy, which groups by name do not

    for chain in chains(runs):
        yield Together("restarts", chain, f"{_parent(chain[0])}/{chain[0].run}", story(chain, short_names(chain)))


def _alike(runs: Sequence[RunReport], told: Mapping[str, Mapping[str, str]]) -> tuple[list[RunReport], list[RunReport]]:
    """The runs like the most frequent kind, in metrics and in the names of their settings; and the others."""
    kinds = {run.run: (_tags(run), frozenset(told[run.run])) for run in runs}
    counted = Counter(kinds.values())
    model = max(counted, key=lambda kind: (counted[kind], sorted(kind[0]), sorted(kind[1])))
    fits = {
        kind: kind == model or all(_overlap(a, b) >= SHARED for a, b in zip(kind, model, strict=True))
        for kind in counted
    }
    return [r for r in runs if fits[kinds[r.run]]], [r for r in runs if not fits[kinds[r.run]]]


def _tags(run: RunReport) -> frozenset[str]:
    return frozenset(metric.tag for metric in run.metrics if metric.role is not None)


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def _parent(run: RunReport) -> str:
    return run.run.rpartition("/")[0]


def _name(parent: str, same: Mapping[str, str]) -> str:
    shown = ",".join(f"{name}={value}" for name, value in same.items())
    return f"{parent}/* {shown}".strip()

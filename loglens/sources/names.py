"""From the names of a run's series to roles: what each name says by itself, settled by its neighbours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loglens.sources import facts as about
from loglens.sources.columns import is_metric
from loglens.sources.reading import LONGEST_NAME, Reading, read_name, split_of
from loglens.sources.roletable import RoleTable, load_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import Direction
    from loglens.sources.facts import Facts

__all__ = ["Role", "RoleTable", "SeriesName", "assign_roles", "load_table"]

LOOKED_AT = 20_000  # names of one run whose role is looked for, unless somebody gave roles
UNSEEN = f"the run has more than {LOOKED_AT} names: this one was not looked at"
_COUNTER = re.compile(r"(?:.*[/._ ])?(?:iterations|iters|batches|updates)", re.IGNORECASE)  # `time/iterations`


@dataclass(frozen=True, slots=True)
class SeriesName:
    """One series of one run, as far as its name goes.

    name    as logged                       file    file name (`learn_error.tsv`)
    folder  sub-folder of the run it came from, POSIX, "" for the run's own
    format  tensorboard, csv, jsonl, …      points  number of scalar records, 0 for a histogram series
    """

    name: str
    folder: str
    file: str
    format: str
    points: int
    kind: str = "scalar"


@dataclass(frozen=True, slots=True)
class Role:
    """`reason` is a clause for people; `stem` is the name less its split words, which pairs train with val."""

    role: str | None
    reason: str
    direction: Direction | None
    stem: str


@dataclass(frozen=True, slots=True)
class Item:
    """A series with what its name says and the split that its name, folder or file gives."""

    name: str
    file: str
    kind: str
    reading: Reading
    split: str | None
    split_why: str


def assign_roles(series: Sequence[SeriesName], table: RoleTable) -> list[Role]:
    """The roles of the series of one run, in order. Of very many only some are looked at, those with telling names."""
    if len(series) > LOOKED_AT and not table.user:
        telling = sorted(range(len(series)), key=lambda place: not is_metric(series[place].name))[:LOOKED_AT]
        found = dict(zip(telling, assign_roles([series[place] for place in telling], table), strict=True))
        return [found.get(place) or Role(None, UNSEEN, None, one.name) for place, one in enumerate(series)]
    file_splits = _file_splits(series, table)
    items = [_item(s, table, file_splits.get(s.file)) for s in series]
    facts = about.gather(items, table)
    return [_user_role(s, item, table) or _role(item, facts, table) for s, item in zip(series, items, strict=True)]


def _file_splits(series: Sequence[SeriesName], table: RoleTable) -> dict[str, str]:
    """Splits named by text files, where a run has files that differ in it: one `test_run.csv` alone says nothing."""
    files = {s.file for s in series if s.format != "tensorboard"}
    found = {file: split_of(table, file) for file in files} if len(files) > 1 else {}
    return {f: split for f, split in found.items() if split} if len(set(found.values())) > 1 else {}


def _item(series: SeriesName, table: RoleTable, file_split: str | None) -> Item:
    folder = series.folder[-LONGEST_NAME:].rpartition("/")[2]
    stem = series.name[:LONGEST_NAME].replace("/", "_").replace(" ", "_") + "_"
    # `add_scalars("Loss", {"val": …})` writes the tag Loss into a folder Loss_val.
    name = f"{series.name}/{folder[len(stem) :]}" if folder.startswith(stem) else series.name
    reading = read_name(table, name)
    if reading.split:
        return Item(series.name, series.file, series.kind, reading, reading.split, f"'{reading.split_word}'")
    for part in reversed(series.folder[-LONGEST_NAME:].split("/")):
        if part and (found := split_of(table, part)):
            return Item(series.name, series.file, series.kind, reading, found, f"the folder '{part}'")
    why = f"the file '{series.file[-LONGEST_NAME:]}'" if file_split else ""
    return Item(series.name, series.file, series.kind, reading, file_split, why)


def _user_role(series: SeriesName, item: Item, table: RoleTable) -> Role | None:
    tag = f"{series.folder}/{series.name}" if series.folder else series.name
    user = table.user_role(series.name, tag, f"{series.file}::{series.name}") if table.user else None
    if user is None:
        return None
    ours = item.reading.quantity.direction if item.reading.quantity else None
    wanted = user.role is not None and user.role.endswith("/metric")
    direction = user.direction or (ours if wanted else None)
    return Role(user.role, f"your pattern '{user.glob}'", direction, item.reading.stem)


def _role(item: Item, facts: Facts, table: RoleTable) -> Role:
    quantity, stem = item.reading.quantity, item.reading.stem
    if item.kind == "histogram":
        return _histogram(item, table)
    for framework in facts.frameworks:
        if item.name in framework.exact:
            role = framework.exact[item.name]
            return Role(role, f"a column of {framework.name}", table.direction_of(role), stem)
    if quantity is None:
        noise = item.reading.noise
        return _nothing(item, f"'{noise}' makes it no quantity that rules judge" if noise else "unknown name")
    if not quantity.when <= facts.names:
        return _nothing(item, "unknown name")
    if quantity.role == "loss" or quantity.stands_in:
        return _loss(item, facts, table)
    if quantity.role == "kl" and facts.latent and not facts.rl and "approx" not in item.reading.words:
        return _part(item, facts.split(item) or "train", "a term of the loss of a latent-variable model")
    return _score(item, facts, quantity.role, quantity.direction) if quantity.split else _plain(item, facts)


def _nothing(item: Item, reason: str) -> Role:
    return Role(None, reason, None, item.reading.stem)


def _histogram(item: Item, table: RoleTable) -> Role:
    for role, words in table.histograms:
        if found := next((w for w in sorted(item.reading.words) if w in words), None):
            return Role(role, f"'{found}' names what is counted", None, item.reading.stem)
    return _nothing(item, "a histogram of something unknown")


def _plain(item: Item, facts: Facts) -> Role:
    """A role without a split."""
    reading, quantity = item.reading, item.reading.quantity
    assert quantity is not None
    if quantity.role in ("throughput", "step_time") and facts.split(item) in ("val", "test"):
        return _nothing(item, f"the speed of the evaluation: {item.split_why}")
    if quantity.role == "step_time" and _COUNTER.fullmatch(item.name):
        return _nothing(item, "a counter")
    named = reading.named
    if quantity.rest != "layer":
        return Role(quantity.role, f"'{named}' names the quantity", quantity.direction, reading.stem)
    if not reading.rest:
        whole = quantity.role.endswith("_fraction")  # these exist per layer only
        return Role(quantity.role + ":all" * whole, f"'{named}' names the quantity", quantity.direction, reading.stem)
    return Role(f"{quantity.role}:{reading.rest}", f"'{named}' of '{reading.rest}'", quantity.direction, reading.stem)


def _score(item: Item, facts: Facts, role: str, direction: Direction | None) -> Role:
    split, why = facts.score_split(item)
    return Role(f"{split}/{role}", f"{why}, '{item.reading.named}' the quantity", direction, item.reading.stem)


def _part(item: Item, split: str, why: str) -> Role:
    return Role(f"{split}/loss:{item.reading.rest}", why, "min", item.reading.stem)


def _loss(item: Item, facts: Facts, table: RoleTable) -> Role:
    reading, quantity = item.reading, item.reading.quantity
    assert quantity is not None
    explicit = quantity.role == "loss" and not quantity.stands_in
    if explicit and (own := facts.own_role(reading)):
        return Role(own, f"'{reading.rest or 'loss'}' in {facts.kind(own)} run", None, reading.stem)
    if facts.rl and quantity.role == "loss" and not explicit:
        return _nothing(item, f"'{reading.named}' is not clear in a reinforcement-learning run")
    split, why = facts.split(item) or "train", facts.split_why(item)
    if facts.is_whole(item):
        direction: Direction | None = None if reading.matched & table.sets["signless"] else "min"
        what = "'loss' the quantity" if explicit and not reading.rest else f"'{reading.rest}' the only loss"
        return Role(f"{split}/loss", f"{why}, {what}", direction, reading.stem)
    if quantity.role == "loss":
        return _part(item, split, f"{why}, '{reading.rest}' a part of the loss")
    return _score(item, facts, "metric", quantity.direction)

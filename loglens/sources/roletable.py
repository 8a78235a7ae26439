"""The knowledge of roles.yaml, compiled, and the user's own patterns before it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, cast

from loglens.errors import ConfigError
from loglens.patterns import compiled
from loglens.sources.words import Vocabulary, plain

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from loglens.model import Direction
    from loglens.patterns import Expression

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One entry of `quantities:` in roles.yaml, where each field is explained."""

    role: str
    any: tuple[frozenset[str], ...]
    unless: frozenset[str] = frozenset()
    exact: frozenset[str] | None = None
    when: frozenset[str] = frozenset()
    direction: Direction | None = None
    rest: Literal["layer", "part", ""] = ""
    natural: Literal["val", ""] = ""
    stands_in: int = 0
    split: bool = False
    noisy: bool = False
    first: bool = False

    def bag_in(self, words: frozenset[str]) -> frozenset[str] | None:
        """The first of `any` that is all in `words`."""
        for bag in self.any:
            if bag <= words:
                return bag
        return None


@dataclass(frozen=True, slots=True)
class Framework:
    """A habit of a framework: when a run has all names of `when` (and a `file`), `exact` names have these roles."""

    name: str
    when: frozenset[str]
    exact: Mapping[str, str]
    file: str = ""
    heldout_paths: bool = False

    def fits(self, names: frozenset[str], files: frozenset[str]) -> bool:
        """Do the names and files of a run show this framework?"""
        return self.when <= names and (not self.file or any(self.file in file for file in files))


@dataclass(frozen=True, slots=True)
class UserRole:
    """A pattern of the user, which wins over everything else. `role` None takes the role away."""

    glob: str
    pattern: re.Pattern[str] | Expression
    role: str | None
    direction: Direction | None


@dataclass(frozen=True, eq=False)
class RoleTable:
    """What `load_table` gives and `assign_roles` takes. `sets` are the plain word lists of roles.yaml by name."""

    vocabulary: Vocabulary
    quantities: tuple[Quantity, ...]
    split_of: Mapping[str, str]
    edge_split_of: Mapping[str, str]
    sets: Mapping[str, frozenset[str]]
    loss_roles: Mapping[str, Mapping[str, frozenset[str]]]
    histograms: tuple[tuple[str, frozenset[str]], ...]
    frameworks: tuple[Framework, ...]
    user: tuple[UserRole, ...] = ()

    @cached_property
    def _by_word(self) -> Mapping[str, tuple[int, ...]]:
        pairs = [(word, i) for i, q in enumerate(self.quantities) for bag in q.any for word in bag]
        return {word: tuple(i for w, i in pairs if w == word) for word, _ in pairs}

    def speaking_of(self, words: frozenset[str]) -> list[Quantity]:
        """The quantities that any of the words could name, in their order."""
        return [self.quantities[i] for i in sorted({i for w in words for i in self._by_word.get(w, ())})]

    def user_role(self, *names: str) -> UserRole | None:
        """The first pattern of the user that matches one of the names of a series."""
        return next((u for u in self.user if any(u.pattern.match(n) for n in names)), None)

    @cached_property
    def families(self) -> frozenset[str]:
        """Every role without its part or layer, with its splits: what a user's pattern may name."""
        bare = {q.role for q in self.quantities if not q.split} | set(self.loss_roles) | {h for h, _ in self.histograms}
        return frozenset(bare | {f"{split}/{q.role}" for q in self.quantities if q.split for split in SPLITS})

    def direction_of(self, role: str) -> Direction | None:
        """The direction every role of this family has, if it has one."""
        name = role.partition(":")[0].rpartition("/")[2]
        return next((q.direction for q in self.quantities if q.role == name and name != "metric"), None)


def load_table(extra: Mapping[str, str] | None = None) -> RoleTable:
    """Our table, with the user's patterns on tags before it: globs, or expressions after `re:`.

    A role is one of the vocabulary, with `:part` or `:layer` where it takes one, `val/metric:min` or `:max` to give a
    score its direction, or `none`. ConfigError names an unknown one.
    """
    ours = _our_table()
    return replace(ours, user=tuple(_user_role(ours, glob, role) for glob, role in (extra or {}).items()))


def _user_role(table: RoleTable, glob: str, role: str) -> UserRole:
    try:
        pattern = compiled(glob)
    except ValueError as error:
        raise ConfigError(f"roles: {glob!r}: {error}") from None
    family, _, detail = role.partition(":")
    if role == "none":
        return UserRole(glob, pattern, None, None)
    if role not in table.families and family not in table.families:
        near = difflib.get_close_matches(role, sorted(table.families), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"roles: {glob!r}: there is no role {role!r}{hint}")
    if family.endswith("/metric"):
        return UserRole(glob, pattern, family, cast("Direction", detail) if detail in ("min", "max") else None)
    return UserRole(glob, pattern, role, table.direction_of(role))


@lru_cache(maxsize=1)
def _our_table() -> RoleTable:
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar is a string: no `on`, `1e-3` or `null`
    text = files("loglens.sources").joinpath("roles.yaml").read_text(encoding="utf-8")
    return _compile(yaml.load(text, Loader=loader))


def _compile(data: Mapping[str, Any]) -> RoleTable:
    spelling = {plain(k): tuple(v.split()) for k, v in data["words"].items()}
    spell = Vocabulary(frozenset(), spelling, {})
    phrases = {tuple(spell.canonical(k)): tuple(v.split()) for k, v in data["phrases"].items()}
    lists = {k: v for k, v in data.items() if isinstance(v, list) and isinstance(v[0], str)}
    split_of = {plain(word): split for split, words in data["splits"].items() for word in words}
    table = RoleTable(
        vocabulary=spell,
        quantities=tuple(_quantity(q, spell) for q in data["quantities"]),
        split_of=split_of,
        edge_split_of=data["edge_splits"],
        sets={k: frozenset(w for x in v for w in spell.canonical(plain(x))) for k, v in lists.items()},
        loss_roles={r: {k: frozenset(v) for k, v in spec.items()} for r, spec in data["loss_roles"].items()},
        histograms=tuple((h["role"], frozenset(h["any"])) for h in data["histograms"]),
        frameworks=tuple(_framework(f) for f in data["frameworks"]),
    )
    rates = _rates(data["rates"], spell)
    vocabulary = Vocabulary(
        _known(table, spelling, phrases), spelling, phrases | rates, frozenset(rates.values()), tuple(data["endings"])
    )
    return replace(table, vocabulary=vocabulary)


def _known(table: RoleTable, spelling: Mapping[str, tuple[str, ...]], phrases: Mapping[Any, Any]) -> frozenset[str]:
    """Every word of two letters or more that the table mentions: names are cut along these."""
    bags = [bag for q in table.quantities for bag in q.any] + [words for _, words in table.histograms]
    bags += [words for spec in table.loss_roles.values() for words in spec.values()]
    words = {*spelling, *table.split_of}.union(
        *spelling.values(), *phrases, *phrases.values(), *table.sets.values(), *bags
    )
    return frozenset(w for w in words if len(w) > 1 and not w.isdigit())


def _rates(data: Mapping[str, Sequence[str]], spell: Vocabulary) -> dict[tuple[str, ...], tuple[str, ...]]:
    """`tokens per second`, `img/s`, `sec per iter`: phrases made of a unit and a time."""
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}
    # Without "per" it may still be a time: `time_this_iter_s`.
    for between, rate in (("", "rate_of_time"), ("per ", "rate_per_time")):
        for time in data["times"]:
            phrases |= {tuple(spell.canonical(f"{unit} {between}{time}")): (rate,) for unit in data["units"]}
        for time in [*data["times"], *data["short_times"]]:
            phrases |= {tuple(spell.canonical(f"{time} {between}{unit}")): ("time_per_step",) for unit in data["steps"]}
    return phrases


def _quantity(data: Mapping[str, Any], spell: Vocabulary) -> Quantity:
    options: dict[str, Any] = {k: data[k] for k in ("direction", "rest", "natural") if k in data}
    options |= {k: data.get(k) == "true" for k in ("split", "noisy", "first")}
    return Quantity(
        role=data["role"],
        any=tuple(frozenset(spell.canonical(bag)) for bag in data["any"]),
        unless=frozenset(w for x in data.get("unless", ()) for w in spell.canonical(x)),
        exact=frozenset(data["exact"]) if "exact" in data else None,
        when=frozenset(data.get("when", ())),
        stands_in=int(data.get("stands_in", 0)),
        **options,
    )


def _framework(data: Mapping[str, Any]) -> Framework:
    paths = data.get("heldout_paths") == "true"
    return Framework(data["name"], frozenset(data["when"]), dict(data.get("exact", {})), data.get("file", ""), paths)

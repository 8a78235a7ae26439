"""What the names of a run say together: which losses are whole, is it a GAN or an agent, which split is `test`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loglens.sources.names import Item
    from loglens.sources.reading import Reading
    from loglens.sources.roletable import Framework, RoleTable

Key = frozenset[str]  # the words of a loss that are neither "loss", nor a split, nor a filler; empty for the whole
WHOLE: Key = frozenset()
_AGENT_ROLES = ("reward", "episode_length", "explained_variance")
_AGENT_LOSSES = ("policy_loss", "value_loss")


@dataclass(frozen=True)
class Facts:
    """See the module. `losses` holds the keys of the losses that say "loss", by split."""

    table: RoleTable
    names: frozenset[str]
    frameworks: tuple[Framework, ...]
    has_val: bool
    rl: bool
    gan: bool
    latent: bool
    bare_loss: Key | None
    bare_loss_role: str | None
    losses: Mapping[str, frozenset[Key]]
    stand_ins: Mapping[str, Key]
    weak_stand_in: Key | None
    held_stems: frozenset[str]
    held_scores: frozenset[str]
    split_losses: bool

    def split(self, item: Item) -> str | None:
        """What the name, folder or file gives; `test` is the validation set where no other held-out one is."""
        return "val" if item.split == "test" and not self.has_val else item.split

    def split_why(self, item: Item) -> str:
        """The clause for people about the split."""
        if item.split is None:
            return "no split named, so training"
        if item.split == "test" and not self.has_val:
            return f"{item.split_why} names the only held-out split"
        return f"{item.split_why} names the {'training' if item.split == 'train' else 'held-out'} split"

    def score_split(self, item: Item) -> tuple[str, str]:
        """Split of a score, and why. A bare score is held out by its group, its nature or the habit of the run."""
        found, reading = self.split(item), item.reading
        if found:
            return found, self.split_why(item)
        if reading.stem in self.held_stems:
            return "train", "its twin is held out, so training"
        if reading.words & self.table.sets["heldout_groups"]:
            return "val", f"'{min(reading.words & self.table.sets['heldout_groups'])}' groups held-out scores"
        if reading.path and any(f.heldout_paths for f in self.frameworks):
            return "val", "scores with a path are held out in this framework"
        natural = reading.quantity.natural if reading.quantity else ""
        if natural == "val" and not reading.matched & self.held_scores:
            return "val", "usually measured on held-out data"
        if self.split_losses:
            return "val", "the losses name their splits and this score does not, so held out"
        return "train", "no split named, so training"

    def own_role(self, reading: Reading) -> str | None:
        """The role of a loss of an agent, a generator or a discriminator, or of the entropy among an agent's losses."""
        if reading.rest_words == self.bare_loss:
            return self.bare_loss_role
        if self.rl and "entropy" in reading.rest_words and "coef" not in reading.words:
            return "entropy"
        return _own_role(reading, self.table, self.rl, self.gan)

    def kind(self, role: str) -> str:
        """The kind of run a role belongs to, for people."""
        return "an adversarial" if role.startswith(("gen", "disc")) else "a reinforcement-learning"

    def is_whole(self, item: Item) -> bool:
        """Is this series the loss, rather than a part of it or one score among others?"""
        quantity, split = item.reading.quantity, self.split(item) or "train"
        if quantity is None:
            return False
        key = item.reading.rest_words
        if not quantity.stands_in:
            return self._whole(split, key)
        if quantity.stands_in == 1:
            return not self.losses.get(split) and self.stand_ins.get(split) == key
        return key == self.weak_stand_in

    def _whole(self, split: str, key: Key) -> bool:
        own, train = self.losses.get(split, frozenset()), self.losses.get("train", frozenset())
        if not key or WHOLE in own or self.rl or self.gan:
            return not key
        if split != "train" and key in train:
            return self._whole("train", key)
        side = self.table.sets["side_terms"]
        if split != "train" and train and _apart(own, train) and not key <= side:
            return True  # one held-out loss for each evaluation set, named after it
        return key == _only(own, side)


# A run may have thousands of losses, and each asks the same.


@lru_cache(maxsize=64)
def _apart(own: frozenset[Key], train: frozenset[Key]) -> bool:
    return own.isdisjoint(train)


@lru_cache(maxsize=64)
def _only(own: frozenset[Key], side: frozenset[str]) -> Key | None:
    """The one loss that is no side term, or that is alone with them."""
    whole = [key for key in own if not key <= side] or list(own)
    return whole[0] if len(whole) == 1 else None


def gather(items: Sequence[Item], table: RoleTable) -> Facts:
    """All of it, from the items of one run."""
    scalars = [i for i in items if i.kind != "histogram" and i.reading.quantity is not None]
    held = [i for i in scalars if i.split in ("val", "test")]
    names = frozenset(i.name for i in items)
    has_val = any(i.split == "val" for i in scalars)
    losses = [i for i in scalars if _explicit(i.reading)]
    letters = frozenset(w for i in losses for w in i.reading.rest_words)
    rl = any(_speaks_of_agent(i.reading, table) for i in scalars)
    gan = not rl and _both_players(letters, table)
    plain = [i for i in losses if _own_role(i.reading, table, rl, gan) is None]
    by_split = _keys(plain, has_val)
    lonely = rl and len(plain) == len(losses) and by_split.keys() == {"train"} and len(by_split["train"]) == 1
    return Facts(
        table=table,
        names=names,
        frameworks=tuple(f for f in table.frameworks if f.fits(names, frozenset(i.file for i in items))),
        has_val=has_val,
        rl=rl,
        gan=gan,
        latent=any(i.reading.words & table.sets["latent"] for i in items),
        bare_loss=next(iter(by_split["train"])) if lonely else None,
        bare_loss_role=_bare_loss_role(items, table) if lonely else None,
        losses=by_split,
        stand_ins={} if rl else _strong(scalars, has_val),
        weak_stand_in=None if rl or losses else _weak(scalars),
        held_stems=frozenset(i.reading.stem for i in held),
        held_scores=frozenset(w for i in held for w in i.reading.matched),
        split_losses=_losses_are_split(losses),
    )


def _explicit(reading: Reading) -> bool:
    return reading.quantity is not None and reading.quantity.role == "loss" and not reading.quantity.stands_in


def _speaks_of_agent(reading: Reading, table: RoleTable) -> bool:
    role = reading.quantity.role if reading.quantity else ""
    says_policy = _explicit(reading) and bool(reading.rest_words & table.loss_roles["policy_loss"]["words"])
    return role in _AGENT_ROLES or says_policy or (role == "kl" and "approx" in reading.words)


def _both_players(words: Key, table: RoleTable) -> bool:
    players = [table.loss_roles[role] for role in ("generator_loss", "discriminator_loss")]
    return all(words & (spec["words"] | spec["letters"]) for spec in players)


def _own_role(reading: Reading, table: RoleTable, rl: bool, gan: bool) -> str | None:
    words = reading.rest_words
    for role, spec in table.loss_roles.items():
        agent = role in _AGENT_LOSSES
        if agent and gan:
            continue
        if not agent and words & table.sets["side_terms"]:
            continue  # the gradient penalty of a discriminator is not its loss
        telling = spec["words"] | (spec["letters"] if (rl if agent else gan) else frozenset())
        if words & telling:
            return role
    return None


def _keys(losses: Sequence[Item], has_val: bool) -> Mapping[str, frozenset[Key]]:
    found: dict[str, set[Key]] = defaultdict(set)
    for item in losses:
        found[_split(item, has_val)].add(item.reading.rest_words)
    return {split: frozenset(keys) for split, keys in found.items()}


def _split(item: Item, has_val: bool) -> str:
    return "val" if item.split == "test" and not has_val else item.split or "train"


def _bare_loss_role(items: Sequence[Item], table: RoleTable) -> str | None:
    """The only loss of an agent that is rewarded as it trains is that of its policy, or of its values (DQN)."""
    trained = [i.reading.quantity for i in items if i.split in (None, "train")]
    rewarded = any(q is not None and q.role == "reward" for q in trained)
    if not rewarded:
        return None
    return "value_loss" if any(i.reading.words & table.sets["value_based"] for i in items) else "policy_loss"


def _strong(scalars: Sequence[Item], has_val: bool) -> Mapping[str, Key]:
    """The likelihood or cross-entropy of each split that has fewest further words."""
    found: dict[str, Key] = {}
    for item in scalars:
        if item.reading.quantity is not None and item.reading.quantity.stands_in == 1:
            split, key = _split(item, has_val), item.reading.rest_words
            found[split] = min(found.get(split, key), key, key=_rank)
    return found


def _weak(scalars: Sequence[Item]) -> Key | None:
    """The regression error that was trained on, where nothing is called a loss: squared before absolute."""
    readings = [i.reading for i in scalars if i.split in (None, "train")]
    ranks = [(r.quantity.stands_in, r.rest_words) for r in readings if r.quantity and r.quantity.stands_in]
    best = min(ranks, key=lambda rank: (rank[0], _rank(rank[1])), default=(1, WHOLE))
    return best[1] if best[0] > 1 else None


def _rank(key: Key) -> tuple[int, list[str]]:
    """Fewest words first; then any order that does not depend on that of the series."""
    return len(key), sorted(key)


def _losses_are_split(losses: Sequence[Item]) -> bool:
    splits = {i.split for i in losses}
    return "train" in splits and None not in splits and bool(splits & {"val", "test"})

"""How a run names its columns, so that people are told the name of a missing one as they would have written it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SPLITS = {"train": ("training", "train"), "val": ("validation", "valid", "eval", "val", "dev"), "test": ("test",)}
_SPLIT_OF = {word: split for split, words in SPLITS.items() for word in words}
_SPLIT = re.compile(rf"(?<![a-z])({'|'.join(_SPLIT_OF)})(?![a-z])", re.IGNORECASE)
_QUANTITY = re.compile(r"(?<![a-z])(loss|accuracy|acc|f1|auc)(?![a-z])", re.IGNORECASE)
_WORD = re.compile(r"\b(?!(metrics|epoch|step)\b)[^\W\d_]+\b")  # says something of its own
LAYER = "fc1"  # stands for any layer


def column(role: str, tags: Mapping[str, str]) -> str:
    """A name for a column of `role` in a run that logs `tags` (tag → role); one that is taken is not proposed ("")."""
    name = _of_split(role, tags) if "/" in role else _plain(role, tags)
    return "" if name in tags else name


def _of_split(role: str, tags: Mapping[str, str]) -> str:
    """Like the same quantity of another split, else like another quantity, with its words exchanged."""
    split, _, rest = role.partition("/")
    quantity = rest.partition(":")[0]
    word = _word(split, tags)
    alike = [tag for tag, its in tags.items() if its.endswith(f"/{quantity}") and _SPLIT.search(tag)]
    if alike:
        return _exchanged(_SPLIT, alike[0], word)
    others = [tag for tag, its in tags.items() if "/" in its and _is_bare(tag)]
    others.sort(key=lambda tag: not tags[tag].startswith(f"{split}/"))  # of the same split first
    if others:
        return _exchanged(_SPLIT, _exchanged(_QUANTITY, others[0], quantity), word)
    return f"{word}{'/' if any('/' in tag for tag in tags) else '_'}{quantity}"


def _is_bare(tag: str) -> bool:
    """Whether a tag is made of a split and a quantity, so that `val_kl_loss` is no model for an accuracy."""
    if not (_SPLIT.search(tag) and _QUANTITY.search(tag)):
        return False
    return not _WORD.search(_QUANTITY.sub(" ", _SPLIT.sub(" ", tag)).replace("_", " ").lower())


def _word(split: str, tags: Mapping[str, str]) -> str:
    """What the run calls a split."""
    used = [match[1].lower() for tag in tags for match in _SPLIT.finditer(tag)]
    return next((word for word in used if _SPLIT_OF[word] == split), split)


def _exchanged(pattern: re.Pattern[str], tag: str, word: str) -> str:
    """The tag with each such word replaced by `word`, in the case of what it replaces."""

    def cased(match: re.Match[str]) -> str:
        old = match[1]
        return word.upper() if old.isupper() else word.capitalize() if old[0].isupper() else word

    return pattern.sub(cased, tag)


def _plain(role: str, tags: Mapping[str, str]) -> str:
    """Beside the training loss where that is in a group of its own, such as `train/loss`."""
    name = role.removesuffix(":*") + (f"/{LAYER}" if role.endswith(":*") else "")
    groups = [tag.rpartition("/")[0] for tag, its in tags.items() if its == "train/loss"]
    group = next((group for group in groups if group.lower() in SPLITS["train"]), "")
    return f"{group}/{name}" if group and not role.endswith(":*") else name

"""What one name says by itself: its split, its quantity, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from loglens.sources.words import Word, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from loglens.sources.roletable import Quantity, RoleTable

LONGEST_NAME = 400  # what follows in a longer name cannot change what it is


@dataclass(frozen=True, slots=True)
class Reading:
    """`matched` are the words that name the quantity, `named` these as written.

    `rest` and `rest_words` are what is neither a split nor a filler, nor `matched`; of a loss, nor "loss".
    """

    quantity: Quantity | None
    split: str | None
    split_word: str
    words: frozenset[str]
    matched: frozenset[str]
    named: str
    rest: str
    rest_words: frozenset[str]
    stem: str
    path: bool
    noise: str


def read_name(table: RoleTable, name: str) -> Reading:
    """Read a name; remembered, because the runs of a sweep share their names."""
    return _read(table, name[:LONGEST_NAME])


def split_of(table: RoleTable, name: str) -> str | None:
    """The split that a folder or file name says, if any."""
    return _split_of(table, name[-LONGEST_NAME:])


@lru_cache(maxsize=20_000)
def _split_of(table: RoleTable, name: str) -> str | None:
    return _find_split(table, table.vocabulary.words(plain(name)))[0]


@lru_cache(maxsize=20_000)
def _read(table: RoleTable, name: str) -> Reading:
    text = plain(name)
    words = table.vocabulary.words(text)
    split, marks = _find_split(table, words)
    told = [w for i, w in enumerate(words) if i not in marks]
    last_part = words[-1].part if words else 0
    quantity, matched = _find_quantity(table, told, last_part)
    fillers = table.sets["fillers"]
    kind = quantity.rest if quantity else ""
    taken = {"loss"} if kind == "part" else matched
    rest = [w for w in told if w.text not in taken and w.text not in fillers and not _ordinal(w, text)]
    rest = [w for i, w in enumerate(rest) if not _in_namespace(table, rest, i)]
    return Reading(
        quantity=quantity,
        split=split,
        split_word=next(
            (text[words[i].start : words[i].end] for i in reversed(marks) if not words[i].text.isdigit()), ""
        ),
        words=frozenset(w.text for w in told),
        matched=matched,
        named=" ".join(dict.fromkeys(text[w.start : w.end] for w in told if w.text in matched)),
        rest=_layer(table, text, told, matched) if kind == "layer" else _part(text, rest),
        rest_words=frozenset(w.text for w in rest),
        stem=_stem(told, matched, fillers),
        path=last_part > 0,
        noise=next(
            (text[w.start : w.end] for w in told if w.text in table.sets["noise"] or w.text in table.sets["spread"]), ""
        ),
    )


def _find_split(table: RoleTable, words: Sequence[Word]) -> tuple[str | None, list[int]]:
    """The innermost split (`train/valid_loss` is held out) and the words that say one, numbers after them too."""
    split, marks = None, []
    for i, word in enumerate(words):
        found = table.split_of.get(word.text)
        if found is None and i in (0, len(words) - 1) and len(words) > 1:
            found = table.edge_split_of.get(word.text)
        if found is not None:
            split = found
            marks.append(i)
        elif word.text.isdigit() and i - 1 in marks:
            marks.append(i)
    return split, marks


def _find_quantity(table: RoleTable, told: Sequence[Word], last_part: int) -> tuple[Quantity | None, frozenset[str]]:
    """What follows a group says what it is (`losses/entropy`); if it says nothing, the group does (`Loss/train`)."""
    groups, fillers = table.sets["groups"], table.sets["fillers"]
    grouping = {
        part
        for part in {w.part for w in told} - {last_part}
        if all(w.text in groups or w.text in fillers for w in told if w.part == part)
    }
    inner = [w for w in told if w.part not in grouping]
    found, matched = _match(table, inner)
    # `Loss/mse` is a loss; `Loss/train_epoch` is no epoch.
    says_loss = any(w.text == "loss" for w in told)
    if found is None or found.exact == frozenset() or (found.stands_in and says_loss):
        return _match(table, told)
    return found, matched


def _match(table: RoleTable, told: Sequence[Word]) -> tuple[Quantity | None, frozenset[str]]:
    words = frozenset(w.text for w in told)
    spread, noise, fillers = words & table.sets["spread"], words & table.sets["noise"], table.sets["fillers"]
    head = next((w.text for w in told if w.text not in fillers), "")
    for quantity in table.speaking_of(words):
        bag = quantity.bag_in(words)
        if bag is None or words & quantity.unless:
            continue
        if not quantity.noisy and ((noise | spread) - bag):
            continue
        if quantity.exact is not None and words - bag - fillers - quantity.exact:
            continue
        if quantity.first and not (head in bag and (words - bag - fillers or "grad" in bag)):
            continue
        return quantity, bag
    return None, frozenset()


def _part(text: str, rest: Sequence[Word]) -> str:
    """`loss_bbox_aux_0` → `bbox_aux_0`, `loss_q0` → `q0`."""
    part, end = "", -1
    for word in rest:
        if word.start < end:
            continue  # the second word of one spelling
        part += ("" if word.start == end and word.text.isdigit() else "_" if part else "") + text[
            word.start : word.end
        ].lower()
        end = word.end
    return part


def _layer(table: RoleTable, text: str, told: Sequence[Word], matched: Collection[str]) -> str:
    """What remains of the name, as written, without the words of the quantity and without edges such as `optim/`."""
    left, kept = set(matched), []
    for word in told:
        if word.text in left and not _numbered(word, told):
            left.discard(word.text)
        else:
            kept.append(word)
    edges = table.sets["layer_edges"]
    while kept and kept[0].text in edges and not _numbered(kept[0], kept):
        kept.pop(0)
    while kept and kept[-1].text in edges:
        kept.pop()
    pieces: list[tuple[int, int]] = []
    for word in kept:
        between = [w for w in told if pieces and pieces[-1][1] <= w.start < word.start]
        if pieces and not between:
            pieces[-1] = (pieces[-1][0], word.end)
        else:
            pieces.append((word.start, word.end))
    return "/".join(text[a:b] for a, b in pieces)


def _numbered(word: Word, words: Sequence[Word]) -> bool:
    return any(w.start == word.end and w.text.isdigit() for w in words)


def _ordinal(word: Word, text: str) -> bool:
    """`3.Loss/1.Total`: a number that only orders the parts of a path."""
    before = text[: word.start][-1:]
    return word.text.isdigit() and before in ("", "/") and text[word.end : word.end + 1] == "."


def _in_namespace(table: RoleTable, words: Sequence[Word], i: int) -> bool:
    """`stage1/train/loss`: the word and its number."""
    names = table.sets["namespaces"]
    numbered = words[i].text in names and i + 1 < len(words) and words[i + 1].text.isdigit()
    return numbered or (words[i].text.isdigit() and i > 0 and words[i - 1].text in names)


def _stem(told: Sequence[Word], matched: Collection[str], fillers: Collection[str]) -> str:
    kept = [w.text for w in told if w.text not in fillers or w.text in matched]
    return "_".join(dict.fromkeys(kept)) or "_".join(w.text for w in told)

"""The shape of a line: what its words say about its numbers. Lines of one shape differ in their numbers only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from loglens.sources.columns import is_epoch, is_metric, step_rank
from loglens.sources.names import load_table
from loglens.sources.reading import read_name, split_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.sources.names import RoleTable

NUMBER = re.compile(
    r"(?<![\w.@])([+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,.])|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"
    r"|(?:nan|inf|infinity)(?!\w)))",
    re.IGNORECASE | re.ASCII,
)
LONGEST_KEY = 80
LAST_RANK = 1000  # of a number that opens the line
MOST_WORDS = 6
_UNIT = re.compile(r"(?:%|[A-Za-zµ°]{1,7}(?:/[A-Za-z]+)?)(?=[\s,;|)\]}:/<-]|$)")
_WRAPPER = re.compile(r"(?:tensor|np\.float\d+|numpy\.float\d+|float\d*|array|Decimal)\(\[?$")
_TAIL = re.compile(r"[\s:=\[({#<~-]*$|[\s:=]*->?\s*$")
_CUT = re.compile(r"[,;|\[\]{}]|(?:^|\s)[-–—>*•·→]+(?=\s)|\([^()]*$|^[^()]*\)")
_WORD = re.compile(r"[^\W\d]")
_SPLIT_IN_PARENS = re.compile(r"\(([A-Za-z]+)\)$")
_TOKEN = re.compile(r"[\w'-]+(?![\w./\\])")
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+:?")
_VETO = re.compile(
    r"\b(?:sav(?:e|ed|ing)|load(?:ed|ing)|resum\w*|restor\w*|stopp(?:ed|ing)|improved?|writing|wrote|best)\b",
    re.IGNORECASE,
)
_PROSE = frozenset(
    {"from", "to", "than", "was", "is", "are", "were", "of", "in", "at", "on", "by", "with", "for", "and", "or", "the"}
    | {"a", "an", "as", "it", "this", "that", "took", "after", "before", "until"}
)
_BEFORE_COUNTER = frozenset(
    {"at", "after", "in", "on", "for", "end", "of", "the", "current", "start", "started", "starting", "begin", "done"}
    | {"beginning", "running", "finished", "finish", "completed", "summary", "results", "result"}
)
_ANYTHING_BEFORE = frozenset({"at", "after", "in", "on", "for"})
_UNWANTED = frozenset({"eta"})
# Quantities that make a text a training log; time, memory and the like are in other logs, too.
_TELLING = frozenset({"grad_norm", "reward", "kl", "entropy", "explained_variance", "episode_length"})
_THOUSANDS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9}


@dataclass(frozen=True, slots=True)
class Value:
    """A number with a name: its slot, and that of what stands behind a slash."""

    name: str
    slot: int
    total: int | None = None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What the numbers of a line are. `part` is the word of the line that says to which split they belong.

    Positions are fractions without a name, as in `[640/60000]`. `telling`: a value shows that this is a training log.
    """

    values: tuple[Value, ...] = ()
    epoch: Value | None = None
    step: Value | None = None
    positions: tuple[Value, ...] = ()
    part: str = ""
    telling: bool = False
    known: bool = False

    @property
    def counted(self) -> bool:
        """Whether the line says where in the training it was written."""
        return bool(self.epoch or self.step or self.positions)


@dataclass
class _Slot:
    """A number on the way: the words before it that may name it, and whether `:` or `=` stands between."""

    key: str = ""
    label: str = ""
    explicit: bool = False
    total: int | None = None
    unit: str = ""
    good: bool = True


@dataclass
class _Found:
    values: list[tuple[Value, str]] = field(default_factory=list)  # with the last word before that names a split
    explicit: bool = False  # a name is set apart from its number by `:` or `=`
    epoch: Value | None = None
    steps: list[tuple[int, Value]] = field(default_factory=list)
    positions: list[Value] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    pending: str = ""  # what a number behind the counter may be: `training loss at step 100: 0.3`


@cache
def table() -> RoleTable:
    """The table of roles that says which words name a quantity; one for all lines, since it remembers names."""
    return load_table()


def cut(text: str) -> tuple[tuple[str, ...], list[str]]:
    """The words between the numbers of a line, and the numbers. The words alone are what a shape depends on."""
    pieces = NUMBER.split(text)
    if len(pieces) > 1 and ("n" in text or "N" in text):
        pieces = _without_words(pieces)
    return tuple(pieces[0::2]), pieces[1::2]


def _without_words(pieces: list[str]) -> list[str]:
    """`nan` and `inf` are numbers where a number may stand, and words else (`number of nan iterations`)."""
    out = [pieces[0]]
    for number, after in zip(pieces[1::2], pieces[2::2], strict=True):
        before = out[-1].rstrip()
        follows = after.lstrip()[:1]
        named = is_metric(before.rpartition(" ")[2]) if before else False
        placed = before[-1:] in tuple(":=([|,/") or follows in (*",;|)]}(%", "")
        if number[-1] in "0123456789." or placed or named:
            out += [number, after]
        else:
            out[-1] += number + after
    return out


def shape_of(texts: Sequence[str]) -> Shape | None:
    """The shape of a line from the words around its numbers; None when none of them is named."""
    found = _Found()
    for place, slot in enumerate(_slots(texts)):
        _take(slot, place, found, texts)
    found.label.append(texts[-1])
    steps = sorted(found.steps, key=lambda pair: pair[0])
    step = steps[0][1] if steps else None
    values = [*found.values, *((value, "") for rank, value in steps[1:] if rank != LAST_RANK)]
    if not values and not steps and found.epoch is None:
        return None
    part = next(_parts(" ".join(found.label)), "")
    told = [(value, own or part) for value, own in values]
    shape = _shape(told, found.epoch, step, tuple(found.positions[:2]), part)
    # "we saw a loss of 3" is prose; "loss 3 accuracy 0.5" is not
    return shape if found.explicit or shape.counted or len(shape.values) > 1 else replace(shape, telling=False)


def shape_of_table(names: Sequence[str]) -> Shape:
    """The shape of a table with one name and number a row."""
    epoch = step = None
    values: list[tuple[Value, str]] = []
    ranks = [rank for name in names if (rank := step_rank(name)) is not None]
    for slot, name in enumerate(names):
        if epoch is None and is_epoch(name):
            epoch = Value(name, slot)
        elif step is None and ranks and step_rank(name) == min(ranks):
            step = Value(name, slot)
        else:
            values.append((Value(name, slot), ""))
    return _shape(values, epoch, step, (), "")


def under(shape: Shape, part: str) -> Shape:
    """The shape of a line below one that says to which split it belongs."""
    values = [(value, part) for value in shape.values]
    return _shape(values, shape.epoch, shape.step, shape.positions, part)


def split_word(label: str) -> str:
    """The first word that says train or val, empty when none does."""
    return next(_parts(label), "")


def _shape(
    values: Sequence[tuple[Value, str]],
    epoch: Value | None,
    step: Value | None,
    positions: tuple[Value, ...],
    part: str,
) -> Shape:
    """Values named with the split that their line says, and what they show."""
    named, telling, known = [], False, False
    for value, own in values:
        reading = read_name(table(), value.name)
        quantity = reading.quantity
        known = known or (quantity is not None and quantity.role != "epoch")
        if quantity is not None and (quantity.split or quantity.role in _TELLING):
            telling = telling or is_metric(value.name) or bool(step or epoch or positions)
        named.append(replace(value, name=f"{own}/{value.name}") if own and reading.split is None else value)
    return Shape(_unique(named), epoch, step, positions, part, telling, known)


def _slots(texts: Sequence[str]) -> list[_Slot]:
    """The numbers of a line with their surroundings; denominators are joined to their numerators."""
    slots: list[_Slot] = []
    for place, before in enumerate(texts[:-1]):
        if place:
            before = _after_number(before, slots[-1])
            if before.strip() == "/" and not slots[-1].unit:
                if slots[-1].good and slots[-1].total is None:
                    slots[-1].total = place
                slots.append(_Slot(good=False))
                continue
        slots.append(_named(before))
    if slots:
        _after_number(texts[-1], slots[-1])
    return slots


def _after_number(text: str, slot: _Slot) -> str:
    """What follows a number, less its unit; a number that goes over into a word is none."""
    if not text or not (text[0].isalpha() or text[0] in "%°_"):
        return text
    unit = _UNIT.match(text)
    if unit is None:
        slot.good = False
        return text
    slot.unit = unit[0]
    return text[unit.end() :]


def _named(before: str) -> _Slot:
    before = _WRAPPER.sub("", before)
    tail = _TAIL.search(before)
    assert tail is not None
    words = before[: tail.start()]
    opened = [match.end() for match in _CUT.finditer(words)]
    at = opened[-1] if opened else 0
    if words[:at].endswith(")") and "(" in words[:at]:
        at = 0
    found = _CUT.search(words[at:])
    while found:  # a parenthesis that opens behind a comma, say
        at += found.end() if not found[0].startswith("(") else found.start() + 1
        found = _CUT.search(words[at:])
    label, colon, key = words[at:].rpartition(":")
    explicit = ":" in tail[0] or "=" in tail[0] or "->" in tail[0]
    return _Slot(key.strip(), f"{words[:at]} {label}" if colon else words[:at], explicit)


def _take(slot: _Slot, place: int, found: _Found, texts: Sequence[str]) -> None:
    """Decide what a number is."""
    words = slot.key.split()
    if words and (inner := _SPLIT_IN_PARENS.search(words[-1])) and split_of(table(), inner[1]):
        words[-1] = words[-1][: inner.start()]
        found.label.append(inner[1])
        words = [word for word in words if word]
    while len(words) > 1 and _MODULE.fullmatch(words[0]):
        words.pop(0)
    names = (value.name for value, _ in found.values)
    vetoed = _VETO.search(" ".join([*found.label, slot.label, *names])) is not None
    found.label.append(slot.label)
    if not slot.good:
        found.label.append(slot.key)
    elif not words or (slot.total is not None and len(words) == 1 and split_of(table(), words[0])):
        found.label += words  # `Test: [10/196]` is a place in the test
        if slot.total is not None:
            found.positions.append(Value("", place, slot.total))
        elif place == 0 and texts[0].strip(" ,") in ("", "[", "#", "(") and texts[1].lstrip()[:1] in ("]", ":", ")"):
            found.steps.append((LAST_RANK, Value("step", place)))
        elif found.pending and slot.explicit and not slot.label.strip():
            found.values.append((Value(found.pending, place), ""))
            found.explicit = True
    elif not _count(slot, words, place, found, vetoed) and not vetoed:
        _measure(slot, words, place, found)


def _count(slot: _Slot, words: list[str], place: int, found: _Found, vetoed: bool) -> bool:
    """Take a number that counts epochs or steps."""
    for width in (3, 2, 1):
        name = "_".join(words[-width:]).strip(".#*")
        if len(words) < width or not (is_epoch(name) or step_rank(name) is not None):
            continue
        before = [word.lower().strip(".,") for word in words[:-width]]
        free = before and before[-1] in _ANYTHING_BEFORE
        if not free and any(w not in _BEFORE_COUNTER and not split_of(table(), w) for w in before):
            return False
        found.label += words[:-width]
        found.pending = " ".join(words[: -width - 1]) if free else ""
        if vetoed or _VETO.search(" ".join(before)):
            return True
        value = Value(name, place, slot.total, _THOUSANDS.get(slot.unit, 1.0))
        if is_epoch(name):
            found.epoch = found.epoch or value
        else:
            found.steps.append((step_rank(name) or 0, value))
        return True
    return False


def _measure(slot: _Slot, words: list[str], place: int, found: _Found) -> None:
    """Take a number that measures something; without `:` or `=` only words that are known to name a quantity."""
    lowered = [word.lower().strip(".,*") for word in words]
    if slot.explicit:
        kept = words if len(words) <= MOST_WORDS else []
        if any(word in _PROSE for word in lowered[:1] + lowered[-1:]):
            kept = []
    else:
        kept = [] if any(word in _PROSE for word in lowered[-4:]) else words[-_known_words(lowered) :]
    name = " ".join(kept).strip(" .*#'<>-:")
    if _WORD.search(name) and len(name) <= LONGEST_KEY and name.lower() not in _UNWANTED:
        found.label += words[: len(words) - len(kept)]
        *_, own = "", *_parts(" ".join(found.label))
        found.values.append((Value(name, place, slot.total), own))
        found.explicit = found.explicit or slot.explicit
    else:
        found.label += words


def _known_words(words: list[str]) -> int:
    """How many of the last words may belong to a name: those that the table of roles knows, one at least."""
    vocabulary, count = table().vocabulary, 1
    while count < min(4, len(words)):
        spelled = vocabulary.words(words[-count - 1])
        if not spelled or any(word.text not in vocabulary.known for word in spelled):
            break
        count += 1
    return count


def _parts(label: str) -> Iterator[str]:
    """The words outside of names that say train or val; a dotted path of a module is none."""
    for token in _TOKEN.finditer(label):
        word = token[0].strip("'-_")
        if word and label[token.start() - 1 : token.start()] not in (".", "/") and split_of(table(), word):
            yield word


def _unique(values: Iterable[Value]) -> tuple[Value, ...]:
    """Values under different names; of two equal ones the first counts."""
    seen: dict[str, Value] = {}
    for value in values:
        seen.setdefault(value.name, value)
    return tuple(seen.values())

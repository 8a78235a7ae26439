"""Cutting the name of a series into words, with the spelling, phrases and glued words of roles.yaml."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# Letters and digits between separators; a decimal point belongs to its number, a possessive s to nothing.
_CHUNK = re.compile(r"\d+\.\d+(?![^\W_]|\.)|[^\W_]+")
_PIECE = re.compile(r"\d+|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+")
_POSSESSIVE = re.compile(r"'s\b")
_LONGEST_GLUED = 32
_LONGEST_PHRASE = 6


@dataclass(frozen=True, slots=True)
class Word:
    """A canonical word, where it stands in the plain text of the name, and in which `/` part of it."""

    text: str
    start: int
    end: int
    part: int


def plain(name: str) -> str:
    """The name without accents and possessives: what the positions of its words refer to."""
    if not name.isascii():
        name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return _POSSESSIVE.sub("", name)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Known words, one spelling for each, and phrases that are one thing."""

    known: frozenset[str]
    spelling: Mapping[str, tuple[str, ...]]
    phrases: Mapping[tuple[str, ...], tuple[str, ...]]
    rates: Collection[tuple[str, ...]] = ()
    endings: Collection[str] = ()

    def words(self, text: str) -> list[Word]:
        """The canonical words of a plain name, phrases joined. Linear in the length of the name."""
        return list(self._join(list(self._spell(text))))

    def canonical(self, phrase: str) -> list[str]:
        """The canonical spelling of blank-separated words, phrases not joined."""
        return [good for word in phrase.split() for good in self.spelling.get(word, (word,))]

    def _spell(self, text: str) -> Iterator[Word]:
        part, seen = 0, 0
        for chunk in _CHUNK.finditer(text):
            part += text.count("/", seen, chunk.start())
            seen = chunk.start()
            for good, start, end in _spelled(self, chunk.group()):
                yield Word(good, seen + start, seen + end, part)

    def spelled(self, chunk: str) -> Iterator[tuple[str, int, int]]:
        """The canonical words of a chunk, and where they stand in it."""
        for start, end in self._pieces(chunk, 0, len(chunk)):
            word = chunk[start:end].lower()
            yield from ((good, start, end) for good in self.spelling.get(word, (word,)))

    def _pieces(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        if text[start:end].lower() in self.known or "." in text[start:end]:
            return [(start, end)]
        if whole := self._unglue(text, start, end):
            return whole
        cuts = [match.span() for match in _PIECE.finditer(text, start, end)]
        pieces: list[tuple[int, int]] = []
        at = 0
        while at < len(cuts):
            width = next((n for n in (4, 3, 2) if self._knows(text, cuts[at : at + n], n)), 1)
            span = (cuts[at][0], cuts[at + width - 1][1])
            pieces += self._halves(text, *span) if width == 1 else [span]
            at += width
        return pieces

    def _knows(self, text: str, cuts: list[tuple[int, int]], width: int) -> bool:
        return len(cuts) == width and text[cuts[0][0] : cuts[-1][1]].lower() in self.known

    def _halves(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        word = text[start:end].lower()
        ending = next((e for e in self.endings if word.endswith(e) and word not in self.known and word != e), "")
        cut = end - len(ending)
        return self._unglue(text, start, end) or ([(start, cut), (cut, end)] if ending else [(start, end)])

    def _unglue(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """`trainloss` as two words, if the whole falls into known words of three letters (two, if not Latin)."""
        word = text[start:end].lower()
        least = 3 if word.isascii() else 2
        if word in self.known or not 2 * least <= len(word) <= _LONGEST_GLUED:
            return []
        best: list[list[int] | None] = [[0]] + [None] * len(word)  # fewest cuts that end here
        for stop in range(least, len(word) + 1):
            heads = (best[at] for at in range(stop - least + 1) if word[at:stop] in self.known)
            found = min((head for head in heads if head is not None), key=len, default=None)
            best[stop] = None if found is None else [*found, stop]
        return [(start + a, start + b) for a, b in pairwise(best[-1] or [])]

    def _join(self, words: list[Word]) -> Iterator[Word]:
        at = 0
        while at < len(words):
            width = min(_LONGEST_PHRASE, len(words) - at)
            while width > 1 and not self._phrase(words[at : at + width]):
                width -= 1
            run = words[at : at + width]
            yield from (Word(w, run[0].start, run[-1].end, run[-1].part) for w in self._phrase(run) or [run[0].text])
            at += width

    def _phrase(self, run: list[Word]) -> tuple[str, ...]:
        """What a run of words is as one; a phrase keeps within its part of the path, a rate may not (`img/s`)."""
        found = self.phrases.get(tuple(w.text for w in run), ())
        return found if run[0].part == run[-1].part or found in self.rates else ()


@lru_cache(maxsize=20_000)
def _spelled(vocabulary: Vocabulary, chunk: str) -> tuple[tuple[str, int, int], ...]:
    return tuple(vocabulary.spelled(chunk))

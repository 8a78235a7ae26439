"""Many files in one buffer, framed together: the runs of a sweep log alike, and one look-up finds all their records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from loglens.sources.framing import Block, Damage, after, blocks, pattern_of, predict, stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.sources.eventnotes import Notes
    from loglens.sources.framing import Buffer, Pattern


@dataclass(frozen=True, slots=True)
class Region:
    """The bytes of the file with this index, from byte `base` of it on, at buffer[begin:end].

    `blocks` are their records where these are known. `guessed`: they are thought to be whole records.
    """

    index: int
    begin: int
    end: int
    base: int = 0
    blocks: tuple[Block, ...] | None = None
    guessed: bool = False


class Mistaken(Exception):  # noqa: N818 (no error: the guess is taken back)
    """A guessed region is not what it was thought to be; `base` is where it begins in its file."""

    def __init__(self, base: int) -> None:
        super().__init__()
        self.base = base


@dataclass(frozen=True, slots=True)
class Framed:
    """Records of one or more regions: so many of each."""

    regions: Sequence[Region]
    counts: np.ndarray
    block: Block


def framed(buffer: Buffer, regions: Sequence[Region], notes: Notes, guess: Pattern | None = None) -> Iterator[Framed]:
    """The records of the regions, which lie one behind the other; what is wrong with the framing goes to `notes`.

    `guess` is what the files before let one expect. Raises `Mistaken` at a guessed region that does not hold.
    """
    place, ahead = 0, 1
    while place < len(regions):
        region = regions[place]
        if guess is not None and region.blocks is None:
            found = _alike(buffer, regions[place : place + ahead], guess)
            ahead = ahead * 2 if found is not None and len(found.regions) == ahead else 1
            if found is not None:
                yield _counted(found, notes)
                place += len(found.regions)
                continue
        some = list(_alone(buffer, region, guess, notes))
        yield from (_counted(Framed([region], np.array([len(block.starts)]), block), notes) for block in some)
        guess = pattern_of(buffer, some) or guess
        place += 1


def _counted(found: Framed, notes: Notes) -> Framed:
    for region, count in zip(found.regions, found.counts.tolist(), strict=True):
        notes.records[region.index] = notes.records.get(region.index, 0) + count
    return found


def _alike(buffer: Buffer, regions: Sequence[Region], guess: Pattern) -> Framed | None:
    """Whole regions whose records follow the pattern; None when already the first does not."""
    size = int(guess.lengths.sum()) + 16 * len(guess.lengths)
    first = next((n for n, region in enumerate(regions) if region.blocks is not None), len(regions))
    begin, end = regions[0].begin, regions[first - 1].end
    block, _ = predict(buffer, begin, end, guess, len(guess.lengths) * -(-(end - begin) // size))
    ends = block.starts + block.lengths + 16
    wanted = np.array([region.end for region in regions[:first]])
    at = np.searchsorted(ends, wanted)
    fits = at < len(ends)
    fits[fits] = ends[at[fits]] == wanted[fits]
    whole = first if fits.all() else int(fits.argmin())
    if not whole:
        return None
    last = int(at[whole - 1]) + 1
    counts = np.diff(at[:whole], prepend=-1)
    return Framed(regions[:whole], counts, Block(block.starts[:last], block.lengths[:last]))


def _alone(buffer: Buffer, region: Region, guess: Pattern | None, notes: Notes) -> Iterator[Block]:
    """The records of one region."""
    if region.blocks is not None:
        yield from region.blocks
    elif region.guessed:
        found = list(stretch(buffer, region.begin, region.end, {}, guess))
        if not found or after(found[-1]) != region.end:
            raise Mistaken(region.base)
        yield from found
    else:
        damage: list[Damage] = []
        count = 0
        for block in blocks(buffer, damage, region.begin, region.end, guess):
            count += len(block.starts)
            yield block
        tell(notes, region.index, [replace(d, offset=d.offset - region.begin) for d in damage], count)


def tell(notes: Notes, index: int, damage: Sequence[Damage], records: int) -> None:
    """Note the damage of a file with so many records."""
    for place, fault in enumerate(damage):
        nothing = "no readable record: " if not records and not place else ""
        notes.add(index, fault.kind, nothing + fault.message, fault.offset)


def last_pattern(buffer: Buffer, found: Sequence[Framed]) -> Pattern | None:
    """What the last of these regions lets one expect of the next."""
    if not found:
        return None
    count, block = int(found[-1].counts[-1]), found[-1].block
    return pattern_of(buffer, [Block(block.starts[-count:], block.lengths[-count:])]) if count else None

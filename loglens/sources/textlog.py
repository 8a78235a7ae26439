"""Reader of plain-text logs: any text whose lines repeat with a loss, a score or another known quantity."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.base import Tables
from loglens.sources.reading import read_name
from loglens.sources.text import Faults, blocks_of, pieces
from loglens.sources.textaxis import Counted, Counters, axes
from loglens.sources.textends import Ending
from loglens.sources.textlines import lines, moment, plain
from loglens.sources.textshapes import cut, shape_of, shape_of_table, split_word, table, under
from loglens.sources.texttables import header_of, row_below, shape_of_row
from loglens.sources.wide import Column, Wide, melt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile
    from loglens.sources.textlines import Line
    from loglens.sources.textshapes import Shape, Value

ALIKE = 3  # lines of one shape that make a log; two are enough when they also count something
CLOSE = 3  # lines with numbers from one line of a kind to the next, in a log
LASTING = 8  # lines that stayed, beside which those that were written over do not count
HOPELESS = 16 << 20  # bytes without any line of a log after which the rest is not looked at
HOPELESS_LINES = 50_000  # the same in lines with numbers
REMEMBERED = 20_000  # templates of lines whose shape is remembered
SHAPES = 3000
KINDS = (10_000, 50)  # templates that are looked into: so many, and one more for so many lines with numbers
NAMES = 2000
UNLIKE = "lines of further kinds"
REASON = "plain text in which no lines repeat with a loss, a score or another known quantity"
_DIGIT = re.compile(r"\d|nan|inf", re.IGNORECASE)
_LAST_WORD = re.compile(r"[^\s,;|)\]}]*$")
_SUM = re.compile(r"(?:^|\s)\*\s+[^\W\d]")
_LABEL = re.compile(r"[^\W\d][\w ()'/-]{0,40}:$")


@dataclass
class _Store:
    """The numbers of the lines of one shape, one line behind the other."""

    slots: list[int]
    rows: array[int] = field(default_factory=lambda: array("q"))
    flat: array[float] = field(default_factory=lambda: array("d"))


def read(files: Sequence[LogFile]) -> Tables:
    """The numbers in the lines of text logs; a text that is none is a problem of kind `skipped`."""
    problems: list[Problem] = []
    frames: list[pl.DataFrame] = []
    for index, file in enumerate(files):
        faults = Faults(file, problems)
        reading = _Reading(faults)
        for block in chain.from_iterable(map(blocks_of, pieces(file, faults))):
            for line in lines(block):
                reading.line(line)
            if reading.hopeless(block.offset + len(block.data)):
                break
        reading.end_table()
        wide = reading.wide(index)
        if wide is not None:
            frames += melt(wide)
        elif not any(kind == "unreadable" and of != UNLIKE for kind, of in faults.counts) and (
            reading.seen or not faults.counts
        ):
            faults.skip(REASON)
        if (error := reading.ending.error()) is not None:
            faults.add("error", f"the log ends in an error: {error[1]}", line=error[0])
    return Tables(scalars=pl.concat(frames, rechunk=False) if frames else None, problems=problems)


class _Reading:
    """Guards what the lines of a file held so far."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.shapes: dict[tuple[str, ...], Shape | None] = {}
        self.stores: dict[Shape, _Store] = {}
        self.moments = array("d")
        self.overwritten = bytearray()
        self.table: dict[str, str] = {}
        self.header: tuple[str, ...] = ()
        self.section = ""
        self.part = ""  # of the lines just above, where they were of held-out data
        self.label = ""
        self.telling = False
        self.seen = False
        self.ending = Ending()
        self.numbered = self.kinds = 0  # lines with numbers; those whose template was looked into

    def hopeless(self, end: int) -> bool:
        """Whether nothing up to byte `end` is of a log."""
        return not self.telling and (end > HOPELESS or self.numbered > HOPELESS_LINES)

    def line(self, line: Line) -> None:
        """Take a line."""
        self.seen = True
        if "\0" in line.text:
            self.faults.add("corrupt", "a line with NUL bytes", line=line.number, of="lines with NUL bytes")
        text = line.text.strip()
        if text.startswith("|") and (row := _row(text)) and len(self.table) < NAMES:
            self.row(*row)
            return
        self.end_table()
        self.ending.line(line.number, text)
        if self.aligned(text, line):
            return
        if not _DIGIT.search(text):
            self.label = split_word(text) if _LABEL.match(text) else ""
            return
        if not line.ended:
            text = self.whole(text, line.number)
        texts, numbers = cut(plain(text))
        shape = self.shape(texts) if numbers else None
        if shape is None:
            self.label = ""
            return
        if self.label and not shape.part and shape.values:
            shape = under(shape, self.label)
        if not shape.part and not shape.counted and self.part and _SUM.search(text):
            shape = under(shape, self.part)  # ` * Acc@1 76.1`, the sum of the lines above
        self.part = shape.part if shape.part and _held_out(f"{shape.part}/loss") else ""
        if shape.counted:
            self.label = ""
        self.record(shape, numbers, moment(text), line.overwritten)

    def aligned(self, text: str, line: Line) -> bool:
        """Take a header, or a row below one; False for any other line."""
        row = row_below(self.header, text) if self.header and line.ended else None
        if row is not None:
            self.record(shape_of_row(tuple(row)), list(row.values()), float("nan"), line.overwritten)
            return True
        header = header_of(text)
        self.header = header or self.header
        return header is not None

    def whole(self, text: str, number: int) -> str:
        """The last line of a file without a line end: its last number may be half of one."""
        last = _LAST_WORD.search(text)
        kept = text[: last.start()] if last else text
        if any(map(str.isdigit, text[len(kept) :])):
            texts, numbers = cut(plain(text))
            shape = self.shape(texts) if numbers else None
            if shape is not None and shape.known:
                message = "the last line has no end; its last number may be cut and is not used"
                self.faults.add("truncated", message, line=number)
        return kept

    def shape(self, texts: tuple[str, ...]) -> Shape | None:
        """The shape of a line, remembered: few lines have words that no line before had.

        Where most have, which no log does, new ones are passed over; that is told.
        """
        self.numbered += 1
        if texts in self.shapes:
            return self.shapes[texts]
        if self.kinds >= KINDS[0] + self.numbered // KINDS[1]:
            if ("unreadable", UNLIKE) not in self.faults.counts:
                message = f"over {KINDS[0]} kinds of lines: those of further kinds are not read"
                self.faults.add("unreadable", message, of=UNLIKE)
            return None
        if len(self.shapes) >= REMEMBERED:
            self.shapes = {words: shape for words, shape in self.shapes.items() if shape is not None}
            if len(self.shapes) > REMEMBERED // 2:
                self.shapes.clear()
        self.kinds += 1
        self.shapes[texts] = shape_of(texts)
        return self.shapes[texts]

    def row(self, indent: int, name: str, value: str) -> None:
        """Take a row of a table `| name | value |`, as loggers of agents print it; a row without value is a heading."""
        if not value and name.endswith("/"):
            self.section = name
            return
        _, numbers = cut(value)
        if len(numbers) == 1 and numbers[0] == value:
            self.table[(self.section if indent > 1 else "") + name] = value

    def end_table(self) -> None:
        """A table is one record."""
        if 1 < len(self.table) < NAMES:  # a longer one is none of an agent
            self.record(shape_of_table(list(self.table)), list(self.table.values()), float("nan"), overwritten=False)
        if self.table or self.section:
            self.table, self.section = {}, ""

    def record(self, shape: Shape, numbers: Sequence[str], when: float, overwritten: bool) -> None:
        """Keep the numbers of a line."""
        store = self.stores.get(shape)
        if store is None:
            if len(self.stores) >= SHAPES:
                return
            store = self.stores[shape] = _Store(_slots(shape))
        if shape.telling:
            self.telling = True
            self.ending.record()
        store.rows.append(len(self.moments))
        store.flat.extend([_number(numbers[slot]) for slot in store.slots])
        self.moments.append(when)
        self.overwritten.append(overwritten)

    # --- the whole file -----------------------------------------------------------------------------------------------

    def wide(self, index: int) -> Wide | None:
        """All lines that belong to the log as a table of file `index`; None when it is none."""
        gone = np.frombuffer(self.overwritten, dtype=np.uint8).astype(bool)
        groups: dict[frozenset[str], list[_Kept]] = defaultdict(list)
        for shape, store in self.stores.items():
            rows = np.frombuffer(store.rows, dtype=np.int64)
            part = _Kept(shape, store.slots, rows, np.frombuffer(store.flat).reshape(rows.size, -1))
            groups[frozenset(value.name for value in shape.values)].append(part)
        final = {names: sum(np.count_nonzero(~gone[part.rows]) for part in parts) for names, parts in groups.items()}
        kept: list[_Kept] = []
        is_log = False
        for names, parts in groups.items():
            # What was written over does not count where what stayed is a curve by itself, or says more.
            if any(gone[part.rows].any() for part in parts):
                fuller = sum(count for others, count in final.items() if names < others)
                if final[names] + fuller >= (LASTING if not fuller else ALIKE - 1):
                    parts = [part.only(~gone[part.rows]) for part in parts]
            telling = any(part.shape.telling for part in parts)
            counted = any(part.shape.counted for part in parts)
            count = sum(part.rows.size for part in parts)
            if not counted and not (_moves(parts, telling) if count >= ALIKE else any(map(_held_out, names))):
                continue  # settings, printed once or at every start
            is_log = is_log or (telling and count >= ALIKE - counted)
            if count > 1 or telling:
                kept += parts
        if not is_log or len({value.name for part in kept for value in part.shape.values}) > NAMES:
            return None
        return self.joined(index, kept)

    def joined(self, index: int, kept: Sequence[_Kept]) -> Wide:
        """The kept lines as rows, in their order, counted."""
        order = np.unique(np.concatenate([part.rows for part in kept]))
        columns: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        counters = Counters()
        for part in kept:
            rows = np.searchsorted(order, part.rows)
            part.count(rows, counters)
            for name, values in part.values():
                columns.setdefault(name, []).append((rows, values))
        moments = np.frombuffer(self.moments)[order]
        counted = {**axes(counters, order.size), "timestamp": moments}
        made = {name: _column(values) for name, values in counted.items() if not np.isnan(values).all()}
        named = ((name if name not in counted else f"{name} (value)", pairs) for name, pairs in columns.items())
        return Wide([index], [order.size], made | {name: _sorted(pairs, order.size) for name, pairs in named})


@dataclass(frozen=True, eq=False)
class _Kept:
    """Lines of one shape: their rows int64 (n,) and the numbers in their slots float64 (n, slots)."""

    shape: Shape
    slots: list[int]
    rows: np.ndarray
    numbers: np.ndarray

    def only(self, mask: np.ndarray) -> _Kept:
        """Some of the lines."""
        return _Kept(self.shape, self.slots, self.rows[mask], self.numbers[mask])

    def of(self, value: Value) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of a value, and those behind the slash (NaN = none)."""
        own = self.numbers[:, self.slots.index(value.slot)] * value.factor
        if value.total is None:
            return own, np.full(own.size, np.nan)
        return own, self.numbers[:, self.slots.index(value.total)]

    def values(self) -> Iterator[tuple[str, np.ndarray]]:
        """Names and numbers of what was measured; none of a line that names no known quantity."""
        for value in self.shape.values if self.shape.known else ():
            own, total = self.of(value)
            quantity = read_name(table(), value.name).quantity
            if value.total is not None and quantity is not None and quantity.direction == "max":
                # `Accuracy: 9832/10000` is a share.
                share = (total > 1) & (own >= 0) & (own <= total) & (own == np.floor(own))
                own = np.where(share, own / np.where(share, total, 1), own)
            yield value.name, own

    def count(self, rows: np.ndarray, counters: Counters) -> None:
        """Add what the lines count."""
        shape = self.shape
        positions = list(shape.positions)
        epoch = shape.epoch or (positions.pop(0) if len(positions) > 1 and shape.step is None else None)
        if epoch is not None:
            counters.epochs.append(self.counted("epoch", epoch, rows, whole=False))
        if shape.step is not None:
            counters.steps.append(self.counted(shape.step.name.lower(), shape.step, rows))
        if positions:
            counters.positions.append(self.counted(shape.part.lower(), positions[-1], rows))

    def counted(self, name: str, value: Value, rows: np.ndarray, *, whole: bool = True) -> Counted:
        """Numbers that count; what is no whole number does not, but for epochs."""
        own, total = self.of(value)
        good = np.isfinite(own) & (own >= 0) & (own < 2.0**53)
        if whole:
            good &= own == np.floor(own)
        return Counted(name, rows[good], own[good], total[good])


def _moves(parts: Sequence[_Kept], telling: bool) -> bool:
    """Whether lines that count nothing are a curve: values that differ, or losses close to one another."""
    rows = np.sort(np.concatenate([part.rows for part in parts]))
    if telling and np.median(np.diff(rows)) <= CLOSE:
        return True
    columns: dict[str, list[np.ndarray]] = defaultdict(list)
    for part in parts:
        for name, values in part.values():
            columns[name].append(values)
    kinds = (np.unique(np.concatenate(values)).size for values in columns.values())
    return max(kinds, default=0) >= max(ALIKE, rows.size / ALIKE)


def _held_out(name: str) -> bool:
    """Whether a name says that it was measured on held-out data, as the last result of a training is."""
    return read_name(table(), name).split in ("val", "test")


def _row(text: str) -> tuple[int, str, str] | None:
    """Indent, name and value of a row `| name | value |`, as loggers of agents print it; None for any other line."""
    cells = text[1:-1].split("|", 2)
    if len(cells) != 2 or text[-1] != "|" or not cells[0].strip():
        return None
    return len(cells[0]) - len(cells[0].lstrip(" ")), cells[0].strip(), cells[1].strip()


def _slots(shape: Shape) -> list[int]:
    """The numbers of a line that are kept."""
    told = [value for value in (shape.epoch, shape.step, *shape.positions, *shape.values) if value is not None]
    return list(dict.fromkeys(slot for value in told for slot in (value.slot, value.total) if slot is not None))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(text.replace(",", ""))


def _column(values: np.ndarray) -> Column:
    rows = np.flatnonzero(~np.isnan(values))
    return Column(pl.Series(values[rows]), None if rows.size == values.size else rows)


def _sorted(pairs: Sequence[tuple[np.ndarray, np.ndarray]], rows: int) -> Column:
    """The values of one name, which lines of several shapes may have, in the order of the lines."""
    at = np.concatenate([one for one, _ in pairs])
    order = np.argsort(at, kind="stable")
    values = np.concatenate([values for _, values in pairs])[order]
    return Column(pl.Series(values), None if at.size == rows else at[order])

"""Records (JSON objects) to columns: nested names, numbers in strings, steps written as lists, hyper-parameter rows."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.columns import TAGS, VALUES, bare, is_clock, is_split
from loglens.sources.delimited import is_number
from loglens.sources.paths import encodable
from loglens.sources.wide import Column, Wide, long_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SPACED = re.compile(r"\s")
_MOMENT = re.compile(r"[\d:.,TZ+dhms/-]+")  # dates and times
DEEPEST = 8  # levels of nested objects
LEVELS = ("epoch", "iteration", "total")


def number(value: object) -> float | None:
    """The value as a float: numbers and strings that hold one; None for anything else, booleans included."""
    if isinstance(value, float):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, str) and len(value) < 400 and is_number(value):
        return float(value.strip().removesuffix("%"))
    return None


def _whole(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def text(value: object) -> str | None:
    """A hyper-parameter as text, None when it is a container or nothing."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**53:
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def flat(record: Mapping[str, object], folder: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Names joined with `/` and values that are no objects. Media and tables (objects with a `_type`) are left out."""
    for name, value in record.items():
        if isinstance(value, dict):
            if depth < DEEPEST and "_type" not in value:
                yield from flat(value, f"{folder}{name}/", depth + 1)
        else:
            yield encodable(folder + name), encodable(value) if isinstance(value, str) else value


class Gathered:
    """Guards the columns of the records so far, each with the rows in which it has a value."""

    def __init__(self) -> None:
        self.count = 0
        self.rows: dict[str, list[int]] = {}
        self.values: dict[str, list[float]] = {}
        self.labels: dict[str, dict[int, str]] = {}  # by name and row: which split, and in long records which series
        self.hparams: list[tuple[str, str]] = []
        self.listed = False  # steps are written as lists
        self.texts: dict[str, list[str]] = {}  # words that may tell the rows apart

    def add(self, record: Mapping[str, object]) -> None:
        """A record as the next row; DLLogger's envelope is opened."""
        data, about = record.get("data"), record.get("metadata")
        if isinstance(data, dict) and "step" in record and "type" in record:
            self._envelope(record, data)
        elif isinstance(about, dict) and record.get("type") == "METADATA":
            self.note((f"{record.get('metric', 'metadata')}/{name}", value) for name, value in flat(about))
        else:
            self._row(record)

    def _row(self, record: Mapping[str, object]) -> None:
        for name, value in flat(record):
            if isinstance(value, str) and (is_split(name) or bare(name) in TAGS):
                self.labels.setdefault(name, {})[self.count] = value
                continue
            found = value if type(value) is float else number(value)
            if found is not None:
                self.put(name, found)
            elif isinstance(value, str) and len(self.texts.setdefault(name, [])) == self.count:
                self.texts[name].append(value)
        self.count += 1

    def telling(self) -> list[str]:
        """Names of texts that are another single word in every row, as the names of samples or of runs are."""
        return [
            name
            for name, words in self.texts.items()
            if len(words) == self.count == len(set(words)) and self.count > 1 and not is_clock(name)
            if not any(_SPACED.search(word) or _MOMENT.fullmatch(word) for word in words)
        ]

    def put(self, name: str, value: float) -> None:
        """A value of the current row."""
        if name in self.rows:
            self.rows[name].append(self.count)
            self.values[name].append(value)
        else:
            self.rows[name] = [self.count]
            self.values[name] = [value]

    def _envelope(self, record: Mapping[str, object], data: dict[str, object]) -> None:
        step = record["step"]
        if record["type"] != "LOG" or step == "PARAMETER":
            self.note(flat(data))
            return
        row: dict[str, object] = {"timestamp": record.get("timestamp")}
        if isinstance(step, list):
            self.listed = True
            row.update(zip(LEVELS, step, strict=False))
        else:
            row["step"] = step
        self._row({**row, **data})

    def note(self, items: Iterator[tuple[str, object]]) -> None:
        """Keep values as hyper-parameters."""
        for name, value in items:
            shown = text(value)
            if shown is not None:
                self.hparams.append((name, shown))

    def wide(self, index: int, prefix: str = "") -> Wide:
        """The rows as a table of file `index`."""
        columns = {
            name: Column(pl.Series(self.values[name], dtype=pl.Float64), np.asarray(rows, dtype=np.int64))
            for name, rows in self.rows.items()
        }
        dropped: frozenset[str] = frozenset()
        if self.listed:
            columns, dropped = self._counted(columns)
        if any(is_split(name) for name in self.labels) or any(bare(name) in VALUES for name in columns):
            labels = {
                name: pl.Series([of.get(row, "") for row in range(self.count)], dtype=pl.String)
                for name, of in self.labels.items()
            }
            columns = long_form(columns, labels)
        full = {name: _full(col, self.count) for name, col in columns.items()}
        return Wide([index], [self.count], full, dropped=dropped, prefix=prefix)

    def _counted(self, columns: dict[str, Column]) -> tuple[dict[str, Column], frozenset[str]]:
        """One step from steps written as [epoch, iteration, iterations an epoch]."""
        parts = [columns.get(name) for name in LEVELS]
        if any(part is None for part in parts):
            return columns, frozenset()
        epoch, iteration, total = (part.dense(self.count) for part in parts if part is not None)
        known = total[~np.isnan(total)]
        if not (known == known[0]).all() or np.nanmax(iteration) > known[0]:
            return columns, frozenset()
        base = min(1.0, np.nanmin(epoch))
        steps = (epoch - base) * known[0] + iteration
        rows = np.flatnonzero(np.isfinite(steps))
        made = {"step": Column(pl.Series(steps[rows]), rows), **columns}
        return made, frozenset({"iteration", "total"})


def _full(col: Column, count: int) -> Column:
    return Column(col.values) if col.rows is not None and col.rows.size == count else col

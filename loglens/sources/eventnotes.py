"""Faults found while event files are read: a bounded number for each file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loglens.model import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import ProblemKind
    from loglens.sources.base import LogFile

LIMIT = 20


@dataclass
class Notes:
    """Collects faults by file; beyond `LIMIT` of a kind in a file they are only counted. `records` were framed."""

    records: dict[int, int] = field(default_factory=dict)
    kept: dict[tuple[int, ProblemKind], list[tuple[int | None, str]]] = field(default_factory=dict)
    counts: dict[tuple[int, ProblemKind], int] = field(default_factory=dict)

    def add(self, file: int, kind: ProblemKind, message: str, offset: int | None = None) -> None:
        """Note a fault at byte `offset` of the file with index `file`."""
        key = (file, kind)
        self.counts[key] = self.counts.get(key, 0) + 1
        kept = self.kept.setdefault(key, [])
        if len(kept) < LIMIT:
            kept.append((offset, message))

    def faulty(self, file: int) -> bool:
        """Was anything noted about this file?"""
        return any(index == file for index, _ in self.kept)

    def problems(self, files: Sequence[LogFile]) -> list[Problem]:
        """The faults as problems, in order of file and offset."""
        out = []
        for (file, kind), kept in self.kept.items():
            more = self.counts[file, kind] - len(kept)
            out += [(file, offset or 0, Problem(files[file].name, kind, text, offset)) for offset, text in kept]
            if more:
                last = max(offset or 0 for offset, _ in kept)
                out.append((file, last, Problem(files[file].name, kind, f"and {more} more places like these", last)))
        return [problem for _, _, problem in sorted(out, key=lambda entry: entry[:2])]

"""Block statistics role by role: of the roles that some rule asks about, worked out once for all their series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loglens.kernels.blocks import Features

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loglens.series import Ragged


class Parts:
    """The series of a batch by role (layers of a model count as one); each part is analysed when first asked for."""

    def __init__(self, points: Ragged, roles: Sequence[str]) -> None:
        number: dict[str, int] = {}
        self.points = points
        self.part = np.array([number.setdefault(role.partition(":")[0], len(number)) for role in roles], np.int64)
        order = np.argsort(self.part, kind="stable")
        self.members = np.split(order, np.cumsum(np.bincount(self.part, minlength=len(number)))[:-1])
        self.row = np.zeros(len(order), np.int64)  # place within its part
        for mine in self.members:
            self.row[mine] = np.arange(len(mine))
        self._ragged: dict[int, Ragged] = {}
        self._features: dict[int, Features] = {}

    def ragged(self, part: int) -> Ragged:
        """The points of a part."""
        if part not in self._ragged:
            self._ragged[part] = self.points.take(self.members[part])
        return self._ragged[part]

    def features(self, part: int) -> Features:
        """The statistics of a part, a row a series."""
        if part not in self._features:
            ragged = self.ragged(part)
            self._features[part] = Features(ragged.start, ragged.count, ragged.value)
        return self._features[part]

    def of(self, series: int) -> tuple[Features, int]:
        """The statistics of one series: those of its part, and its row."""
        return self.features(int(self.part[series])), int(self.row[series])

    def whole(self, index: np.ndarray) -> Ragged | None:
        """The points of `index` where it names just the series of one part."""
        if not len(index) or index[0] < 0:
            return None
        part = int(self.part[index[0]])
        return self.ragged(part) if np.array_equal(index, self.members[part]) else None

    def levels(self, index: np.ndarray) -> np.ndarray:
        """The level of every point of the series of `index` (-1: none), end to end."""
        if self.whole(index) is not None:
            return self.features(int(self.part[index[0]])).level
        parts = [f.level[f.start[row] :][: f.count[row]] for f, row in (self.of(i) for i in index.tolist() if i >= 0)]
        return np.concatenate([np.zeros(0), *parts])

    def pick(self, index: np.ndarray, read: Callable[[Features], np.ndarray]) -> np.ndarray:
        """What `read` says of the series of `index`, a row each; NaN, for flags False, where that is -1."""
        known = index >= 0
        part = self.part[index[known]]
        kinds = np.unique(part)
        if len(kinds) == 1 and known.all():
            rows: np.ndarray = read(self.features(int(kinds[0])))[self.row[index]]
            return rows if rows.dtype == bool else rows.astype(float)
        found = {int(kind): read(self.features(int(kind))) for kind in kinds}
        like = next(iter(found.values()), None)
        if like is None:
            like = read(Features(*(np.zeros(0, np.int64),) * 2, np.zeros(0)))
        out = np.full((len(index), *like.shape[1:]), False if like.dtype == bool else np.nan)
        places = np.flatnonzero(known)
        for kind, rows in found.items():
            mine = places[part == kind]
            out[mine] = rows[self.row[index[mine]]]
        return out

"""The statistical core: medians of blocks, and what is read off them. One row a series, whole batches at once.

A series is analysed in log space when all its values are positive (multiplicative noise becomes additive, thresholds
become ratios), otherwise as it is; every number here is in that space ("level").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = 32
BINS = 64
NORMAL = 1.4826  # sd of a normal distribution per median absolute deviation
_CHUNK = 4_000_000
_MANY = 30_000  # points of equally long series from which on each block is sorted on its own


@dataclass(frozen=True, eq=False)
class Blocks:
    """Medians of equal parts of each series; row i is filled up to `count[i]`, NaN after it."""

    median: np.ndarray  # float64 (series, width)
    count: np.ndarray  # int64 (series,)
    size: np.ndarray  # float64 (series,), points per block
    first: np.ndarray  # int64 (series, width), position of each block's first point within its series

    @cached_property
    def smooth(self) -> np.ndarray:
        """Rolling median over three blocks, the ends over two; (series, width)."""
        m = self.median
        pad = np.full((len(m), 1), np.nan)
        rolled = nanmedian(np.stack([np.hstack([pad, m[:, :-1]]), m, np.hstack([m[:, 1:], pad])], axis=-1))
        return np.where(np.isnan(m), np.nan, rolled)  # not one more value, unsmoothed, behind the last block

    @cached_property
    def noise(self) -> np.ndarray:
        """Robust sd of a block from second differences, immune to trend: 1.4826 median|d2| / sqrt 6; (series,)."""
        d2 = self.median[:, 2:] - 2 * self.median[:, 1:-1] + self.median[:, :-2]
        return NORMAL * nanmedian(np.abs(d2)) / np.sqrt(6)

    @cached_property
    def place_of_lowest(self) -> np.ndarray:
        """Position at which the lowest smoothed block begins; int64 (series,)."""
        return np.take_along_axis(self.first, argmin(self.smooth)[:, None], axis=1)[:, 0]

    @cached_property
    def after_lowest(self) -> np.ndarray:
        """How many blocks lie after the lowest smoothed one; float64 (series,)."""
        return np.where(self.count > 0, self.count - 1 - argmin(self.smooth), np.nan)

    def last(self, k: int) -> np.ndarray:
        """Median of the last `k` blocks; (series,)."""
        column = self.count[:, None] - 1 - np.arange(k)[None, :]
        picked = np.take_along_axis(self.median, np.maximum(column, 0), axis=1)
        return nanmedian(np.where(column >= 0, picked, np.nan))


class Features:
    """Block statistics of flat series `value[start[i]:start[i]+count[i]]`, each computed on first use."""

    def __init__(self, start: np.ndarray, count: np.ndarray, value: np.ndarray) -> None:
        self.start, self.count, self.raw = start, count, value

    @cached_property
    def logged(self) -> np.ndarray:
        """Whether a series is analysed in log space; bool (series,)."""
        return self.lowest > 0

    @cached_property
    def lowest(self) -> np.ndarray:
        """The smallest value; NaN of an empty series; (series,)."""
        return self._reduced(np.minimum)

    @cached_property
    def highest(self) -> np.ndarray:
        """The largest value; NaN of an empty series; (series,)."""
        return self._reduced(np.maximum)

    def _reduced(self, how: np.ufunc) -> np.ndarray:
        out = np.full(len(self.start), np.nan)
        some = self.count > 0  # the series lie end to end: each part ends where the next begins
        if some.any():
            out[some] = how.reduceat(self.raw, self.start[some])
        return out

    def points_at(self, place: np.ndarray) -> np.ndarray:
        """Levels at positions within each series, NaN beyond it; (series, positions)."""
        known = (place >= 0) & (place < self.count[:, None])
        if not len(self.level):
            return np.full(known.shape, np.nan)
        return np.where(known, self.level[np.where(known, self.start[:, None] + place, 0)], np.nan)

    @cached_property
    def level(self) -> np.ndarray:
        """The points in the space of their series; float64 (points,)."""
        if self.logged.all():
            return np.log(self.raw)
        out = self.raw.copy()
        np.log(self.raw, out=out, where=np.repeat(self.logged, self.count))
        return out

    @cached_property
    def blocks(self) -> Blocks:
        """32 blocks from 128 points on, fewer (n // 4, at least 5) below."""
        width = np.where(self.count >= 128, BLOCKS, np.clip(self.count // 4, 5, BLOCKS))
        return block_medians(self.level, self.start, self.count, np.minimum(width, self.count), BLOCKS)

    @cached_property
    def bins(self) -> Blocks:
        """At most 64 bins; a point a bin up to 64 points."""
        return block_medians(self.level, self.start, self.count, np.minimum(BINS, self.count), BINS)

    @cached_property
    def roughness(self) -> np.ndarray:
        """Robust sd of a single point from first differences: 1.4826 median|diff| / sqrt 2; (series,)."""
        diff = np.full(len(self.level), np.nan)
        np.subtract(self.level[1:], self.level[:-1], out=diff[:-1])
        np.abs(diff, out=diff)
        one = np.ones_like(self.count)
        size = np.maximum(self.count - 1, 0)
        return NORMAL * block_medians(diff, self.start, size, np.minimum(one, size), 1).median[:, 0] / np.sqrt(2)

    @cached_property
    def noise(self) -> np.ndarray:
        """Noise of a block median, slow wander included: between once and thrice what single points explain."""
        floor = 1.2533 * self.roughness / np.sqrt(np.maximum(self.blocks.size, 1))
        return np.clip(np.nan_to_num(self.blocks.noise), floor, 3 * floor)

    @cached_property
    def head_points(self) -> np.ndarray:
        """How many points the head is read from: 3 to 10, a twentieth of the series in between."""
        return np.minimum(np.clip(self.count // 20, 3, 10), self.count)

    @cached_property
    def head(self) -> np.ndarray:
        """Where a series began: the higher of the median of its first points and of its first two blocks."""
        opening = block_medians(self.level, self.start, self.head_points, np.minimum(1, self.count), 1).median[:, 0]
        return np.fmax(opening, nanmedian(self.blocks.median[:, :2]))

    @cached_property
    def best(self) -> np.ndarray:
        """The lowest smoothed block; (series,)."""
        return nanmin(self.blocks.smooth)

    @cached_property
    def tail(self) -> np.ndarray:
        """Median of the last three blocks; (series,)."""
        return self.blocks.last(3)


def block_medians(level: np.ndarray, start: np.ndarray, count: np.ndarray, blocks: np.ndarray, width: int) -> Blocks:
    """Medians of `blocks[i]` equal parts of each series, as a (series, width) matrix.

    Series of similar block size are gathered into one padded cube and sorted along its last axis, so the cost is that
    of a few NumPy calls, not of one per series.
    """
    column = np.arange(width)[None, :]
    safe = np.maximum(blocks, 1)[:, None]
    first = np.where(column < blocks[:, None], column * count[:, None] // safe, 0)
    end = np.where(column < blocks[:, None], (column + 1) * count[:, None] // safe, 0)
    median = np.full((len(count), width), np.nan)
    longest = (end - first).max(axis=1, initial=0)
    group = np.ceil(np.log2(np.maximum(longest, 1))).astype(int)
    done = np.zeros(len(count), bool)
    for rows in _alike(count, blocks):
        median[rows] = _medians_of_alike(level, start[rows], first[rows[0]], end[rows[0]])
        done[rows] = True
    left = (longest > 0) & ~done
    for g in np.unique(group[left]):
        rows = np.flatnonzero((group == g) & left)
        depth = 1 << int(g)
        per_chunk = max(_CHUNK // (depth * width), 1)
        for at in range(0, len(rows), per_chunk):
            chunk = rows[at : at + per_chunk]
            median[chunk] = _medians(level, start[chunk, None] + first[chunk], (end - first)[chunk], depth)
    return Blocks(median, blocks, count / np.maximum(blocks, 1), first)


def _alike(count: np.ndarray, blocks: np.ndarray) -> Iterator[np.ndarray]:
    """Series of equal length, where there are so many points that going block by block pays."""
    kind = count * (BINS + 1) + blocks
    order = np.argsort(kind, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
        if len(rows) and len(rows) * count[rows[0]] >= _MANY:
            for part in np.array_split(rows, -(-len(rows) * count[rows[0]] // _CHUNK)):
                if len(part):
                    yield part


def _medians_of_alike(level: np.ndarray, start: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Medians of the same blocks `[first[j], end[j])` of series that have a matrix's shape; (series, width)."""
    length = int(end.max())
    apart = int(start[1] - start[0]) if len(start) > 1 else length
    if np.array_equal(start, start[0] + apart * np.arange(len(start))) and start[0] + apart * len(start) <= len(level):
        matrix = level[start[0] : start[0] + apart * len(start)].reshape(len(start), apart)
    else:
        matrix = np.stack([level[at : at + length] for at in start.tolist()])
    out = np.full((len(start), len(first)), np.nan)
    for j in np.flatnonzero(end > first):
        part = np.sort(matrix[:, first[j] : end[j]], axis=1)
        size = part.shape[1]
        out[:, j] = (part[:, (size - 1) // 2] + part[:, size // 2]) / 2
    return out


def _medians(level: np.ndarray, first: np.ndarray, size: np.ndarray, depth: int) -> np.ndarray:
    offset = np.arange(depth)
    inside = offset < size[..., None]
    cube = level[np.where(inside, first[..., None] + offset, 0)]
    cube[~inside] = np.inf
    cube.sort(axis=-1)
    low = np.take_along_axis(cube, np.maximum((size - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(cube, (size // 2).clip(0, depth - 1)[..., None], axis=-1)[..., 0]
    return np.where(size > 0, (low + high) / 2, np.nan)


def nanmedian(matrix: np.ndarray) -> np.ndarray:
    """Median over the last axis without its NaNs; NaN where nothing is left (and no warning)."""
    if matrix.shape[-1] == 0:
        return np.full(matrix.shape[:-1], np.nan)
    ordered = np.sort(matrix, axis=-1)
    size = np.sum(~np.isnan(matrix), axis=-1)
    low = np.take_along_axis(ordered, np.maximum((size - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(size // 2, matrix.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.where(size > 0, (low + high) / 2, np.nan)


def nanmin(matrix: np.ndarray) -> np.ndarray:
    """Minimum over the last axis without its NaNs; NaN where nothing is left."""
    lowest = np.min(np.where(np.isnan(matrix), np.inf, matrix), axis=-1, initial=np.inf)
    return np.where(np.isinf(lowest) & (lowest > 0), np.nan, lowest)


def argmin(matrix: np.ndarray) -> np.ndarray:
    """First position of the minimum over the last axis, NaNs passed over; int64."""
    return np.argmin(np.where(np.isnan(matrix), np.inf, matrix), axis=-1)


def mann_kendall(matrix: np.ndarray, begin: np.ndarray | int = 0) -> np.ndarray:
    """Mann-Kendall z of each row from column `begin` on; positive = rising. Source: Kendall 1975, normal approximation.

    NaN where fewer than four values are left.
    """
    width = matrix.shape[1]
    column = np.arange(width)[None, :]
    row = np.where(column >= np.asarray(begin).reshape(-1, 1), matrix, np.nan)
    score = np.zeros(len(matrix))
    for i in range(width - 1):
        score += np.nansum(np.sign(row[:, i + 1 :] - row[:, i : i + 1]), axis=1)
    n = np.sum(~np.isnan(row), axis=1)
    spread = np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (score - np.sign(score)) / spread
    return np.where(n >= 4, z, np.nan)

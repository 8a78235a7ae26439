"""One series at a time, written for the eye rather than for speed: what the kernels must agree with."""

from __future__ import annotations

import itertools
import math
from functools import cached_property

import numpy as np


def median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else math.nan


class Naive:
    """The statistics of one cleaned series."""

    def __init__(self, step: np.ndarray, value: np.ndarray) -> None:
        self.step, self.value, self.n = step, value, len(value)

    @cached_property
    def level(self) -> np.ndarray:
        return np.log(self.value) if self.logged else self.value

    @property
    def logged(self) -> bool:
        return self.n > 0 and bool((self.value > 0).all())

    def edges(self, k: int) -> list[int]:
        return [i * self.n // k for i in range(k + 1)]

    def parts(self, k: int) -> np.ndarray:
        edges = self.edges(k)
        return np.array([median(self.level[a:b]) for a, b in itertools.pairwise(edges)])

    @property
    def k(self) -> int:
        return min(32 if self.n >= 128 else min(max(self.n // 4, 5), 32), self.n)

    @cached_property
    def blocks(self) -> np.ndarray:
        return self.parts(self.k) if self.n else np.zeros(0)

    @cached_property
    def bins(self) -> np.ndarray:
        return self.parts(min(64, self.n)) if self.n else np.zeros(0)

    @property
    def roughness(self) -> float:
        return 1.4826 * median(np.abs(np.diff(self.level))) / math.sqrt(2)

    @property
    def noise(self) -> float:
        if self.n < 2:
            return math.nan
        floor = 1.2533 * self.roughness / math.sqrt(self.n / self.k)
        wander = second_differences(self.blocks)
        return min(max(0.0 if math.isnan(wander) else wander, floor), 3 * floor)

    @property
    def head(self) -> float:
        if not self.n:
            return math.nan
        points = min(max(self.n // 20, 3), 10)
        return max(median(self.level[:points]), median(self.blocks[:2]))

    def natural(self, level: float) -> float:
        return math.exp(level) if self.logged else level


def smooth(parts: np.ndarray) -> np.ndarray:
    return np.array([median(parts[max(i - 1, 0) : i + 2]) for i in range(len(parts))])


def second_differences(parts: np.ndarray) -> float:
    return 1.4826 * median(np.abs(parts[2:] - 2 * parts[1:-1] + parts[:-2])) / math.sqrt(6)


def lowest(parts: np.ndarray) -> float:
    return float(smooth(parts).min()) if len(parts) else math.nan


def where_lowest(parts: np.ndarray) -> int:
    return int(smooth(parts).argmin())


def kendall(row: np.ndarray) -> float:
    """Mann-Kendall z, pair by pair."""
    n = len(row)
    if n < 4:
        return math.nan
    s = sum(np.sign(row[j] - row[i]) for i in range(n) for j in range(i + 1, n))
    return float((s - np.sign(s)) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18))


def runs(held: np.ndarray) -> list[tuple[int, int]]:
    """(first, length) of each unbroken run of a condition."""
    found: list[tuple[int, int]] = []
    for i, flag in enumerate(held):
        if flag and found and found[-1][0] + found[-1][1] == i:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif flag:
            found.append((i, 1))
    return found


def cleaned(step: np.ndarray, value: np.ndarray, segment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finite values on rising steps: a restart overwrites, of a repeated step the last counts."""
    kept: dict[int, float] = {}
    for i in range(len(step)):
        lost = any(segment[j] > segment[i] and step[j] <= step[i] for j in range(len(step)))
        if not lost and math.isfinite(value[i]):
            kept[int(step[i])] = float(value[i])
    order = sorted(kept)
    return np.array(order, np.int64), np.array([kept[s] for s in order], float)

"""On any numbers of one shape, value by value."""

from __future__ import annotations

import numpy as np


def smallest(*parts: np.ndarray) -> np.ndarray:
    """The smallest; a missing value does not count."""
    return np.fmin.reduce(np.broadcast_arrays(*parts))


def largest(*parts: np.ndarray) -> np.ndarray:
    """The largest; a missing value does not count."""
    return np.fmax.reduce(np.broadcast_arrays(*parts))


def rounded(value: np.ndarray) -> np.ndarray:
    """To the nearest whole number, halves to the even one."""
    return np.round(value)


def without_sign(value: np.ndarray) -> np.ndarray:
    """Without the sign."""
    return np.abs(value)


def root(value: np.ndarray) -> np.ndarray:
    """Square root; NaN of a negative number."""
    return np.sqrt(value)


def logarithm(value: np.ndarray) -> np.ndarray:
    """Natural logarithm; NaN of a negative number."""
    return np.log(value)


def exponential(value: np.ndarray) -> np.ndarray:
    """e to this power."""
    return np.exp(value)

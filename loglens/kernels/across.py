"""Over the candidates of one run: the layers of a model, the parts of a loss."""

from __future__ import annotations

import numpy as np


def largest(value: np.ndarray, run: np.ndarray) -> np.ndarray:
    """The largest value among all candidates of the run."""
    out = np.full(int(run.max(initial=-1)) + 1, -np.inf)
    np.fmax.at(out, run, value)
    return np.where(np.isinf(out[run]) & (out[run] < 0), np.nan, out[run])


def smallest(value: np.ndarray, run: np.ndarray) -> np.ndarray:
    """The smallest value among all candidates of the run."""
    return -largest(-value, run)

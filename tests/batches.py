"""Batches of series for tests: written down, or drawn by hypothesis with everything that a log may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from loglens.kernels.values import SeriesArg
from loglens.series import Ragged, SeriesSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Logged = Any  # values, (steps, values) or (steps, values, segments)
HOSTILE = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 1e-300, 5e-324, 1.0, 2.0, -3.5, 1e-12)
HOSTILE_STEPS = (0, 1, 2, 3, 7, 1_000_000, -5, 2**31, 2**53 + 1, 2**62, -(2**62))


def batch(runs: Sequence[Mapping[str, Logged]], facts: Mapping[str, Sequence[float]] | None = None) -> SeriesSet:
    """One SeriesSet of these runs; a role is its own tag. Of facts as many as there are runs are taken."""
    parts, owner, roles = [], [], []
    for number, run in enumerate(runs):
        for role, logged in run.items():
            parts.append(_columns(logged))
            owner.append(number)
            roles.append(role)
    count = np.array([len(value) for _, value, _ in parts], np.int64)
    start = (np.cumsum(count) - count).astype(np.int64)
    step = np.concatenate([np.zeros(0, np.int64), *(p[0] for p in parts)])
    value = np.concatenate([np.zeros(0), *(p[1] for p in parts)])
    segment = np.concatenate([np.zeros(0, np.int32), *(p[2] for p in parts)])
    records = Ragged(start, count, step, value, 1.7e9 + 60.0 * np.arange(len(value)), segment)
    stems = [role.partition("/")[2] or role for role in roles]
    names = tuple(f"run {i}" for i in range(len(runs)))
    axis: list[str] = ["step"] * len(roles)
    none: list[str | None] = [None] * len(roles)
    known = {name: np.array(values[: len(runs)], float) for name, values in (facts or {}).items()}
    return SeriesSet(names, np.array(owner, np.int64), list(roles), roles, stems, axis, none, records, known)


def _columns(logged: Logged) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not isinstance(logged, tuple):
        logged = (np.arange(len(logged)), logged)
    steps, values, segments = logged if len(logged) == 3 else (*logged, np.zeros(len(logged[0])))
    return np.asarray(steps, np.int64), np.asarray(values, float), np.asarray(segments, np.int32)


def arg(series: SeriesSet, role: str = "train/loss") -> SeriesArg:
    """The series of a role in every run, -1 where there is none."""
    index = np.full(len(series.runs), -1)
    for i, (run, has) in enumerate(zip(series.run, series.role, strict=True)):
        if has == role:
            index[run] = i
    return SeriesArg(series, index)


def curve(kind: str, n: int, seed: int, scale: float) -> np.ndarray:
    """A curve as trainings draw them."""
    rng = np.random.default_rng(seed)
    noise, x = rng.standard_normal(n), np.linspace(0, 1, n)
    shape = {
        "flat": np.ones(n),
        "noisy": 1 + 0.1 * noise,
        "fall": np.exp(-4 * x + 0.05 * noise),
        "rise": 0.2 + x + 0.05 * noise,
        "valley": 0.3 + (x - 0.5) ** 2 + 0.01 * noise,
        "signed": noise,
        "steps": np.round(3 * x),
        "spiky": np.where(rng.random(n) < 0.03, 50.0, 1 + 0.05 * noise),
        "dies": np.where(x > 0.6, np.nan, 1 - x),
        "zero": np.where(x > 0.5, 0.0, 1 - x),
    }[kind]
    return scale * shape


KINDS = ("flat", "noisy", "fall", "rise", "valley", "signed", "steps", "spiky", "dies", "zero")
curves = st.builds(
    curve,
    st.sampled_from(KINDS),
    st.sampled_from([0, 1, 2, 3, 5, 8, 21, 40, 63, 64, 65, 127, 128, 300]),
    st.integers(0, 9),
    st.sampled_from([1.0, 1000.0, 1e-300, 1e300, -1.0]),
)
values = st.one_of(curves, st.lists(st.sampled_from(HOSTILE), max_size=30).map(np.array))


@st.composite
def logged(draw: st.DrawFn) -> Logged:
    """Values on ordinary steps, or on any steps with restarts."""
    value = draw(values)
    n = len(value)
    if draw(st.booleans()):
        return value
    if n > 30 or draw(st.booleans()):
        return np.arange(n) * draw(st.sampled_from([1, 10, 2**40])) + draw(st.sampled_from([0, 1, -100])), value
    steps = draw(st.lists(st.sampled_from(HOSTILE_STEPS), min_size=n, max_size=n))
    return steps, value, sorted(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))


def batches(roles: Sequence[str], max_runs: int = 4, facts: Sequence[str] = ()) -> st.SearchStrategy[SeriesSet]:
    """Runs that log some of `roles`, with any facts."""
    run = st.dictionaries(st.sampled_from(list(roles)), logged(), max_size=len(roles))
    number = st.sampled_from([np.nan, 0.0, 1.0, 10.0, 1e300])
    several = st.lists(number, min_size=max_runs, max_size=max_runs)
    return st.builds(batch, st.lists(run, max_size=max_runs), st.fixed_dictionaries(dict.fromkeys(facts, several)))

"""Curves of healthy trainings, drawn at random: many shapes, scales and kinds of noise, none of them with a fault."""

from __future__ import annotations

from typing import Any

import numpy as np

Run = dict[str, Any]  # role → values, or (steps, values), as `batches.batch` takes them
SHAPES = ("exponential", "power", "staircase", "plateau", "warm-up", "fine-tune", "warm restarts")
STARTS = (0.69, 1.1, 1.3, 2.3, 4.6, 10.8, 100.0, 5000.0)
SCATTER = (0.003, 0.02, 0.1, 0.3, 0.6)  # sd of a point as a share of the loss


def healthy_run(rng: np.random.Generator) -> tuple[Run, str]:
    """A run and what it is, for people."""
    points = int(rng.choice([10, 20, 30, 60, 100, 300, 1000, 3000]))
    shape = str(rng.choice(SHAPES))
    start, scatter = float(rng.choice(STARTS)), float(rng.choice(SCATTER))
    share = np.linspace(0, 1, points)
    course = _course(shape, share, rng)
    floor = 0.0 if shape == "fine-tune" else float(rng.uniform(0.02, 0.7))
    base = start * (floor + (1 - floor) * course)
    kind = str(rng.choice(["white", "red", "heavy"] if scatter <= 0.3 else ["white", "red"]))
    run: Run = {"train/loss": base * _noise(points, scatter, kind, rng)}
    if rng.random() < 0.7:
        _add_evaluations(run, base, course, start, rng)
    if rng.random() < 0.4:
        scale = course ** float(rng.choice([0, 0, 0.5]))
        noise = _noise(points, float(rng.choice([0.1, 0.3, 0.5])), str(rng.choice(["white", "heavy"])), rng)
        run["grad_norm"] = rng.uniform(0.1, 5) * scale * noise
    if rng.random() < 0.4:
        cosine = 1e-3 * np.minimum(share / 0.05, 1) * np.cos(share * np.pi / 2)
        run["lr"] = cosine if rng.random() < 0.5 else np.full(points, 1e-3)
    return run, f"{shape}, {points} points from {start}, {kind} noise of {scatter:.1%}"


def _add_evaluations(run: Run, base: np.ndarray, course: np.ndarray, start: float, rng: np.random.Generator) -> None:
    number = int(min(len(base), rng.choice([5, 8, 12, 20, 50, 100])))
    at = np.linspace(0, len(base) - 1, number).astype(int)
    scatter = float(rng.choice([0.002, 0.01, 0.03, 0.08]))
    run["val/loss"] = (at, base[at] * rng.uniform(0.8, 1.5) * _noise(number, scatter, "white", rng))
    if start < 5 and rng.random() < 0.5:
        examples, top = int(rng.choice([40, 200, 1000, 10_000])), rng.uniform(0.6, 0.99)
        rate = 0.1 + (top - 0.1) * (1 - course[at]) / max(1 - course.min(), 1e-9)
        run["val/accuracy"] = (at, rng.binomial(examples, np.clip(rate, 0.01, 0.995)) / examples)


def _noise(points: int, scatter: float, kind: str, rng: np.random.Generator) -> np.ndarray:
    draw = rng.standard_t(4, points) / 1.4 if kind == "heavy" else rng.standard_normal(points)
    if kind == "red":
        for i in range(1, points):
            draw[i] = 0.7 * draw[i - 1] + 0.71 * draw[i]
    return np.exp(scatter * draw)


def _course(shape: str, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From 1 downwards over the run."""
    if shape == "exponential":
        return np.exp(-share * rng.uniform(2, 8))
    if shape == "power":
        return (1 + share * rng.uniform(10, 500)) ** -rng.uniform(0.3, 1)
    if shape == "staircase":
        return np.exp(-np.floor(share * 5) * rng.uniform(0.2, 0.6))
    if shape == "plateau":
        return 1 / (1 + np.exp((share - rng.uniform(0.2, 0.7)) * 20))
    if shape == "warm-up":
        return np.where(share < 0.05, 1 + share * rng.uniform(0, 3), np.exp(-(share - 0.05) * 5) * 1.1)
    if shape == "fine-tune":
        return 1 - rng.uniform(0.02, 0.3) * (1 - np.exp(-share * 5))
    return np.exp(-share * 3) * (1 + 0.5 * (1 - (share * 3) % 1) * (share > 1 / 3))

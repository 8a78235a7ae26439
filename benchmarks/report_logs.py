"""Trees of event files for `benchmarks/report.py` and the pictures in the documentation: trainings as they go.

Every tenth run fails in one of the usual ways, every tenth overfits, the others are well.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from google_crc32c import value as crc32c

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Series = dict[str, tuple[np.ndarray, np.ndarray]]  # tag -> steps, values
START = 1735689600.0


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _record(payload: bytes) -> bytes:
    def masked(data: bytes) -> bytes:
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def _events(series: Series) -> Iterator[bytes]:
    yield _record(b"\x09" + struct.pack("<d", START) + b"\x1a\x0dbrain.Event:2")
    for tag, (steps, values) in series.items():
        name = b"\x0a" + _varint(len(tag.encode())) + tag.encode() + b"\x15"
        size = _varint(len(name) + 4)
        tail = b"\x2a" + _varint(1 + len(size) + len(name) + 4) + b"\x0a" + size + name
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            at = b"\x09" + struct.pack("<d", START + 0.4 * step) + b"\x10" + _varint(step)
            yield _record(at + tail + struct.pack("<f", value))


def write(folder: Path, series: Series) -> None:
    """One event file with these series."""
    folder.mkdir(parents=True)
    (folder / "events.out.tfevents.1735689600.sample.1.0").write_bytes(b"".join(_events(series)))


def _fall(rng: np.random.Generator, n: int, start: float, end: float, noise: float) -> np.ndarray:
    t = np.linspace(0, 1, n)
    return (end + (start - end) / (1 + 14 * t)) * np.exp(noise * rng.standard_normal(n))


def training(seed: int, steps: int = 1000, kind: str = "healthy", lr: float = 1e-3, wide: bool = False) -> Series:
    """The series of one training: four, with `wide` six. `kind`: healthy, overfit, diverge, nan, flat."""
    rng = np.random.default_rng(seed)
    at = np.arange(steps) * 20
    evals = at[steps // 50 - 1 :: steps // 50] if kind != "never" else at
    loss = _fall(rng, steps, 2.3, 0.2 + 0.05 * rng.random(), 0.07)
    held = _fall(rng, len(evals), 1.7, 0.34, 0.012)
    norm = 0.8 * np.exp(0.25 * rng.standard_normal(steps))
    onset = int(steps * (0.4 + 0.3 * rng.random()))
    if kind == "overfit":
        turn = len(evals) // 3
        loss *= np.linspace(1, 0.1, steps)
        held[turn:] += 0.9 * np.linspace(0, 1, len(evals) - turn)
    if kind in ("diverge", "nan"):
        rest = np.linspace(0, 5, steps - onset)
        loss[onset:] += 4.1 * (1 - np.exp(-rest)) + 0.2 * rng.standard_normal(steps - onset)
        early = onset - steps // 40
        norm[early:] *= np.exp(np.linspace(0, 4.6, steps - early))
        held[evals >= at[onset]] += 4.0
    if kind == "nan":
        last = onset + (steps - onset) // 2
        loss[last:] = norm[last:] = np.nan
        held[evals >= at[last]] = np.nan
    if kind == "flat":
        loss = 2.303 * np.exp(0.004 * rng.standard_normal(steps))
        held = 2.303 * np.exp(0.002 * rng.standard_normal(len(evals)))
    warm = np.minimum(at / (0.05 * at[-1]), 1.0) * lr * (1 - at / (1.1 * at[-1]))
    series = {"train/loss": (at, loss), "val/loss": (evals, held), "train/grad_norm": (at, norm), "lr": (at, warm)}
    if wide:
        right = np.clip(1 - held / 3, 0, 1)
        series |= {"val/accuracy": (evals, right), "train/weight_norm": (at, 20 + np.cumsum(rng.random(steps)) / 90)}
    return series


KINDS = ("diverge", "overfit", "nan", "overfit", "flat", "overfit")


def tree(root: Path, runs: int, steps: int = 1000, wide: bool = False) -> Mapping[str, str]:
    """`runs` runs below `root`; gives name -> kind."""
    kinds = {}
    for number in range(runs):
        name, kind = f"run-{number:04d}", KINDS[number // 5 % 6] if number % 5 == 2 else "healthy"
        write(root / name, training(number, steps, kind, wide=wide))
        kinds[name] = kind
    return kinds

"""Axes: from data to positions, and the ticks a person would have chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TINY, HUGE = 1e-290, 1.7976931348623157e308  # where arithmetic on doubles ends
DECADES = 2.0  # positive data that spans more is drawn on a log axis


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `low`..`high` to 0..1; on a log axis both are positive."""

    low: float
    high: float
    log: bool = False

    def place(self, values: np.ndarray) -> np.ndarray:
        """Share of the axis for each value; values outside land outside."""
        if self.log:
            span = math.log10(self.high) - math.log10(self.low)
            return np.asarray((np.log10(values) - math.log10(self.low)) / span)
        # halves first: the span of two huge values may overflow
        return np.asarray((values / 2 - self.low / 2) / (self.high / 2 - self.low / 2))

    def at(self, value: float) -> float:
        """`place` for one value."""
        return float(self.place(np.array([value], dtype=np.float64))[0])


def value_scale(values: np.ndarray) -> Scale:
    """The axis for finite `values`: log when they are positive over more than two decades, else with a little air."""
    if not len(values):
        return Scale(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if low > 0 and math.log10(high) - math.log10(low) > DECADES:
        air = 0.04 * (math.log10(high) - math.log10(low))
        return Scale(min(_power(math.log10(low) - air), low), max(_power(math.log10(high) + air), high), log=True)
    if max(abs(low), abs(high)) < TINY:
        return Scale(0.0, 1.0)
    if low == high:
        air = abs(low) * 0.1
    elif 0 < low < 0.35 * high:
        low, air = 0.0, 0.05 * high
    else:
        air = 0.05 * (high / 2 - low / 2) * 2
    return Scale(low if low == 0 else max(low - air, -HUGE), min(high + air, HUGE))


def _power(exponent: float) -> float:
    return float(10.0 ** min(max(exponent, -307.0), 308.0))


def ticks(scale: Scale, wanted: int = 4) -> list[tuple[float, str]]:
    """(value, text) of about `wanted` round values inside the scale."""
    if scale.log:
        return _decades(scale, wanted)
    span = scale.high - scale.low
    if not math.isfinite(span) or span <= 0:
        return [(v, short(v)) for v in (scale.low, scale.high)]
    step = _round_step(span / wanted)
    first = math.ceil(scale.low / step - 1e-9)
    last = math.floor(scale.high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if _leading(step) == 2.5 else 0))
    values = [round(i * step, min(digits, 300)) + 0.0 for i in range(first, last + 1)]
    texts = [short(v, digits) for v in values]
    if len(set(texts)) < len(texts):  # a narrow band far from zero needs every digit
        texts = [f"{v:,.{digits}f}" if digits < 12 else f"{v:.15g}" for v in values]
    return list({text: (v, text) for v, text in zip(values, texts, strict=True)}.values())


def _leading(step: float) -> float:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9), 6)


def _round_step(rough: float) -> float:
    """The round step nearest to `rough`: 1, 2, 2.5 or 5 times a power of ten."""
    base = float(10.0 ** math.floor(math.log10(rough)))
    return min((m * base for m in (1, 2, 2.5, 5, 10)), key=lambda step: abs(math.log(step / rough)))


def _decades(scale: Scale, wanted: int) -> list[tuple[float, str]]:
    low, high = math.ceil(math.log10(scale.low) - 1e-9), math.floor(math.log10(scale.high) + 1e-9)
    stride = max(1, math.ceil((high - low + 1) / (wanted + 1)))
    return [(float(f"1e{e}"), short(float(f"1e{e}"))) for e in range(low, high + 1) if (e - low) % stride == 0]


def step_ticks(low: int, high: int, wanted: int = 6) -> list[tuple[int, str]]:
    """Whole steps for the x axis."""
    if low == high:
        return [(low, short(low))]
    step = max(1, _whole(_round_step((high - low) / wanted)))
    first = -(-low // step)
    return [(i * step, short(i * step)) for i in range(first, high // step + 1)]


def _whole(step: float) -> int:
    return 5 if step == 2.5 else round(step)  # 2 would give too many ticks


def short(value: float, digits: int | None = None) -> str:
    """A tick's text, never more than some seven characters: 0.25, 7,500, 12.5k, 2M, 1e-5."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-3 or size >= 1e9:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    for unit, power in (("M", 1e6), ("k", 1e3)):
        if size >= (power if unit == "M" else 1e4):
            return f"{value / power:.6g}{unit}"
    return f"{value:,.{min(digits, 6)}f}" if digits else f"{value:,.6g}"

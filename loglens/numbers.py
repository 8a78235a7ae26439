"""Numbers as people write them."""

from __future__ import annotations

import math


def human(value: float | int | None) -> str:
    """Three significant digits, thousands separated, powers of ten where zeros pile up: 32,550, 0.0412, 3.2e-4."""
    if value is None or math.isnan(value):
        return "NaN" if value is not None else "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    size = abs(value)
    if 1e-3 <= size < 1e6:
        digits = max(0, 2 - math.floor(math.log10(size)))
        return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def percent(share: float | None) -> str:
    """A share as a percentage: 62 %, 0.4 %."""
    if share is None or math.isnan(share):
        return "–"
    size = abs(share) * 100
    digits = 0 if size >= 10 or size == 0 else 1 if size >= 1 else 2
    text = f"{share * 100:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def often(number: float | None) -> str:
    """How many times something happened: once, twice, 12 times."""
    return {1.0: "once", 2.0: "twice"}.get(number or 0.0, f"{human(number)} times")


def times(ratio: float | None) -> str:
    """A ratio: 12 ×, 1.3 ×."""
    return "–" if ratio is None or math.isnan(ratio) else f"{human(float(f'{ratio:.2g}'))} ×"

"""What a page needs to draw runs anew: curves in compressed chunks, and the drawing library, inert until asked for.

A chunk is gzip in base64 of: the length of a JSON text (4 bytes), that text, then for all curves of the chunk the
differences of their steps and their values as 32-bit words, byte plane by byte plane, which compresses best.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loglens.reporters import charts, clean, outline
from loglens.reporters.scales import value_scale
from loglens.reporters.thinning import extremes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loglens.model import Axis, Curve, Finding, RunReport

CHUNK = 25  # runs that are unpacked together: one big chunk took ten seconds
POINTS = 2_400_000  # of a whole page, some 9 MB; curves are thinned to fit
FEWEST = 150  # points of a curve however many there are
LEVELS = {"library": 6, "curves": 4}  # more takes longer and hardly saves anything
LARGE = 1e37  # beyond it 32 bits end


@dataclass(frozen=True, slots=True)
class Library:
    """Plotly.js, compressed, and the hash that lets a page's policy run it."""

    packed: str
    hash: str


@cache
def library() -> Library | None:
    """Plotly.js out of the installed `plotly` package, which is not imported; None when it is not there."""
    found = find_spec("plotly")
    places = (Path(p) / "package_data" / "plotly.min.js" for p in (found and found.submodule_search_locations) or ())
    script = next((p.read_text(encoding="utf-8") for p in places if p.is_file()), None)
    if script is None:
        return None
    raw = script.encode()
    return Library(_packed(raw, LEVELS["library"]), policy_hash(script))


def policy_hash(text: str) -> str:
    """A script or style as a Content-Security-Policy names it."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _packed(raw: bytes, level: int) -> str:
    return b64encode(gzip.compress(raw, level, mtime=0)).decode()


def points_per_curve(runs: Sequence[RunReport]) -> int:
    """How many points of each curve fit into the page."""
    return max(FEWEST, POINTS // max(sum(len(run.curves) for run in runs), 1))


def chunks(runs: Sequence[RunReport], targets: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """The curves of `runs`, `CHUNK` runs at a time; `targets` are the anchors of findings by run and rule."""
    room = points_per_curve(runs)
    each = iter(runs)
    while part := list(islice(each, CHUNK)):
        yield _chunk(part, room, targets)


def _chunk(runs: Sequence[RunReport], room: int, targets: Mapping[tuple[str, str], str]) -> str:
    steps: list[np.ndarray] = []
    values: list[np.ndarray] = []
    told = [_run(run, room, targets, steps, values) for run in runs]
    head = json.dumps(told, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    body = _planes(_deltas(steps)) + _planes(_words(values)) if steps else b""
    return _packed(len(head).to_bytes(4, "little") + head + body, LEVELS["curves"])


def _planes(words: np.ndarray) -> bytes:
    """32-bit words, all first bytes before all second ones."""
    return np.ascontiguousarray(words.view(np.uint8).reshape(-1, 4).T).tobytes()


def _run(
    run: RunReport,
    room: int,
    targets: Mapping[tuple[str, str], str],
    steps: list[np.ndarray],
    values: list[np.ndarray],
) -> dict[str, Any]:
    """A run as the page's script reads it; its points are appended to `steps` (from 0 on) and `values` (scaled)."""
    curves = [curve for curve in run.curves.values() if len(curve.steps)]
    axis = main_axis(curves)
    own = [c for c in curves if c.axis == axis]
    low, high = (min(int(c.steps.min()) for c in own), max(int(c.steps.max()) for c in own)) if own else (0, 1)
    groups = charts.by_quantity(curves)
    return {
        "name": clean.name(run.run),
        "axis": axis,
        "low": low,
        "high": high,
        "panels": [_panel(group, room, steps, values) for group in groups],
        "findings": [_mark(run, f, axis, low, high, targets) for f in run.findings],
    }


def main_axis(curves: Iterable[Curve]) -> Axis:
    """The axis that most curves have; steps when there are none."""
    axes = [curve.axis for curve in curves]
    return max(axes, key=axes.count, default="step")


def _panel(group: Sequence[Curve], room: int, steps: list[np.ndarray], values: list[np.ndarray]) -> dict[str, Any]:
    finite = np.concatenate([c.values[np.isfinite(c.values)] for c in group])
    lines = []
    for number, curve in enumerate(group):
        keep = extremes(curve.values, room)
        if np.any(curve.steps[1:] < curve.steps[:-1]):  # as only a report read back may have them
            keep = keep[np.argsort(curve.steps[keep], kind="stable")]
        first, last = int(curve.steps[keep[0]]), int(curve.steps[keep[-1]])
        unit = (last - first) // 2**31 + 1  # so that differences fit into 32 bits
        times = _times(curve.values)
        steps.append((curve.steps[keep] - np.int64(first)).view(np.uint64) // np.uint64(unit))
        values.append(curve.values[keep] / times)
        lines.append(
            {
                "tag": clean.name(curve.tag), "look": charts.pen_of(curve, number, group), "axis": curve.axis,
                "points": len(keep), "first": first, "last": last, "unit": unit, "times": times,
            }
        )  # fmt: skip
    return {"log": value_scale(finite).log, "positive": bool(np.all(finite > 0)), "lines": lines}


def _times(values: np.ndarray) -> float:
    """What to multiply 32-bit floats by to have `values` back: 1 but for huge ones."""
    sizes = np.abs(values[np.isfinite(values)])
    largest = float(sizes.max(initial=0.0))
    return largest / LARGE if largest > LARGE else 1.0


def _deltas(steps: Sequence[np.ndarray]) -> np.ndarray:
    """Differences within each of several ascending series that begin with 0."""
    every = np.concatenate(steps)
    differences = np.diff(every, prepend=np.uint64(0))
    differences[np.cumsum([0, *(len(part) for part in steps[:-1])])] = 0
    return differences.astype("<u4")


def _words(values: Sequence[np.ndarray]) -> np.ndarray:
    """Values to four digits as the bits of 32-bit floats."""
    every = np.concatenate(values)
    rounded = (every.astype("<f4").view("<u4") + np.uint32(0x200)) & np.uint32(0xFFFFFC00)
    return np.where(np.isnan(every), np.uint32(0x7FC00000), rounded).astype("<u4")


def _mark(
    run: RunReport, finding: Finding, axis: Axis, low: int, high: int, targets: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """A finding as a mark on the run's axis; one on another axis is placed by its share of the series that shows it."""
    curve = run.curves.get(finding.tags[0]) if finding.tags else None

    def place(step: int | None) -> float | None:
        if step is None or finding.axis == axis:
            return step
        if curve is None or curve.axis != finding.axis or not len(curve.steps):
            return None
        begin, end = int(curve.steps.min()), int(curve.steps.max())
        return low + (high - low) * (step - begin) / max(end - begin, 1)

    return {
        "title": clean.visible(finding.title, 120), "severity": finding.severity, "where": outline.where(finding),
        "from": place(finding.first_step), "to": place(finding.last_step),
        "target": targets.get((run.run, finding.rule), ""),
    }  # fmt: skip

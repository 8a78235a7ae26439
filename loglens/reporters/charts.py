"""Charts as plain data for the one macro that draws them. Positions: across in percent, down in pixels.

The plot of a panel is its own coordinate system, 1000 wide and stretched to the width at hand, so that text keeps
its size from a phone to a wide screen without a script or a style.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loglens.reporters import clean
from loglens.reporters.scales import Scale, short, step_ticks, ticks, value_scale
from loglens.reporters.thinning import thin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loglens.model import Axis, Curve, Finding, RunReport
    from loglens.reporters.outline import Chain

WIDE = 1000
LEFT, RIGHT = 108, 992  # of WIDE: where the first and the last step lie
COLUMNS = 450  # columns that a line is thinned to: about two pixels each
TOP, HEAD, ROW, GAP, FOOT = 0, 17, 17, 13, 26
LABEL = 13  # a row for the onset, between the keys and the first plot
FIRST_HEIGHT, NEXT_HEIGHT = 172, 84
PANELS, LINES = 3, 4
FEW = 40  # up to so many points each gets a dot
CHAR = 6.7  # generous width of a letter of a key
KEYS_WIDTH = 330  # keys wrap here, so that they fit a phone


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its path, its dots when there are few points, and where its key stands."""

    path: str
    dots: str
    look: str  # train, val, or a number: which pen
    label: str
    key_x: float
    key_y: float


@dataclass(frozen=True, slots=True)
class Panel:
    """Series that share a scale. `y`, `height` bound the plot; tick positions are relative to it."""

    y: float
    height: float
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    log: bool
    lost_high: str  # path of marks at the upper edge: NaN and +inf
    lost_low: str  # at the lower edge: -inf
    lost_label: str
    lost_y: float
    band: str = ""  # path of an area behind the lines


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the macro needs."""

    title: str
    desc: str
    height: float
    bottom: float
    panels: tuple[Panel, ...]
    ticks: tuple[tuple[float, str], ...]
    axis: Axis
    shade: tuple[float, float] | None  # left and width, in percent
    onset: float | None
    onset_label: str
    onset_anchor: str


def chart_of(run: RunReport, finding: Finding, alone: bool = False) -> Chart | None:
    """The evidence of a finding, with the suspected cause under it unless `alone`; None when no curve was kept."""
    evidence = [run.curves[t] for t in finding.tags if t in run.curves]
    related = [run.curves[t] for t in finding.related if t in run.curves and t not in finding.tags]
    if alone and evidence:
        related = []
    groups = by_quantity(evidence)[: PANELS - bool(related)]
    groups += by_quantity(related)[: PANELS - len(groups)]
    title = f"{clean.name(run.run)}: {clean.visible(finding.title, 120)}"
    return draw(groups, title, finding.message, finding.axis, finding.first_step, finding.last_step)


def story_of(chain: Chain) -> Chart | None:
    """What was lost above what began it, on one step axis: a loss, then the evidence and the cause of the root."""
    run, root = chain.run, chain.root
    told = [run.curves[t] for f in (root, *chain.effects) for t in f.tags if t in run.curves]
    losses = [c for c in told if _is_loss(c)] or [c for c in run.curves.values() if _is_loss(c)]
    began = [run.curves[t] for t in (*root.tags, *root.related) if t in run.curves]
    groups = by_quantity({c.tag: c for c in (*losses, *began)}.values())[:PANELS]
    title = f"{clean.name(run.run)}: {clean.visible(root.title, 120)}"
    height = FIRST_HEIGHT + (NEXT_HEIGHT if len(groups) == 1 else 0)
    return draw(groups, title, root.message, root.axis, root.first_step, root.last_step, height)


def course_of(run: RunReport) -> Chart | None:
    """The losses of a run about which there is nothing to prove."""
    curves = [c for c in run.curves.values() if c.role and c.role.split(":")[0] in ("train/loss", "val/loss")]
    curves = curves or list(run.curves.values())[:1]
    if not curves:
        return None
    groups = by_quantity(curves)[:1]
    return draw(groups, f"{clean.name(run.run)}: the course of training", run.headline, groups[0][0].axis, None, None)


def all_of(run: RunReport) -> Chart | None:
    """Every curve of a run, with the onset of its first finding."""
    groups = by_quantity(run.curves.values())
    if not groups:
        return None
    axes = [curve.axis for group in groups for curve in group]
    axis = max(axes, key=axes.count)
    first = next((f for f in run.findings if f.first_step is not None and f.axis == axis), None)
    onset = (first.first_step, first.last_step) if first else (None, None)
    return draw(groups, f"{clean.name(run.run)}: every curve", run.headline, axis, *onset)


def draw(
    groups: Sequence[Sequence[Curve]],
    title: str,
    desc: str,
    axis: Axis,
    first: int | None,
    last: int | None,
    height: int = FIRST_HEIGHT,
    band: tuple[Curve, Curve] | None = None,
) -> Chart | None:
    """Panels one above the other on one step axis, `first`..`last` shaded; `height` is that of the first panel.

    `band`: the lower and the upper edge of an area behind its lines, on equal steps.
    """
    groups = [[c for c in group if len(c.steps)][:LINES] for group in groups]
    groups = [group for group in groups if group]
    if not groups:
        return None
    across = _across([c for group in groups for c in group], axis)
    panels, y = [], float(TOP)
    for number, group in enumerate(groups):
        room = LABEL if number == 0 and first is not None else 0
        behind = band if number == 0 else None
        panel = _panel(group, across, axis, y, height if number == 0 else NEXT_HEIGHT, room, behind)
        panels.append(panel)
        y = panel.y + panel.height + GAP
    bottom = y - GAP
    at = None if first is None else round(_percent(across, first), 2)
    end = None if at is None else min(_percent(across, last) if last is not None else RIGHT / 10, RIGHT / 10)
    return Chart(
        title=clean.visible(title, 200),
        desc=clean.visible(desc),
        height=bottom + FOOT,
        bottom=bottom,
        panels=tuple(panels),
        ticks=ticks_across(across),
        axis=axis,
        shade=None if at is None or end is None or end <= at else (at, round(end - at, 2)),
        onset=at if at is not None and LEFT / 10 - 0.5 <= at <= RIGHT / 10 + 0.5 else None,
        onset_label=f"from {axis} {clean.whole(first)}",
        onset_anchor=_anchor(at),
    )


def _anchor(percent: float | None) -> str:
    if percent is None or percent < 22:
        return "start"
    return "end" if percent > 78 else "middle"


def _is_loss(curve: Curve) -> bool:
    return curve.role in ("train/loss", "val/loss", "test/loss")


def _quantity(curve: Curve) -> str:
    """What must share a scale: the role without split and part; a series without a role stands alone."""
    return curve.role.rsplit("/", 1)[-1].split(":")[0] if curve.role else f"tag {curve.tag}"


def by_quantity(curves: Iterable[Curve]) -> list[list[Curve]]:
    """Curves in groups that share a scale, in the order of their first members."""
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        found.setdefault(_quantity(curve), []).append(curve)
    return list(found.values())


def _across(curves: Sequence[Curve], axis: Axis) -> Scale:
    """The step axis: that of the curves on `axis`, of all curves where none is."""
    own = [c for c in curves if c.axis == axis] or list(curves)
    low, high = min(int(c.steps.min()) for c in own), max(int(c.steps.max()) for c in own)
    return Scale(float(low), float(max(high, low + 1)))


def _percent(across: Scale, step: float) -> float:
    return (LEFT + (RIGHT - LEFT) * min(max(across.at(step), 0.0), 1.0)) / 10


def _x(curve: Curve, across: Scale, axis: Axis) -> np.ndarray:
    """Where each point lies across; a series on another axis is stretched over the run."""
    if curve.axis == axis:
        share = across.place(curve.steps.astype(np.float64))
    else:
        low, high = int(curve.steps.min()), int(curve.steps.max())
        share = (curve.steps - low) / max(high - low, 1)
    return np.asarray(LEFT + (RIGHT - LEFT) * np.clip(share, 0, 1))


def _panel(
    group: Sequence[Curve],
    across: Scale,
    axis: Axis,
    top: float,
    height: float,
    room: float,
    band: tuple[Curve, Curve] | None = None,
) -> Panel:
    finite = np.concatenate([c.values[np.isfinite(c.values)] for c in (*group, *(band or ()))])
    up = value_scale(finite)
    kinds = {_kind(v) for c in group for v in np.unique(c.values[~np.isfinite(c.values)])}
    keys = keys_of(
        [_label(c, axis) for c in group], top, KEYS_WIDTH - 14 * CHAR * bool(up.log) - 9 * CHAR * bool(kinds)
    )
    key_row = max(key_y for _, key_y in keys)
    y = key_row + HEAD + room
    lines, high, low = [], [], []
    for number, (curve, key) in enumerate(zip(group, keys, strict=True)):
        x = _x(curve, across, axis)
        keep = thin(x, curve.values, LEFT, RIGHT, COLUMNS)
        x, values = x[keep], curve.values[keep]
        lines.append(_line(x, values, up, height, pen_of(curve, number, group), _label(curve, axis), key))
        high += x[np.isnan(values) | (values == np.inf)].tolist()
        low += x[values == -np.inf].tolist()
    return Panel(
        y=y,
        height=height,
        lines=tuple(lines),
        ticks=value_ticks(up, finite, height),
        log=up.log,
        lost_high=marks_of(high, 0, 7),
        lost_low=marks_of(low, height - 7, height),
        lost_label=", ".join(k for k in ("NaN", "+∞", "-∞") if k in kinds),
        lost_y=key_row,
        band=_area(band, _x(band[0], across, axis), up, height) if band else "",
    )


def _area(band: tuple[Curve, Curve], x: np.ndarray, up: Scale, height: float) -> str:
    low, high = (_heights(edge.values, up, height) for edge in band)
    return area_of(x, high, low)


def value_ticks(up: Scale, finite: np.ndarray, height: float) -> tuple[tuple[float, str], ...]:
    """Places, from the top, of round values and their texts; of a series that never moves its one value."""
    told = ticks(up, 4 if height > 120 else 2)
    if len(finite) and finite.min() == finite.max():
        told = [(float(finite[0]), short(float(finite[0])))]
    return tuple((round(_down(up, value, height), 1), text) for value, text in told)


def ticks_across(across: Scale) -> tuple[tuple[float, str], ...]:
    """Places, in percent, of round steps and their texts."""
    return tuple((round(_percent(across, s), 2), text) for s, text in step_ticks(int(across.low), int(across.high)))


def area_of(x: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> str:
    """A closed path between two lines, where both are known."""
    good = np.flatnonzero(np.isfinite(upper) & np.isfinite(lower))
    if len(good) < 2:
        return ""
    way = [(x[i], upper[i]) for i in good] + [(x[i], lower[i]) for i in good[::-1]]
    return "M" + "L".join(f"{_tenth(a)} {_tenth(b)}" for a, b in way) + "Z"


def _kind(value: float) -> str:
    return "NaN" if value != value else "+∞" if value > 0 else "-∞"


def _label(curve: Curve, axis: Axis) -> str:
    text = clean.name(curve.tag, 40)
    return text if curve.axis == axis else f"{text} (by {curve.axis}, stretched to fit)"


def pen_of(curve: Curve, number: int, group: Sequence[Curve]) -> str:
    """Train and held-out series have pens of their own; a second of a kind takes the next free one."""
    split = (curve.role or "").split("/")[0]
    split = "val" if split == "test" else split
    taken = [(c.role or "").split("/")[0].replace("test", "val") for c in group[:number]]
    return split if split in ("train", "val") and split not in taken else str(number)


def keys_of(labels: Sequence[str], top: float, room: float) -> list[tuple[float, float]]:
    """Where each key stands, in rows of at most `room` pixels."""
    places, x, y = [], 0.0, top + ROW
    for text in labels:
        width = 26 + CHAR * clean.columns(text) + 16
        if x and x + width > room:
            x, y = 0.0, y + ROW
        places.append((round(x, 1), y))
        x += width
    return places


def _down(up: Scale, value: float, height: float) -> float:
    return height * (1 - up.at(value))


def _line(
    x: np.ndarray, values: np.ndarray, up: Scale, height: float, look: str, label: str, key: tuple[float, float]
) -> Line:
    y = _heights(values, up, height)
    good = np.isfinite(y)
    dots = _dots(x[good], y[good]) if good.sum() <= FEW else ""
    return Line(path_of(x, y), dots, look, label, *key)


def _heights(values: np.ndarray, up: Scale, height: float) -> np.ndarray:
    """Where values lie, from the top; NaN for what is no number."""
    good = np.isfinite(values)
    y = np.full(len(values), np.nan)
    y[good] = height * (1 - np.clip(up.place(values[good]), 0, 1))
    return y


def path_of(x: np.ndarray, y: np.ndarray) -> str:
    """A path with a gap at every value that is not finite; a lone point is a line of no length."""
    parts: list[str] = []
    runs = np.split(np.arange(len(y)), np.flatnonzero(np.diff(np.isfinite(y).astype(np.int8))) + 1)
    for run in runs:
        if not len(run) or not np.isfinite(y[run[0]]):
            continue
        points = [f"{_tenth(a)} {_tenth(b)}" for a, b in zip(x[run].tolist(), y[run].tolist(), strict=True)]
        parts.append(f"M{points[0]}{'L' + ' '.join(points[1:]) if len(points) > 1 else 'h0'}")
    return "".join(parts)


def _dots(x: np.ndarray, y: np.ndarray) -> str:
    return "".join(f"M{_tenth(a)} {_tenth(b)}h0" for a, b in zip(x, y, strict=True))


def marks_of(x: Sequence[float], top: float, bottom: float) -> str:
    """A path of upright marks from `top` to `bottom`."""
    return "".join(f"M{_tenth(a)} {_tenth(top)}V{_tenth(bottom)}" for a in sorted(set(x)))


def _tenth(value: float) -> str:
    return f"{round(value * 10) / 10:g}"

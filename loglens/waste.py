"""What a run spent in vain: the steps, the time and the GPU-hours after what broke it, or after its best evaluation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from loglens.model import Waste
from loglens.spending import rounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import Finding
    from loglens.series import SeriesSet

# findings after whose onset the rest of a run is lost, and at which severity
WASTEFUL = {
    "diverging-loss": ("error",),
    "flat-loss": ("error", "warning"),
    "missed-early-stop": ("error", "warning"),
    "nonfinite-gradient": ("error",),
    "nonfinite-loss": ("error",),
    "widening-gap": ("error", "warning"),
    "zero-loss": ("error",),
}
_WORLD = ("world_size", "num_gpus", "n_gpus", "ngpus", "num_devices", "n_devices")
_PER_NODE = ("gpus", "devices", "gpus_per_node", "n_gpu")
_NODES = ("num_nodes", "nnodes", "nodes")
_ON = ("accelerator", "device", "device_type")
MOST_DEVICES = 100_000  # more than that is no number of devices


def waste_of(
    findings: tuple[Finding, ...], series: SeriesSet, number: int, seconds: float | None, devices: int | None
) -> tuple[Waste | None, float | None]:
    """The greatest waste that a finding tells of, and the share of the run that it is; `seconds` is the run's time."""
    found = [
        (*told, finding)
        for finding in findings
        if finding.severity in WASTEFUL.get(finding.rule, ())
        and (told := _after(_began(finding, findings), series, number)) is not None
    ]
    if not found:
        return None, None
    share, steps, finding = max(found, key=lambda one: one[0])
    began = _began(finding, findings)
    spent = _seconds_after(began, series, number)
    if spent is None and seconds:
        spent = seconds * share
    hours = rounded(spent * devices / 3600) if spent is not None and devices else None
    waste = Waste(
        finding.rule, began.axis, began.first_step or 0, steps,
        None if spent is None else round(spent, 3), devices, hours,
    )  # fmt: skip
    return waste, share


def _began(finding: Finding, findings: tuple[Finding, ...]) -> Finding:
    """The finding, or what led to it: where the trouble began. Notes are no trouble, other axes cannot be compared."""
    by_rule = {f.rule: f for f in findings}
    cause = by_rule.get(finding.caused_by or "")
    while cause is not None:
        if cause.severity != "info" and cause.axis == finding.axis and _earlier(cause, finding):
            finding = cause
        cause = by_rule.get(cause.caused_by or "")
    return finding


def _earlier(cause: Finding, effect: Finding) -> bool:
    return cause.first_step is not None and cause.first_step < (effect.first_step or 0)


def _after(finding: Finding, series: SeriesSet, number: int) -> tuple[float, int] | None:
    """Share of the run and number of steps, on the finding's axis, that lie after its onset."""
    if finding.first_step is None:
        return None
    mine = [i for i in series.members_of(number).series if series.axis[i] == finding.axis]
    steps = [series.records.step[series.records.start[i] :][: series.records.count[i]] for i in mine]
    first = min((int(s.min()) for s in steps if len(s)), default=0)
    last = max((int(s.max()) for s in steps if len(s)), default=0)
    if last <= first:
        return None
    lost = min(max(last - finding.first_step, 0), last - first)
    return round(lost / (last - first), 4), lost


def _seconds_after(finding: Finding, series: SeriesSet, number: int) -> float | None:
    """Time in which the job ran after the onset, by the finest series on the axis that has wall times."""
    records = series.records
    mine = [i for i in series.members_of(number).series if series.axis[i] == finding.axis and records.count[i] > 1]
    for i in sorted(mine, key=lambda i: -int(records.count[i])):
        own = slice(records.start[i], records.start[i] + records.count[i])
        wall, step, segment = records.wall[own], records.step[own], records.segment[own]
        after = step >= (finding.first_step or 0)
        if np.isfinite(wall).all() and after.sum() > 1:
            spans = [np.ptp(wall[after & (segment == s)]) for s in np.unique(segment[after])]
            return float(sum(spans))
    return None


def devices_of(hparams: Mapping[str, str]) -> int | None:
    """How many GPUs the run was told to use; None where that is not said, or said to be no GPU."""
    told = {_plain(name): value.strip().lower() for name, value in reversed(list(hparams.items()))}
    if any(told.get(name) in ("cpu", "tpu", "mps") for name in _ON):
        return None
    found = next((n for name in _WORLD if (n := _count(told.get(name))) is not None), None)
    if found is None:
        each = next((n for name in _PER_NODE if (n := _count(told.get(name))) is not None), None)
        nodes = next((n for name in _NODES if (n := _count(told.get(name))) is not None), 1)
        found = None if each is None else each * nodes
    return found if found is not None and 0 < found <= MOST_DEVICES else None


def _plain(name: str) -> str:
    return re.sub(r"[-. ]", "_", re.split(r"[/.]", name)[-1].strip().lower())


def _count(value: str | None) -> int | None:
    """`8`, `8.0`, `[0, 1]`, `0,1,2`; None for `auto`, `-1` and the like."""
    if value is None:
        return None
    if re.fullmatch(r"\d{1,6}(\.0+)?", value):
        return int(float(value))
    listed = re.fullmatch(r"\d+(?:\s*,\s*\d+)+|[\[(]\s*\d+(?:\s*,\s*\d+)*\s*,?\s*[\])]", value)
    return len(re.findall(r"\d+", value)) if listed else None

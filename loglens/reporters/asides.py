"""What a run's story says beside its headline, a line each: what was lost, where to go on, how its loss reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from loglens.numbers import human, percent
from loglens.reporters import clean
from loglens.wording import listed

if TYPE_CHECKING:
    from loglens.model import Group, RunReport, Summary
    from loglens.report import Report

SEVERAL = 3  # runs from which on a finding is said to repeat
THEMES = 4
_AFTER = {"widening-gap": "the best evaluation", "missed-early-stop": "the best evaluation"}


def asides(run: RunReport) -> tuple[tuple[str, str], ...]:
    """(label, sentence) of each; without those of which nothing is known."""
    root = next((f for f in run.findings if f.rule == run.root), None)
    good = ""
    if run.last_good_step is not None and root is not None:
        good = f"{root.axis} {clean.whole(run.last_good_step)}"
    parts = (
        ("last good", good),
        ("checkpoint", run.resume.text if run.resume else ""),
        ("lost", lost(run)),
        ("meaning", run.reading.text if run.reading and run.reading.kind == "cross-entropy" else ""),
    )
    return tuple((label, text) for label, text in parts if text)


def lost(run: RunReport) -> str:
    """`62 % of the run, from step 400 on: 600 steps, 1.2 h, 9.6 GPU-hours on 8 devices`; empty without."""
    if run.waste is None or run.wasted_fraction is None:
        return ""
    waste = run.waste
    after = _AFTER.get(waste.rule, "")
    at = f"{waste.axis} {clean.whole(waste.after)}"
    where = f"after {after} at {at}" if after else f"from {at} on"
    amounts = [clean.count(waste.steps, waste.axis)]
    amounts += [clean.duration(waste.seconds)] if waste.seconds else []
    if waste.gpu_hours and waste.devices and waste.devices > 1:
        amounts.append(f"{human(waste.gpu_hours)} GPU-hours on {waste.devices} devices")
    return f"{percent(run.wasted_fraction)} of the run, {where}: {', '.join(amounts)}"


def spent(total: Summary | Group) -> str:
    """`3.1 h of 8.2 h (38 %) went into what came after an onset or a best evaluation.`; empty where nothing did."""
    if not total.wasted_seconds or not total.wall_seconds:
        return ""
    share = percent(min(total.wasted_seconds / total.wall_seconds, 1.0))
    hours = f", {human(total.wasted_gpu_hours)} GPU-hours where the devices are known" if total.wasted_gpu_hours else ""
    took = f"{clean.duration(total.wasted_seconds)} of {clean.duration(total.wall_seconds)} ({share})"
    return f"{took} was spent after trouble began or after the best evaluation{hours}."


def repeated(report: Report) -> str:
    """`Of 40 runs, widening-gap in 12 and loss-spike in 3.`: roots found in several runs, once each; empty without."""
    found = Counter(f.rule for run in report.runs for f in run.findings if f.caused_by is None and f.severity != "info")
    told = [f"{clean.name(rule)} in {n:,}" for rule, n in found.most_common() if n >= SEVERAL][:THEMES]
    return f"Of {len(report.runs):,} runs, {listed(told)}." if told else ""


def log_next(report: Report) -> str:
    """The one sentence on what to log next; of several runs the most frequent, with how many it is true of."""
    told = Counter(run.log_next for run in report.runs if run.log_next)
    if not told:
        return ""
    sentence, times = min(told.items(), key=lambda pair: (-pair[1], pair[0]))
    return sentence if len(report.runs) == 1 else f"{sentence} So in {times:,} of {len(report.runs):,} runs."

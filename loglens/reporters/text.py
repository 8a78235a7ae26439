"""The report for a terminal: worst run first, causes before effects, what is healthy in one line."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from loglens.reporters import clean, outline
from loglens.reporters.asides import asides, log_next, repeated, spent
from loglens.reporters.scales import value_scale
from loglens.reporters.sparks import spark_curve, spark_thin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.model import Finding, Group, Problem, RunReport
    from loglens.report import Report

MARKS = {"failed": "✖", "suspect": "▲", "healthy": "●", "unknown": "○"}
INKS = {
    "failed": "31", "suspect": "33", "healthy": "32", "unknown": "2",
    "error": "31", "warning": "33", "info": "36", "bold": "1", "dim": "2",
}  # fmt: skip
BARS = "▁▂▃▄▅▆▇█"
SPARK = 24
FOLD = 6  # so many healthy runs get a line each; more are folded into one
LOUD = 50  # runs told one by one
SHOWN = 12  # problems and names listed before the rest is counted
REASONS = 5  # reasons why something was not checked


class _Pen:
    """Colours text, or not."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, ink: str) -> str:
        return f"\x1b[{INKS[ink]}m{text}\x1b[0m" if self.color and text and ink else text


def render(report: Report, color: bool = False, width: int = 100) -> str:
    """The report as lines of at most `width` columns (never under 40), with ANSI colours when `color`."""
    pen, width = _Pen(color), max(width, 40)
    lines = list(_head(report, pen, width))
    told = [run for run in outline.worst_first(report.runs) if run.verdict != "healthy" or run.findings]
    for run in told[:LOUD]:
        lines += ["", *_run(run, pen, width)]
    if len(told) > LOUD:
        lines += [
            "",
            *_wrap(f"and {clean.count(len(told) - LOUD, 'more run')}, which the other formats tell", width, ""),
        ]
    for group in report.groups:
        lines += _group(group, pen, width)
    lines += _quiet(report, pen, width)
    lines += _problems(report.problems, pen, width)
    lines += _gaps(report, pen, width)
    if partly := outline.narrowed(report):
        lines += ["", *(pen(line, "suspect") for line in _wrap(partly, width, ""))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(report: Report, pen: _Pen, width: int) -> Iterator[str]:
    total, cover = report.summary, outline.coverage_of(report)
    yield from (pen(line, "bold") for line in _wrap(outline.verdict_line(report), width, ""))
    parts: list[tuple[str, str]] = [
        (f"{MARKS[v]} {n:,} {v}", v) for v in outline.ORDER if (n := getattr(total, v)) and total.runs > 1
    ]
    parts += [(clean.count(cover.files, "file"), "")]
    parts += [(f"{cover.damaged:,} damaged", "suspect")] if cover.damaged else []
    yield from _fit(parts, pen, width, "")
    if total.runs:
        told = outline.tally(report)
        yield from _wrap(f"{told[0].upper()}{told[1:]}.", width, "")
    for line in (repeated(report), spent(total)) if total.runs > 1 else ():
        yield from _wrap(line, width, "") if line else ()
    if known := outline.settled(report):
        yield from _wrap(known, width, "")


def _run(run: RunReport, pen: _Pen, width: int) -> Iterator[str]:
    yield from _title(run, pen, width)
    yield from _wrap(run.headline, width, "  ")
    for label, text in asides(run):
        yield from _wrap(text, width, "  ", f"{label}: ")
    for chain in outline.chains_of(run):
        yield from _finding(chain.root, pen, width, chain.root.message not in run.headline)
        for effect in chain.effects:
            where = outline.where(effect)
            title = clean.visible(effect.title)
            text = f"→ then {title[:1].lower()}{title[1:]}{f', from {where}' if where else ''}"
            mark = outline.marked(effect)
            yield from _wrap(f"{text} ({effect.severity}, {effect.rule}{f'; {mark}' if mark else ''})", width, "      ")


def _title(run: RunReport, pen: _Pen, width: int) -> Iterator[str]:
    mark = (f"{MARKS[run.verdict]} {run.verdict.upper():<7}", run.verdict)
    name = (clean.name(run.run, min(clean.NAME_LIMIT, (width - 4) // 2)), "bold")
    yield from _fit([mark, name, (sparkline(run), "dim")], pen, width, "")


def _finding(finding: Finding, pen: _Pen, width: int, message: bool) -> Iterator[str]:
    where = outline.where(finding)
    parts = [(finding.severity, finding.severity), (clean.name(finding.rule, width - 4), "bold")]
    parts += [(f"from {where}", "")] if where else []
    parts += [(f"{round(100 * finding.confidence)} % sure", "")] if finding.confidence < 0.995 else []
    mark = outline.marked(finding)
    parts += [(mark, "dim")] if mark in ("new", "in the baseline") else []
    yield from _fit(parts, pen, width, "  ")
    if finding.suppressed is not None:
        yield from _wrap(mark, width, "      ")
    if message:
        yield from _wrap(finding.message, width, "      ")
    if finding.causes:
        yield from _wrap(clean.sentence(finding.causes[0]), width, "      ", "cause: ")
    if finding.remedies:
        yield from _wrap(clean.sentence(finding.remedies[0]), width, "      ", "do: ")
    for doubt in finding.counter_evidence:
        yield from _wrap(clean.sentence(doubt), width, "      ", "ruled out: ")
    for doubt in finding.doubts:
        yield from _wrap(clean.sentence(doubt), width, "      ", "against it: ")


def _group(group: Group, pen: _Pen, width: int) -> Iterator[str]:
    if not group.findings and not group.text:
        return
    yield ""
    yield f"{pen(group.kind.upper(), 'bold')} of {clean.count(len(group.runs), 'run')}"
    more = f" and {len(group.runs) - FOLD:,} more" if len(group.runs) > FOLD else ""
    yield from _wrap(f"{', '.join(clean.name(run) for run in group.runs[:FOLD])}{more}", width, "  ")
    if group.text:
        yield from _wrap(clean.visible(group.text), width, "  ")
    if waste := spent(group):
        yield from _wrap(waste, width, "  ")
    for finding in group.findings:
        yield from _finding(finding, pen, width, True)


def _quiet(report: Report, pen: _Pen, width: int) -> Iterator[str]:
    """Healthy runs about which there is nothing to say."""
    quiet = [r for r in report.runs if r.verdict == "healthy" and not r.findings]
    if not quiet:
        return
    yield ""
    if len(quiet) <= FOLD:
        for run in quiet:
            yield from _title(run, pen, width)
            yield from _wrap(run.headline, width, "  ")
            for label, text in asides(run):
                yield from _wrap(text, width, "  ", f"{label}: ")
        return
    names = ", ".join(clean.name(r.run, 30) for r in quiet[:SHOWN])
    more = f" and {len(quiet) - SHOWN:,} more" if len(quiet) > SHOWN else ""
    yield f"{pen('● HEALTHY', 'healthy')} {len(quiet):,} runs"
    yield from _wrap(f"{names}{more}", width, "  ")


def _problems(problems: tuple[Problem, ...], pen: _Pen, width: int) -> Iterator[str]:
    if not problems:
        return
    worse_first = sorted(problems, key=lambda p: p.kind == "skipped")
    yield ""
    yield pen(f"Files ({clean.count(len(problems), 'problem')})", "bold")
    for problem in worse_first[:SHOWN]:
        text = f"{clean.name(problem.path)}{place_of(problem)}: {clean.visible(problem.message)}"
        yield from _wrap(text, width, "  ", f"{problem.kind}: ")
    if len(problems) > SHOWN:
        yield f"  and {len(problems) - SHOWN:,} more"


def place_of(problem: Problem) -> str:
    """` at byte 1,234`, ` at line 7`, or nothing."""
    if problem.line is not None:
        return f" at line {problem.line:,}"
    return f" at byte {problem.offset:,}" if problem.offset is not None else ""


def _gaps(report: Report, pen: _Pen, width: int) -> Iterator[str]:
    gaps = outline.gaps_of(report)
    if not gaps:
        return
    cover = outline.coverage_of(report)
    yield ""
    yield f"{pen('Not checked', 'bold')} ({cover.checks - cover.judged:,} of {clean.count(cover.checks, 'check')})"
    for gap in gaps[:REASONS]:
        runs = f" in {clean.count(len(gap.runs), 'run')}" if len(report.runs) > 1 else ""
        rules = ", ".join(clean.name(r) for r in gap.rules[:4])
        more = f" and {len(gap.rules) - 4} more" if len(gap.rules) > 4 else ""
        yield from _wrap(f"{clean.visible(gap.reason)}: {rules}{more}{runs}", width, "  ")
    if len(gaps) > REASONS:
        more = f"and {clean.count(len(gaps) - REASONS, 'more reason')}, which the other formats list"
        yield from _wrap(more, width, "  ")
    if following := log_next(report):
        yield from _wrap(following, width, "  ")


def _fit(parts: Sequence[tuple[str, str]], pen: _Pen, width: int, indent: str) -> Iterator[str]:
    """Parts side by side, two blanks apart, on as many lines as they need."""
    line: list[str] = []
    used = 0
    for text, ink in parts:
        room = clean.columns(text)
        if line and len(indent) + used + 2 + room > width:
            yield indent + "  ".join(line)
            line, used = [], 0
        if room:
            used += room + 2 * bool(line)
            line.append(pen(text, ink))
    if line:
        yield indent + "  ".join(line)


def _wrap(text: str, width: int, indent: str, lead: str = "") -> list[str]:
    """Lines of `text` under `indent`; long words are broken, wide letters count twice."""
    text = clean.visible(text)
    room = width if text.isascii() else max(width - (clean.columns(text) - len(text)), width // 2)
    hang = indent + " " * len(lead)
    # rule ids and names hold hyphens: one that is torn apart cannot be searched for
    lines = textwrap.wrap(text, room, initial_indent=indent + lead, subsequent_indent=hang, break_on_hyphens=False)
    return lines or [f"{indent}{lead}"]


def sparkline(run: RunReport) -> str:
    """The loss in a line of bars; `!` where it is not a number."""
    curve = spark_curve(run)
    if curve is None or len(curve.steps) < 2:
        return ""
    keep = spark_thin(curve)
    steps, values = curve.steps[keep], curve.values[keep]
    share = (steps - steps.min()) / max(int(steps.max() - steps.min()), 1)
    column = np.minimum((share * SPARK).astype(int), SPARK - 1)
    finite = np.isfinite(values)
    scale = value_scale(values[finite])
    bars = []
    for i in np.unique(column):
        here = values[(column == i) & finite]
        if not len(here):
            bars.append("!")
            continue
        height = float(np.clip(scale.at(float(np.median(here))), 0, 1))
        bars.append(BARS[min(int(height * len(BARS)), len(BARS) - 1)])
    return "".join(bars)

"""Which finding caused which, and with which of them the story of a run begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loglens.model import SEVERITIES, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

Findings = tuple[Finding, ...]
SLACK = 0.02  # share of the run by which a cause may be noticed after its effect
ABOUT_THE_LOG = ("log-integrity", "metric-disagreement", "noisy-loss", "stopped-early", "throughput-drop")
NOWHERE = 2.0  # later than any place in a run


def link(findings: Findings, explained: Mapping[str, tuple[str, ...]]) -> Findings:
    """Set `caused_by`: the earliest finding of a rule that explains this one and began before it, or hardly later."""
    by_rule = {f.rule: f for f in findings}
    cause_of: dict[str, str] = {}
    # the latest first, so that of two that explain each other the earlier becomes the cause
    for finding in sorted(findings, key=lambda f: (-_began(f), f.rule)):
        causes = [by_rule[r] for r in explained.get(finding.rule, ()) if r in by_rule]
        causes = [c for c in causes if _precedes(c, finding) and not _follows(c.rule, finding.rule, cause_of)]
        if causes:
            first = min(causes, key=lambda c: (c.first_step is not None, c.first_step or 0, c.rule))
            cause_of[finding.rule] = first.rule
    linked = [replace(f, caused_by=cause_of.get(f.rule)) for f in findings]
    return tuple(sorted(linked, key=lambda f: (f.caused_by is not None, -SEVERITIES.index(f.severity), f.rule)))


def _began(finding: Finding) -> float:
    return -1 if finding.first_step is None else finding.first_step


def _precedes(cause: Finding, effect: Finding) -> bool:
    """Whether `cause` began no later than `effect`, give or take 2 % of the run; other axes cannot be compared."""
    if cause.first_step is None or effect.first_step is None or cause.axis != effect.axis:
        return True
    slack = SLACK * max((effect.last_step or effect.first_step), 1)
    return cause.first_step <= effect.first_step + slack


def _follows(rule: str, other: str, cause_of: Mapping[str, str]) -> bool:
    """Whether `rule` is already told as something that `other` led to."""
    while rule in cause_of:
        rule = cause_of[rule]
        if rule == other:
            return True
    return rule == other


def root_of(findings: Findings) -> Finding | None:
    """The finding that the story starts with: of the most severe chains the beginning of the earliest one."""
    by_rule = {f.rule: f for f in findings}
    worst = max((SEVERITIES.index(f.severity) for f in findings), default=-1)
    roots = [_root(f, by_rule) for f in findings if SEVERITIES.index(f.severity) == worst]
    return min(roots, key=lambda f: _place(f, findings), default=None)


def _root(finding: Finding, by_rule: Mapping[str, Finding]) -> Finding:
    while (cause := by_rule.get(finding.caused_by or "")) is not None:
        finding = cause
    return finding


def _place(root: Finding, findings: Findings) -> tuple[bool, float, int, str]:
    """Trouble with the log itself comes last; then by share of the run at the onset, whatever the axis."""
    share = NOWHERE if root.first_step is None else root.first_step / max(root.last_step or 1, 1)
    return root.rule in ABOUT_THE_LOG, share, -len(effects_of(root, findings)), root.rule


def effects_of(root: Finding, findings: Findings) -> Findings:
    """Everything that `root` led to, directly or not, in the order of the findings."""
    reached = {root.rule}
    for _ in findings:  # the longest chain has as many links as there are findings
        reached |= {f.rule for f in findings if f.caused_by in reached}
    return tuple(f for f in findings if f.rule in reached and f is not root and f.rule != root.rule)

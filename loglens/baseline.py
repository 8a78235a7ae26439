"""Baselines: the findings that were there before, in a file that reads well as a diff."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.jsonfile import JsonFileError, read_object
from loglens.model import SEVERITIES, Gone
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loglens.model import Finding, Group
    from loglens.report import Report

VERSION = 1
LARGEST = 128 << 20  # bytes
_KEY = "loglens_baseline"
_FIELDS = ("run", "rule", "tag", "severity", "fingerprint")
Known = tuple[str, str, str, str, str]


def baseline_text(report: Report) -> str:
    """The findings of a report but for suppressed ones, one a line, sorted; steps and values are not among it."""
    known = sorted({_known(subject, f) for subject, f in _findings(report) if f.suppressed is None})
    lines = [json.dumps(dict(zip(_FIELDS, each, strict=True)), ensure_ascii=False) for each in known]
    listed = "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"
    return f'{{"{_KEY}": {VERSION}, "findings": {listed}}}\n'


def _findings(report: Report) -> Iterator[tuple[str, Finding]]:
    for run in report.runs:
        yield from ((run.run, f) for f in run.findings)
    for group in report.groups:
        yield from ((_subject(group), f) for f in group.findings)


def _subject(group: Group) -> str:
    return f"{group.kind} of {group.runs[0]}" if group.runs else group.kind


def _known(subject: str, finding: Finding) -> Known:
    tag = finding.tags[0] if finding.tags else ""
    texts = (subject, finding.rule, tag, finding.severity, finding.fingerprint)
    run, rule, tag, severity, mark = (text.encode("utf-8", "backslashreplace").decode() for text in texts)
    return run, rule, tag, severity, mark


def read_baseline(path: Path) -> tuple[Known, ...]:
    """The findings that a baseline lists; LoglensError says what is wrong with the file, and where."""
    try:
        document = read_object(path, LARGEST)
    except JsonFileError as error:
        raise LoglensError(f"--baseline {visible(str(path))}: {error}") from None
    if not isinstance(document, dict) or document.get(_KEY) != VERSION:
        raise LoglensError(f"{visible(str(path))}: no baseline of version {VERSION}; --write-baseline writes one")
    found = document.get("findings")
    if not isinstance(found, list):
        raise LoglensError(f"{visible(str(path))}: 'findings' must be a list")
    return tuple(_entry(each, number, path) for number, each in enumerate(found, 1))


def _entry(each: Any, number: int, path: Path) -> Known:
    if isinstance(each, dict):
        each = {"severity": SEVERITIES[-1], **each}
    if not isinstance(each, dict) or not all(isinstance(each.get(field), str) for field in _FIELDS):
        raise LoglensError(f"{visible(str(path))}: finding {number} must have run, rule, tag, fingerprint, each a text")
    if each["severity"] not in SEVERITIES:
        raise LoglensError(f"{visible(str(path))}: finding {number}: severity must be one of {', '.join(SEVERITIES)}")
    return each["run"], each["rule"], each["tag"], each["severity"], each["fingerprint"]


def against(report: Report, known: tuple[Known, ...]) -> Report:
    """The report with every finding marked as new or unchanged, and what is gone since the baseline.

    A finding that has become more severe is new: what was accepted was less.
    """
    before: dict[str, int] = {}
    for *_, severity, mark in known:
        before[mark] = max(SEVERITIES.index(severity), before.get(mark, 0))

    def marked(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(replace(f, state="unchanged" if accepted(f) else "new") for f in findings)

    def accepted(finding: Finding) -> bool:
        return SEVERITIES.index(finding.severity) <= before.get(finding.fingerprint, -1)

    now = {f.fingerprint for _, f in _findings(report)}
    applied = {rule.id for rule in report.rules}
    lost = [each for each in known if each[-1] not in now and (each[1] in applied or each[1] not in report.left_out)]
    return replace(
        report,
        runs=tuple(replace(run, findings=marked(run.findings)) for run in report.runs),
        groups=tuple(replace(group, findings=marked(group.findings)) for group in report.groups),
        gone=tuple(Gone(run, rule, tag, _why(report, run, rule)) for run, rule, tag, *_ in lost),
        compared=True,
    )


def _why(report: Report, name: str, rule: str) -> str:
    """Clear is good news; a run or a series that is not there any more is none."""
    run = next((each for each in report.runs if each.run == name), None)
    if run is None:
        return "" if " of " in name else "no such run was read"
    missing = next((each.reason for each in run.not_checked if each.rule == rule), None)
    return f"not checked now: {missing}" if missing else "clear now" if rule in run.clear else ""

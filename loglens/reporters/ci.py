"""What GitHub's and GitLab's pipelines show of a report: annotations, a job summary, code quality."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.reporters import clean
from loglens.reporters.outline import verdict_line
from loglens.reporters.results import MOST, NAME, damaged, results_of

if TYPE_CHECKING:
    from loglens.model import Severity
    from loglens.report import Report
    from loglens.reporters.results import Result

ANNOTATIONS = 10  # GitHub shows no more of a step
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
_GITLAB: dict[Severity, str] = {"error": "critical", "warning": "major", "info": "minor"}


def github(report: Report) -> str:
    """Workflow commands that GitHub shows as annotations: the worst ten findings, how many more there are, damage."""
    every, broken = results_of(report), damaged(report)
    results = [result for result in every if result.finding.counts]
    lines = [_annotation(result) for result in results[:ANNOTATIONS]]
    if len(results) > ANNOTATIONS:
        more = clean.count(len(results) - ANNOTATIONS, "more finding")
        lines.append(f"::notice title=loglens::{more}; the job summary and the reports have them")
    if accepted := len(every) - len(results):
        known = clean.count(accepted, "finding")
        lines.append(f"::notice title=loglens::{known} in the baseline or suppressed")
    if broken:
        first = f"{clean.name(broken[0].path, NAME)}: {clean.visible(broken[0].message)}"
        text = f"{clean.count(len(broken), 'file')} not read whole: {first}"
        lines.append(f"::warning title=loglens::{_data(text)}")
    return "\n".join([*lines, verdict_line(report)]) + "\n"


def _annotation(result: Result) -> str:
    finding = result.finding
    place = f" from {result.place}" if result.place else ""
    title = f"{clean.name(finding.rule, NAME)} in {clean.name(result.subject)}{place}"
    return f"::{_COMMANDS[finding.severity]} title={_property(title)}::{_data(result.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def add_job_summary(report: Report, **look: Any) -> None:
    """Append the Markdown report to the file of GITHUB_STEP_SUMMARY, if there is one, within its limit of 1 MiB."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    from loglens.reporters import render
    from loglens.reporters.markdown import SUMMARY

    try:
        with open(place, "ab") as file:  # noqa: PTH123 - the position tells how much is there already
            room = SUMMARY - file.tell() - 1
            if room > SUMMARY // 16:  # else the whole summary of this step would be dropped
                file.write(b"\n" + render(report, "markdown", **look, limit=room).encode())
    except OSError as error:
        why = error.strerror or str(error)
        raise LoglensError(f"GITHUB_STEP_SUMMARY: {clean.visible(place)} cannot be written to: {why}") from error


def gitlab(report: Report) -> str:
    """GitLab's code quality report; of more than 5,000 findings the worst, and one entry that counts the rest."""
    results = [result for result in results_of(report) if result.finding.suppressed is None]  # GitLab compares itself
    issues = [
        _issue(r.message, r.finding.rule, r.finding.fingerprint, _GITLAB[r.finding.severity], r.path)
        for r in results[:MOST]
    ]
    if len(results) > MOST:
        more = f"{len(results) - MOST:,} more findings, not listed here"
        issues.append(_issue(more, "more", "more", "info", ""))
    issues += [
        _issue(f"{p.kind}: {clean.visible(p.message)}", "not-read-whole", f"file:{p.path}", "minor", p.path)
        for p in damaged(report)[:MOST]
    ]
    return json.dumps(_told_apart(issues), indent=2, ensure_ascii=False) + "\n"


def _issue(text: str, rule: str, fingerprint: str, severity: str, path: str) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": clean.name(rule, NAME),
        "fingerprint": clean.digest(fingerprint) if ":" in fingerprint else clean.visible(fingerprint, NAME),
        "severity": severity,
        "location": {"path": clean.visible(path, 1000) or ".", "lines": {"begin": 1}},
    }


def _told_apart(issues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """GitLab shows one issue a fingerprint: none may hide another."""
    seen: dict[str, int] = {}
    for issue in issues:
        mark = issue["fingerprint"]
        seen[mark] = seen.get(mark, 0) + 1
        if seen[mark] > 1:
            issue["fingerprint"] = f"{mark}-{seen[mark]}"
    return issues

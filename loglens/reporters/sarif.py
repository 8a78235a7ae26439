"""SARIF 2.1.0: findings as code-scanning services read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loglens.numbers import percent
from loglens.reporters import clean
from loglens.reporters.results import MOST, NAME, damaged, results_of, uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import Problem, RuleInfo, Severity
    from loglens.report import Report
    from loglens.reporters.results import Result

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
NOTES = 200  # damaged files that are named


def render(report: Report) -> str:
    """The SARIF log; of more than 5,000 findings the worst, with a note of how many are missing."""
    results = results_of(report)
    rules = _rules(report, results)
    places = {rule["id"]: place for place, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "loglens", "version": report.version or "0", "rules": rules}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notes(report, len(results))}],
        "results": [_result(result, places) for result in results[:MOST]],
        "columnKind": "utf16CodeUnits",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rules(report: Report, results: list[Result]) -> list[dict[str, Any]]:
    rules = [_rule(rule) for rule in report.rules]
    known = {rule["id"] for rule in rules}
    named = {clean.name(r.finding.rule, NAME): r.finding for r in results}
    rules += [
        {"id": rule, "shortDescription": {"text": clean.name(finding.title, NAME)}}
        for rule, finding in named.items()
        if rule not in known
    ]
    return rules


def _rule(rule: RuleInfo) -> dict[str, Any]:
    title, why = clean.name(rule.title, NAME), clean.visible(rule.why) or clean.name(rule.title, NAME)
    causes, remedies = (tuple(map(clean.visible, some)) for some in (rule.causes, rule.remedies))
    lists = [("Likely causes", causes), ("What to do", remedies)]
    body = "".join(f"\n\n{head}:\n" + "\n".join(f"- {item}" for item in items) for head, items in lists if items)
    return {
        "id": clean.name(rule.id, NAME),
        "name": "".join(part.capitalize() for part in clean.name(rule.id, NAME).split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "help": {"text": why + body},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(result: Result, places: Mapping[str, int]) -> dict[str, Any]:
    finding = result.finding
    rule = clean.name(finding.rule, NAME)
    location: dict[str, Any] = {
        "logicalLocations": [{"name": clean.name(result.subject, NAME), "kind": "run"}],
    }
    if result.path:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": uri(result.path)},
            "region": {"startLine": 1},  # GitHub refuses results without one
        }
    told = {
        "confidence": percent(finding.confidence),
        "from": result.place or None,
        "caused_by": finding.caused_by and clean.name(finding.caused_by, NAME),
    }
    standing: dict[str, Any] = {"baselineState": finding.state} if finding.state else {}
    if finding.suppressed is not None:
        standing["suppressions"] = [{"kind": "external", "justification": clean.visible(finding.suppressed)}]
    return {
        "ruleId": rule,
        "ruleIndex": places[rule],
        "level": LEVELS[finding.severity],
        "message": {"text": result.message},
        "locations": [location],
        "partialFingerprints": {"loglens/v1": clean.visible(finding.fingerprint, NAME)},
        "properties": {key: value for key, value in told.items() if value},
        **standing,
    }


def _notes(report: Report, results: int) -> list[dict[str, Any]]:
    """What was not read, and what was left out."""
    broken = damaged(report)
    notes = [_note(problem) for problem in broken[:NOTES]]
    left = ((len(broken) - NOTES, "damaged file"), (results - MOST, "finding"))
    notes += [
        {"level": "warning", "message": {"text": f"{clean.count(n, f'more {noun}')}, not listed here"}}
        for n, noun in left
        if n > 0
    ]
    return notes


def _note(problem: Problem) -> dict[str, Any]:
    text = f"{clean.name(problem.path, NAME)}: {problem.kind}: {clean.visible(problem.message)}"
    place = {"physicalLocation": {"artifactLocation": {"uri": uri(problem.path)}}}
    return {"level": "warning", "message": {"text": text}, "locations": [place]}

"""JUnit XML: a suite a run, a case a rule, as servers of CI show tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from loglens.model import SEVERITIES
from loglens.reporters import clean
from loglens.reporters.outline import marked, where, worst_first
from loglens.reporters.results import NAME, damaged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loglens.model import Finding, NotChecked
    from loglens.report import Report
    from loglens.ruletest import CaseResult

RUNS = 1_000  # suites, worst first
FILES = 1_000


def render(report: Report, fail_on: str = "error") -> str:
    """The XML. Findings at or above `fail_on` are failures, others pass and tell; what was not checked is skipped."""
    root = Element("testsuites", name="loglens")
    for run in worst_first(report.runs)[:RUNS]:
        _suite(root, clean.name(run.run, NAME), run.findings, run.clear, run.not_checked, fail_on)
    for group in report.groups[:RUNS]:
        if group.findings:
            _suite(root, f"{group.kind}: {clean.name(group.runs[0], NAME)} …", group.findings, (), (), fail_on)
    _files(root, report)
    if len(report.runs) > RUNS:
        more = clean.count(len(report.runs) - RUNS, "more run")
        suite = SubElement(root, "testsuite", name="more runs")
        case = SubElement(suite, "testcase", name=more, classname="loglens")
        SubElement(case, "skipped", message=f"{more}, not listed here: the worst {RUNS:,} are")
        _count(suite)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def render_cases(results: Iterable[CaseResult], mistakes: Iterable[str]) -> str:
    """The cases of rules as tests: a suite a rule, and one of the mistakes in rule files."""
    root, suites = Element("testsuites", name="loglens rules"), dict[str, Element]()
    for mistake in mistakes:
        suite = _suite_of("rule files", root, suites)
        place, _, _ = mistake.partition(": ")
        case = SubElement(suite, "testcase", name=clean.visible(place), classname="rule files")
        SubElement(case, "error", message=clean.visible(mistake))
    for result in results:
        suite = _suite_of(result.rule, root, suites)
        case = SubElement(suite, "testcase", name=clean.visible(result.case), classname=clean.visible(result.rule))
        if result.failure:
            SubElement(case, "failure", message=clean.visible(result.failure)).text = "\n".join(
                clean.visible(line) for line in (result.place, *result.detail)
            )
    for suite in suites.values():
        _count(suite)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite_of(name: str, root: Element, suites: dict[str, Element]) -> Element:
    if name not in suites:
        suites[name] = SubElement(root, "testsuite", name=clean.visible(name))
    return suites[name]


def _suite(
    root: Element,
    name: str,
    findings: Iterable[Finding],
    clear: Iterable[str],
    missing: Iterable[NotChecked],
    fail_on: str,
) -> None:
    suite = SubElement(root, "testsuite", name=name)
    for finding in findings:
        case = _case(suite, finding.rule, name)
        message, body = clean.visible(finding.message), _body(finding)
        if _fails(finding, fail_on):
            SubElement(case, "failure", message=message, type=finding.severity).text = body
        else:
            SubElement(case, "system-out").text = f"{finding.severity}: {message}\n{body}"
    for rule in clear:
        _case(suite, rule, name)
    for skipped in missing:
        SubElement(_case(suite, skipped.rule, name), "skipped", message=clean.visible(skipped.reason))
    _count(suite)


def _case(suite: Element, rule: str, run: str) -> Element:
    return SubElement(suite, "testcase", name=clean.name(rule, NAME), classname=run)


def _fails(finding: Finding, fail_on: str) -> bool:
    if fail_on == "never" or not finding.counts:
        return False
    return SEVERITIES.index(finding.severity) >= [*SEVERITIES].index(fail_on)  # type: ignore[arg-type]


def _body(finding: Finding) -> str:
    lines = [f"from {where(finding)}"] if where(finding) else []
    lines += [clean.visible(marked(finding))] if marked(finding) else []
    lines += [f"caused by {clean.name(finding.caused_by)}"] if finding.caused_by else []
    lines += [f"cause: {clean.visible(cause)}" for cause in finding.causes]
    lines += [f"do: {clean.visible(remedy)}" for remedy in finding.remedies]
    return "\n".join(lines)


def _files(root: Element, report: Report) -> None:
    """Logs that were not read whole: never among what passed."""
    broken = damaged(report)
    if not broken:
        return
    suite = SubElement(root, "testsuite", name="files")
    for problem in broken[:FILES]:
        case = SubElement(suite, "testcase", name=clean.name(problem.path, NAME), classname="files")
        SubElement(case, "skipped", message=f"not read whole: {problem.kind}: {clean.visible(problem.message)}")
    if len(broken) > FILES:
        case = SubElement(suite, "testcase", name="more files", classname="files")
        SubElement(case, "skipped", message=f"{len(broken) - FILES:,} more, not listed here")
    _count(suite)


def _count(element: Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    element.set("failures", str(len(element.findall(".//failure"))))
    element.set("errors", str(len(element.findall(".//error"))))
    element.set("skipped", str(len(element.findall(".//skipped"))))

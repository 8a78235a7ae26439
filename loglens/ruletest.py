"""Runs the cases of rules: the examples in a rule file are its tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loglens.casedata import series_of_roles
from loglens.engine import judge
from loglens.errors import LoglensError
from loglens.groupcases import judge_logs, judge_members
from loglens.series import series_of
from loglens.silence import Witness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loglens.engine import Judgement
    from loglens.model import Finding
    from loglens.rule import Case, Rule
    from loglens.series import SeriesSet


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case; `failure` is empty when it passed."""

    rule: str
    case: str
    place: str
    failure: str
    detail: tuple[str, ...] = ()  # where the rule was too silent: what of its conditions failed, and the lets


def run_cases(rules: Iterable[Rule], samples: Path | None = None, only: str = "") -> list[CaseResult]:
    """Run every case whose `rule: name` contains `only`. `logs:` cases are looked up under `samples`."""
    results = []
    for rule in rules:
        for case in rule.cases:
            if only and only not in f"{rule.id}: {case.name}":
                continue
            results.append(_result(rule, case, samples or Path(rule.path).parent))
    return results


def _result(rule: Rule, case: Case, samples: Path) -> CaseResult:
    witness = Witness()
    got = _judgement(rule, case, samples, witness)
    failure = _failure(rule, case, got)
    too_silent = failure and case.expect.status == "fired" and not got.not_checked
    onset_only = bool(got.findings) and case.expect.severity in (None, got.findings[0].severity)
    detail = witness.reasons(rule) if too_silent and not onset_only else ()
    return CaseResult(rule.id, case.name, f"{rule.path}:{case.line}:{case.col}", failure, detail)


def _judgement(rule: Rule, case: Case, samples: Path, watch: Witness) -> Judgement:
    if case.members:
        return judge_members(rule, case, watch)
    if not case.logs:
        return judge(series_from(case), [rule], watch=watch)[0]
    from loglens.ruleset import load_rules
    from loglens.sources import read
    from loglens.story import tell

    path = samples / case.logs
    if not path.exists():
        raise LoglensError(f"{rule.path}:{case.line}: no such logs: {path}")
    logs = read([str(path)])
    if rule.scope != "run":
        return judge_logs(rule, tell(logs, load_rules().rules), watch)
    judgements = judge(series_of(logs), [rule], watch=watch)
    fired = [j for j in judgements if j.findings]
    return (fired or judgements)[0]


def series_from(case: Case) -> SeriesSet:
    """One run whose tags are the roles themselves."""
    return series_of_roles(case.series, case.seed, case.facts)


def _failure(rule: Rule, case: Case, got: Judgement) -> str:
    want = case.expect
    finding = got.findings[0] if got.findings else None
    reason = f" ({got.not_checked[0].reason})" if got.not_checked else ""
    status = "fired" if finding else "not-checked" if got.not_checked else "clear"
    if status != want.status:
        said = {"fired": rule.id, "clear": "none", "not-checked": "not-checked"}
        found = f"{rule.id}{_since(finding)}: {finding.message}" if finding else said[status] + reason
        return f"expected {said[want.status]}, got {found}"
    if finding is None:
        return ""
    if want.severity is not None and finding.severity != want.severity:
        return f"expected severity {want.severity}, got {finding.severity}"
    if want.onset is not None and (finding.first_step is None or abs(finding.first_step - want.onset) > want.tolerance):
        within = f" (within {want.tolerance})" if want.tolerance else ""
        got_step = "no step: the onset is missing there" if finding.first_step is None else finding.first_step
        return f"expected {rule.id} at step {want.onset}{within}, got {got_step}"
    return ""


def _since(finding: Finding) -> str:
    return "" if finding.first_step is None else f" at step {finding.first_step}"

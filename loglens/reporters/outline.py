"""What every report for people says, in which order: worst runs first, causes before what they cause."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from loglens.model import FIRED_ON_GROUP, NEEDS_SEVERAL, SEVERITIES, Finding, NotChecked, RunReport, Severity, Verdict
from loglens.reporters import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loglens.report import Report

ORDER: tuple[Verdict, ...] = ("failed", "suspect", "unknown", "healthy")


@dataclass(frozen=True)
class Chain:
    """A finding that nothing explains, and the findings of the same run that it explains."""

    run: RunReport
    root: Finding
    effects: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """The highest severity in the chain."""
        return max((f.severity for f in (self.root, *self.effects)), key=SEVERITIES.index)


@dataclass(frozen=True)
class Theme:
    """Chains that begin with the same rule, over all runs."""

    rule: str
    title: str
    severity: Severity
    chains: tuple[Chain, ...]


@dataclass(frozen=True)
class Gap:
    """Why rules could not judge: one reason, the rules it silenced, the runs."""

    reason: str
    rules: tuple[str, ...]
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """How much was looked at."""

    files: int
    damaged: int  # logs that were not read whole
    skipped: int  # files that were no logs
    judged: int
    checks: int


def rank(severity: Severity) -> int:
    """0 for the worst."""
    return -SEVERITIES.index(severity)


def chains_of(run: RunReport) -> tuple[Chain, ...]:
    """Roots with their effects, that of the headline first, then by severity; every finding is in exactly one chain."""
    by_rule = {f.rule: f for f in run.findings}
    members: dict[str, list[Finding]] = {}
    for finding in run.findings:
        members.setdefault(_root_rule(finding, by_rule), []).append(finding)
    chains = [
        Chain(run, by_rule[rule], tuple(f for f in found if f is not by_rule[rule])) for rule, found in members.items()
    ]
    # the chain that the headline tells comes first, so that sentence, chart and numbers speak of one thing
    return tuple(sorted(chains, key=lambda c: (c.root.message not in run.headline, rank(c.severity))))


def _root_rule(finding: Finding, by_rule: dict[str, Finding]) -> str:
    seen = [finding.rule]
    while (cause := by_rule[seen[-1]].caused_by) in by_rule:
        if cause in seen:  # a circle has no beginning: take the same member whoever asks
            return min(seen[seen.index(cause) :])
        seen.append(cause)
    return seen[-1]


def worst_first(runs: Iterable[RunReport]) -> tuple[RunReport, ...]:
    """By verdict, then by number of errors and warnings; otherwise as they came."""
    return tuple(sorted(runs, key=lambda r: (ORDER.index(r.verdict), *(-n for n in _severities(r)))))


def _severities(run: RunReport) -> tuple[int, int]:
    found = [f.severity for f in run.findings]
    return found.count("error"), found.count("warning")


def lead_of(report: Report) -> Chain | None:
    """The chain that the report opens with; None when no run is in trouble."""
    for run in worst_first(report.runs):
        if run.verdict in ("failed", "suspect"):
            chains = chains_of(run)
            if chains:
                return chains[0]
    return None


def themes_of(report: Report) -> tuple[Theme, ...]:
    """Chains of all runs by their root's rule, worst theme first, then the most frequent."""
    found: dict[str, list[Chain]] = {}
    for run in worst_first(report.runs):
        for chain in chains_of(run):
            found.setdefault(chain.root.rule, []).append(chain)
    titles = {rule.id: rule.title for rule in report.rules}
    worst = {rule: max((c.severity for c in chains), key=SEVERITIES.index) for rule, chains in found.items()}
    themes = [
        Theme(rule, _title(chains, titles.get(rule)), worst[rule], tuple(chains)) for rule, chains in found.items()
    ]
    lead = lead_of(report)
    first = lead.root.rule if lead else ""
    return tuple(sorted(themes, key=lambda t: (rank(t.severity), t.rule != first, -len(t.chains), t.rule)))


def _title(chains: list[Chain], of_rule: str | None) -> str:
    """What all members are called; that of the rule when their titles differ."""
    titles = {chain.root.title for chain in chains}
    return of_rule if of_rule and len(titles) > 1 else chains[0].root.title


def gaps_of(report: Report) -> tuple[Gap, ...]:
    """What was not checked, by reason; first what silences most."""
    rules: dict[str, dict[str, None]] = {}
    runs: dict[str, dict[str, None]] = {}
    for run in report.runs:
        for missing in _open(run):
            rules.setdefault(missing.reason, {})[missing.rule] = None
            runs.setdefault(missing.reason, {})[run.run] = None
    gaps = [Gap(reason, tuple(rules[reason]), tuple(runs[reason])) for reason in rules]
    return tuple(sorted(gaps, key=lambda g: (-len(g.rules) * len(g.runs), g.reason)))


def _open(run: RunReport) -> list[NotChecked]:
    """What was not checked and could have been: a run that is alone has no group to be judged with."""
    return [missing for missing in run.not_checked if missing.reason not in (NEEDS_SEVERAL, FIRED_ON_GROUP)]


def coverage_of(report: Report) -> Coverage:
    """Files read and checks that could judge."""
    damaged = {p.path for p in report.problems if p.kind in ("truncated", "corrupt", "unreadable")}
    skipped = {p.path for p in report.problems if p.kind == "skipped"}
    judged = sum(len(r.findings) + len(r.clear) for r in report.runs)
    checks = judged + sum(len(_open(r)) for r in report.runs)
    files = {source.path for run in report.runs for source in run.sources} | damaged
    return Coverage(len(files), len(damaged), len(skipped - damaged), judged, checks)


def verdict_line(report: Report) -> str:
    """The whole report in a few words: `2 of 40 runs failed, 3 are suspect.`"""
    total = report.summary
    if not total.runs:
        return "No runs were found."
    if report.left_out and total.healthy == total.runs:
        asked = "the one selected rule" if len(report.rules) == 1 else f"the {len(report.rules):,} selected rules"
        return f"No alarm in {clean.count(total.runs, 'run')} by {asked}."
    if total.runs == 1:
        return {
            "failed": "The run failed.",
            "suspect": "The run is suspect.",
            "healthy": "The run looks healthy.",
            "unknown": "The run cannot be judged.",
        }[report.runs[0].verdict]
    if total.healthy == total.runs:
        return f"All {total.runs:,} runs look healthy."
    parts = []
    if total.failed == total.runs:
        return f"All {total.runs:,} runs failed."
    if total.failed:
        parts.append(f"{total.failed:,} of {total.runs:,} runs failed")
    if total.suspect:
        parts.append(f"{total.suspect:,} {_be(total.suspect)} suspect")
    if total.unknown:
        parts.append(f"{total.unknown:,} cannot be judged")
    if not total.failed:
        number, rest = parts[0].split(" ", 1)
        parts[0] = f"{number} of {total.runs:,} runs {rest}"
    return f"{', '.join(parts)}."


def tally(report: Report) -> str:
    """Findings by severity, causes apart from what follows: `4 errors, 2 warnings at the root; 5 findings follow …`."""
    total = report.summary
    counts = ((total.errors, "error"), (total.warnings, "warning"), (total.infos, "note"))
    roots = ", ".join(clean.count(number, noun) for number, noun in counts if number)
    held = [run.findings for run in report.runs] + [group.findings for group in report.groups]
    follow = sum(finding.caused_by is not None for findings in held for finding in findings)
    if not follow:
        return roots or "no findings"
    them = "it" if total.errors + total.warnings + total.infos == 1 else "them"
    verb = "follows" if follow == 1 else "follow"
    return f"{roots or 'none'} at the root; {clean.count(follow, 'finding')} {verb} from {them}"


def narrowed(report: Report) -> str:
    """Says that rules were left out: `Only 2 of 31 rules were applied.`; empty when none were."""
    if not report.left_out:
        return ""
    applied, every = len(report.rules), len(report.rules) + len(report.left_out)
    return f"Only {applied:,} of {every:,} rules {'was' if applied == 1 else 'were'} applied."


def marked(finding: Finding) -> str:
    """How a finding stands to baseline and settings: `new`, `in the baseline`, `suppressed: …`; empty without."""
    if finding.suppressed is not None:
        return f"suppressed: {finding.suppressed}"
    return {"new": "new", "unchanged": "in the baseline"}.get(finding.state or "", "")


def settled(report: Report) -> str:
    """`Beside the baseline 2 findings are new, 5 unchanged, 1 gone. 1 is suppressed.`; empty without either."""
    found = [f for run in report.runs for f in run.findings] + [f for group in report.groups for f in group.findings]
    hidden = sum(f.suppressed is not None for f in found)
    new, old = (sum(f.state == state and f.suppressed is None for f in found) for state in ("new", "unchanged"))
    told = ""
    if report.compared:
        first = f"{clean.count(new, 'finding')} {_be(new)} new"
        told = f"Beside the baseline {first}, {old:,} unchanged, {len(report.gone):,} gone."
    kept = f"{clean.count(hidden, 'finding')} {_be(hidden)} suppressed." if hidden else ""
    return f"{told} {kept}".strip()


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def where(finding: Finding) -> str:
    """Where trouble begins: `step 32,550`; empty when the finding has no place."""
    if finding.first_step is None:
        return ""
    return f"{finding.axis} {clean.whole(finding.first_step)}"


def cost(run: RunReport) -> str:
    """What the run lost, in short: `62 % of the run, 1.2 h`; empty when unknown."""
    from loglens.numbers import percent

    if run.wasted_fraction is None:
        return ""
    seconds = run.waste.seconds if run.waste else None
    spent = f", {clean.duration(seconds)}" if seconds else ""
    return f"{percent(run.wasted_fraction)} of the run{spent}"


def pictured(report: Report, top: int) -> tuple[tuple[RunReport, Finding], ...]:
    """The findings whose evidence is drawn: of every theme its first, then its second…; effects after all roots."""
    themes = themes_of(report)
    depth = range(max((len(theme.chains) for theme in themes), default=0))
    chains = [theme.chains[turn] for turn in depth for theme in themes if turn < len(theme.chains)]
    chosen = [(c.run, c.root) for c in chains] + [(c.run, f) for c in chains for f in c.effects]
    drawable = (pair for pair in chosen if any(t in pair[0].curves for t in (*pair[1].tags, *pair[1].related)))
    return tuple(islice(drawable, top))

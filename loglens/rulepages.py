"""The page of each rule in `docs/rules/`, and their index: generated from the rule files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loglens.explain import severities
from loglens.manual import table
from loglens.rule import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loglens.rule import Case, Expectation, Need, Rule, Variant

ABOUT = {
    "run": "a run",
    "folds": "repetitions of one training",
    "sweep": "runs that differ in hyper-parameters",
    "group": "a group of runs",
}
CONDITIONS = ("let", "not_checked", "when", "for", "severity", "onset", "end", "confidence", "variants")
_BLOCK = re.compile(r"^(\w+):.*\n(?:[ \t#].*\n|\n)*", re.MULTILINE)


def page(rule: Rule, source: str) -> str:
    """The page of one rule; `source` is its file, of which the page shows the conditions."""
    facts = [severities(rule), f"about {ABOUT[rule.scope]}", rule.status, f"since {rule.since}" if rule.since else ""]
    only = "" if set(rule.objectives) == set(OBJECTIVES) else f"for {' or '.join(rule.objectives)} training only"
    parts = [f"# {rule.id}: {rule.title}", " · ".join(filter(None, [*facts, only])), rule.why]
    parts += ["## What it looks at", table(("name", "role", "needed", "what to log"), map(_need, rule.needs))]
    parts += ["## What it says", "\n".join(_variant(v, rule) for v in rule.variants)]
    parts += _list("## When it does not judge", [skip.reason.text for skip in rule.skips])
    parts += _list("## Likely causes", rule.info.causes)
    parts += _list("## What to do", rule.info.remedies)
    parts += ["## What must not be taken for it", rule.false_alarms] if rule.false_alarms else []
    parts += ["## The condition", _conditions(source), "[How to read it](../writing-rules.md)."]
    parts += list(_settings(rule))
    parts += ["## Examples", "These are its tests.", table(("case", "data", "must be found"), map(_case, rule.cases))]
    parts += _list("## Findings that explain it", [f"[{other}]({other}.md)" for other in rule.explained_by])
    parts += _list("## Sources", rule.references)
    return "\n\n".join([*parts, f"Generated from [rules/{rule.id}.yaml](../../rules/{rule.id}.yaml)."]) + "\n"


def index(rules: Sequence[Rule]) -> str:
    """The list of all rules."""
    rows = [(f"[{rule.id}]({rule.id}.md)", severities(rule), rule.title) for rule in rules]
    text = "Every rule that comes with loglens, with its condition, its examples, and what it does not judge."
    more = "`loglens explain RULE` prints the short form. [Write your own](../writing-rules.md)."
    return "\n\n".join(["# Rules", text, table(("rule", "severity", "what it finds"), rows), more]) + "\n"


def _list(title: str, texts: Iterable[str]) -> list[str]:
    found = [f"- {' '.join(text.split())}" for text in texts]
    return [title, "\n".join(found)] if found else []


def _need(need: Need) -> tuple[str, str, str, str]:
    of = f"`{need.value}` of {need.same}" if need.same else " or ".join(f"`{role}`" for role in need.roles)
    least = f"{need.points} point{'s' * (need.points != 1)}" if need.points else "any record"
    return (
        f"`{need.name}`",
        of,
        "optional" if need.optional else f"{least}, each alone" if need.each else least,
        need.log,
    )


def _variant(variant: Variant, rule: Rule) -> str:
    """What one way of firing says; several have titles of their own."""
    title = f"**{variant.title}.** " if len(rule.variants) > 1 else ""
    return f"- {title}{' '.join(variant.message.text.split())}"


def _conditions(source: str) -> str:
    """The parts of the file that decide."""
    blocks = [block[0].rstrip() for block in _BLOCK.finditer(source) if block[1] in CONDITIONS]
    return "\n".join(["```yaml", *blocks, "```"])


def _settings(rule: Rule) -> Iterator[str]:
    yield "## Change it, or do without"
    lines = [
        f"loglens analyze runs/ --select {rule.id}      # nothing else",
        f"loglens analyze runs/ --ignore {rule.id}",
    ]
    toml = [f'ignore = ["{rule.id}"]']
    if rule.parameters:
        first = rule.parameters[0]
        rows = [(f"`{p.name}`", f"{p.default:g}", p.about) for p in rule.parameters]
        yield table(("parameter", "default", "what it is"), rows)
        lines.append(f"loglens analyze runs/ --set {rule.id}.{first.name}={first.default:g}")
        toml = [f"[rules.{rule.id}]", f"{first.name} = {first.default:g}"]
    yield "\n".join(["```sh", *lines, "```"])
    yield "\n".join(["or for good, in `loglens.toml`:", "", "```toml", *toml, "```"])


def _case(case: Case) -> tuple[str, str, str]:
    data = [f"`{role}: {values}`" for role, values in case.series.items()]
    data += [f"`{fact} = {value:g}`" for fact, value in case.facts.items()]
    for member in case.members:
        verdict = {} if member.verdict == "healthy" else {"verdict": member.verdict}
        own = {**member.series, **member.settings, **verdict}
        data.append(f"{member.times} × `{', '.join(f'{name}: {value}' for name, value in own.items())}`")
    return case.name, "<br>".join(data) or f"the logs in `{case.logs}`", _expected(case.expect)


def _expected(expect: Expectation) -> str:
    if expect.status != "fired":
        return "nothing" if expect.status == "clear" else "not checked"
    onset = (
        "" if expect.onset is None else f" at step {expect.onset}" + f" ± {expect.tolerance}" * bool(expect.tolerance)
    )
    return f"{expect.severity or 'a finding'}{onset}"

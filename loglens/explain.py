"""A rule as a page for people: what it sees, why it matters, causes, remedies, parameters, an example."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from loglens.tabular import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loglens.rule import Need, Rule

WIDTH = 100
READING = (
    "exp(-loss) is the probability that the true class gets on average (the geometric mean), exp(loss) the perplexity, "
    "ln C the loss of a guess among C classes: 0.41 reads as 66 %, and 2.30 is a guess among 10. A high cross-entropy "
    "need not mean a useless model: see what the accuracy says beside it."
)


def explain(rule: Rule) -> str:
    """The page of one rule."""
    parts = [f"{rule.id}: {rule.title} ({severities(rule)})", "", *_section("Why it matters", [rule.why])]
    parts += ["What it sees", table(map(_need, rule.needs), indent="  "), ""]
    parts += _section("What it says", [v.message.text for v in rule.variants], bullet="- ")
    parts += _section("Likely causes", rule.info.causes, bullet="- ")
    parts += _section("What to do", rule.info.remedies, bullet="- ")
    parts += _section("How a cross-entropy reads", filter(None, [READING if _knows_classes(rule) else ""]))
    parts += _section("What must not be taken for it", filter(None, [rule.false_alarms]))
    if rule.parameters:
        rows = [(p.name, f"{rule.parameter(p.name):g}", p.about) for p in rule.parameters]
        parts += [f"Parameters (--set {rule.id}.{rule.parameters[0].name}=VALUE)", table(rows, indent="  "), ""]
    parts += _section("Example", _example(rule))
    parts += _section("Sources", rule.references, bullet="- ")
    return "\n".join(parts).rstrip()


def _knows_classes(rule: Rule) -> bool:
    """Whether the rule compares a loss with that of a guess."""
    return any(name == "classes" for _, node in rule.lets for name in node.names())


def severities(rule: Rule) -> str:
    """Every severity the rule can have, the highest first."""
    can = {severity for variant in rule.variants for severity, _ in variant.severity}
    return ", ".join(name for name in ("error", "warning", "info") if name in can)


def as_table(rules: Iterable[Rule]) -> str:
    """One line a rule."""
    return table([(rule.id, severities(rule), rule.title) for rule in rules], ("rule", "severity", "title"))


def as_json(rules: Iterable[Rule]) -> str:
    """The same with the texts, for programs."""
    return json.dumps([asdict(rule.info) for rule in rules], indent=1)


def _section(title: str, texts: Iterable[str], bullet: str = "") -> Iterator[str]:
    texts = list(texts)
    if texts:
        yield title
        for text in texts:
            yield textwrap.fill(text, WIDTH, initial_indent=f"  {bullet}", subsequent_indent="  " + " " * len(bullet))
        yield ""


def _need(need: Need) -> tuple[str, str, str]:
    of = f"{need.value} of {need.same}" if need.same else " or ".join(need.roles)
    least = f"at least {need.points} points" if need.points > 1 else ""
    return need.name, of, ", ".join(filter(None, ["optional" if need.optional else "", least]))


def _example(rule: Rule) -> Iterator[str]:
    """The first case in which the rule fires."""
    case = next((case for case in rule.cases if case.expect.status == "fired"), None)
    if case is not None:
        said = f"fires, {case.expect.severity}" if case.expect.severity else "fires"
        onset = f" at step {case.expect.onset}" if case.expect.onset is not None else ""
        yield f"{case.name}: {said}{onset}"
        yield from (f"{role}: {values}" for role, values in case.series.items())
        for member in case.members:
            told = {**member.settings, **({"verdict": member.verdict} if member.verdict != "healthy" else {})}
            parts = [f"{name}: {value}" for name, value in {**member.series, **told}.items()]
            yield f"{member.times} × {', '.join(parts)}"

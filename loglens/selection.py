"""Which rules are checked, and with which parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.errors import LoglensError
from loglens.wording import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loglens.rule import Rule
    from loglens.ruleset import RuleSet


def choose(
    rules: RuleSet,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    parameters: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Rule, ...]:
    """The rules to check, with parameters replaced; LoglensError lists every unknown rule and parameter."""
    select, ignore, parameters = list(select or rules.ids), list(ignore), parameters or {}
    mistakes = [
        f"no rule '{rule_id}'{suggestion(rule_id, rules.ids) or '; loglens rules list names them'}"
        for rule_id in dict.fromkeys([*select, *ignore, *parameters])
        if rule_id not in rules.ids
    ]
    chosen = [rule for rule in rules.rules if rule.id in select and rule.id not in ignore]
    for rule in rules.rules:
        names = [p.name for p in rule.parameters]
        for name in parameters.get(rule.id, {}):
            if name not in names:
                hint = suggestion(name, names) or (f"; it has {', '.join(names)}" if names else "; it has none")
                mistakes.append(f"rule '{rule.id}' has no parameter '{name}'{hint}")
    if mistakes:
        raise LoglensError("\n".join(mistakes))
    return tuple(rule.with_settings(parameters.get(rule.id, {})) for rule in chosen)


def parse_settings(settings: Iterable[str]) -> dict[str, dict[str, float]]:
    """`RULE.PARAM=VALUE` strings as parameters by rule; LoglensError for one that does not read like that."""
    found: dict[str, dict[str, float]] = {}
    for setting in settings:
        left, equals, value = setting.partition("=")
        rule, dot, name = left.strip().partition(".")
        try:
            number = float(value)
        except ValueError:
            raise LoglensError(f"--set {setting}: '{value}' is not a number") from None
        if not (equals and dot and rule and name):
            raise LoglensError(f"--set {setting}: write RULE.PARAM=VALUE, such as flat-loss.drop=0.05")
        found.setdefault(rule, {})[name] = number
    return found

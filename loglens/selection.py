"""Which rules are checked, and with which parameters."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from loglens.errors import LoglensError
from loglens.wording import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    told = [why for _, why in mistakes(rules.rules, select=select, ignore=ignore, parameters=parameters)]
    if told:
        raise LoglensError("\n".join(dict.fromkeys(told)))
    chosen = [rule for rule in rules.rules if rule.id in select and rule.id not in ignore]
    return tuple(rule.with_settings(parameters.get(rule.id, {})) for rule in chosen)


def mistakes(
    rules: Sequence[Rule],
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    parameters: Mapping[str, Mapping[str, float]],
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Ids and parameters that no rule has: the keys that lead to each in a settings file, and what is wrong."""
    known = {rule.id: [parameter.name for parameter in rule.parameters] for rule in rules}
    named = [(("select",), each) for each in select] + [(("ignore",), each) for each in ignore]
    for keys, rule_id in [*named, *((("rules", each), each) for each in parameters)]:
        if rule_id not in known:
            yield keys, f"no rule '{rule_id}'{suggestion(rule_id, list(known)) or '; loglens rules list names them'}"
    for rule_id, values in parameters.items():
        names = known.get(rule_id)
        for name in values if names is not None else ():
            if names is not None and name not in names:
                hint = suggestion(name, names) or (f"; it has {', '.join(names)}" if names else "; it has none")
                yield ("rules", rule_id, name), f"rule '{rule_id}' has no parameter '{name}'{hint}"
            elif not isfinite(values[name]):  # compared with NaN, nothing is ever found
                yield ("rules", rule_id, name), f"parameter '{name}' of '{rule_id}' must be a finite number"


def parse_settings(settings: Iterable[str]) -> dict[str, dict[str, float]]:
    """`RULE.PARAM=VALUE` strings as parameters by rule; LoglensError lists those that do not read like that."""
    found: dict[str, dict[str, float]] = {}
    told: list[str] = []
    for setting in settings:
        left, equals, value = setting.partition("=")
        rule, dot, name = left.strip().partition(".")
        if not (equals and dot and rule and name):
            told.append(f"--set {setting}: write RULE.PARAM=VALUE, such as flat-loss.least_fall=0.05")
            continue
        try:
            found.setdefault(rule, {})[name] = float(value)
        except ValueError:
            told.append(f"--set {setting}: '{value}' is not a number")
    if told:
        raise LoglensError("\n".join(told))
    return found

"""What settings may say, and every mistake in them: the keys that lead to it, and why."""

from __future__ import annotations

import difflib
import fnmatch
from datetime import date
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.model import SEVERITIES
from loglens.patterns import fault_of
from loglens.roles import is_role, known_roles
from loglens.wording import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

FAIL_ON = (*SEVERITIES[::-1], "never")
KEYS = {
    "select": "ids of the rules to check; all others are left out",
    "ignore": "ids of rules not to check",
    "rule-files": "files or folders with further rules, relative to this file",
    "fail-on": "lowest severity that makes the exit code 1: error, warning, info or never",
    "exclude": "globs of paths not to read, relative to the analysed folder",
    "roles": "table: glob on the name of a series, or re: and an expression = its role",
    "hparams": "table: hyper-parameters of runs that did not log them, such as num_classes",
    "rules": "table per rule: parameter = number",
    "require": "roles that every run must have",
    "min-runs": "fewer runs make the exit code 1",
    "fail-above": "how many runs may have a finding at or above fail-on: 0",
    "override": "tables for some runs: runs (globs), fail-on, ignore",
    "suppress": "tables of findings that are accepted: rule, runs, reason, expires",
}
SUPPRESS = ("rule", "runs", "reason", "expires")
LISTS = ("select", "ignore", "rule-files", "exclude", "require")
NUMBERS = ("min-runs", "fail-above")
OVERRIDE = ("runs", "fail-on", "ignore")


def mistakes_in(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with a table of settings, without a look at the rules."""
    for key, value in table.items():
        if key not in KEYS:
            yield (key,), f"unknown key '{key}'{_suggestion(key)}"
        elif key in LISTS and not _texts(value):
            hint = ' (did you mean ["' + value + '"]?)' if isinstance(value, str) else ""
            yield (key,), f"'{key}' must be a list of strings{hint}"
        elif key == "require":
            yield from ((("require",), why) for role in value if (why := role_mistake(role)))
        elif key in NUMBERS and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            yield (key,), f"'{key}' must be a whole number of runs, not {value!r}"
        elif key == "override":
            yield from _override_mistakes(value)
        elif key == "fail-on" and value not in FAIL_ON:
            yield (key,), f"'fail-on' must be {', '.join(FAIL_ON[:-1])} or {FAIL_ON[-1]}, not {value!r}"
        elif key == "roles":
            yield from _role_mistakes(value)
        elif key == "rules":
            yield from _parameter_mistakes(value)
        elif key == "hparams":
            yield from _hparam_mistakes(value)
        elif key == "suppress":
            yield from _suppress_mistakes(value)


def unknown_rules(table: Mapping[str, Any], path: Path, extra: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    """What the rules do not have. Nothing where a rule file is faulty: that is told when the rules are loaded."""
    said = {key: table[key] for key in ("select", "ignore") if _texts(table.get(key))}
    tables = table.get("rules")
    tables = {rule: v for rule, v in tables.items() if isinstance(v, dict)} if isinstance(tables, dict) else {}
    named = list(_named_rules(table))
    if not tables and not named and not any(said.values()):
        return []  # the kernels are heavy
    from loglens.kernels import signatures
    from loglens.ruleset import builtin_rules, check_files
    from loglens.selection import mistakes

    files = table.get("rule-files")
    own = [str(path.parent / name) for name in files] if isinstance(files, list) and _texts(files) else []
    faults: list[str] = []
    try:
        rules = check_files([builtin_rules(), *own, *extra], signatures(), faults.append)
    except LoglensError:  # a file that is missing
        return []
    if faults:
        return []
    ids = [rule.id for rule in rules]
    unknown = [
        ((*place, key), f"no rule '{name}'{suggestion(name, ids) or '; loglens rules list names them'}")
        for place, key, name in named
        if not fnmatch.filter(ids, name)
    ]
    return [*mistakes(rules, parameters=tables, **said), *unknown]


def _named_rules(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str, str]]:
    """(table, key, id or glob) of the rules that tables for some runs name; other shapes are told elsewhere."""
    for key, field in (("override", "ignore"), ("suppress", "rule")):
        entries = table.get(key)
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            names = entry.get(field) if isinstance(entry, dict) else None
            yield from (((key, str(number)), field, n) for n in ([names] if isinstance(names, str) else names or ()))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _suggestion(key: str) -> str:
    close = difflib.get_close_matches(key.replace("_", "-").lower(), KEYS, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(KEYS)}"


def role_mistake(role: str) -> str:
    """What is wrong with a role that runs must have; empty when nothing is."""
    return "" if is_role(role) else f"no role '{role}'{suggestion(role, known_roles())}"


def _hparam_mistakes(told: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(told, dict):
        yield ("hparams",), "'hparams' must be a table: name = number or text"
        return
    for name, value in told.items():
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            yield ("hparams", name), f"hyper-parameter '{name}' must be a number or a text"


def _can_be_given(role: str) -> bool:
    """A role, a score with its direction, or `none`, which takes a role away."""
    base, _, direction = role.partition(":")
    return (
        role == "none" or is_role(role) or (base.endswith("/metric") and direction in ("min", "max") and is_role(base))
    )


def _override_mistakes(entries: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        yield ("override",), "'override' must be tables [[override]] with runs, fail-on and ignore"
        return
    for number, entry in enumerate(entries):
        place = ("override", str(number))
        for key, value in entry.items():
            if key not in OVERRIDE:
                hint = suggestion(key, OVERRIDE) or f"; known are {', '.join(OVERRIDE)}"
                yield (*place, key), f"unknown key '{key}' in 'override'{hint}"
            elif key == "fail-on" and value not in FAIL_ON:
                yield (*place, key), f"'fail-on' must be {', '.join(FAIL_ON[:-1])} or {FAIL_ON[-1]}, not {value!r}"
            elif key != "fail-on" and not (isinstance(value, str) or _texts(value)):
                yield (*place, key), f"'{key}' must be a text or a list of texts"
        if not entry.get("runs"):
            yield place, "'override' needs runs, a glob or a list of globs"


def _role_mistakes(roles: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(roles, dict):
        yield ("roles",), "'roles' must be a table: glob on the name of a series = its role"
        return
    for name, role in roles.items():
        if why := fault_of(name):
            yield ("roles", name), f"'{name}' is no regular expression: {why}"
        if not isinstance(role, str):
            yield ("roles", name), f"the role of '{name}' must be a string such as \"train/loss\""
        elif not _can_be_given(role):
            hint = suggestion(role, known_roles()) or "; a role is such as train/loss, val/accuracy or grad_norm"
            yield ("roles", name), f"the role of '{name}' is none: '{role}'{hint}"


def _parameter_mistakes(rules: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(rules, dict):
        yield ("rules",), "'rules' must be tables [rules.RULE] of parameters; files with rules go into 'rule-files'"
        return
    for rule, parameters in rules.items():
        if not isinstance(parameters, dict):
            yield ("rules", rule), f"'rules.{rule}' must be a table of parameters"
            continue
        for name, value in parameters.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                yield ("rules", rule, name), f"parameter '{name}' of '{rule}' must be a number"
            elif not -1e308 <= value <= 1e308:  # NaN would make the rule blind
                yield ("rules", rule, name), f"parameter '{name}' of '{rule}' must be a finite number"


def _suppress_mistakes(entries: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        yield ("suppress",), "'suppress' must be tables [[suppress]] with rule, runs, reason and expires"
        return
    for number, entry in enumerate(entries):
        place = ("suppress", str(number))
        for key in entry:
            if key not in SUPPRESS:
                hint = suggestion(key, SUPPRESS) or f"; known are {', '.join(SUPPRESS)}"
                yield (*place, key), f"unknown key '{key}' in 'suppress'{hint}"
        for key in ("rule", "reason"):
            if not isinstance(entry.get(key), str) or not entry[key].strip():
                yield (*place, *((key,) if key in entry else ())), f"'suppress' needs a {key}, a text that is not empty"
        runs = entry.get("runs", "*")
        if not isinstance(runs, str) and not _texts(runs):
            yield (*place, "runs"), "'runs' must be a glob or a list of globs"
        if not isinstance(entry.get("expires", "-"), str | date) or not str(entry.get("expires", "-")).strip():
            yield (*place, "expires"), "'expires' must be a date such as 2027-01-31"

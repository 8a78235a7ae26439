"""`loglens.toml`, or `[tool.loglens]` in `pyproject.toml`: the nearest one upward from the working directory."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from loglens.errors import ConfigError, LoglensError
from loglens.model import SEVERITIES
from loglens.roles import is_role, known_roles
from loglens.suppression import Suppression
from loglens.wording import suggestion

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "loglens.toml"
FAIL_ON = (*SEVERITIES[::-1], "never")
KEYS = {
    "select": "ids of the rules to check; all others are left out",
    "ignore": "ids of rules not to check",
    "rule-files": "files or folders with further rules, relative to this file",
    "fail-on": "lowest severity that makes the exit code 1: error, warning, info or never",
    "exclude": "globs of paths not to read, relative to the analysed folder",
    "roles": "table: glob on the name of a series = its role",
    "rules": "table per rule: parameter = number",
    "suppress": "tables of findings that are accepted: rule, runs, reason, expires",
}
SUPPRESS = ("rule", "runs", "reason", "expires")
LISTS = ("select", "ignore", "rule-files", "exclude")
Parameters = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Config:
    """What a configuration file says; the defaults are those of an empty one."""

    path: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    rule_files: tuple[str, ...] = ()
    fail_on: str = "error"
    exclude: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    parameters: Parameters = field(default_factory=dict)
    suppress: tuple[Suppression, ...] = ()

    def merged(
        self,
        select: Iterable[str] | None = None,
        ignore: Iterable[str] | None = None,
        rule_files: Iterable[str] = (),
        parameters: Parameters | None = None,
        roles: Mapping[str, str] | None = None,
        exclude: Iterable[str] = (),
    ) -> Config:
        """These settings under others that win: `select` and `ignore` are replaced where given, the rest is added."""
        rules = {**self.parameters, **(parameters or {})}
        return replace(
            self,
            select=tuple(select or self.select),
            ignore=tuple(ignore or self.ignore),
            rule_files=(*self.rule_files, *rule_files),
            parameters={rule: {**self.parameters.get(rule, {}), **values} for rule, values in rules.items()},
            roles={**(roles or {}), **{k: v for k, v in self.roles.items() if k not in (roles or {})}},
            exclude=(*self.exclude, *exclude),
        )


def find_config(start: Path) -> Path | None:
    """The nearest configuration from `start` upward; a pyproject.toml without [tool.loglens] is passed over."""
    for folder in (start, *start.parents):
        if (own := folder / FILE_NAME).is_file():
            return own
        project = folder / "pyproject.toml"
        if project.is_file() and b"loglens" in _bytes(project) and _table(_parse(project), project) is not None:
            return project
    return None


def load_config(path: Path, rules: Iterable[str] | None = None) -> Config:
    """Read and check one file; ConfigError lists everything that is wrong with it.

    Rules and parameters are looked up when `rules` names the rule files beside its own; without it they are not.
    """
    table = _table(_parse(path), path)
    if table is None:
        raise ConfigError(f"{path}: no table [tool.loglens] in it")
    prefix = ("tool", "loglens") if path.name == "pyproject.toml" else ()
    mistakes = list(_mistakes(table))
    if rules is not None:
        mistakes += _unknown_rules(table, path, rules)
    if mistakes:
        text = _bytes(path).decode()
        raise ConfigError("\n".join(f"{path}{_line(text, (*prefix, *keys))}: {why}" for keys, why in mistakes))
    return Config(
        path=str(path),
        rule_files=tuple(str(path.parent / name) for name in table.get("rule-files", ())),
        fail_on=table.get("fail-on", "error"),
        roles=dict(table.get("roles", {})),
        parameters={rule: {k: float(v) for k, v in values.items()} for rule, values in table.get("rules", {}).items()},
        suppress=tuple(map(_suppression, table.get("suppress", ()))),
        **{key: tuple(table.get(key, ())) for key in ("select", "ignore", "exclude")},
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode())
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not TOML that can be read: nested too deep") from None


def _table(document: dict[str, Any], path: Path) -> dict[str, Any] | None:
    if path.name != "pyproject.toml":
        return document
    tool = document.get("tool")
    table = tool.get("loglens") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _mistakes(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in table.items():
        if key not in KEYS:
            yield (key,), f"unknown key '{key}'{_suggestion(key)}"
        elif key in LISTS and not _texts(value):
            hint = ' (did you mean ["' + value + '"]?)' if isinstance(value, str) else ""
            yield (key,), f"'{key}' must be a list of strings{hint}"
        elif key == "fail-on" and value not in FAIL_ON:
            yield (key,), f"'fail-on' must be {', '.join(FAIL_ON[:-1])} or {FAIL_ON[-1]}, not {value!r}"
        elif key == "roles":
            yield from _role_mistakes(value)
        elif key == "rules":
            yield from _parameter_mistakes(value)
        elif key == "suppress":
            yield from _suppress_mistakes(value)


def _unknown_rules(table: Mapping[str, Any], path: Path, extra: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    """What the rules do not have. Nothing where a rule file is faulty: that is told when the rules are loaded."""
    said = {key: table[key] for key in ("select", "ignore") if _texts(table.get(key))}
    tables = table.get("rules")
    tables = {rule: v for rule, v in tables.items() if isinstance(v, dict)} if isinstance(tables, dict) else {}
    if not tables and not any(said.values()):
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
    return [] if faults else list(mistakes(rules, parameters=tables, **said))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _suggestion(key: str) -> str:
    close = difflib.get_close_matches(key.replace("_", "-").lower(), KEYS, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(KEYS)}"


def _role_mistakes(roles: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(roles, dict):
        yield ("roles",), "'roles' must be a table: glob on the name of a series = its role"
        return
    for name, role in roles.items():
        if not isinstance(role, str):
            yield ("roles", name), f"the role of '{name}' must be a string such as \"train/loss\""
        elif not is_role(role):
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


def _suppression(entry: Mapping[str, Any]) -> Suppression:
    runs, expires = entry.get("runs", "*"), entry.get("expires", "")
    day = expires.date() if isinstance(expires, datetime) else expires
    return Suppression(
        rule=entry["rule"],
        reason=" ".join(entry["reason"].split()),
        runs=(runs,) if isinstance(runs, str) else tuple(runs),
        expires=day.isoformat()
        if isinstance(day, date)
        else (day.strip() or "an empty text" if "expires" in entry else ""),
    )


_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_ARRAY = re.compile(r"\s*\[\[\s*([^\[\]]+?)\s*\]\]\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*(?:\.|$)""")


def _line(text: str, keys: tuple[str, ...]) -> str:
    """`:LINE` of the key, found by a search (tomllib keeps no positions); nothing when not exactly one line fits."""
    table: tuple[str, ...] = ()
    found = []
    tables: dict[tuple[str, ...], int] = {}  # arrays of tables: how many of each there were
    for number, line in enumerate(text.split("\n"), 1):
        if header := _ARRAY.match(line):
            name = _split(header[1])
            tables[name] = tables.get(name, -1) + 1
            table = path = (*name, str(tables[name]))
        elif header := _HEADER.match(line):
            table = _split(header[1])
            path = table
        elif key := _KEY.match(line):
            path = (*table, *_split(key[1]))
        else:
            continue
        if path[: len(keys)] == keys:
            found.append((len(path) > len(keys), number))
    exact = [number for longer, number in found if not longer]
    hits = exact or [number for _, number in found[:1]]
    return f":{hits[0]}" if len(hits) == 1 else ""


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(dotted))


def to_toml(config: Config) -> str:
    """The settings in force, as a `loglens.toml` that would say the same."""
    lines = [f"# from {config.path}" if config.path else "# no configuration file: the defaults"]
    lists = {
        "select": config.select,
        "ignore": config.ignore,
        "rule-files": config.rule_files,
        "exclude": config.exclude,
    }
    lines += [f"{key} = [{', '.join(map(_quoted, values))}]" for key, values in lists.items()]
    lines.append(f"fail-on = {_quoted(config.fail_on)}")
    if config.roles:
        lines += ["", "[roles]", *(f"{_quoted(name)} = {_quoted(role)}" for name, role in config.roles.items())]
    for rule, values in config.parameters.items():
        lines += ["", f"[rules.{_quoted(rule)}]", *(f"{_quoted(name)} = {value!r}" for name, value in values.items())]
    for entry in config.suppress:
        told = {"rule": entry.rule, "reason": entry.reason} | ({"expires": entry.expires} if entry.expires else {})
        lines += ["", "[[suppress]]", *(f"{key} = {_quoted(value)}" for key, value in told.items())]
        lines.append(f"runs = [{', '.join(map(_quoted, entry.runs))}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

"""`loglens.toml`, or `[tool.loglens]` in `pyproject.toml`: the nearest one upward from the working directory."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from loglens.configcheck import KEYS, LISTS, NUMBERS, mistakes_in, unknown_rules
from loglens.errors import ConfigError
from loglens.suppression import Suppression
from loglens.tomlplaces import line_of

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "loglens.toml"
LARGEST = 4 << 20  # bytes
# what the environment may say; it wins over the file, and the command line over both
VARIABLES = {
    "LOGLENS_CONFIG": "the settings file, as --config",
    **{
        f"LOGLENS_{key.upper().replace('-', '_')}": key
        for key in ("select", "ignore", "fail-on", "require", "min-runs", "fail-above")
    },
}
Parameters = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Override:
    """Settings of the gate for some runs; `fail_on` empty where the others' holds."""

    runs: tuple[str, ...]
    fail_on: str = ""
    ignore: tuple[str, ...] = ()

    def covers(self, run: str) -> bool:
        """Whether it is about this run."""
        return any(fnmatchcase(run, glob) for glob in self.runs)


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
    hparams: Mapping[str, str] = field(default_factory=dict)
    suppress: tuple[Suppression, ...] = ()
    require: tuple[str, ...] = ()
    min_runs: int = 1
    fail_above: int = 0
    override: tuple[Override, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)  # key -> where its value comes from

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
    mistakes = list(mistakes_in(table))
    if rules is not None:
        mistakes += unknown_rules(table, path, rules)
    if mistakes:
        text = _bytes(path).decode()
        raise ConfigError("\n".join(f"{path}{line_of(text, (*prefix, *keys))}: {why}" for keys, why in mistakes))
    text = _bytes(path).decode()
    return Config(
        path=str(path),
        origins={key: f"{path}{line_of(text, (*prefix, key))}" for key in table},
        min_runs=table.get("min-runs", 1),
        fail_above=table.get("fail-above", 0),
        override=tuple(map(_override, table.get("override", ()))),
        rule_files=tuple(str(path.parent / name) for name in table.get("rule-files", ())),
        fail_on=table.get("fail-on", "error"),
        roles=dict(table.get("roles", {})),
        hparams={name: str(value) for name, value in table.get("hparams", {}).items()},
        parameters={rule: {k: float(v) for k, v in values.items()} for rule, values in table.get("rules", {}).items()},
        suppress=tuple(map(_suppression, table.get("suppress", ()))),
        **{key: tuple(table.get(key, ())) for key in ("select", "ignore", "exclude", "require")},
    )


def from_environment(config: Config, variables: Mapping[str, str]) -> Config:
    """`config` under what the LOGLENS_* variables say, empty ones left out; ConfigError lists what is wrong."""
    told: dict[str, Any] = {}
    mistakes = []
    for name, key in VARIABLES.items():
        text = variables.get(name, "").strip()
        if not text or key not in KEYS:
            continue
        value: Any = [part.strip() for part in text.split(",") if part.strip()] if key in LISTS else text
        if key in NUMBERS:
            value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
        mistakes += [f"{name}: {why}" for _, why in mistakes_in({key: value})]
        told[key] = tuple(value) if key in LISTS else value
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    origins = {key: name for name, key in VARIABLES.items() if key in told}
    values = {key.replace("-", "_"): value for key, value in told.items()}
    return replace(config, **values, origins={**config.origins, **origins})


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{path}: larger than {LARGEST >> 20} MB: not a settings file")
    return data


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode())
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not TOML that can be read: nested too deep") from None
    except ValueError:
        raise ConfigError(f"{path}: not TOML that can be read: a number of too many digits") from None


def _table(document: dict[str, Any], path: Path) -> dict[str, Any] | None:
    if path.name != "pyproject.toml":
        return document
    tool = document.get("tool")
    table = tool.get("loglens") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _override(entry: Mapping[str, Any]) -> Override:
    runs, ignore = entry["runs"], entry.get("ignore", ())
    return Override(
        (runs,) if isinstance(runs, str) else tuple(runs),
        entry.get("fail-on", ""),
        (ignore,) if isinstance(ignore, str) else tuple(ignore),
    )


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


def to_toml(config: Config) -> str:
    """The settings in force, as a `loglens.toml` that would say the same; comments say where each comes from."""
    lines = [f"# from {config.path}" if config.path else "# no configuration file"]

    def said(key: str, value: str) -> str:
        return f"{key} = {value}  # {_comment(config.origins.get(key, 'default'))}"

    lists = {
        "select": config.select,
        "ignore": config.ignore,
        "rule-files": config.rule_files,
        "exclude": config.exclude,
        "require": config.require,
    }
    lines += [said(key, _listed(values)) for key, values in lists.items()]
    lines += [said("fail-on", _quoted(config.fail_on)), said("min-runs", str(config.min_runs))]
    lines.append(said("fail-above", str(config.fail_above)))
    if config.roles:
        lines += ["", f"# {_comment(config.origins.get('roles', 'default'))}", "[roles]"]
        lines += [f"{_quoted(name)} = {_quoted(role)}" for name, role in config.roles.items()]
    if config.hparams:
        lines += ["", f"# {_comment(config.origins.get('hparams', 'default'))}", "[hparams]"]
        lines += [f"{_quoted(name)} = {_quoted(value)}" for name, value in config.hparams.items()]
    for rule, values in config.parameters.items():
        lines += ["", f"# {_comment(config.origins.get('rules', 'default'))}", f"[rules.{_quoted(rule)}]"]
        lines += [f"{_quoted(name)} = {value!r}" for name, value in values.items()]
    for each in config.override:
        lines += ["", f"# {_comment(config.origins.get('override', 'default'))}", "[[override]]"]
        lines += [f"runs = {_listed(each.runs)}", f"ignore = {_listed(each.ignore)}"]
        lines += [f"fail-on = {_quoted(each.fail_on)}"] if each.fail_on else []
    for entry in config.suppress:
        told = {"rule": entry.rule, "reason": entry.reason} | ({"expires": entry.expires} if entry.expires else {})
        lines += ["", f"# {_comment(config.origins.get('suppress', 'default'))}", "[[suppress]]"]
        lines += [*(f"{key} = {_quoted(value)}" for key, value in told.items()), f"runs = {_listed(entry.runs)}"]
    return "\n".join(lines) + "\n"


def _listed(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _comment(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

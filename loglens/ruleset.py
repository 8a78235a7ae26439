"""Sets of checked rules: the built-in ones and those of users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loglens.errors import LoglensError, RuleError
from loglens.resources import resource_dir
from loglens.rulefile import read_rule
from loglens.wording import suggestion
from loglens.yamlfile import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loglens.expr import Signature
    from loglens.rule import Rule


@dataclass(frozen=True)
class RuleSet:
    """Checked rules, by id."""

    rules: tuple[Rule, ...]

    def __getitem__(self, rule_id: str) -> Rule:
        """The rule called `rule_id`; KeyError when there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """All rule ids, sorted."""
        return tuple(rule.id for rule in self.rules)


def rule_paths(paths: Iterable[str | Path]) -> list[Path]:
    """The rule files that files and folders stand for; LoglensError when one does not exist."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(p for p in path.rglob("*.y*ml") if p.suffix in (".yaml", ".yml") and p.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise LoglensError(f"no such rule file or folder: {path}")
    return found


def check_files(
    paths: Iterable[str | Path], signatures: Mapping[str, Signature], say: Callable[[str], None]
) -> tuple[Rule, ...]:
    """Read rule files, `say` every mistake as `file:line:col: why`, return the good rules, sorted by id."""
    rules: dict[str, Rule] = {}
    for path in rule_paths(paths):
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)  # the YAML reader tells that it is too large
            text = data.decode("utf-8-sig", "ignore" if len(data) > MAX_BYTES else "strict")
        except UnicodeDecodeError as error:
            say(f"{path}:{_place(data, error.start)}: not UTF-8 text")
            continue
        except OSError as error:
            say(f"{path}:1:1: cannot be read: {error.strerror or error}")
            continue
        rule, mistakes = read_rule(text, str(path), signatures)
        for m in mistakes:
            say(f"{path}:{m.line}:{m.col}: {m.message}")
        if rule is not None and (first := rules.setdefault(rule.id, rule)) is not rule:
            say(f"{path}:{rule.line}:1: duplicate id '{rule.id}' (first in {first.path}:{first.line})")
    return tuple(rules[rule_id] for rule_id in sorted(rules))


def _place(data: bytes, offset: int) -> str:
    """`line:col` of a byte, counted in characters as far as there are any."""
    before = data[:offset].decode("utf-8-sig", "replace")
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def check_new(rules: Iterable[Rule], known: Iterable[Rule], say: Callable[[str], None]) -> None:
    """`say` where a rule has the id of one that comes with loglens, and is another file."""
    taken = {rule.id: Path(rule.path).resolve() for rule in known}
    for rule in rules:
        if rule.id in taken and taken[rule.id] != Path(rule.path).resolve():
            say(f"{rule.path}:{rule.line}:1: duplicate id '{rule.id}' (a rule that comes with loglens)")


def check_links(rules: Iterable[Rule], say: Callable[[str], None]) -> None:
    """`say` where a rule is explained by one that does not exist, or by itself in a circle."""
    table = {rule.id: rule for rule in rules}
    for rule in table.values():
        for other, (line, col) in rule.places.items():
            if other not in table:
                hint = suggestion(other, list(table))
                say(f"{rule.path}:{line}:{col}: 'explained_by' names no rule: '{other}'{hint}")
            elif (circle := _way(table, other, rule.id)) and rule.id == min(circle):
                way = " → ".join([rule.id, *circle])
                say(f"{rule.path}:{line}:{col}: rules explain each other in a circle: {way}")


def _way(table: Mapping[str, Rule], start: str, goal: str) -> list[str]:
    """The ids from `start` to `goal` along `explained_by`, shortest first; empty when there is no way."""
    ways = [[start]]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return way
        for other in table[way[-1]].explained_by if way[-1] in table else ():
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def builtin_rules() -> Path:
    """The folder of the rules that come with loglens."""
    return resource_dir("rules")


def load_rules(extra: Iterable[str | Path] = ()) -> RuleSet:
    """The built-in rules and those of `extra` files and folders; RuleError with every mistake when one is faulty."""
    from loglens.kernels import signatures

    mistakes: list[str] = []
    rules = check_files([builtin_rules(), *extra], signatures(), mistakes.append)
    if not mistakes:  # a faulty rule is missing from the links
        check_links(rules, mistakes.append)
    if mistakes:
        raise RuleError("\n".join(mistakes))
    return RuleSet(rules)

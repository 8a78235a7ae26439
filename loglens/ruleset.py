"""Sets of checked rules: the built-in ones and those of users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loglens.errors import LoglensError, RuleError
from loglens.expr import Signature
from loglens.resources import resource_dir
from loglens.rulefile import read_rule
from loglens.wording import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
            found += sorted(p for p in path.rglob("*.y*ml") if p.suffix in (".yaml", ".yml"))
        elif path.is_file():
            found.append(path)
        else:
            raise LoglensError(f"no such rule file or folder: {path}")
    return found


def check_files(
    paths: Iterable[str | Path], signatures: Mapping[str, Signature], say: Callable[[str], None]
) -> tuple[Rule, ...]:
    """Read rule files, `say` every mistake as `file:line:col: why`, return the good rules."""
    rules: dict[str, Rule] = {}
    for path in rule_paths(paths):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            say(f"{path}:1:1: not UTF-8 text (byte {error.start})")
            continue
        except OSError as error:
            say(f"{path}:1:1: cannot be read: {error.strerror or error}")
            continue
        rule, mistakes = read_rule(text, str(path), signatures)
        for m in mistakes:
            say(f"{path}:{m.line}:{m.col}: {m.message}")
        if rule is not None and rule.id in rules:
            say(f"{path}:1:1: duplicate id '{rule.id}' (first in {rules[rule.id].path})")
        elif rule is not None:
            rules[rule.id] = rule
    return tuple(rules[rule_id] for rule_id in sorted(rules))


def builtin_rules() -> Path:
    """The folder of the rules that come with loglens."""
    return resource_dir("rules")


def load_rules(extra: Iterable[str | Path] = ()) -> RuleSet:
    """The built-in rules and those of `extra` files and folders; RuleError with every mistake when one is faulty."""
    from loglens.kernels import signatures

    mistakes: list[str] = []
    rules = check_files([builtin_rules(), *extra], signatures(), mistakes.append)
    known = [rule.id for rule in rules]
    mistakes += [
        f"{rule.path}:1:1: 'explained_by' names no rule: '{other}'{suggestion(other, known)}"
        for rule in rules
        for other in rule.explained_by
        if other not in known
    ]
    if mistakes:
        raise RuleError("\n".join(mistakes))
    return RuleSet(rules)

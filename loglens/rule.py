"""What a rule is, once its file has been read and checked. Frozen data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from loglens.model import RuleInfo, Severity, Verdict
from loglens.numbers import human, often, percent, times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loglens.expr import Node
    from loglens.yamlfile import Mistake

Objective = Literal["supervised", "rl", "gan", "unknown"]
Scope = Literal["run", "folds", "sweep", "group"]
SCOPES: tuple[Scope, ...] = ("run", "folds", "sweep", "group")
Value = Literal["tail", "last", "best", "first", "noise", "points"]
VALUES: tuple[Value, ...] = ("tail", "last", "best", "first", "noise", "points")
OBJECTIVES: tuple[Objective, ...] = ("supervised", "rl", "gan", "unknown")
Unit = Literal["points", "steps", "%"]
Word = float | str | bool | None  # what a hole in a sentence may hold
FORMATS = {"number": human, "percent": percent, "times": times, "often": often}
_HOLE = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Need:
    """A name bound to series with at least `points` finite points: those of the first of `roles` that the run has.

    With `each`, the series of all these roles.
    """

    name: str
    roles: tuple[str, ...]
    points: int = 1
    optional: bool = False
    each: bool = False
    log: str = ""  # what to log to have it, for the reason of a not-checked
    value: Value = "tail"  # about groups: what of each member's series; the members are then the points
    same: str = ""  # about groups: of the metric that this other need found


@dataclass(frozen=True, slots=True)
class Parameter:
    """A threshold that users may set."""

    name: str
    default: float
    about: str


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with holes: `{name}` or `{name:percent}`."""

    text: str

    def holes(self) -> list[tuple[str, str]]:
        """(name, format) of each hole, in order; the format is "number" unless said."""
        return [(m[1], m[2] or "number") for m in _HOLE.finditer(self.text)]

    def places(self) -> list[tuple[str, str, int]]:
        """(name, format, position of the name in the text) of each hole."""
        return [(m[1], m[2] or "number", m.start(1)) for m in _HOLE.finditer(self.text)]

    def fill(self, word: Callable[[str], Word]) -> str:
        """The sentence; strings go in as they are."""

        def hole(match: re.Match[str]) -> str:
            value = word(match[1])
            if isinstance(value, (str, bool)):
                return str(value)
            return FORMATS[match[2] or "number"](value)

        return " ".join(_HOLE.sub(hole, self.text).split())


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a condition on points must hold."""

    amount: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause (or a remedy); with `when`, only where that holds."""

    text: Template
    when: Node | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which a rule fires."""

    name: str
    when: Node
    hold: Hold
    severity: tuple[tuple[Severity, Node | None], ...]  # the first whose condition holds; none: it does not fire
    message: Template
    title: str
    onset: Node | None
    end: Node | None
    confidence: Node | None
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """A reason not to judge, found in the evidence."""

    when: Node
    reason: Template


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case must find; None: not looked at."""

    severity: Severity | None = None
    onset: int | None = None
    tolerance: int = 0
    status: Literal["fired", "clear", "not-checked"] = "fired"


@dataclass(frozen=True, slots=True)
class Member:
    """A run of a group in a case, `times` over with other noise."""

    series: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict = "healthy"
    times: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """An example of the rule: series in notation by role, the members of a group, or a run under the sample logs."""

    name: str
    series: Mapping[str, str]
    facts: Mapping[str, float]
    logs: str
    seed: int
    expect: Expectation
    line: int
    members: tuple[Member, ...] = ()
    col: int = 1


@dataclass(frozen=True)
class Rule:
    """A checked rule."""

    id: str
    title: str
    status: Literal["stable", "experimental"]
    since: str
    objectives: tuple[Objective, ...]
    needs: tuple[Need, ...]
    parameters: tuple[Parameter, ...]
    lets: tuple[tuple[str, Node], ...]
    skips: tuple[Skip, ...]
    variants: tuple[Variant, ...]
    evidence: tuple[str, ...]
    counter_evidence: tuple[Cause, ...]
    related: tuple[str, ...]
    explained_by: tuple[str, ...]
    why: str
    remedies: tuple[Cause, ...]
    false_alarms: str
    references: tuple[str, ...]
    cases: tuple[Case, ...]
    path: str
    line: int = 1  # of its id
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # rule in explained_by → line and column
    settings: Mapping[str, float] = field(default_factory=dict)
    scope: Scope = "run"  # what one finding is about
    remarks: tuple[Mistake, ...] = ()  # what looks wrong in the file, and need not be

    @property
    def severity(self) -> Severity:
        """The highest severity the rule can have."""
        return (
            self.variants[0].severity[0][0]
            if len(self.variants) == 1
            else max((v.severity[0][0] for v in self.variants), key=("info", "warning", "error").index)
        )

    def with_settings(self, settings: Mapping[str, float]) -> Rule:
        """The same rule with other parameter values."""
        return replace(self, settings={**self.settings, **settings})

    def parameter(self, name: str) -> float:
        """The value in force of a parameter."""
        default = next(p.default for p in self.parameters if p.name == name)
        return self.settings.get(name, default)

    @property
    def info(self) -> RuleInfo:
        """The rule's text, for reports."""
        causes = tuple(dict.fromkeys(c.text.text for v in self.variants for c in v.causes))
        remedies = tuple(remedy.text.text for remedy in self.remedies)
        return RuleInfo(self.id, self.title, self.severity, self.why, causes, remedies, self.references)

"""The cases of a rule, read from its file: series in notation, or sample logs, and what must be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.facts import FACTS
from loglens.hints import role_hint
from loglens.model import SEVERITIES
from loglens.roles import is_role, known_roles
from loglens.rule import Case, Expectation, Member
from loglens.wording import suggestion
from loglens.yamlfile import Item, Scalar, Sequence
from loglens.yamlfile import Mapping as Map

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loglens.model import Verdict
    from loglens.rulereader import RuleReader

CASE_FIELDS = ("name", "series", "members", "facts", "logs", "seed", "expect")
MEMBER_FIELDS = ("settings", "verdict", "times")  # beside roles
VERDICTS: tuple[Verdict, ...] = ("failed", "suspect", "healthy", "unknown")
EXPECT_FIELDS = ("severity", "onset", "within")


def read_cases(r: RuleReader, item: Item | None) -> Iterator[Case]:
    """The cases; there must be one in which the rule fires and one in which it does not."""
    if item is None:
        return
    if not isinstance(item, Sequence) or not item.items:
        r.wrong(item, "'cases' must be a list of cases")
        return
    before = len(r.mistakes)
    found: list[Case] = []
    for i, entry in enumerate(item.items):
        case = _case(r, entry, i)
        twin = next((other for other in found if other.name == case.name), None)
        if twin is not None:
            r.wrong(entry, f"a case called '{case.name}' stands on line {twin.line} already")
        found.append(case)
    fires = [case.expect.status == "fired" for case in found]
    if len(r.mistakes) == before and not any(fires):
        r.wrong(item, "no case expects the rule to fire")
    if len(r.mistakes) == before and all(fires):
        r.wrong(item, "no case expects silence (expect: none)")
    yield from found


def _case(r: RuleReader, entry: Item, i: int) -> Case:
    parts = r.mapping(entry, CASE_FIELDS, f"case {i + 1}")
    if isinstance(entry, Map):
        if "name" not in parts:
            r.wrong(entry, f"case {i + 1} has no 'name'")
        data, other = ("series", "members") if r.about == "run" else ("members", "series")
        if "facts" in parts and r.about != "run":
            r.wrong(
                parts.pop("facts"), f"the facts of a group follow from its members: leave 'facts' out of case {i + 1}"
            )
        if other in parts:
            whom = "about groups" if other == "members" else "about runs"
            r.wrong(parts[other], f"'{other}' is for rules {whom}; case {i + 1} needs '{data}'")
        elif (data in parts) == ("logs" in parts):
            r.wrong(entry, f"case {i + 1} needs either '{data}' or 'logs'")
    return Case(
        r.text(parts.get("name"), "'name' of a case", f"case {i + 1}"),
        _series(r, parts["series"]) if "series" in parts else {},
        _facts(r, parts.get("facts")),
        r.text(parts.get("logs"), "'logs'"),
        r.whole(parts.get("seed"), "'seed'", 0),
        _expect(r, parts.get("expect"), entry),
        entry.line,
        _members(r, parts["members"]) if "members" in parts and r.about != "run" else (),
        entry.col,
    )


def _members(r: RuleReader, item: Item) -> tuple[Member, ...]:
    if not isinstance(item, Sequence) or not item.items:
        r.wrong(item, "'members' must be a list of runs: mappings of roles to values")
        return ()
    return tuple(_member(r, entry) for entry in item.items)


def _member(r: RuleReader, item: Item) -> Member:
    if not isinstance(item, Map):
        r.wrong(item, "a member must be a mapping of roles to values")
        return Member({})
    own = {key: item.items[key] for key in MEMBER_FIELDS if key in item.items}
    roles = [key for key in item.items if key not in MEMBER_FIELDS]
    settings = own.get("settings")
    told = r.mapping(settings, settings.items if isinstance(settings, Map) else (), "'settings'")
    return Member(
        _roles(r, item, roles),
        {name: r.text(value, f"setting '{name}'") for name, value in told.items()},
        r.choice(own.get("verdict"), "'verdict'", VERDICTS, "healthy"),  # type: ignore[arg-type]
        r.whole(own.get("times"), "'times'", 1, 1),
    )


def _facts(r: RuleReader, item: Item | None) -> dict[str, float]:
    if item is None:
        return {}
    if not isinstance(item, Map):
        r.wrong(item, "'facts' must be a mapping of facts to numbers")
        return {}
    for name in item.items:
        if name not in FACTS:
            r.wrong(item.keys[name], f"unknown fact '{name}'{suggestion(name, list(FACTS))}")
    return {name: r.number(value, f"fact '{name}'", 0) for name, value in item.items.items()}


def _series(r: RuleReader, item: Item) -> dict[str, str]:
    if not isinstance(item, Map) or not item.items:
        r.wrong(item, "'series' must be a mapping of roles to values")
        return {}
    return _roles(r, item, item.items)


def _roles(r: RuleReader, item: Map, roles: Iterable[str]) -> dict[str, str]:
    """The series of `roles` in a mapping."""
    from loglens.notation import mistakes_in

    series = {}
    for role in roles:
        value = item.items[role]
        if not is_role(role):
            meant = next(iter(r.roles.get(role, ())), "")
            hint = f": a case names roles, so write {meant}" if meant else role_hint(role, known_roles())
            r.wrong(
                item.keys[role], f"'{role}' is the name of a need{hint}" if meant else f"unknown role '{role}'{hint}"
            )
        series[role] = r.text(value, f"series '{role}'")
        if isinstance(value, Scalar) and series[role]:
            for at, message in mistakes_in(value.text):
                r.wrong(value, f"series '{role}': {message}", at)
    return series


def _expect(r: RuleReader, item: Item | None, entry: Item) -> Expectation:
    if item is None:
        if isinstance(entry, Map):
            r.wrong(entry, "a case needs 'expect': a finding, 'none' or 'not-checked'")
        return Expectation()
    if isinstance(item, Scalar):
        word = r.choice(item, "'expect'", ("none", "not-checked", *SEVERITIES), "none")
        if word in SEVERITIES:
            return Expectation(severity=word)
        return Expectation(status="clear" if word == "none" else "not-checked")
    parts = r.mapping(item, EXPECT_FIELDS, "'expect'")
    severity = r.choice(parts.get("severity"), "'severity'", SEVERITIES, "") or None
    onset = parts.get("onset")
    if "within" in parts and onset is None:
        r.wrong(parts["within"], "'within' needs an 'onset' to be within")
    return Expectation(
        severity,  # type: ignore[arg-type]
        r.whole(onset, "'onset'", 0) if onset is not None else None,
        r.whole(parts.get("within"), "'within'", 0),
    )

"""Rule files: YAML to checked rules, every mistake of every file at once, as `file:line:col`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from loglens import yamlfile
from loglens.expr import NUMBER, Node, Signature, Type, suggestion
from loglens.facts import FACTS
from loglens.model import SEVERITIES
from loglens.rule import (
    OBJECTIVES,
    Case,
    Expectation,
    Hold,
    Need,
    Parameter,
    Rule,
    Skip,
    Variant,
)
from loglens.rulereader import RuleReader
from loglens.yamlfile import Item, Mistake, Scalar, Sequence
from loglens.yamlfile import Mapping as Map

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# key → what it holds; the order is the order in which people should write them
VARIANT_FIELDS = {
    "when": "the condition under which the rule fires",
    "for": "how long a condition on points must hold: `5 points`, `200 steps`, `20 %`",
    "severity": "error, warning or info; or a mapping of these to conditions, the last one to `otherwise`",
    "onset": "the step at which the trouble begins",
    "end": "the step at which it ends",
    "confidence": "0 to 1",
    "message": "one sentence with {holes} for names of needs, parameters and lets",
    "causes": "likely causes; one with `when:` is named only where that holds",
}
FIELDS = {
    "id": "kebab-case, stable for ever",
    "title": "a few words",
    "status": "stable or experimental",
    "since": "the version that brought the rule",
    "objectives": "the kinds of training it applies to: supervised, rl, gan, unknown",
    "needs": "names for the series the rule looks at",
    "parameters": "thresholds with their defaults",
    "let": "names for intermediate results; they are the evidence",
    "not_checked": "conditions under which the rule does not judge, each with its reason",
    **VARIANT_FIELDS,
    "variants": "several ways to fire, each with the fields above",
    "evidence": "the lets that are reported; all numbers unless said",
    "counter_evidence": "innocent explanations that were ruled out, with `when:`",
    "related": "needs whose series are drawn under the evidence",
    "explained_by": "rules whose finding explains this one",
    "why": "why it matters",
    "remedies": "what to do; one with `when:` is named only where that holds",
    "false_alarms": "what looks alike and must stay silent",
    "references": "sources",
    "cases": "examples: series and what must be found",
}
NEED_FIELDS = ("role", "points", "optional", "each", "log")
PARAMETER_FIELDS = ("default", "about")
CASE_FIELDS = ("name", "series", "logs", "seed", "expect")
EXPECT_FIELDS = ("severity", "onset", "within", "status")
REQUIRED = ("id", "title", "needs", "why", "remedies", "cases")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_HOLD = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(points?|steps?|%)\Z")


def read_rule(text: str, path: str, kernels: Mapping[str, Signature]) -> tuple[Rule | None, list[Mistake]]:
    """Check one rule file; the rule is None when anything is wrong."""
    document = yamlfile.parse(text)
    reader = RuleReader(path, kernels, document.mistakes)
    if document.root is None:
        if not reader.mistakes:
            reader.mistakes.append(Mistake(1, 1, "empty file"))
        return None, reader.mistakes
    reader.scope.update(dict.fromkeys(FACTS, NUMBER))
    fields = reader.mapping(document.root, FIELDS, "the rule")
    if isinstance(document.root, Map):
        for key in REQUIRED:
            if key not in fields:
                reader.wrong(document.root, f"'{key}' is missing")
        rule = _rule(reader, fields)
    reader.mistakes.sort(key=lambda m: (m.line, m.col))
    return (None if reader.mistakes else rule), reader.mistakes


def _rule(r: RuleReader, f: dict[str, Item]) -> Rule:
    rule_id = r.text(f.get("id"), "'id'")
    if "id" in f and rule_id and not _ID.match(rule_id):
        r.wrong(f["id"], f"'id' must be kebab-case, not '{rule_id}'")
    title = r.text(f.get("title"), "'title'")
    needs = _needs(r, f.get("needs"))
    parameters = _parameters(r, f.get("parameters"))
    lets = _lets(r, f.get("let"))
    variants = _variants(r, f, title)
    numbers = [name for name, node in lets if node.type.shape == "run"]
    return Rule(
        id=rule_id,
        title=title,
        status=r.choice(f.get("status"), "'status'", ("stable", "experimental"), "stable"),  # type: ignore[arg-type]
        since=r.text(f.get("since"), "'since'"),
        objectives=_objectives(r, f.get("objectives")),
        needs=needs,
        parameters=parameters,
        lets=lets,
        skips=tuple(_skips(r, f.get("not_checked"))),
        variants=variants,
        evidence=_known(r, f.get("evidence"), "'evidence'", [n for n, _ in lets])
        if "evidence" in f
        else tuple(numbers),
        counter_evidence=r.guarded(f.get("counter_evidence"), "'counter_evidence'"),
        related=_known(r, f.get("related"), "'related'", [n.name for n in needs]),
        explained_by=r.texts(f.get("explained_by"), "'explained_by'"),
        why=r.text(f.get("why"), "'why'"),
        remedies=r.guarded(f.get("remedies"), "'remedies'"),
        false_alarms=r.text(f.get("false_alarms"), "'false_alarms'"),
        references=r.texts(f.get("references"), "'references'"),
        cases=tuple(_cases(r, f.get("cases"))),
        path=r.path,
    )


def _declare(r: RuleReader, key: Scalar, name: str, kind: Type) -> bool:
    if not _NAME.match(name):
        r.wrong(key, f"'{name}' is no name: use lower-case letters, digits and _")
    elif name in r.scope:
        r.wrong(key, f"'{name}' is already defined")
    elif name in r.kernels:
        r.wrong(key, f"'{name}' is the name of a kernel")
    else:
        r.scope[name] = kind
        return True
    return False


def _needs(r: RuleReader, item: Item | None) -> tuple[Need, ...]:
    if not isinstance(item, Map) or not item.items:
        if item is not None:
            r.wrong(item, "'needs' must name at least one series")
        return ()
    needs = []
    for name, value in item.items.items():
        _declare(r, item.keys[name], name, Type("series", "number", name))
        needs.append(_need(r, name, value))
    return tuple(needs)


def _need(r: RuleReader, name: str, item: Item) -> Need:
    what = f"need '{name}'"
    if not isinstance(item, Map):
        return Need(name, _roles(r, item, what))
    parts = r.mapping(item, NEED_FIELDS, what)
    if "role" not in parts:
        r.wrong(item, f"{what} has no 'role'")
    return Need(
        name,
        _roles(r, parts["role"], what) if "role" in parts else (),
        int(r.number(parts.get("points"), f"'points' of {what}", 1, 0)),
        r.flag(parts.get("optional"), f"'optional' of {what}"),
        r.flag(parts.get("each"), f"'each' of {what}"),
        r.text(parts.get("log"), f"'log' of {what}"),
    )


def _roles(r: RuleReader, item: Item, what: str) -> tuple[str, ...]:
    from loglens.roles import is_role, known_roles

    roles = r.texts(item, f"'role' of {what}")
    entries = item.items if isinstance(item, Sequence) else (item,)
    for role, entry in zip(roles, entries, strict=True):
        if role and not is_role(role):
            r.wrong(entry, f"unknown role '{role}'{suggestion(role, known_roles())}")
    return roles


def _parameters(r: RuleReader, item: Item | None) -> tuple[Parameter, ...]:
    if item is not None and not isinstance(item, Map):
        r.wrong(item, "'parameters' must be a mapping")
    found = []
    for name, value in item.items.items() if isinstance(item, Map) else ():
        _declare(r, item.keys[name], name, NUMBER)  # type: ignore[union-attr]
        parts = r.mapping(value, PARAMETER_FIELDS, f"parameter '{name}'")
        for key in PARAMETER_FIELDS:
            if isinstance(value, Map) and key not in parts:
                r.wrong(value, f"parameter '{name}' has no '{key}'")
        default = r.number(parts.get("default"), f"the default of '{name}'", 0)
        found.append(Parameter(name, default, r.text(parts.get("about"), f"'about' of '{name}'")))
    return tuple(found)


def _lets(r: RuleReader, item: Item | None) -> tuple[tuple[str, Node], ...]:
    if item is not None and not isinstance(item, Map):
        r.wrong(item, "'let' must be a mapping")
    found = []
    for name, value in item.items.items() if isinstance(item, Map) else ():
        before = len(r.mistakes)
        node = r.expression(value, f"'{name}'")
        kind = node.type if node is not None else NUMBER
        if _declare(r, item.keys[name], name, kind) and node is not None:  # type: ignore[union-attr]
            found.append((name, node))
        elif len(r.mistakes) > before:
            r.scope.setdefault(name, NUMBER)  # so that one mistake is told once
    return tuple(found)


def _skips(r: RuleReader, item: Item | None) -> Iterable[Skip]:
    if item is not None and not isinstance(item, Sequence):
        r.wrong(item, "'not_checked' must be a list")
        return
    for entry in item.items if isinstance(item, Sequence) else ():
        parts = r.mapping(entry, ("when", "reason"), "an entry of 'not_checked'")
        for key in ("when", "reason"):
            if key not in parts:
                r.wrong(entry, f"an entry of 'not_checked' needs '{key}'")
        node = r.expression(parts.get("when"), "'when' in 'not_checked'", "flag")
        reason = r.template(parts.get("reason"), "the reason of 'not_checked'")
        if node is not None:
            yield Skip(node, reason)


def _variants(r: RuleReader, f: dict[str, Item], title: str) -> tuple[Variant, ...]:
    item = f.get("variants")
    if item is None:
        if "when" not in f:
            r.mistakes.append(Mistake(1, 1, "'when' is missing (or 'variants')"))
            return ()
        return tuple(filter(None, [_variant(r, "", {k: f[k] for k in VARIANT_FIELDS if k in f}, title, f["when"])]))
    for key in ("when", "for"):
        if key in f:
            r.wrong(f[key], f"'{key}' stands beside 'variants': write it into them")
    if not isinstance(item, Map) or not item.items:
        r.wrong(item, "'variants' must name at least one variant")
        return ()
    shared = {k: f[k] for k in VARIANT_FIELDS if k in f and k not in ("when", "for")}
    found = []
    for name, value in item.items.items():
        parts = r.mapping(value, ("title", *VARIANT_FIELDS), f"variant '{name}'")
        own_title = r.text(parts.pop("title", None), f"the title of '{name}'", title)
        found.append(_variant(r, name, {**shared, **parts}, own_title, value))
    return tuple(filter(None, found))


def _variant(r: RuleReader, name: str, f: dict[str, Item], title: str, place: Item) -> Variant | None:
    where = f" of variant '{name}'" if name else ""
    for key in ("when", "severity", "message"):
        if key not in f:
            r.wrong(place, f"'{key}'{where} is missing")
    when = r.expression(f.get("when"), f"'when'{where}", "condition")
    if when is not None and when.op == "const":
        r.wrong(f["when"], f"'when'{where} is always {'true' if when.value else 'false'}")
    hold = _hold(r, f.get("for"), when)
    onset = r.expression(f.get("onset"), f"'onset'{where}", "number")
    end = r.expression(f.get("end"), f"'end'{where}", "number")
    if onset is None and when is not None and when.type.shape != "points" and "onset" not in f:
        r.wrong(place, f"'onset'{where} is missing: only a condition on points knows its first step")
    severity = _severity(r, f.get("severity"))
    message = r.template(f.get("message"), f"'message'{where}")
    confidence = r.expression(f.get("confidence"), f"'confidence'{where}", "number")
    causes = r.guarded(f.get("causes"), f"'causes'{where}")
    if when is None:
        return None
    return Variant(name, when, hold, severity, message, title, onset, end, confidence, causes)


def _hold(r: RuleReader, item: Item | None, when: Node | None) -> Hold:
    if item is None:
        return Hold(1, "points")
    match = _HOLD.match(r.text(item, "'for'"))
    if match is None:
        r.wrong(item, "'for' must read like '5 points', '200 steps' or '20 %'")
        return Hold(1, "points")
    if when is not None and when.type.shape != "points":
        r.wrong(item, "'for' needs a condition on points; this one has a single value for a run")
    unit = "%" if match[2] == "%" else match[2].rstrip("s") + "s"
    return Hold(float(match[1]), unit)  # type: ignore[arg-type]


def _severity(r: RuleReader, item: Item | None) -> tuple[tuple[Any, Node | None], ...]:
    if item is None:
        return ()
    if isinstance(item, Scalar):
        return ((r.choice(item, "'severity'", SEVERITIES, "warning"), None),)
    steps: list[tuple[str, Node | None]] = []
    parts = r.mapping(item, SEVERITIES, "'severity'")
    for i, (name, value) in enumerate(parts.items()):
        otherwise = isinstance(value, Scalar) and value.value == "otherwise"
        if otherwise and i < len(parts) - 1:
            r.wrong(value, "'otherwise' must come last: what follows it is never reached")
        steps.append((name, None if otherwise else r.expression(value, f"the condition of '{name}'", "flag")))
    if not steps:
        r.wrong(item, "'severity' names no severity")
    order = [SEVERITIES.index(name) for name, _ in steps]
    if order != sorted(order, reverse=True):
        r.wrong(item, "write the severities from error down to info: the first whose condition holds counts")
    return tuple(steps)


def _objectives(r: RuleReader, item: Item | None) -> tuple[Any, ...]:
    if item is None:
        return OBJECTIVES
    return _known(r, item, "'objectives'", OBJECTIVES)


def _known(r: RuleReader, item: Item | None, what: str, known: Iterable[str]) -> tuple[str, ...]:
    known = list(known)
    words = r.texts(item, what)
    entries = item.items if isinstance(item, Sequence) else (item,)
    for word, entry in zip(words, entries, strict=False):
        if word and word not in known and entry is not None:
            r.wrong(entry, f"unknown name '{word}' in {what}{suggestion(word, known)}")
    return words


def _cases(r: RuleReader, item: Item | None) -> Iterable[Case]:
    if item is not None and not isinstance(item, Sequence):
        r.wrong(item, "'cases' must be a list")
        return
    found = [_case(r, entry, i) for i, entry in enumerate(item.items if isinstance(item, Sequence) else ())]
    if item is not None and not any(case.expect.status == "fired" for case in found):
        r.wrong(item, "no case expects the rule to fire")
    if item is not None and not any(case.expect.status != "fired" for case in found):
        r.wrong(item, "no case expects silence (expect: none)")
    yield from found


def _case(r: RuleReader, entry: Item, i: int) -> Case:
    from loglens.notation import mistakes_in

    parts = r.mapping(entry, CASE_FIELDS, f"case {i + 1}")
    series: dict[str, str] = {}
    if isinstance(table := parts.get("series"), Map):
        for role, value in table.items.items():
            series[role] = r.text(value, f"series '{role}'")
            for message in mistakes_in(series[role]):
                r.wrong(value, f"series '{role}': {message}")
    elif "series" in parts:
        r.wrong(parts["series"], "'series' must be a mapping of roles to values")
    if ("series" in parts) == ("logs" in parts):
        r.wrong(entry, f"case {i + 1} needs either 'series' or 'logs'")
    return Case(
        r.text(parts.get("name"), "'name' of a case", f"case {i + 1}"),
        series,
        r.text(parts.get("logs"), "'logs'"),
        int(r.number(parts.get("seed"), "'seed'", 0, 0)),
        _expect(r, parts.get("expect"), entry),
        entry.line,
    )


def _expect(r: RuleReader, item: Item | None, entry: Item) -> Expectation:
    if item is None:
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
    return Expectation(
        severity,  # type: ignore[arg-type]
        int(r.number(onset, "'onset'", 0)) if onset is not None else None,
        int(r.number(parts.get("within"), "'within'", 0, 0)),
    )

"""Rule files: YAML to checked rules, every mistake of every file at once, as `file:line:col`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loglens import yamlfile
from loglens.expr import NUMBER, TEXT, Node, Signature, Type
from loglens.facts import FACTS, TEXTS
from loglens.groupfacts import GROUP_FACTS
from loglens.hints import role_hint
from loglens.remarks import kind_of
from loglens.rule import OBJECTIVES, SCOPES, VALUES, Need, Objective, Parameter, Rule, Skip
from loglens.rulecases import read_cases
from loglens.rulereader import RuleReader
from loglens.rulevariants import VARIANT_FIELDS, read_variants
from loglens.wording import suggestion
from loglens.yamlfile import Item, Mistake, Scalar, Sequence
from loglens.yamlfile import Mapping as Map

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# key → what it holds; the order is the order in which people should write them
FIELDS = {
    "id": "kebab-case, stable for ever",
    "title": "a few words",
    "status": "stable or experimental",
    "since": "the version that brought the rule",
    "scope": "what one finding is about: run (as if left out), folds, sweep, or group for both of these",
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
NEED_FIELDS = ("role", "same", "points", "optional", "each", "log", "value")
OF_RUNS = ("objectives", "related", "explained_by")  # mean nothing about a group
PARAMETER_FIELDS = ("default", "about")
REQUIRED = ("id", "title", "needs", "why", "remedies", "cases")
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def read_rule(text: str, path: str, kernels: Mapping[str, Signature]) -> tuple[Rule | None, list[Mistake]]:
    """Check one rule file; the rule is None when anything is wrong."""
    document = yamlfile.parse(text)
    reader = RuleReader(path, kernels, document.mistakes)
    if document.root is None:
        if not reader.mistakes:
            reader.mistakes.append(Mistake(1, 1, "empty file"))
        return None, reader.mistakes
    fields = reader.mapping(document.root, FIELDS, "the rule")
    _know(reader, fields)
    rule = None
    if isinstance(document.root, Map):
        for key in REQUIRED:
            if key not in fields and not reader.misspelt(key):
                reader.wrong(document.root, f"'{key}' is missing")
        rule = _rule(reader, fields, document.root)
        if not reader.mistakes:  # what a mistake hides may well be a use
            _unused(reader, fields)
    reader.mistakes.sort(key=lambda m: (m.line, m.col))
    return (None if reader.mistakes else rule), reader.mistakes


def _rule(r: RuleReader, f: dict[str, Item], root: Item) -> Rule:
    rule_id = r.text(f.get("id"), "'id'")
    if rule_id and not ID.match(rule_id):
        r.wrong(f["id"], f"'id' must be kebab-case, not '{rule_id}'")
    title = r.text(f.get("title"), "'title'")
    needs = _needs(r, f.get("needs"))
    parameters = _parameters(r, f.get("parameters"))
    lets = _lets(r, f.get("let"))
    places = _explained_by(r, f.get("explained_by"), rule_id)
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
        variants=read_variants(r, f, title, root),
        evidence=_evidence(r, f.get("evidence"), lets),
        counter_evidence=r.guarded(f.get("counter_evidence"), "'counter_evidence'"),
        related=_known(r, f.get("related"), "'related'", [n.name for n in needs]),
        explained_by=tuple(places),
        why=r.text(f.get("why"), "'why'"),
        remedies=r.guarded(f.get("remedies"), "'remedies'"),
        false_alarms=r.text(f.get("false_alarms"), "'false_alarms'"),
        references=r.texts(f.get("references"), "'references'"),
        cases=tuple(read_cases(r, f.get("cases"))),
        path=r.path,
        line=f["id"].line if "id" in f else root.line,
        places=places,
        scope=r.about,
        remarks=tuple(r.remarks),
    )


def _know(r: RuleReader, f: dict[str, Item]) -> None:
    """What the rule is about, and with it the facts that it may use."""
    # of a scope that cannot be read we only know that somebody thought of groups
    otherwise = "group" if "scope" in f else "run"
    r.about = r.choice(f.get("scope"), "'scope'", SCOPES, otherwise)  # type: ignore[assignment]
    of_group = r.about != "run"
    known = (
        GROUP_FACTS
        if of_group
        else {name: (about, TEXT if name in TEXTS else NUMBER) for name, (about, _) in FACTS.items()}
    )
    r.facts = {name: about for name, (about, _) in known.items()}
    r.scope.update({name: kind for name, (_, kind) in known.items()})
    for key in OF_RUNS if of_group else ():
        if key in f:
            r.wrong(f[key], f"'{key}' means nothing in a rule about groups")


def _unused(r: RuleReader, f: dict[str, Item]) -> None:
    """Names that nothing uses. The first need is what the rule judges, so it is always used."""
    for kind, field in (("need", "needs"), ("parameter", "parameters"), ("let", "let")):
        item = f.get(field)
        names = list(item.keys.items()) if isinstance(item, Map) else []
        for name, key in names[field == "needs" :]:
            if name not in r.used:
                r.wrong(key, f"{kind} '{name}' is never used")


def _explained_by(r: RuleReader, item: Item | None, rule_id: str) -> dict[str, tuple[int, int]]:
    """Rule ids and where they stand; whether they exist is known once all files are read."""
    ids = r.texts(item, "'explained_by'")
    entries = item.items if isinstance(item, Sequence) else (item,)
    for other, entry in zip(ids, entries, strict=False):
        if other and other == rule_id and entry is not None:
            r.wrong(entry, "a rule cannot explain itself")
    return {i: (e.line, e.col) for i, e in zip(ids, entries, strict=False) if i and e is not None}


def _evidence(r: RuleReader, item: Item | None, lets: tuple[tuple[str, Node], ...]) -> tuple[str, ...]:
    if item is None:
        numbers = tuple(name for name, node in lets if node.type.shape == "run")
        r.used.update(numbers)
        return numbers
    names = _known(r, item, "'evidence'", [*dict(lets), *r.broken])
    for name, entry in zip(names, item.items if isinstance(item, Sequence) else (item,), strict=False):
        if name in r.scope and name not in r.broken and r.scope[name].shape != "run":
            r.wrong(entry, f"'{name}' is {r.scope[name]}: evidence has one value for a run")
    return names


def _declare(r: RuleReader, key: Scalar, name: str, kind: Type) -> bool:
    if not NAME.match(name):
        r.wrong(key, f"'{name}' is no name: use lower-case letters, digits and _")
    elif name in r.facts:
        whole = "run" if r.about == "run" else "group"
        r.wrong(key, f"'{name}' is known of every {whole}: {r.facts[name]}; use another name")
    elif name in r.scope:
        r.wrong(key, f"'{name}' is already defined")
    elif name in r.kernels:
        r.wrong(key, f"'{name}' is the name of a kernel")
    else:
        r.scope[name] = kind
        return True
    r.broken.add(name)
    r.scope.setdefault(name, kind)
    return False


def _needs(r: RuleReader, item: Item | None) -> tuple[Need, ...]:
    if not isinstance(item, Map) or not item.items:
        r.nameless = True
        if item is not None:
            r.wrong(item, "'needs' must name at least one series")
        return ()
    needs: list[Need] = []
    for name, value in item.items.items():
        _declare(r, item.keys[name], name, Type("series", "number", name))
        r.kinds[name] = "logged"
        needs.append(_need(r, name, value, needs))
        r.roles[name] = needs[-1].roles
    return tuple(needs)


def _need(r: RuleReader, name: str, item: Item, before: Iterable[Need]) -> Need:
    what = f"need '{name}'"
    if not isinstance(item, Map):
        return Need(name, _roles(r, item, what))
    parts = r.mapping(item, NEED_FIELDS, what)
    if r.about == "run":
        _misplaced(r, parts, ("value", "same"), what, "runs")
    else:
        _misplaced(r, parts, ("each",), what, "groups")
    if ("role" in parts) == ("same" in parts):
        both = "both 'role' and 'same'" if "role" in parts else "no 'role'"
        r.wrong(item, f"{what} has {both}")
    same, above = r.text(parts.get("same"), f"'same' of {what}"), [need.name for need in before]
    if same and same not in above:
        r.wrong(parts["same"], f"'same' of {what} names no need above it: '{same}'{suggestion(same, above)}")
    return Need(
        name,
        _roles(r, parts["role"], what) if "role" in parts else (),
        r.whole(parts.get("points"), f"'points' of {what}", 1),
        r.flag(parts.get("optional"), f"'optional' of {what}"),
        r.flag(parts.get("each"), f"'each' of {what}"),
        r.text(parts.get("log"), f"'log' of {what}"),
        r.choice(parts.get("value"), f"'value' of {what}", VALUES, "tail"),  # type: ignore[arg-type]
        same,
    )


def _misplaced(r: RuleReader, parts: Mapping[str, Item], keys: Iterable[str], what: str, about: str) -> None:
    for key in keys:
        if key in parts:
            r.wrong(parts[key], f"'{key}' of {what} means nothing in a rule about {about}")


def _roles(r: RuleReader, item: Item, what: str) -> tuple[str, ...]:
    from loglens.roles import is_role, known_roles

    roles = r.texts(item, f"'role' of {what}")
    entries = item.items if isinstance(item, Sequence) else (item,)
    for role, entry in zip(roles, entries, strict=False):
        if role and not is_role(role):
            r.wrong(entry, f"unknown role '{role}'{role_hint(role, known_roles())}")
    return roles


def _parameters(r: RuleReader, item: Item | None) -> tuple[Parameter, ...]:
    if item is not None and not isinstance(item, Map):
        r.wrong(item, "'parameters' must be a mapping")
    found = []
    for name, value in item.items.items() if isinstance(item, Map) else ():
        _declare(r, item.keys[name], name, NUMBER)  # type: ignore[union-attr]
        r.kinds[name] = "number"
        if isinstance(value, Scalar) and value.value is not None:
            r.wrong(value, f"parameter '{name}' must be a mapping: {{default: {value.text}, about: what it is}}")
            continue
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
    r.later = set(item.items) if isinstance(item, Map) else set()
    for name, value in item.items.items() if isinstance(item, Map) else ():
        node = r.expression(value, f"'{name}'")
        if node is None:
            r.broken.add(name)
        if _declare(r, item.keys[name], name, node.type if node else NUMBER) and node:  # type: ignore[union-attr]
            r.reach[name], r.depth[name] = r.reach_of(node), r.depth_of(node)
            r.kinds[name] = kind_of(node, r.kinds)
            found.append((name, node))
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
        node = r.condition(parts.get("when"), "'when' in 'not_checked'")
        reason = r.template(parts.get("reason"), "the reason of 'not_checked'")
        if node is not None:
            yield Skip(node, reason)


def _objectives(r: RuleReader, item: Item | None) -> tuple[Objective, ...]:
    if item is None:
        return OBJECTIVES
    return _known(r, item, "'objectives'", OBJECTIVES)  # type: ignore[return-value]


def _known(r: RuleReader, item: Item | None, what: str, known: Iterable[str]) -> tuple[str, ...]:
    known = list(known)
    words = r.texts(item, what)
    r.used.update(words)
    entries = item.items if isinstance(item, Sequence) else (item,)
    for word, entry in zip(words, entries, strict=False):
        if word and word not in known and entry is not None:
            r.wrong(entry, f"unknown name '{word}' in {what}{suggestion(word, known)}")
    return words

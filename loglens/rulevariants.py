"""The ways in which a rule fires: conditions, severities and messages, read from its file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from loglens.model import SEVERITIES, Severity
from loglens.rule import Hold, Variant
from loglens.yamlfile import Item, Scalar
from loglens.yamlfile import Mapping as Map

if TYPE_CHECKING:
    from loglens.expr import Node
    from loglens.rulereader import RuleReader

# key → what it holds; the order is the order in which people should write them
VARIANT_FIELDS = {
    "when": "the condition under which the rule fires",
    "for": "how long a condition on points must hold: `5 points`, `200 steps`, `20 %`",
    "severity": "error, warning or info; or a mapping of these to conditions, the last one to `otherwise`",
    "onset": "the step at which the trouble begins",
    "end": "the step at which it ends",
    "confidence": "0 to 1; 0.9 unless said",
    "message": "one sentence with {holes} for names of needs, parameters and lets",
    "causes": "likely causes; one with `when:` is named only where that holds",
}
HOLD = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(points?|steps?|%)\Z")


def read_variants(r: RuleReader, f: dict[str, Item], title: str, root: Item) -> tuple[Variant, ...]:
    """The variants of a rule, or its only one; `f` holds the fields of the rule."""
    item = f.get("variants")
    if item is None:
        if "when" not in f:
            if r.misspelt("when") or r.misspelt("variants"):
                return ()
            r.wrong(root, "'when' is missing (or 'variants')")
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
    good = tuple(filter(None, found))
    for i, variant in enumerate(good):
        twin = next((other for other in good[:i] if (other.when, other.hold) == (variant.when, variant.hold)), None)
        if twin is not None:
            r.wrong(item.keys[variant.name], f"variant '{variant.name}' has the same condition as '{twin.name}'")
    return good


def _variant(r: RuleReader, name: str, f: dict[str, Item], title: str, place: Item) -> Variant | None:
    where = f" of variant '{name}'" if name else ""
    for key in ("when", "severity", "message"):
        if key not in f and not r.misspelt(key):
            r.wrong(place, f"'{key}'{where} is missing")
    of_run = r.about == "run"
    when = r.condition(f.get("when"), f"'when'{where}", "condition" if of_run else "flag")
    for key in () if of_run else ("for", "onset", "end"):
        if key in f:
            r.wrong(f[key], f"'{key}'{where} means nothing in a rule about groups, which have no steps")
            del f[key]
    hold = _hold(r, f.get("for"), when)
    onset = r.expression(f.get("onset"), f"'onset'{where}", "number")
    end = r.expression(f.get("end"), f"'end'{where}", "number")
    if of_run and when is not None and when.type.shape != "points" and "onset" not in f and not r.misspelt("onset"):
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
    match = HOLD.match(r.text(item, "'for'") or "1 point")
    amount = float(match[1]) if match else 0.0
    if match is None or amount == 0 or (match[2] == "%" and amount > 100):
        r.wrong(item, "'for' must read like '5 points', '200 steps' or '20 %'")
        return Hold(1, "points")
    if when is not None and when.type.shape != "points":
        r.wrong(item, "'for' needs a condition on points; this one has a single value for a run")
    unit = "%" if match[2] == "%" else match[2].rstrip("s") + "s"
    return Hold(amount, unit)  # type: ignore[arg-type]


def _severity(r: RuleReader, item: Item | None) -> tuple[tuple[Severity, Node | None], ...]:
    if item is None:
        return ()
    if isinstance(item, Scalar):
        only: Any = r.choice(item, "'severity'", SEVERITIES, "warning")
        return ((only, None),)
    before = len(r.mistakes)
    steps: list[tuple[Any, Node | None]] = []
    parts = r.mapping(item, SEVERITIES, "'severity'")
    for i, (name, value) in enumerate(parts.items()):
        otherwise = isinstance(value, Scalar) and value.value == "otherwise"
        if otherwise and i < len(parts) - 1:
            r.wrong(value, "'otherwise' must come last: what follows it is never reached")
        node = None if otherwise else r.condition(value, f"the condition of '{name}'")
        if node is not None and node in [earlier for _, earlier in steps]:
            r.wrong(value, f"'{name}' is never reached: its condition stands above already")
        if otherwise or node is not None:
            steps.append((name, node))
    if isinstance(item, Map) and not item.items:
        r.wrong(item, "'severity' names no severity")
    if list(parts) != [name for name in reversed(SEVERITIES) if name in parts]:
        r.wrong(item, "write the severities from error down to info: the first whose condition holds counts")
    if len(r.mistakes) == before and isinstance(item, Map) and steps[-1][1] is not None:
        last = item.keys[steps[-1][0]]
        r.wrong(last, "'severity' ends without 'otherwise': the rule would be silent where no condition holds")
    return tuple(steps)

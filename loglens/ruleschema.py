"""A JSON Schema (draft-07) of rule files, so that editors complete and check them while they are written.

It knows the shape of a file; what names and expressions mean is checked by `rulefile`. Written to
`rules/rule.schema.json` by `python -m loglens.ruleschema > rules/rule.schema.json`.
"""

from __future__ import annotations

import json
from typing import Any

from loglens.facts import FACTS, TEXTS
from loglens.model import SEVERITIES
from loglens.roles import PARTED, SPLITS, known_roles
from loglens.rule import OBJECTIVES, SCOPES, VALUES
from loglens.rulecases import CASE_FIELDS, EXPECT_FIELDS, MEMBER_FIELDS, VERDICTS
from loglens.rulefile import FIELDS, ID, NAME, NEED_FIELDS, PARAMETER_FIELDS, REQUIRED
from loglens.rulevariants import HOLD, VARIANT_FIELDS

Schema = dict[str, Any]
TEXT: Schema = {"type": ["string", "number"]}
EXPRESSION: Schema = {"type": ["string", "number", "boolean"]}
COUNT: Schema = {"type": "integer", "minimum": 0}


def rule_schema() -> Schema:
    """The schema, a plain dict."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "loglens rule",
        "description": "One rule: a condition on logged series, its documentation and its cases.",
        **_object(_fields(FIELDS, _rule_types()), REQUIRED),
        "oneOf": [
            _needs("when", "message", "severity"),
            {**_needs("variants"), "not": {"anyOf": [_needs("when"), _needs("for")]}},
        ],
        "definitions": _definitions(),
    }


def _needs(*keys: str) -> Schema:
    return {"required": list(keys)}


def _rule_types() -> dict[str, Schema]:
    return {
        "id": {"type": "string", "pattern": _pattern(ID.pattern)},
        "title": TEXT,
        "status": {"enum": ["stable", "experimental"]},
        "since": TEXT,
        "scope": {"enum": list(SCOPES)},
        "objectives": _list_of({"enum": list(OBJECTIVES)}),
        "needs": _named(_ref("need"), least=1),
        "parameters": _named(_ref("parameter")),
        "let": _named(EXPRESSION),
        "not_checked": _list(_object({"when": EXPRESSION, "reason": TEXT}, ("when", "reason"))),
        "variants": {"type": "object", "additionalProperties": _ref("variant"), "minProperties": 1},
        "evidence": _list_of(TEXT),
        "counter_evidence": _list(_ref("guarded")),
        "related": _list_of(TEXT),
        "explained_by": _list_of({"type": "string"}),
        "why": TEXT,
        "remedies": _list(_ref("guarded")),
        "false_alarms": TEXT,
        "references": _list_of(TEXT),
        "cases": _list(_ref("case")),
        **_variant_types(),
    }


def _variant_types() -> dict[str, Schema]:
    return {
        "when": EXPRESSION,
        "for": {"type": "string", "pattern": _pattern(HOLD.pattern)},
        "severity": _ref("severity"),
        "onset": EXPRESSION,
        "end": EXPRESSION,
        "confidence": EXPRESSION,
        "message": TEXT,
        "causes": _list(_ref("guarded")),
    }


def _definitions() -> dict[str, Schema]:
    levels = {"enum": list(reversed(SEVERITIES))}
    series = {"type": "object", "propertyNames": _ref("role"), "additionalProperties": TEXT, "minProperties": 1}
    need: dict[str, Schema] = {
        "role": _list_of(_ref("role")),
        "points": COUNT,
        "optional": {"type": "boolean"},
        "each": {"type": "boolean"},
        "log": TEXT,
        "same": TEXT,
        "value": {"enum": list(VALUES)},
    }
    own: dict[str, Schema] = {
        "settings": {"type": "object", "additionalProperties": EXPRESSION},
        "verdict": {"enum": list(VERDICTS)},
        "times": {"type": "integer", "minimum": 1},
    }
    names = {"anyOf": [_ref("role"), {"enum": list(MEMBER_FIELDS)}]}
    member: Schema = {"type": "object", "properties": own, "propertyNames": names, "additionalProperties": TEXT}
    case: dict[str, Schema] = {
        "name": TEXT,
        "series": series,
        "members": _list(member),
        "facts": _object({fact: {"type": "number"} for fact in FACTS if fact not in TEXTS}),
        "logs": TEXT,
        "seed": COUNT,
        "expect": _ref("expect"),
    }
    expect: dict[str, Schema] = {"severity": levels, "onset": COUNT, "within": COUNT}
    return {
        "role": {"anyOf": [{"enum": known_roles()}, {"type": "string", "pattern": _parted()}]},
        "need": {
            "anyOf": [
                _list_of(_ref("role")),
                {**_object({k: need[k] for k in NEED_FIELDS}), "oneOf": [_needs("role"), _needs("same")]},
            ]
        },
        "parameter": _object(dict(zip(PARAMETER_FIELDS, ({"type": "number"}, TEXT), strict=True)), PARAMETER_FIELDS),
        "variant": _object(
            _fields({"title": FIELDS["title"], **VARIANT_FIELDS}, {"title": TEXT, **_variant_types()}), ("when",)
        ),
        "severity": {"anyOf": [levels, {**_object(dict.fromkeys(SEVERITIES, EXPRESSION)), "minProperties": 1}]},
        "guarded": {"anyOf": [TEXT, _object({"when": EXPRESSION, "text": TEXT}, ("text",))]},
        "case": {
            **_object({k: case[k] for k in CASE_FIELDS}, ("name", "expect")),
            "oneOf": [_needs("series"), _needs("members"), _needs("logs")],
        },
        "expect": {
            "anyOf": [
                {"enum": ["none", "not-checked", *SEVERITIES]},
                {**_object({k: expect[k] for k in EXPECT_FIELDS}), "dependencies": {"within": ["onset"]}},
            ]
        },
    }


def _fields(about: dict[str, str], types: dict[str, Schema]) -> dict[str, Schema]:
    # a description beside a "$ref" would be ignored in draft-07
    return {
        key: {"description": text, **({"allOf": [types[key]]} if "$ref" in types[key] else types[key])}
        for key, text in about.items()
    }


def _object(properties: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _named(values: Schema, least: int = 0) -> Schema:
    names = {"pattern": _pattern(NAME.pattern)}
    return {"type": "object", "propertyNames": names, "additionalProperties": values, "minProperties": least}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


def _list_of(items: Schema) -> Schema:
    """A list, or a single entry that stands for a list of one."""
    return {"anyOf": [items, _list(items)]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _pattern(python: str) -> str:
    """A pattern as JSON Schema has it: not anchored at the beginning unless said, and `$` for the end."""
    return "^" + python.removesuffix(r"\Z") + "$"


def _parted() -> str:
    return f"^(({'|'.join(PARTED)})|({'|'.join(SPLITS)})/loss):.+$"


def schema_text() -> str:
    """The schema as it stands in `rules/rule.schema.json`."""
    return json.dumps(rule_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")

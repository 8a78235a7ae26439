"""Frozen dataclasses as plain JSON values, back again, and as a JSON Schema: three walks over the same type hints."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from loglens.errors import LoglensError
from loglens.model import RunReport, Source
from loglens.reporters.clean import utf8, visible

Plain = dict[str, Any]
OMITTED = {(Source, "run"), (RunReport, "curves")}  # said by the place in the document; written apart
LOST = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class ShapeError(LoglensError):
    """The document is no report; `str()` says where."""


def to_plain(value: Any) -> Any:
    """`value` as JSON can hold it: non-finite numbers as strings, lone surrogates written out."""
    if isinstance(value, str):
        return utf8(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return number(float(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {f: to_plain(getattr(value, f)) for f in _fields(type(value))}
    if isinstance(value, Mapping):
        return {utf8(str(key)): to_plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(part) for part in value]
    return to_plain(value.item())  # a NumPy scalar


def number(value: float) -> float | str:
    """A float, or the string that stands for one that JSON cannot hold."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


@cache
def _fields(shape: type) -> dict[str, Any]:
    """Name and type of each field that is written, as declared."""
    hints = get_type_hints(shape)
    return {f.name: hints[f.name] for f in fields(shape) if (shape, f.name) not in OMITTED}


@cache
def _optional(shape: type) -> frozenset[str]:
    """Fields with a default, which a document of an earlier version may lack."""
    return frozenset(f.name for f in fields(shape) if f.default is not MISSING or f.default_factory is not MISSING)


def from_plain(shape: Any, data: Any, where: str = "$") -> Any:
    """An instance of `shape` from JSON values; ShapeError names the place of the first that does not fit."""
    if isinstance(shape, type) and is_dataclass(shape):
        return _object(shape, data, where)
    origin, args = get_origin(shape), get_args(shape)
    if origin is Literal:
        _expect(data in args if isinstance(data, str) else False, where, f"one of {', '.join(args)}", data)
        return data
    if origin is tuple:
        _expect(isinstance(data, list), where, "a list", data)
        kinds = [args[0]] * len(data) if args[-1] is Ellipsis else list(args)
        _expect(len(kinds) == len(data), where, f"{len(kinds)} values", data)
        return tuple(from_plain(k, d, f"{where}[{i}]") for i, (k, d) in enumerate(zip(kinds, data, strict=True)))
    if origin is Mapping:
        _expect(isinstance(data, dict), where, "an object", data)
        return {key: from_plain(args[1], part, f"{where}.{key}") for key, part in data.items()}
    if origin in (Union, types.UnionType):
        return _either(args, data, where)
    return _scalar(shape, data, where)


def _object(shape: type, data: Any, where: str) -> Any:
    _expect(isinstance(data, dict), where, "an object", data)
    missing = [f for f in _fields(shape) if f not in data and f not in _optional(shape)]
    _expect(not missing, where, f"an object with {', '.join(missing)}", data)
    parts = {f: from_plain(kind, data[f], f"{where}.{f}") for f, kind in _fields(shape).items() if f in data}
    if shape is Source:
        parts["run"] = ""  # known from the place in the document; the reader fills it in
    return shape(**parts)


def _either(args: tuple[Any, ...], data: Any, where: str) -> Any:
    """A value of one of several types: None and bool by themselves, numbers by kind, then text."""
    if data is None and type(None) in args:
        return None
    if float in args and isinstance(data, str) and data in LOST:
        return LOST[data]
    for kind in args:
        if isinstance(kind, type) and type(data) is kind:
            return data
    others = [kind for kind in args if kind is not type(None)]
    if len(others) == 1:
        return from_plain(others[0], data, where)
    _expect(False, where, " or ".join(_NAMES.get(kind, "null") for kind in args), data)
    return None


_NAMES: dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _scalar(shape: Any, data: Any, where: str) -> Any:
    if shape is float and isinstance(data, str) and data in LOST:
        return LOST[data]
    wide = {float: (int, float), int: (int,), str: (str,), bool: (bool,)}[shape]
    fits = isinstance(data, wide) and (shape is bool or not isinstance(data, bool))
    _expect(fits, where, _NAMES[shape], data)
    if shape is int:
        _expect(-(2**63) <= data < 2**63, where, "a whole number of 64 bits", data)
    if shape is float:
        _expect(abs(data) < 2**1023 or isinstance(data, float), where, "a number", data)
        return float(data)
    return data


def _expect(holds: bool, where: str, what: str, data: Any) -> None:
    if not holds:
        seen = "null" if data is None else visible(repr(data), 60)
        raise ShapeError(f"{visible(where, 120)}: expected {what}, found {seen}")


def schema_of(shape: Any, definitions: Plain) -> Plain:
    """The JSON Schema of a type; dataclasses go into `definitions`."""
    if isinstance(shape, type) and is_dataclass(shape):
        if shape.__name__ not in definitions:
            definitions[shape.__name__] = {}  # keeps the order of first mention
            definitions[shape.__name__] = _object_schema(shape, definitions)
        return {"$ref": f"#/definitions/{shape.__name__}"}
    origin, args = get_origin(shape), get_args(shape)
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": schema_of(args[0], definitions)}
    if origin is tuple:
        items = [schema_of(arg, definitions) for arg in args]
        return {"type": "array", "items": items, "minItems": len(args), "maxItems": len(args)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of(args[1], definitions)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(arg, definitions) for arg in args]}
    return _SCALARS[shape]()


_SCALARS: dict[Any, Callable[[], Plain]] = {
    str: lambda: {"type": "string"},
    int: lambda: {"type": "integer"},
    bool: lambda: {"type": "boolean"},
    type(None): lambda: {"type": "null"},
    float: lambda: {"anyOf": [{"type": "number"}, {"enum": list(LOST)}]},
}


def _object_schema(shape: type, definitions: Plain) -> Plain:
    names = _fields(shape)
    return {
        "description": " ".join((shape.__doc__ or "").split()),
        "type": "object",
        "properties": {f: schema_of(kind, definitions) for f, kind in names.items()},
        "required": list(names),
        "additionalProperties": False,
    }

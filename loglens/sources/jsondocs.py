"""Whole JSON documents that hold curves: trainer states, dicts of lists, lists of records, parts per split."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.columns import bare, is_counter, is_metric, why_no_log
from loglens.sources.records import Gathered, flat, number
from loglens.sources.wide import Column, Wide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.sources.text import Faults, Piece

OURS = ("loglens_version", "loglens_baseline")  # in a report, a comparison; in a baseline
WRAPPERS = frozenset({"history", "log", "logs", "metrics", "data", "records"})
LONE_COUNTERS = frozenset({"step", "globalstep", "iteration", "iter", "epoch"})  # settings have `steps`, `epochs`
PARTS = frozenset({"train", "training", "val", "valid", "validation", "eval", "test", "dev"})
COUNTED = re.compile(r"(?:(epoch|step|iter|iteration|round|e)[ _-]?)?(\d{1,15})", re.IGNORECASE)
AXES = frozenset({"x", "step", "steps", "epoch", "epochs", "iter", "iters", "iteration", "iterations"})
HEIGHTS = frozenset({"y", "value", "values"})
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|["\[\]{},]', re.DOTALL)
PIECE_OF_TOKEN = re.compile(r"[\w.+-]*\s*", re.ASCII)
CLOSER = {"{": "}", "[": "]"}


@dataclass
class Document:
    """Tables found in a document and what stood beside them; `reason` says why there are none."""

    tables: list[Wide] = field(default_factory=list)
    hparams: list[tuple[str, str]] = field(default_factory=list)
    reason: str | None = None


def parse(piece: Piece, faults: Faults) -> object:
    """The value of a document; of a damaged one what stands before the damage, which becomes a problem.

    None without a problem when there is nothing before the damage, or several objects: then it is no document.
    """
    source = piece.data.decode(errors="replace")
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and source.startswith("{", error.pos):
            return None
        # A cut number or word (`12.`, `-`, `tru`) is found wrong at its begin.
        ended = PIECE_OF_TOKEN.fullmatch(source, error.pos) or error.msg.startswith("Unterminated string")
        value = _salvaged(source[: error.pos])
        if value is None and not ended:
            return None
        place = len(source) if ended else error.pos
        offset = piece.at(len(source[:place].encode(errors="replace")))
        message = "the document ends in the middle" if ended else f"not JSON from here on: {error.msg}"
        faults.add("truncated" if ended else "corrupt", message, offset=offset, line=error.lineno)
        return value
    except RecursionError:
        faults.add("corrupt", "nested too deeply to be a log", offset=piece.offset, line=1)
    except ValueError as error:  # an integer of more digits than Python converts
        faults.add("corrupt", f"cannot be read: {error}", offset=piece.offset, line=1)
    return None


def _salvaged(source: str) -> object:
    """The value up to the last complete element, with every open bracket closed; None when nothing is complete."""
    stack: list[str] = []
    safe, closers = 0, ""
    for match in TOKEN.finditer(source):
        token = match[0]
        if token == '"':
            break
        if token in CLOSER:
            stack.append(CLOSER[token])
        elif token in "]}":
            if not stack or stack.pop() != token:
                break
            safe, closers = match.end(), "".join(reversed(stack))
        elif token == "," and len(stack) < 64:
            safe, closers = match.start(), "".join(reversed(stack))
    try:
        return json.loads(source[:safe] + closers)
    except (ValueError, RecursionError):
        return None


def tables_of(value: object, index: int, path: str, *, single: bool) -> Document:
    """The curves of a document. `single` takes one lone record, too (a log of one line), else it needs a step."""
    found = Document()
    if isinstance(value, dict) and any(name in value for name in OURS):
        found.reason = "written by loglens itself"
    elif isinstance(value, dict):
        _from_dict(value, index, found, single=single)
    elif isinstance(value, list):
        _from_list(value, index, found, path)
    else:
        found.reason = "neither an object nor a list"
    if found.reason is None:
        names = [table.prefix + name for table in found.tables for name in table.columns]
        plain = [name for table in found.tables for name in table.columns]
        parted = any(bare(name) in PARTS for name in plain)
        found.reason = None if parted else why_no_log(names if not any(map(is_counter, plain)) else plain)
    return found


def _from_list(value: list[object], index: int, found: Document, path: str, prefix: str = "") -> None:
    records = [item for item in value if isinstance(item, dict)]
    if records:
        found.tables.append(_gather(records, found).wide(index, prefix))
    elif value and all(isinstance(item, list) and len(item) == 3 for item in value):
        stem = PurePosixPath(path).stem
        tag = stem.rpartition("-tag-")[2] or stem
        rows = [dict(zip(("wall_time", "step", tag), item, strict=True)) for item in value if isinstance(item, list)]
        found.tables.append(_gather(rows, found).wide(index, prefix))
    elif not prefix:
        found.reason = "a list without records"


def _gather(records: list[dict[str, object]], found: Document) -> Gathered:
    gathered = Gathered()
    for record in records:
        gathered.add(record)
    found.hparams += gathered.hparams
    return gathered


def _from_dict(value: dict[str, object], index: int, found: Document, *, single: bool) -> None:
    history = value.get("log_history")
    if isinstance(history, list):
        gathered = Gathered()
        gathered.note((k, v) for k, v in flat({k: v for k, v in value.items() if k != "log_history"}) if v is not None)
        found.hparams += gathered.hparams
        _from_list(history, index, found, "", "")
        found.reason = found.reason and "a trainer state without a log"
        return
    lists = {name: item for name, item in flat(value) if isinstance(item, list) and item}
    if not lists:
        records = _numbered(value)
        if records:
            _from_list(records, index, found, "", "")
        else:
            _lone(value, index, found, single=single)
        return
    parts = {name: item for name, item in lists.items() if all(isinstance(entry, dict) for entry in item)}
    measured = [name for name, item in parts.items() if any(map(_has_number, item))]
    for name, item in parts.items():
        alone = len(measured) == 1 and bare(name) not in PARTS  # `epochs`, `iterations`: what they are, not whose
        prefix = "" if alone or bare(name) in WRAPPERS else name + "/"
        _from_list(item, index, found, "", prefix)
    lists, drawn = _drawn({name: item for name, item in lists.items() if name not in parts})
    for name, (axis, curve) in drawn.items():
        found.tables.append(_columns(_curves({axis: curve[axis], name: curve[name]}), index))
    curves = _curves(lists)
    if curves:
        found.tables.append(_columns(curves, index))
    scalars = Gathered()
    scalars.note((name, item) for name, item in flat(value) if not isinstance(item, list) and item is not None)
    found.hparams += scalars.hparams
    if not found.tables:
        found.reason = "its lists hold no numbers"


def _has_number(record: object) -> bool:
    return isinstance(record, dict) and any(number(item) is not None for _, item in flat(record))


def _numbered(value: dict[str, object]) -> list[object]:
    """The records of an object that has one under each number (`{"0": {…}, "1": {…}}`, `epoch_1`), in their order."""
    named = {key: COUNTED.fullmatch(key) for key, item in value.items() if isinstance(item, dict)}
    counted = sorted((int(match[2]), key, match[1] or "") for key, match in named.items() if match)
    if len(counted) < 2 or len(counted) < len(named):
        return []
    records: list[object] = []
    for count, key, word in counted:
        record = value[key]
        if isinstance(record, dict):
            counter = "epoch" if word.lower() in ("", "e", "epoch") else "step"
            records.append(record if any(map(is_counter, record)) else {counter: count, **record})
    return records


Lists = dict[str, list[object]]


def _drawn(lists: Lists) -> tuple[Lists, dict[str, tuple[str, Lists]]]:
    """Lists of points (`{"x": […], "y": […]}` under a name): the name with its axis; and the lists that are none."""
    leaves: dict[str, dict[str, str]] = {}
    for name in lists:
        folder, _, leaf = name.rpartition("/")
        leaves.setdefault(folder, {})[leaf.lower()] = name
    drawn: dict[str, tuple[str, Lists]] = {}
    used: set[str] = set()
    for folder, found in leaves.items():
        x, y = sorted(AXES & found.keys()), sorted(HEIGHTS & found.keys())
        if folder and len(x) == len(y) == 1 and len(lists[found[x[0]]]) == len(lists[found[y[0]]]):
            axis = "step" if x[0] == "x" else x[0]
            drawn[folder] = (axis, {axis: lists[found[x[0]]], folder: lists[found[y[0]]]})
            used |= {found[x[0]], found[y[0]]}
    return {name: item for name, item in lists.items() if name not in used}, drawn


def _curves(lists: Mapping[str, list[object]]) -> dict[str, list[float | None]]:
    """Lists of numbers under their names; a name that all share (`history/`) is left out."""
    curves = {}
    for name, items in lists.items():
        values = [number(item) for item in items]
        if any(item is not None for item in values):
            curves[name] = values
    folders = {name.partition("/")[0] for name in curves}
    if len(folders) == 1 and bare(next(iter(folders))) in WRAPPERS and all("/" in name for name in curves):
        return {name.partition("/")[2]: values for name, values in curves.items()}
    return {name.removeprefix("history/"): values for name, values in curves.items()}


def _columns(curves: dict[str, list[float | None]], index: int) -> Wide:
    """Lists as columns; shorter ones end early."""
    count = max(map(len, curves.values()))
    columns = {}
    for name, values in curves.items():
        series = pl.Series(values, dtype=pl.Float64)
        rows = series.is_not_null().arg_true().to_numpy().astype(np.int64)
        columns[name] = Column(series.drop_nulls(), None if rows.size == count else rows)
    return Wide([index], [count], columns)


def _lone(value: dict[str, object], index: int, found: Document, *, single: bool) -> None:
    """One object without lists: a log of one record, or a summary or configuration, which is no curve."""
    gathered = _gather([value], found)
    names = list(gathered.rows)
    summary = any(name.endswith(("_runtime", "_per_second")) for name in names)
    counted = any(bare(name) in LONE_COUNTERS for name in names)
    measured = any(is_metric(name) and bare(name) not in ("lr", "learningrate") for name in names)
    if not names:
        found.reason = "no numbers"
    elif not single and (summary or not counted or not measured):
        found.reason = "one object of single values (a summary or settings), no curve"
    else:
        found.tables.append(gathered.wide(index))

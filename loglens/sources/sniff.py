"""What a file is, by its first bytes, where the name does not say."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from loglens.sources.formats import FORMATS

HEAD = 16_384
_STATE = re.compile(rb'"(log_history|best_model_checkpoint)"')
_DATABASE = b"SQLite format 3\0"
_METRIC = re.compile(rb"1\d{12} [-+\w.]+ -?\d+\b")  # time in ms, value, step: MLflow's file store
_MEASURED = re.compile(
    rb"(?i)(?:loss|acc|accuracy|reward|return|perplexity|ppl|error|f1|auc|iou|map|bleu|psnr)"
    rb"[\w@.()/ -]{0,24}[\"']?\s*[:=|]?\s*[\"']?[-+]?(?:\.?\d|nan|inf)"
)
_SEPARATORS = (",", ";", "\t", "|")
REPEATED = 3
WITHIN = 200  # lines among which the header of a table is looked for
MOST_COLUMNS = 200
_COUNTER = re.compile(r"(?i)epochs?|steps?|iter(?:ation)?s?")
_LOSS = re.compile(r"(?i)loss|acc")
_OPENS_OBJECT = re.compile(rb'\{\s*"')
_OPENS_LIST = re.compile(rb"\[\s*[{\[]")  # "[2024-01-01 …" and "[INFO]" open lines of prose


def sniff(head: bytes) -> str:
    """A format's name, or "text", "database", "binary", "empty", by the first `HEAD` bytes of a file."""
    if not head:
        return "empty"
    for key, form in FORMATS.items():
        if form.magic and head.startswith(form.magic):
            return key
    if b"brain.Event:" in head[:64]:
        return "tensorboard"
    if head.startswith(_DATABASE):
        return "database"
    if _METRIC.match(head):
        return "mlflow"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _OPENS_LIST.match(start):
        return "json"
    if _OPENS_OBJECT.match(start):
        return _object_kind(start)
    return "binary" if b"\0" in head else "text"


def prose_kind(head: bytes) -> str:
    """What a text is by its first lines: "csv" for rows below a header, "text" for what may be a log, or ""."""
    whole = head[: head.rfind(b"\n")] if len(head) >= HEAD else head
    lines = [line for line in whole.decode(errors="replace").splitlines() if line.strip() and line[0] != "#"]
    for separator in _SEPARATORS if len(lines) > 1 else ():
        header, *rows = ([cell.strip() for cell in line.split(separator)] for line in lines[:3])
        numeric = [sum(map(_is_number, row)) for row in (header, *rows)]
        even = len(header) > 1 and all(len(row) == len(header) for row in rows)
        if even and not numeric[0] and all(2 * count >= len(header) for count in numeric[1:]):
            return "csv"
    if any(_is_table(*pair) for pair in pairwise(lines[:WITHIN])):
        return "text"
    return "text" if len(_MEASURED.findall(head)) >= REPEATED else ""


def _is_table(header: str, row: str) -> bool:
    """Whether a line names columns that only training logs have, and numbers stand below (`epoch train_loss time`)."""
    names, cells = header.split(), row.split()
    if not 2 <= len(names) == len(cells) <= MOST_COLUMNS:
        return False
    counted = any(_COUNTER.fullmatch(name) for name in names)
    return counted and _LOSS.search(header) is not None and 2 * sum(map(_is_number, cells)) >= len(cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def is_trainer_state(head: bytes) -> bool:
    """Whether a file that begins so holds a Hugging Face trainer state, whatever its name."""
    return bool(_OPENS_OBJECT.match(head[:64].lstrip()) and _STATE.search(head))


def _object_kind(start: bytes) -> str:
    """One object a line is jsonl; an object over several lines, or one that holds the curves, is json."""
    line, newline, rest = start.partition(b"\n")
    if not newline and len(start) >= HEAD - 16:
        return "json" if _STATE.search(line) or re.match(rb'\{\s*"[^"]*"\s*:\s*[\[{]', line) else "jsonl"
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return "json" if line.rstrip() in (b"{",) or not line.rstrip().endswith(b"}") else "jsonl"
    if rest.lstrip().startswith(b"{"):
        return "jsonl"
    return "json" if any(isinstance(value, (list, dict)) for value in first.values()) else "jsonl"

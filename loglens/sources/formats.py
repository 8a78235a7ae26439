"""The formats: which files hold which, and which module reads them. A new format is one line here and one module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loglens.model import Problem
    from loglens.sources.base import LogFile, Tables


@dataclass(frozen=True, slots=True)
class Format:
    """`module.read(files) -> Tables` reads it.

    A file is claimed by an ending or an infix of its name, or by `magic`; a database by the `tables` it has.
    `prose` says that the files are text logs of one folder (as against event files, which carry their own identity).
    `several`: a file may hold several runs; `module.parts(file, told) -> list[LogFile]` names them. `printed`: values
    are rounded for people, so that any other log of the same curve counts instead.
    """

    module: str
    endings: tuple[str, ...] = ()
    infix: str = ""
    magic: bytes = b""
    tables: frozenset[str] = frozenset()
    prose: bool = True
    several: bool = False
    printed: bool = False


_MLFLOW = frozenset({"experiments", "runs", "metrics"})
_TRACKIO = frozenset({"configs", "metrics"})
FORMATS: dict[str, Format] = {
    "tensorboard": Format("loglens.sources.tensorboard", infix="tfevents", prose=False),
    "csv": Format("loglens.sources.tables", endings=(".csv", ".tsv")),
    "jsonl": Format("loglens.sources.jsonlogs", endings=(".jsonl", ".ndjson"), magic=b"DLLL "),
    "json": Format("loglens.sources.jsonlogs", endings=(".json",)),
    "parquet": Format("loglens.sources.columnar", endings=(".parquet", ".pq"), several=True),
    "arrow": Format("loglens.sources.columnar", endings=(".arrow", ".feather"), several=True),
    "wandb": Format("loglens.sources.wandb", endings=(".wandb",), magic=b":W&B", prose=False),
    "mlflow": Format("loglens.sources.mlflow", tables=_MLFLOW, prose=False, several=True),
    "trackio": Format("loglens.sources.trackio", tables=_TRACKIO, prose=False, several=True),
    "text": Format("loglens.sources.textlog", printed=True),
}

# Files that a person may take for logs, which nothing here reads. Said, never silently passed over.
UNREAD: dict[str, str] = {
    ".7z": "archive: unpack it first",
    ".rar": "archive: unpack it first",
    ".lz4": "compressed: unpack it first",
}

_SETTINGS = re.compile(
    r"(.*[-_.])?(config|configs|package|package-lock|tsconfig|tokenizer|tokenizer_config|vocab|merges|args|params|hparams"
    r"|hyperparameters|settings|special_tokens_map|added_tokens|metadata|index|schema|launch|manifest)\.json"
)
_LAST_VALUES = re.compile(r"wandb-summary\.json")

# Endings under which text logs go about; "" is no ending at all. Their first bytes decide.
SNIFFED = frozenset({"", ".txt", ".log", ".out", ".err", ".py", ".bak", ".old", ".orig", ".db", ".sqlite", ".sqlite3"})
_ALWAYS_A_LOG = frozenset({".log", ".out", ".err", ".db", ".sqlite", ".sqlite3"})
_LOG_WORDS = re.compile(
    r"log|metric|loss|history|progress|train|eval|result|stats|monitor|stdout|stderr|nohup|accuracy"
)


def ending(name: str) -> str:
    """The lower-case ending of a file name with its dot, "" when there is none (`events.1`, `log`)."""
    stem, dot, last = name.lower().rpartition(".")
    return dot + last if stem and not last.isdigit() else ""


def format_by_name(name: str) -> str | None:
    """The format that claims a file by its name alone."""
    last, lowered = ending(name), name.lower()
    for key, form in FORMATS.items():
        if last in form.endings:
            return key
    return next((key for key, form in FORMATS.items() if form.infix and form.infix in lowered), None)


def unread_by_name(name: str) -> str | None:
    """Why a file that could be taken for a log is not read, judged by its name; None when the name says nothing."""
    if _LAST_VALUES.fullmatch(name.lower()):
        return "last values only, no course over the steps"
    if _SETTINGS.fullmatch(name.lower()):
        return "settings, not a training log"
    return None if format_by_name(name) else UNREAD.get(ending(name))


def sounds_like_log(name: str, folder: str) -> bool:
    """Whether a person would take a text file of this name, in a folder of that name, for a training log."""
    last = ending(name)
    if last in _ALWAYS_A_LOG:
        return True
    return last in ("", ".txt") and bool(_LOG_WORDS.search(name.lower()) or folder.lower() == "metrics")


def parts(file: LogFile, told: list[Problem]) -> list[LogFile]:
    """The file itself, or one for each run that it holds. What is wrong with it is told."""
    if not FORMATS[file.format].several:
        return [file]
    from importlib import import_module

    return cast("list[LogFile]", import_module(FORMATS[file.format].module).parts(file, told))


def reader(key: str) -> Callable[[Sequence[LogFile]], Tables]:
    """The `read` function of a format, imported on first use."""
    from importlib import import_module

    return cast("Callable[[Sequence[LogFile]], Tables]", import_module(FORMATS[key].module).read)

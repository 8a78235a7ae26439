"""Helpers of the tests for text logs: write a file, read it, look at its series."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from loglens.sources import jsonlogs, tables, textlog
from loglens.sources.base import LogFile, scalar_schema

if TYPE_CHECKING:
    from loglens.sources.base import Tables

READERS = {"csv": tables.read, "jsonl": jsonlogs.read, "json": jsonlogs.read, "text": textlog.read}


def read_text(data: str | bytes, form: str = "csv", name: str = "") -> Tables:
    """What the reader of a format makes of a file with this content."""
    return read_texts([data], form, name)


def read_texts(contents: list[str | bytes], form: str = "csv", name: str = "") -> Tables:
    """The same for several files in one call."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for place, content in enumerate(contents):
            label = name or f"{place}.{form}"
            path = Path(folder, f"{place}-{label}")
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            files.append(LogFile(str(path), label, path.stat().st_size, form))
        found = READERS[form](files)
    if found.scalars is not None:
        assert dict(found.scalars.schema) == scalar_schema()
        assert found.scalars.get_column("value").null_count() == 0
        assert found.scalars.get_column("step").null_count() == 0
    return found


def series(found: Tables, *columns: str, file: int | None = None) -> dict[str, list]:
    """Per tag its values, or tuples of the named columns."""
    out: dict[str, list] = {}
    if found.scalars is None:
        return out
    wanted = columns or ("value",)
    for row in found.scalars.iter_rows(named=True):
        if file is None or row["file"] == file:
            item = tuple(row[name] for name in wanted)
            out.setdefault(row["tag"], []).append(item if columns else item[0])
    return out


def faults(found: Tables) -> list[tuple]:
    """Kind, line and offset of each problem."""
    return [(problem.kind, problem.line, problem.offset) for problem in found.problems]

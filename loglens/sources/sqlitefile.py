"""SQLite files that may be hostile: opened read-only, plain tables only, every fault a problem."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from loglens.model import Problem
from loglens.sources.formats import FORMATS
from loglens.sources.paths import shown
from loglens.sources.places import opened as opened_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loglens.sources.base import LogFile

LONGEST = 16 << 20  # bytes of one cell
CHUNK = 20_000  # rows fetched together
LATEST_WRITES = 1 << 30  # bytes of a database with a write-ahead log that is copied
LONGEST_NAME = 120
_PARAMETERS = 900  # of a query
_STEPS = 1_000_000  # of SQLite's machine between two looks at the budget
_LEAST_STEPS = 20  # looks
_BLOCK = 1 << 20
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
_DAMAGE = ("malformed", "not a database", "corrupt", "disk I/O")


class BadDatabase(Exception):  # noqa: N818 (it is data: the reason why a file is not read)
    """Why a database cannot be read on."""


def with_database(file: LogFile, told: list[Problem], use: Callable[[Database], None]) -> None:
    """Call `use` with the database of a file; what goes wrong, on opening or later, is told and ends the reading."""
    try:
        with _local(file, told) as (path, immutable), closing(_connected(path, immutable, file.size)) as connection:
            use(Database(connection))
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where SQLite quotes what it found
        damaged = any(word in str(error) for word in _DAMAGE)
        told.append(Problem(file.name, "corrupt" if damaged else "unreadable", _reason(error)))
    except (BadDatabase, OSError) as error:
        told.append(Problem(file.name, "unreadable", f"cannot be read: {error}"))


class Database:
    """Guards a connection: asks for rows of plain tables only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT name, type, sql FROM sqlite_master").fetchmany(10_000)
        self.tables = {
            str(name) for name, kind, sql in rows if kind == "table" and not str(sql).upper().startswith("CREATE V")
        }
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, table: str) -> frozenset[str]:
        """The stored columns of a table; none of a view, a virtual table or one with computed columns."""
        if table not in self.tables:
            return frozenset()
        if table not in self._columns:
            rows = self._connection.execute(f"PRAGMA table_xinfo({table})").fetchmany(2000)
            self._columns[table] = frozenset(str(row[1]) for row in rows if row[6] == 0)
        return self._columns[table]

    def rows(
        self, table: str, columns: Sequence[str], among: tuple[str, Sequence[str]] | None = None
    ) -> Iterator[list[tuple[object, ...]]]:
        """The rows of a table in the order of writing, some at a time; `among`: those with one of these in a column.

        Names of tables and columns are ours, never the file's.
        """
        wanted = [*columns, *([among[0]] if among else [])]
        missing = set(wanted) - self.columns(table)
        if missing:
            raise BadDatabase(f"the table {table} has no stored column {min(missing)}")
        query, values = f"SELECT {', '.join(columns)} FROM {table}", list[str]()
        if among is not None and len(among[1]) <= _PARAMETERS:
            values = list(among[1])
            query += f" WHERE {among[0]} IN ({', '.join('?' * len(values))})"
        cursor = self._connection.execute(f"{query} ORDER BY rowid", values)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def run_files(file: LogFile, runs: Sequence[tuple[str, Sequence[str]]]) -> list[LogFile]:
    """One file for each run of a database, from its identifier and the names that lead to it."""
    base = file.name.rpartition("/")[2]
    labels = [f"{file.name}/" + "/".join(map(_folder_name, names)) for _, names in runs]
    twice = {label for label, count in Counter(labels).items() if count > 1}
    return [
        replace(
            file,
            name=f"{label} ({_folder_name(part)})/{base}" if label in twice else f"{label}/{base}",
            origin=file.origin or file.name,
            size=max(1, file.size // len(runs)),
            part=part,
        )
        for label, (part, _) in zip(labels, runs, strict=True)
    ]


def _folder_name(name: str) -> str:
    """A name of a run or experiment as a folder could be called."""
    plain = shown(name.strip())[:LONGEST_NAME].replace("/", "_")
    return plain if plain.strip(".") else plain + "_"


def database_kind(file: LogFile, told: list[Problem]) -> str:
    """The format of a database by its tables; "database" when it is of none, "" when it cannot be opened (told)."""
    found: list[str] = []

    def look(base: Database) -> None:
        kinds = (key for key, form in FORMATS.items() if form.tables and form.tables <= base.tables)
        found.append(next(kinds, "database"))

    with_database(file, told, look)
    return found[0] if found else ""


def _connected(path: str, immutable: bool, size: int) -> sqlite3.Connection:
    address = f"file:{quote(os.fsencode(os.path.abspath(path)))}?mode=ro" + "&immutable=1" * immutable  # noqa: PTH100
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    try:
        connection.text_factory = lambda data: data.decode(errors="replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0", "cache_size=-8000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.set_authorizer(_authorize)
        # Pages of a hostile file may lead to each other in circles: no honest row takes so many steps.
        budget = iter(range(_LEAST_STEPS + 10 * size // _STEPS))
        connection.set_progress_handler(lambda: next(budget, None) is None, _STEPS)
    except BaseException:
        connection.close()
        raise
    return connection


def _authorize(action: int, first: str | None, *_: object) -> int:
    plain = action in _ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first == "table_xinfo")
    return sqlite3.SQLITE_OK if plain else sqlite3.SQLITE_DENY


@contextmanager
def _local(file: LogFile, told: list[Problem]) -> Iterator[tuple[str, bool]]:
    """A path SQLite can open, and whether it is the file itself, which nothing may change.

    A writer that was killed leaves its last rows in a log beside the file. To apply that takes a copy of both.
    """
    if file.place is None and not file.packed:
        latest = file.path + "-wal"
        try:
            waiting = os.stat(latest).st_size  # noqa: PTH116 (the path may hold bytes that are no UTF-8)
        except OSError:
            waiting = 0
        if not waiting:
            yield file.path, True
            return
        if file.size + waiting > LATEST_WRITES:
            message = f"its last writes ({waiting} bytes) are in a write-ahead log beside it, too large to be applied"
            told.append(Problem(file.name, "truncated", message))
            yield file.path, True
            return
    else:
        latest = ""
    with tempfile.TemporaryDirectory(prefix="loglens-") as folder:
        target = Path(folder) / "copy.db"
        with opened_bytes(file, told) as stream, target.open("wb") as out:
            while data := stream.read(_BLOCK):
                out.write(data)
        if latest:
            with open(latest, "rb") as source, Path(f"{target}-wal").open("wb") as out:  # noqa: PTH123 (as above)
                while data := source.read(_BLOCK):
                    out.write(data)
        yield str(target), False


def _reason(error: Exception) -> str:
    said = str(error)
    if said == "interrupted":
        return "reading it takes more steps than its size accounts for: its pages lead in circles"
    return f"not readable as a database: {said}"

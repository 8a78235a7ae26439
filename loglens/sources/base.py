"""What a reader gets and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loglens.model import AXES, Problem
from loglens.sources.packing import unpacked_name

if TYPE_CHECKING:
    import polars as pl

    from loglens.sources.places import Place


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that looks like a log; `places.opened` and `places.random_access` give its bytes.

    `path` opens it in its `place` (None is the disk). `name` is its POSIX path relative to the root of the analysis,
    which names its run; `origin` is the one that people are shown where it differs. `packed`: its bytes may be
    compressed. `part`: of a table of several runs only the rows of this one.
    """

    path: str
    name: str
    size: int
    format: str
    place: Place | None = None
    packed: bool = False
    origin: str = ""
    part: str | None = None

    @property
    def plain(self) -> str:
        """The name without the ending of a compression."""
        return unpacked_name(self.name) if self.packed else self.name


@dataclass(frozen=True)
class Tables:
    """What a reader found in a list of files; `file` is the index into that list.

    scalars     file (UInt32), tag (Categorical), step (Int64), wall_time (Float64), value (Float64),
                segment (Int32, counts restarts inside the file), axis (Enum step|epoch|row); in record order per
                file and tag.
    histograms  file, tag, step, wall_time, segment, min, max, mean, std, count, zeros, low, high, edges, counts
    hparams     file, name, value (String), number (Float64 or null)
    texts       file, tag, step, wall_time, text
    A missing frame means there was nothing of the kind. `roles` are those that a file itself gives to its series, by
    file and tag. `more` are logs that were found inside others (the runs of one table); their indexes go on behind the
    list.
    """

    scalars: pl.DataFrame | None = None
    histograms: pl.DataFrame | None = None
    hparams: pl.DataFrame | None = None
    texts: pl.DataFrame | None = None
    problems: list[Problem] = field(default_factory=list)
    roles: dict[tuple[int, str], str | None] = field(default_factory=dict)
    more: list[LogFile] = field(default_factory=list)


Reader = "Callable[[Sequence[LogFile]], Tables]"


def axis_type() -> pl.Enum:
    """The Polars type of the `axis` column."""
    import polars as pl

    return pl.Enum(AXES)


def scalar_schema() -> dict[str, pl.DataType]:
    """Columns and types of `Tables.scalars`."""
    import polars as pl

    return {
        "file": pl.UInt32(),
        "tag": pl.Categorical(),
        "step": pl.Int64(),
        "wall_time": pl.Float64(),
        "value": pl.Float64(),
        "segment": pl.Int32(),
        "axis": axis_type(),
    }

"""TensorBoard event files: every record of them as frames, and every damaged place as a problem."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loglens.sources.base import Tables
from loglens.sources.eventnotes import Notes
from loglens.sources.eventproto import decode, full, narrow
from loglens.sources.eventscalars import Scalars, segments
from loglens.sources.eventslices import slices
from loglens.sources.eventvalues import full_rows, narrow_scalars, own_plugin, session_starts, values
from loglens.sources.hparams import hparams_frame
from loglens.sources.lanes import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from loglens.sources.base import LogFile
    from loglens.sources.eventproto import Decoder
    from loglens.sources.eventslices import Slice
    from loglens.sources.eventvalues import Values

PLACE = ("file", "at", "tag", "step", "wall_time")


@dataclass
class Found:
    """What was read so far. `starts` are offsets of session starts, `plugins` what the first record of a tag named."""

    scalars: Scalars = field(default_factory=Scalars)
    histograms: list[pl.DataFrame] = field(default_factory=list)
    texts: list[pl.DataFrame] = field(default_factory=list)
    hparams: list[pl.DataFrame] = field(default_factory=list)
    starts: dict[int, list[int]] = field(default_factory=dict)
    plugins: dict[tuple[int, str], str] = field(default_factory=dict)


def read(files: Sequence[LogFile]) -> Tables:
    """Read event files. A restart inside a file raises `segment` (see restarts.py); nothing is sampled or dropped."""
    notes, found = Notes(), Found()
    for part in slices(files, notes):
        _read_slice(part, found, notes)
    scalars, bounds = found.scalars.finished(found.starts)
    tables = Tables(
        scalars=scalars,
        histograms=_finished(found.histograms, bounds),
        hparams=hparams_frame(found.hparams, notes),
        texts=_finished(found.texts, None),
    )
    _note_empty(files, tables, notes)
    tables.problems.extend(notes.problems(files))
    return tables


def _read_slice(part: Slice, found: Found, notes: Notes) -> None:
    """Decode a slice: narrow first, and in full what that leaves unexplained."""
    good, lanes = scan(part, found.scalars.tags)
    for bad in np.flatnonzero(~good):
        message = "payload does not match its checksum; record left out"
        notes.add(int(part.file[bad]), "corrupt", message, int(part.at[bad]))
    for lane in lanes:
        good[lane.record] = False
    scalars, again = [], []
    for batch, records in _decoded(narrow(), part, np.flatnonzero(good), notes):
        for record in session_starts(batch, records).tolist():
            found.starts.setdefault(int(part.file[record]), []).append(int(part.at[record]))
        frame, unclear = narrow_scalars(values(batch, records))
        scalars.append(frame)
        again.append(unclear)
    for batch, records in _decoded(full(), part, np.concatenate([np.zeros(0, np.int64), *again]), notes):
        scalars.append(_read_full(part, values(batch, records), found, notes))
    found.scalars.add(part, lanes, [frame for frame in scalars if len(frame)])


def _decoded(
    decoder: Decoder, part: Slice, records: np.ndarray, notes: Notes
) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    """Decoded batches of these records with their numbers; what is no event is noted."""
    for rows, batch in decode(decoder, part.payloads(records), records):
        if isinstance(batch, str):
            notes.add(int(part.file[rows[0]]), "corrupt", f"record is no event: {batch}", int(part.at[rows[0]]))
        else:
            yield batch, rows


def _read_full(part: Slice, some: Values, found: Found, notes: Notes) -> pl.DataFrame:
    """Add the rows of fully decoded values to `found`, and give back their scalars."""
    rows = full_rows(some, _inherited(part.file[some.record], some, found.plugins))
    for record, message in rows.faults:
        notes.add(int(part.file[record]), "corrupt", message, int(part.at[record]))
    for frames, target in (
        (rows.histograms, found.histograms),
        ([rows.texts], found.texts),
        ([rows.hparams], found.hparams),
    ):
        target.extend(_placed(part, frame) for frame in frames if len(frame))
    return rows.scalars


def _inherited(file: np.ndarray, some: Values, plugins: dict[tuple[int, str], str]) -> np.ndarray:
    """The plugin of each value: some writers name it in the first record of a tag only."""
    own = own_plugin(some)
    keys = zip(file.tolist(), some.tag.to_pylist(), strict=True)
    return np.array([plugins.setdefault(key, name) or name for key, name in zip(keys, own, strict=True)], dtype=object)


def _placed(part: Slice, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with file and offset instead of the number of the record in its slice."""
    record = frame["record"].to_numpy()
    place = pl.DataFrame({"file": part.file[record], "at": part.at[record]})
    return place.hstack(frame.get_columns()[1:])


def _finished(frames: list[pl.DataFrame], bounds: dict[int, np.ndarray] | None) -> pl.DataFrame | None:
    """Histograms or texts of all slices, in order of file and record; with segments when `bounds` are given."""
    if not frames:
        return None
    frame = pl.concat(frames).sort("file", "at", maintain_order=True)
    if bounds is not None:
        numbers = segments(frame["file"].to_numpy(), frame["at"].to_numpy(), bounds)
        frame.insert_column(len(PLACE), pl.Series("segment", numbers))
    return frame.drop("at")


def _note_empty(files: Sequence[LogFile], tables: Tables, notes: Notes) -> None:
    """A file without anything to analyse is named, if nothing else was said about it."""
    frames = (tables.scalars, tables.histograms, tables.hparams, tables.texts)
    used = {file for frame in frames if frame is not None for file in frame["file"].unique().to_list()}
    for index in range(len(files)):
        if index not in used and not notes.faulty(index):
            count = notes.records.get(index, 0)
            only = "only its header" if count <= 1 else f"{count} records, but no scalar, histogram, text or hparams"
            notes.add(index, "skipped", f"event file holds {only}")

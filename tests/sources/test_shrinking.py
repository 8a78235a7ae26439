"""Files that are cut while they are read: what was there is kept and the cut is named; nothing dies."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import polars as pl
import pytest
from eventwriter import NAME, framed, log_file, points, scalar

from loglens.sources import columnar, stored
from loglens.sources.archives import Archive
from loglens.sources.base import LogFile
from loglens.sources.tensorboard import read

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = [scalar("loss", step, step / 7) for step in range(200, 4200)]
SIZE = len(framed(EVENTS[:1]))


def cut_when_opened(patch: pytest.MonkeyPatch, path: Path, size: int) -> None:
    """Another process cuts the file to `size` bytes as soon as its size is known."""
    opened = stored.Stored.__init__

    def opened_and_cut(self: stored.Stored, name: str) -> None:
        opened(self, name)
        os.truncate(path, size)

    patch.setattr(stored.Stored, "__init__", opened_and_cut)


@pytest.mark.parametrize("chunk", [4 << 20, 10_000], ids=["small", "large"])
@pytest.mark.parametrize(("whole", "more"), [(0, 0), (0, 5), (1, 0), (3000, 0), (3000, 1), (3000, 30), (3999, 12)])
def test_event_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, whole: int, more: int) -> None:
    path = tmp_path / NAME
    path.write_bytes(framed(EVENTS))
    monkeypatch.setattr("loglens.sources.eventslices.CHUNK", chunk)
    cut_when_opened(monkeypatch, path, whole * SIZE + more)
    tables = read([log_file(path)])
    assert len(points(tables)) == whole
    said = [(problem.kind, problem.offset) for problem in tables.problems]
    if more:
        assert said == [("truncated", whole * SIZE)]
    else:
        assert said == ([] if whole else [("skipped", 0)])


def test_tables_and_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet, tar and zip: a typed problem or what is left, never a signal."""
    table = tmp_path / "a.parquet"
    pl.DataFrame({"step": range(100_000), "loss": [float(i) for i in range(100_000)]}).write_parquet(table)
    source = columnar._opened(LogFile(str(table), table.name, table.stat().st_size, "parquet"), [])
    os.truncate(table, 5000)
    with pytest.raises((OSError, ValueError)):
        list(source.batches(["loss"]))
    packed = tmp_path / "runs.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/log.csv", b"epoch,loss\n" * 10_000)
    place = Archive(LogFile(str(packed), packed.name, packed.stat().st_size, ""), "1")
    (member,) = place.members()
    os.truncate(packed, 3000)
    stream = place.open(member.path)
    assert len(stream.read()) < 110_000
    assert stream.fault is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no file that is open can be cut there")
def test_a_process_lives_on(tmp_path: Path) -> None:
    """A page beyond the end of a mapped file is a signal, which no handler in Python survives."""
    path = tmp_path / NAME
    path.write_bytes(framed(EVENTS) * 40)
    code = (
        "import os, sys; from loglens.sources import stored, base, tensorboard; old = stored.Stored.into\n"
        "def into(self, view, at):\n"
        "    got = old(self, view, at); os.truncate(sys.argv[1], 10_000); return got\n"
        "stored.Stored.into = into\n"
        "file = base.LogFile(sys.argv[1], 'events.out.tfevents.1.host', os.path.getsize(sys.argv[1]), 'tensorboard')\n"
        "print(tensorboard.read([file]).scalars.height)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 4 << 20 > int(done.stdout) * SIZE > 3 << 20

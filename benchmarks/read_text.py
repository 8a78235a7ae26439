"""Reading CSV and JSON lines: 1,000 runs of 1,000 rows and 10 columns, beside pandas.

    python benchmarks/read_text.py [RUNS]

pandas reads file by file (`read_csv`, `read_json(lines=True)`) and keeps nothing; loglens makes the long frame. Each is
timed three times, in turns, and the fastest counts: what disturbs a run only makes it slower.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from loglens.sources import jsonlogs, tables
from loglens.sources.base import LogFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROWS, COLUMNS, BATCH, TURNS = 1000, 10, 300, 3


def write(folder: Path, runs: int, form: str) -> list[Path]:
    """Runs with values as Python writes floats; twenty different ones, repeated."""
    rng = random.Random(0)
    names = ["step", *(f"part{place}/loss" for place in range(COLUMNS - 1))]
    texts = []
    for _ in range(min(runs, 20)):
        rows = [[step, *(rng.random() * 10 for _ in names[1:])] for step in range(ROWS)]
        if form == "csv":
            path = folder / "sample.csv"
            with path.open("w", newline="") as stream:
                csv.writer(stream).writerows([names, *rows])
            texts.append(path.read_bytes())
            path.unlink()
        else:
            texts.append("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode())
    paths = [folder / f"run{place}.{form}" for place in range(runs)]
    for place, path in enumerate(paths):
        path.write_bytes(texts[place % len(texts)])
    return paths


def ours(paths: Sequence[Path], form: str) -> int:
    """Points read, batch by batch as the command line does."""
    reader = tables.read if form == "csv" else jsonlogs.read
    files = [LogFile(str(path), path.name, path.stat().st_size, form) for path in paths]
    points = 0
    for begin in range(0, len(files), BATCH):
        found = reader(files[begin : begin + BATCH])
        assert found.scalars is not None
        assert not found.problems
        points += found.scalars.height
    return points


def theirs(paths: Sequence[Path], form: str) -> int:
    """Values read by pandas."""
    if form == "csv":
        return sum(pd.read_csv(path).size for path in paths)
    return sum(pd.read_json(path, lines=True).size for path in paths)


def seconds(work: Callable[[Sequence[Path], str], int], paths: Sequence[Path], form: str) -> float:
    begin = time.perf_counter()
    work(paths, form)
    return time.perf_counter() - begin


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for label, form in (("E", "csv"), ("F", "jsonl")):
        with tempfile.TemporaryDirectory() as folder:
            paths = write(Path(folder), runs, form)
            assert ours(paths[:1], form) == ROWS * (COLUMNS - 1)
            turns = [(seconds(ours, paths, form), seconds(theirs, paths, form)) for _ in range(TURNS)]
        mine, other = (min(turn[place] for turn in turns) for place in (0, 1))
        size = f"{runs} {form} runs, {ROWS} rows x {COLUMNS} columns"
        print(f"{label}  {size}: loglens {mine:.2f} s, pandas {other:.2f} s, ratio {mine / other:.2f} (target 0.5)")


if __name__ == "__main__":
    main()

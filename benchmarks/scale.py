"""How time and memory grow with the number of runs, and what further processes and clusters give.

`python benchmarks/scale.py [1000 10000 …]` makes trees of small runs (links to a few hundred distinct ones), analyses
each in a process of its own and prints time, processor time and memory. `--jobs` compares processes for trees of larger
runs: from how many bytes on a second one pays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DISTINCT = 200
REPEATS = 2


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu: float
    megabytes: float  # the largest process


def make_runs(folder: Path, count: int, rows: int) -> int:
    """CSV logs of a loss, a held-out loss, a score and a learning rate; every tenth diverges. Their bytes."""
    total = 0
    for i in range(count):
        rng = np.random.default_rng(i)
        t = np.linspace(0, 1, rows)
        loss = (0.2 + 2 / (1 + 14 * t)) * np.exp(0.03 * rng.standard_normal(rows))
        loss = loss * np.where((i % 10 == 0) & (t > 0.6), np.exp(12 * (t - 0.6)), 1)
        held = loss * 1.1 + 0.02 * rng.standard_normal(rows)
        columns = np.column_stack([np.arange(rows), loss, held, 1 - loss / 3, np.full(rows, 10.0 ** -(1 + i % 4))])
        place = folder / f"{i:04}.csv"
        np.savetxt(place, columns, fmt="%.6g", delimiter=",", header="step,train_loss,val_loss,val_acc,lr", comments="")
        total += place.stat().st_size
    return total


def make_tree(distinct: Path, root: Path, count: int) -> None:
    """So many folders of one run each, a thousand side by side; hard links take no room."""
    files = sorted(distinct.iterdir())
    for i in range(count):
        folder = root / f"part-{i // 1000:03}" / f"run-{i % 1000:04}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").hardlink_to(files[i % len(files)])


def analysed(root: Path, *more: str) -> Cost:
    """One analysis, whose children are waited for."""
    command = [sys.executable, "-m", "loglens", "analyze", str(root), "-q", "--no-config", "--fail-on", "never", *more]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, own = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    seconds = time.perf_counter() - start
    return Cost(seconds, own.ru_utime + own.ru_stime, own.ru_maxrss / 1024)


def growth(counts: list[int], work: Path, more: list[str]) -> None:
    """Time a run for trees of more and more runs."""
    distinct = work / "distinct"
    distinct.mkdir()
    make_runs(distinct, DISTINCT, 60)
    print("| runs | time | CPU | CPU a run | of the first | peak memory |\n|---:|---:|---:|---:|---:|---:|")
    first = 0.0
    for count in counts:
        root = work / f"tree-{count}"
        make_tree(distinct, root, count)
        cost = analysed(root, *more)
        each = cost.cpu / count
        first = first or each
        print(
            f"| {count:,} | {cost.seconds:.1f} s | {cost.cpu:.1f} s | {1000 * each:.2f} ms | {each / first:.2f} "
            f"| {cost.megabytes:.0f} MB |",
            flush=True,
        )


def processes(work: Path) -> None:
    """One process beside two, in turn, for trees of more and more bytes."""
    print("| runs × rows | bytes | 1 process | 2 processes | faster by |\n|---|---:|---:|---:|---:|")
    for runs, rows in ((1000, 60), (5000, 60), (10_000, 60), (60, 40_000), (400, 40_000)):
        distinct, root = work / f"d{runs}-{rows}", work / f"t{runs}-{rows}"
        distinct.mkdir()
        total = make_runs(distinct, min(runs, DISTINCT), rows) / min(runs, DISTINCT) * runs
        make_tree(distinct, root, runs)
        pairs = [(analysed(root), analysed(root, "--jobs", "2")) for _ in range(REPEATS)]
        one, two = (min(pair[i].seconds for pair in pairs) for i in (0, 1))
        print(
            f"| {runs:,} × {rows:,} | {total / 1e6:.1f} MB | {one:.1f} s | {two:.1f} s | {one / two:.2f} |", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[1000, 10_000])
    parser.add_argument("--jobs", action="store_true", help="compare one process with two")
    parser.add_argument("--with", dest="more", action="append", default=[], help="further arguments of the command")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loglens-scale-") as work:
        if options.jobs:
            processes(Path(work))
        else:
            growth(options.counts or [1000, 10_000], Path(work), options.more)


if __name__ == "__main__":
    main()

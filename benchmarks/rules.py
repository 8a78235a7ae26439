"""How long judging runs takes beside other analyzers of training logs.

    python benchmarks/rules.py                     both cases; peers that are installed take part
    python benchmarks/rules.py --python venv/bin/python --repeats 5
    python benchmarks/rules.py --scale 0.1         fewer runs

Inputs are made in memory: healthy noisy curves. loglens judges all runs of a case at once, by all rules and by twelve
that answer what the peers answer; the figure is seconds per run from its frames to findings (cleaning and block
statistics included, neither reading nor reporting). The peers take one run at a time, from their own in-memory form,
whose making is not counted; a sample of runs is enough for them. All take turns, in processes of their own; the figure
is the best of the repeats, in processor seconds (all threads), which a busy machine changes least.

Peers: pip install trainspotter trainproof runmedic, here or in the environment named by --python.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TWELVE = (
    *("flat-loss", "zero-loss", "widening-gap", "nonfinite-gradient", "collapsed-predictions", "nonfinite-loss"),
    *("diverging-loss", "exploding-gradient", "vanishing-gradient", "loss-spike", "lr-anomaly", "fold-variance"),
)
NAMES = ("train/loss", "val/loss", "lr", "grad_norm", "train/accuracy", "val/accuracy")


@dataclass(frozen=True)
class Case:
    """Runs of equal length that log the first `series` of NAMES."""

    runs: int
    points: int
    series: int


CASES = {"many": Case(1000, 1000, 6), "long": Case(100, 20_000, 4)}


def curves(case: Case, seed: int) -> dict[str, np.ndarray]:
    """A healthy run: both losses fall, the rate follows a cosine, norms are noisy; float64 (points,) each."""
    rng, t = np.random.default_rng(seed), np.arange(case.points) / case.points
    fall = np.exp(-5 * t)
    course = {
        "train/loss": 0.2 + 2 * fall,
        "val/loss": 0.25 + 2 * fall,
        "lr": 1e-3 * (0.5 + 0.5 * np.cos(np.pi * t)),
        "grad_norm": 1 + np.exp(-3 * t),
        "train/accuracy": 0.95 - 0.8 * fall,
        "val/accuracy": 0.93 - 0.8 * fall,
    }
    noise = {name: 0.0 if name == "lr" else 0.01 if "accuracy" in name else 0.1 for name in NAMES}
    return {
        name: course[name] * np.exp(noise[name] * rng.standard_normal(case.points)) for name in NAMES[: case.series]
    }


def timed(work: Callable[[], Any], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


# --- loglens ----------------------------------------------------------------------------------------------------------


def loglens_on(case: Case, select: Iterable[str] | None, repeats: int) -> float:
    import polars as pl

    import loglens
    from loglens.api import load_chosen
    from loglens.config import Config
    from loglens.engine import judge
    from loglens.series import series_of

    runs = [curves(case, seed) for seed in range(case.runs)]
    frame = pl.DataFrame(
        {
            "run": np.repeat([f"run-{i:05d}" for i in range(case.runs)], case.points),
            "step": np.tile(np.arange(case.points) * 10, case.runs),
            **{name: np.concatenate([run[name] for run in runs]) for name in runs[0]},
        }
    )
    logs = loglens.read(frame)
    rules = load_chosen(Config().merged(select=select))
    return timed(lambda: judge(series_of(logs), rules), repeats) / case.runs


# --- peers: each gives a function that judges one run -----------------------------------------------------------------


def trainspotter(run: dict[str, np.ndarray]) -> Callable[[], Any]:
    from trainspotter import Run, run_all

    made = Run()
    for name, values in run.items():
        for i, value in enumerate(values.tolist()):
            made.add_point(name.replace("val/", "eval/"), i * 10, value)
    made.finalize()
    return lambda: run_all(made)


def trainproof(run: dict[str, np.ndarray]) -> Callable[[], Any]:
    from trainproof.epoch import check_records

    known = {"train/loss": "loss", "val/loss": "eval_loss", "lr": "lr", "grad_norm": "grad_norm"}
    columns = {known[name]: values.tolist() for name, values in run.items() if name in known}
    records = [
        {"step": i * 10, **dict(zip(columns, row, strict=True))}
        for i, row in enumerate(zip(*columns.values(), strict=True))
    ]
    return lambda: check_records(records)


def runmedic(run: dict[str, np.ndarray]) -> Callable[[], Any]:
    from runmedic.checks import run_checks
    from runmedic.model import Run
    from runmedic.roles import detect

    made = Run("run", "csv", "")
    for name, values in run.items():
        for i, value in enumerate(values.tolist()):
            made.get(name).add(i * 10, value)
    made.finalize()
    return lambda: run_checks(made, detect(made))


PEERS = {"trainspotter": trainspotter, "trainproof": trainproof, "runmedic": runmedic}


def peer_on(name: str, case: Case, sample: int, repeats: int) -> float:
    works = [PEERS[name](curves(case, seed)) for seed in range(sample)]
    return timed(lambda: [work() for work in works], repeats) / sample


# --- processes and the table ------------------------------------------------------------------------------------------


def worker(task: dict[str, Any]) -> None:
    """Measure one thing and print it."""
    case = Case(**task["case"])
    if task["what"] in PEERS:
        seconds = peer_on(task["what"], case, task["sample"], task["repeats"])
    else:
        seconds = loglens_on(case, TWELVE if task["what"] == "loglens, twelve rules" else None, task["repeats"])
    print(json.dumps(seconds))


def measured(python: str, task: dict[str, Any]) -> float | str:
    """Seconds per run, or why there are none."""
    command = [python, __file__, "--worker", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else (done.stderr.strip().splitlines() or ["failed"])[-1]


def report(name: str, case: Case, options: argparse.Namespace) -> None:
    peers = dict.fromkeys(PEERS, options.python)
    ours = dict.fromkeys(("loglens, all rules", "loglens, twelve rules"), sys.executable)
    best: dict[str, float | str] = {}
    for _ in range(options.repeats):
        for what, python in {**ours, **peers}.items():
            task = {"what": what, "case": case.__dict__, "sample": options.sample, "repeats": 2}
            found, old = measured(python, task), best.get(what)
            best[what] = min(found, old) if isinstance(found, float) and isinstance(old, float) else found
    fastest = min((best[peer] for peer in peers if isinstance(best[peer], float)), default=float("nan"))
    print(f"\n{name}: {case.runs} runs × {case.points:,} points × {case.series} series\n")
    print("| | ms per run | × the fastest peer |\n|---|--:|--:|")
    for what, seconds in best.items():
        shown = f"{seconds * 1000:.3f} | {seconds / fastest:.3f}" if isinstance(seconds, float) else f"{seconds} | "
        print(f"| {what} | {shown} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="all unless said")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sample", type=int, default=3, help="runs that the peers judge")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the runs")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
        return
    for name in options.cases or CASES:
        case = CASES[name]
        report(name, Case(max(1, int(case.runs * options.scale)), case.points, case.series), options)


if __name__ == "__main__":
    main()

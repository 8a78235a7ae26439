"""How often `loglens compare` calls a candidate worse: of faulty trainings, and of healthy ones with another seed.

    python benchmarks/compare.py                    makes 48 tasks in a temporary folder, prints both shares
    python benchmarks/compare.py --keep pairs/      keeps the logs
    python benchmarks/compare.py --folds DIR        instead: sound folds against each other, of labelled runs

Every pair is two real trainings of a small network on one generated task. A task says how many classes, dimensions,
examples and layers, the optimiser, the rate, what is logged and how; a fault is one thing that goes wrong in a script.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "sample_logs"))
from network import Network, norm, spirals
from writers import Row, write_events, write_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = 48  # from --first on
HEALTHY_SEEDS = 4  # trainings of one task, of which each two are a pair and all but one a baseline group


@dataclass(frozen=True)
class Task:
    """A training script: what is learned, how, and what is logged."""

    number: int
    classes: int
    dims: int
    examples: int | None  # None: fresh data in every batch
    hidden: tuple[int, ...]
    optimizer: str
    lr: float
    batch: int
    steps: int
    every: int
    evaluate: int  # steps between evaluations; 0: none
    writer: str
    label_noise: float = 0.0
    scale: float = 1.0  # of the inputs
    weight_decay: float = 0.0
    shuffled: bool = False
    frozen: bool = False
    overflow: bool = False
    decay_from: float = 1.0  # share of the run after which the rate is multiplied by 1000

    @property
    def folder(self) -> str:
        return f"task-{self.number:02d}"


def task(number: int) -> Task:
    """The `number`-th task: a draw of its own from what people do."""
    rng = np.random.default_rng(1000 + number)
    adam = bool(rng.random() < 0.7)
    return Task(
        number=number,
        classes=int(rng.integers(2, 6)),
        dims=int(rng.integers(2, 9)),
        examples=None if rng.random() < 0.5 else int(rng.integers(1500, 4000)),
        hidden=tuple([int(rng.integers(16, 64))] * int(rng.integers(1, 4))),
        optimizer="adam" if adam else "sgd",
        lr=float(rng.uniform(0.001, 0.005) if adam else rng.uniform(0.01, 0.05)),
        batch=int(rng.choice([16, 32, 64])),
        steps=int(rng.choice([600, 900, 1500])),
        every=int(rng.choice([1, 5, 10])),
        evaluate=int(rng.choice([0, 20, 50, 50, 50])),
        writer=str(rng.choice(["events", "csv", "jsonl"])),
    )


FAULTS: dict[str, Callable[[Task], Task]] = {
    "rate 1/100": lambda t: replace(t, lr=t.lr / 100),
    "rate 0": lambda t: replace(t, lr=0.0),
    "rate too high": lambda t: replace(t, lr=t.lr * (60 if t.optimizer == "adam" else 40)),
    "labels shuffled": lambda t: replace(t, shuffled=True),
    "40 % of labels wrong": lambda t: replace(t, label_noise=0.4),
    "overflow": lambda t: replace(t, overflow=True),
    "rate slips at half": lambda t: replace(t, decay_from=0.5),
    "weight decay 100 x": lambda t: replace(t, weight_decay=5.0),
    "body frozen": lambda t: replace(t, frozen=True),
    "inputs not scaled": lambda t: replace(t, scale=60.0),
}


HARM = 1.25  # a fault counts where the held-out loss ends so many times above the worst healthy one's


def train(task: Task, seed: int) -> tuple[list[Row], float]:
    """One row a logged step, and the loss on fresh examples at the end, which is not logged."""
    rng = np.random.default_rng(seed)
    shares = (1 / task.classes,) * task.classes

    def data(count: int, source: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, label = spirals(source, count, task.dims, shares)
        return x * np.float32(task.scale), label

    held_out = data(1000, np.random.default_rng(7))
    fixed = data(task.examples, np.random.default_rng(8)) if task.examples else None
    net = Network((task.dims, *task.hidden, task.classes), rng, task.optimizer, task.weight_decay)
    wrong = np.random.default_rng(9)
    rows = []
    for step in range(task.steps):
        x, label = data(task.batch, rng) if fixed is None else _sample(fixed, rng, task.batch)
        if task.shuffled:
            label = rng.permutation(label)
        spoilt = wrong.random(len(label)) < task.label_noise
        label = np.where(spoilt, wrong.integers(0, task.classes, len(label)), label)
        loss, grads = net.gradients(x, label)
        if task.overflow and step == task.steps // 3:
            grads[0][0, 0] = np.nan
        if task.frozen:
            grads = [g if i >= len(grads) - 2 else np.zeros_like(g) for i, g in enumerate(grads)]
        rate = task.lr * min(1.0, (step + 1) / 30) * (1000 if step >= task.decay_from * task.steps else 1)
        net.update(grads, rate)
        row: Row = {"step": step, "train/loss": loss, "grad_norm": norm(grads)}
        if task.evaluate and step % task.evaluate == 0:
            scores = net.score(held_out)
            row |= {"val/loss": scores["loss"], "val/accuracy": scores["accuracy"]}
        if step % task.every == 0:
            rows.append(row)
    return rows, net.score(data(4000, np.random.default_rng(10)))["loss"]


def _sample(data: tuple[np.ndarray, np.ndarray], rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    chosen = rng.integers(0, len(data[1]), count)
    return data[0][chosen], data[1][chosen]


def write(out: Path, task: Task, rows: list[Row]) -> None:
    if task.writer == "events":
        write_events(out, rows)
    elif task.writer == "csv":
        write_csv(out / "metrics.csv", rows)
    else:
        write_jsonl(out / "metrics.jsonl", rows)


def write_csv(path: Path, rows: list[Row]) -> None:
    """Every row with every column; what was not measured stays empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def make(out: Path, first: int) -> None:
    """Four healthy seeds of each task, and a training of it with the next fault that does it harm."""
    faults = itertools.cycle(FAULTS.items())
    for number in range(first, first + TASKS):
        mine, worst = task(number), 0.0
        for seed in range(HEALTHY_SEEDS):
            rows, loss = train(mine, seed)
            worst = max(worst, loss)
            write(out / mine.folder / f"seed-{seed}", mine, rows)
        for name, spoil in itertools.islice(faults, len(FAULTS)):
            rows, loss = train(spoil(mine), 100)
            if not loss < HARM * worst:  # NaN is harm
                write(out / mine.folder / "faulty", mine, rows)
                (out / mine.folder / "fault.txt").write_text(name, encoding="utf-8")
                break


def judge(baseline: list[Path], candidate: Path) -> Any:
    from loglens.compare import compare

    return compare([str(path) for path in baseline], str(candidate))


def report(title: str, verdicts: Counter[str]) -> None:
    total = sum(verdicts.values())
    told = ", ".join(f"{n} {verdict}" for verdict, n in verdicts.most_common())
    print(f"{title:46} worse {verdicts['worse'] / max(total, 1):6.1%} of {total:4}   ({told})")


def on_tasks(folder: Path, details: bool) -> None:
    faulty, grouped, pairs, group_pairs = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for path in sorted(folder.glob("task-*")):
        seeds = sorted(path.glob("seed-*"))
        name = (path / "fault.txt").read_text(encoding="utf-8")
        for counts, baseline, candidate, wanted in (
            (faulty, seeds[:1], path / "faulty", "worse"),
            (grouped, seeds, path / "faulty", "worse"),
            *((pairs, [a], b, "") for a, b in itertools.permutations(seeds, 2)),
            *((group_pairs, [s for s in seeds if s != b], b, "") for b in seeds),
        ):
            verdict = judge(baseline, candidate).comparisons[0]
            counts[verdict.verdict] += 1
            if details and (verdict.verdict == "worse") != (wanted == "worse"):
                print(f"  {path.name} {candidate.name} ({name}): {verdict.verdict}: {verdict.headline}")
    report("faulty against one healthy run", faulty)
    report("faulty against four healthy runs", grouped)
    report("healthy against healthy, another seed", pairs)
    report("healthy against three healthy seeds", group_pairs)


def on_folds(folder: Path, details: bool) -> None:
    """Sound folds of each run, each against each; the fold with the highest loss of a spoilt run is left out."""
    counts = Counter[str]()
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        folds = sorted((folder / label["run"]).glob("fold*"))
        if not folds:
            continue
        measured = [fold["val_loss"] for fold in label["evidence"]["measured"]["folds"]]
        sound = [path for i, path in enumerate(folds) if label["healthy"] or i != int(np.argmax(measured))]
        for a, b in itertools.permutations(sound, 2):
            verdict = judge([a], b).comparisons[0]
            counts[verdict.verdict] += 1
            if details and verdict.verdict == "worse":
                print(f"  {label['run']} {a.name} {b.name}: {verdict.headline}")
    report("sound folds, each against each", counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the logs there, or use what is there")
    parser.add_argument("--first", type=int, default=100, help="number of the first task (0 to 47 set the margins)")
    parser.add_argument("--folds", type=Path, metavar="DIR", help="labelled runs with folds instead")
    parser.add_argument("--list", action="store_true", help="name each pair that was judged wrongly")
    options = parser.parse_args()
    if options.folds:
        on_folds(options.folds, options.list)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        if not any(folder.glob("task-*")):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                make(folder, options.first)
        on_tasks(folder, options.list)


if __name__ == "__main__":
    main()

"""Make the sample logs: small networks, really trained, each with one thing wrong (or nothing).

python sample_logs/make.py            train again and write the logs
python sample_logs/make.py --table    write what loglens says of them into README.md
"""

from __future__ import annotations

import argparse
import math
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from network import MASKED, Batch, Network, norm, spirals
from writers import Row, write_csv, write_events, write_jsonl, write_trainer_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loglens.model import Finding
    from loglens.report import Report

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- table: written by make.py --table -->", "<!-- end of table -->"


def train(net: Network, stream: Callable[[int], Batch], lr: Callable[[int], float], steps: range) -> Iterator[Row]:
    """Train on the minibatch that `stream` gives for each step; one row a step."""
    for step in steps:
        loss, grads = net.gradients(*stream(step))
        net.update(grads, lr(step))
        yield {"step": step, "train/loss": loss, "lr": lr(step), "grad_norm": norm(grads)}


def evaluated(rows: Iterator[Row], net: Network, held_out: Batch, every: int, names: dict[str, str]) -> Iterator[Row]:
    """Add the scores on `held_out` to every `every`-th row, under the names given."""
    for row in rows:
        if row["step"] % every == 0:
            scores = net.score(held_out)
            row |= {name: scores[score] for score, name in names.items()}
        yield row


def thinned(rows: Iterator[Row], every: int) -> Iterator[Row]:
    """Log every `every`-th step only, as trainers do."""
    return (row for row in rows if row["step"] % every == 0)


def cosine(step: int, peak: float, total: int, warmup: int = 50) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (0.02 + 0.98 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2)


VAL = {"loss": "val/loss", "accuracy": "val/accuracy"}
SIZES = (2, 32, 32, 3)


def setup(seed: int) -> tuple[np.random.Generator, Callable[[int], Batch]]:
    """A generator for weights and data, and an endless stream of fresh batches from it."""
    rng = np.random.default_rng(seed)
    return rng, lambda _: spirals(rng, 64)


def healthy(out: Path, seed: int = 11) -> Path:
    """Learning rate with warm-up and cosine decay, fresh data in every batch."""
    rng, stream = setup(seed)
    net, held_out = Network(SIZES, rng), spirals(np.random.default_rng(1), 2000)
    rows = train(net, stream, partial(cosine, peak=0.004, total=2000), range(2000))
    return write_events(out, thinned(evaluated(rows, net, held_out, 50, VAL), 10))


def epochs(
    net: Network, data: Batch, held_out: Batch, rng: np.random.Generator, lr: float, count: int
) -> Iterator[Row]:
    """Train over the same examples, shuffled, again and again; one row an epoch."""
    x, label = data
    for epoch in range(count):
        losses = []
        for part in np.array_split(rng.permutation(len(x)), len(x) // 32):
            loss, grads = net.gradients(x[part], label[part])
            net.update(grads, lr)
            losses.append(loss)
        after, val = net.score(data), net.score(held_out)
        row = {"epoch": epoch, "loss": float(np.mean(losses)), "accuracy": after["accuracy"]}
        yield row | {"val_loss": val["loss"], "val_accuracy": val["accuracy"]}


def healthy_csv(out: Path) -> None:
    """Forty epochs over 3,000 examples, as Keras' CSVLogger writes them."""
    rng, _ = setup(12)
    data, held_out = spirals(rng, 3000), spirals(rng, 1000)
    write_csv(out / "history.csv", epochs(Network((2, 24, 24, 3), rng), data, held_out, rng, 0.0008, 40))


def lr_zero(out: Path) -> None:
    """An integer division in the warm-up keeps the learning rate at 0."""
    rng, stream = setup(13)
    rows = train(Network(SIZES, rng), stream, lambda step: 0.004 * (step // 10_000), range(1000))
    write_events(out, thinned(rows, 5), form="tf1")


def overfitting(out: Path) -> None:
    """A wide network learns 150 examples by heart, a fifth of them with a wrong label."""
    rng, _ = setup(14)
    (x, label), held_out = spirals(rng, 150, dims=8), spirals(rng, 1000, dims=8)
    label = np.where(rng.random(len(label)) < 0.2, rng.integers(0, 3, len(label)), label)
    net = Network((8, 96, 96, 3), rng)
    for_train = {"loss": "train_loss", "accuracy": "train_accuracy"}
    rows = epochs(net, (x, label), held_out, rng, 0.002, 60)
    write_jsonl(out / "metrics.jsonl", ({for_train.get(k, k): v for k, v in row.items()} for row in rows))


def nan_gradient(out: Path) -> None:
    """Gradients in half precision under a fixed loss scale: one overflows, and Adam makes every weight NaN."""
    rng, stream = setup(1)
    net = Network(SIZES, rng, precision=np.float16, loss_scale=131072.0)
    rows = train(net, stream, lambda step: 0.004 * min(1.0, step / 50), range(600))
    write_events(out, thinned(rows, 2), form="tf1")


def collapsed(out: Path) -> None:
    """A schedule slip raises the weight decay tenfold every 400 steps: in the end every input gets the same answer."""
    rng, _ = setup(16)
    shares = (0.7, 0.15, 0.15)
    net, held_out = Network(SIZES, rng, optimizer="sgd"), spirals(np.random.default_rng(2), 2000, shares=shares)

    def stream(step: int) -> Batch:
        net.weight_decay = min(0.02 * 10 ** (step / 400), 4.0)
        return spirals(rng, 64, shares=shares)

    rows = train(net, stream, lambda _: 0.02, range(2000))
    write_events(out, thinned(evaluated(rows, net, held_out, 10, VAL | {"pred_std": "pred_std"}), 10), form="tf1")


def zero_loss(out: Path) -> None:
    """From the second shard of the data on every label is masked: nothing counts, nothing is learned."""
    rng, fresh = setup(17)

    def stream(step: int) -> Batch:
        x, label = fresh(step)
        return x, label if step < 1200 else np.full_like(label, MASKED)

    rows = thinned(train(Network(SIZES, rng), stream, partial(cosine, peak=0.004, total=2000), range(2000)), 10)
    names = {"train/loss": "loss", "lr": "learning_rate"}
    history = ({"epoch": row["step"] / 400} | {names.get(k, k): v for k, v in row.items()} for row in rows)
    write_trainer_state(out / "trainer_state.json", history, 2000)


def diverging(out: Path) -> None:
    """A slip in the schedule multiplies the learning rate by 100 at step 900."""
    rng, stream = setup(18)
    rows = train(Network(SIZES, rng, optimizer="sgd"), stream, lambda s: 0.02 if s < 900 else 2.0, range(1500))
    write_events(out, thinned(rows, 5), form="tf1")


def restart(out: Path) -> None:
    """Killed at step 620 and resumed from the checkpoint of step 500: the steps between are logged twice."""
    rng, stream = setup(19)
    net, held_out = Network(SIZES, rng), spirals(np.random.default_rng(3), 2000)

    def part(source: Callable[[int], Batch], steps: range) -> list[Row]:
        rows = train(net, source, partial(cosine, peak=0.004, total=1200), steps)
        return list(thinned(evaluated(rows, net, held_out, 50, VAL), 5))

    first = part(stream, range(500))
    checkpoint = net.state()
    write_events(out, first + part(stream, range(500, 620)))
    net.load(checkpoint)
    _, other_order = setup(20)
    write_events(out, part(other_order, range(500, 1200)), delay=600.0)


def truncated(out: Path) -> None:
    """A healthy training whose file ends inside its last record, as after a full disk or a kill."""
    path = healthy(out, seed=21)
    path.write_bytes(path.read_bytes()[:-11])


CASES: dict[str, Callable[[Path], object]] = {
    "healthy": healthy,
    "healthy-csv": healthy_csv,
    "lr-zero": lr_zero,
    "overfitting": overfitting,
    "nan-gradient": nan_gradient,
    "collapsed-predictions": collapsed,
    "zero-loss": zero_loss,
    "diverging": diverging,
    "restart": restart,
    "truncated": truncated,
}


def table(report: Report) -> str:
    """What loglens says of each run, as Markdown."""
    lines = ["| run | what happened | verdict | findings |", "|---|---|---|---|"]
    for run in report.runs:
        story = (CASES[run.run].__doc__ or "").strip().rstrip(".")
        said = "; ".join(_said(finding) for finding in run.findings)
        lines.append(f"| [{run.run}]({run.run}) | {story} | **{run.verdict}** | {said or 'none'} |")
    return "\n".join(lines)


def _said(finding: Finding) -> str:
    effect = f", caused by `{finding.caused_by}`" if finding.caused_by else ""
    place = f" from {finding.axis} {finding.first_step:,}" if finding.first_step is not None else ""
    return f"`{finding.rule}` ({finding.severity}){place}{effect}"


def with_table(text: str) -> str:
    """The README with the table as loglens finds it now."""
    from loglens import analyze

    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{table(analyze(HERE))}\n{end}{after}"


def make(out: Path, cases: list[str]) -> None:
    """Train and log the named cases below `out`."""
    for name in cases:
        with np.errstate(over="ignore", invalid="ignore"):  # overflow is what one case is about
            CASES[name](out / name)


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the run folders go (default: beside this script)")
    parser.add_argument("--table", action="store_true", help="write the table into README.md instead")
    options = parser.parse_args()
    if options.table:
        README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        return
    unknown = set(options.cases) - CASES.keys()
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    make(options.out, options.cases or list(CASES))


if __name__ == "__main__":
    main()

"""Train a sweep of 40 small networks: three hyper-parameters, of which one explains the failures, or none does.

python sample_logs/sweep.py OUT                   at a learning rate of 10, gradients overflow in half precision
python sample_logs/sweep.py OUT --by bad-batches  a bad batch makes some runs NaN, whatever their settings
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from network import Network, norm, spirals
from writers import Row, write_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = 300
EVERY = 5
RATES = {"lr": (0.003, 0.01, 0.03, 0.1, 10.0), "bad-batches": (0.003, 0.01, 0.03, 0.05, 0.1)}
SIZES = (32, 64)
DECAYS = (0.0, 1e-4, 1e-3, 1e-2)
BROKEN = 8  # runs with a bad batch


def train(lr: float, batch: int, decay: float, seed: int, bad: bool) -> Iterator[Row]:
    """One training by SGD; a bad batch holds a NaN."""
    rng = np.random.default_rng(seed)
    net = Network((2, 32, 32, 3), rng, optimizer="sgd", weight_decay=decay, precision=np.float16, loss_scale=4096.0)
    held_out = spirals(np.random.default_rng(1), 500)
    at = int(rng.integers(STEPS // 3, 2 * STEPS // 3)) if bad else -1
    for step in range(STEPS):
        x, label = spirals(rng, batch)
        if step == at:
            x[0, 0] = np.nan
        with np.errstate(all="ignore"):
            loss, grads = net.gradients(x, label)
            net.update(grads, lr)
            row = {"step": step, "train/loss": loss, "grad_norm": norm(grads)}
            if step % EVERY == 0:
                yield row | ({"val/loss": net.score(held_out)["loss"]} if step % (4 * EVERY) == 0 else {})


def make(out: Path, by: str, seed: int) -> None:
    """Write the 40 runs, each named by its settings."""
    settings = list(product(RATES[by], SIZES, DECAYS))
    chosen = np.random.default_rng(seed).permutation(len(settings))[:BROKEN] if by == "bad-batches" else ()
    for number, (lr, batch, decay) in enumerate(settings):
        rows = train(lr, batch, decay, 1000 * seed + number, number in chosen)
        write_jsonl(out / f"lr={lr}_bs={batch}_wd={decay}" / "metrics.jsonl", rows)


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="where the run folders go")
    parser.add_argument("--by", choices=RATES, default="lr", help="what makes runs fail")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    make(options.out, options.by, options.seed)


if __name__ == "__main__":
    main()

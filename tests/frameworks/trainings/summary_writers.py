"""The SummaryWriter of PyTorch and of tensorboardX: scalars, groups of scalars, histograms, texts, hyper-parameters."""

from __future__ import annotations

import numpy as np
import tensorboardX
from torch.utils import tensorboard
from truth import Truth

truth = Truth()
for name, library in (("torch", tensorboard), ("tensorboardX", tensorboardX)):
    numbers = np.random.default_rng(0).normal(size=(20, 100))
    series = truth.run(
        f"runs/{name}",
        float32=True,
        roles={"Loss/train": "train/loss", "Loss/val": "val/loss", "lr": "lr", "fc1.weight": "histogram:weights"},
        hparams={"lr": "0.1", "optimizer": "adam"},
        histograms={"fc1.weight": [(i, row.min(), row.max(), row.size, row.mean()) for i, row in enumerate(numbers)]},
        texts={"note": "a remark"},
        subset=True,
    )
    writer = library.SummaryWriter(f"runs/{name}")
    for i, row in enumerate(numbers):
        values = {"Loss/train": 1 / (i + 1), "Loss/val": 1.5 / (i + 1), "lr": 0.1, "odd": [np.nan, np.inf, 1][i % 3]}
        for tag, value in values.items():
            writer.add_scalar(tag, value, i)
            series[tag].append((i, value))
        writer.add_scalars("both", {"train": i, "val": 2 * i}, i)
        joint = "_" if name == "torch" else "/"
        series[f"both{joint}train/both"].append((i, i))
        series[f"both{joint}val/both"].append((i, 2 * i))
        writer.add_histogram("fc1.weight", row, i)
        writer.add_image("picture", np.zeros((3, 8, 8), dtype=np.uint8), i)
    writer.add_text("note", "a remark", 3)
    writer.add_hparams({"lr": 0.1, "optimizer": "adam"}, {"hparam/loss": 0.05})
    writer.close()
truth.tell()

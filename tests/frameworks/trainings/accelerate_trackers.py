"""Accelerate with its TensorBoard tracker, which writes hyper-parameters in two ways."""

from __future__ import annotations

from accelerate import Accelerator
from truth import Truth

truth = Truth()
series = truth.run(
    "logs/project",
    float32=True,
    roles={"train_loss": "train/loss", "val/accuracy": "val/accuracy"},
    hparams={"learning_rate": "0.01", "epochs": "3"},
)
accelerator = Accelerator(cpu=True, log_with="tensorboard", project_dir="logs")
accelerator.init_trackers("project", config={"learning_rate": 0.01, "epochs": 3})
for i in range(30):
    values = {"train_loss": 1 / (i + 1), "val/accuracy": i / 30}
    accelerator.log(values, step=i)
    for tag, value in values.items():
        series[tag].append((i, value))
accelerator.end_training()
truth.tell()

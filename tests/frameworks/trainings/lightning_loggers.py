"""Lightning with its CSV and its TensorBoard logger: steps and epochs, validation, learning rate, gradient norm."""

from __future__ import annotations

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities import grad_norm
from truth import Truth

ROLES = {
    "train_loss_step": "train/loss",
    "val_loss": "val/loss",
    "lr-SGD": "lr",
    "grad_2.0_norm_total": "grad_norm",
    "val_acc": "val/accuracy",
}


class Recorder(Logger):
    """A third logger, which gets the same values and keeps them."""

    name = version = None

    def __init__(self, *series: dict) -> None:
        super().__init__()
        self.series = series

    def log_hyperparams(self, params: object, *_: object) -> None: ...

    def log_metrics(self, metrics: dict, step: int | None = None) -> None:
        for series in self.series:
            for name, value in metrics.items():
                series[name].append((step, float(value)))


class Model(lightning.LightningModule):
    def __init__(self, lr: float = 0.05, width: int = 3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)

    def _loss(self, batch: list) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[0].sum(1, keepdim=True))

    def training_step(self, batch: list, _: int) -> torch.Tensor:
        loss = self._loss(batch)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: list, place: int) -> None:
        self.log_dict({"val_loss": self._loss(batch), "val_acc": 0.25 + place / 10})

    def on_before_optimizer_step(self, _: object) -> None:
        self.log_dict(grad_norm(self, 2))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), self.hparams.lr)


truth = Truth()
hparams = {"lr": "0.05", "width": "3"}
csv = truth.run("csv/version_0", roles=ROLES, hparams=hparams)
board = truth.run("board/version_0", roles=ROLES, hparams=hparams, float32=True, subset=True)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(40, 3)), batch_size=4)
lightning.Trainer(
    max_epochs=4,
    logger=[CSVLogger(".", "csv"), TensorBoardLogger(".", "board"), Recorder(csv, board)],
    log_every_n_steps=2,
    callbacks=[LearningRateMonitor()],
    enable_progress_bar=False,
    enable_checkpointing=False,
    accelerator="cpu",
).fit(Model(), data, data)
truth.tell()

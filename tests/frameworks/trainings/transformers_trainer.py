"""The Trainer of transformers: its state in the checkpoints, and its event file."""

from __future__ import annotations

import torch
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments
from truth import Truth


class Model(PreTrainedModel):
    config_class = PretrainedConfig

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config)
        self.layer = torch.nn.Linear(4, 2)
        self.post_init()

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict:
        logits = self.layer(x)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


class Rows(torch.utils.data.Dataset):
    def __init__(self, count: int) -> None:
        self.x = torch.rand(count, 4, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> dict:
        return {"x": self.x[i], "labels": int(self.x[i].sum() > 2)}


trainer = Trainer(
    Model(PretrainedConfig()),
    TrainingArguments(
        "out",
        num_train_epochs=4,
        per_device_train_batch_size=8,
        logging_steps=2,
        eval_strategy="epoch",
        save_strategy="epoch",
        learning_rate=0.01,
        report_to=["tensorboard"],
        use_cpu=True,
        disable_tqdm=True,
    ),
    train_dataset=Rows(64),
    eval_dataset=Rows(32),
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
trainer.save_state()

truth = Truth()
state = truth.run(
    "out",
    roles={
        "loss": "train/loss",
        "eval_loss": "val/loss",
        "eval_accuracy": "val/accuracy",
        "learning_rate": "lr",
        "grad_norm": "grad_norm",
    },
    subset=True,  # the event file has them again as train/loss, eval/loss …
)
for row in trainer.state.log_history:
    for name, value in row.items():
        if name != "step":
            state[name].append((row["step"], value))
truth.tell()

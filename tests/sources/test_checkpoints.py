"""Checkpoints by name: step, epoch, and which files are one checkpoint."""

from __future__ import annotations

import pytest

from loglens.sources.checkpoints import checkpoint_of, is_checkpoint, told_by

# path: (step, epoch)
TOLD: dict[str, tuple[int | None, int | None]] = {
    "checkpoints/epoch=3-step=400.ckpt": (400, 3),
    "epoch=09-val_loss=0.32.ckpt": (None, 9),
    "checkpoint-500": (500, None),
    "global_step1000": (1000, None),
    "model_0004999.pth": (4999, None),
    "iter_80000.pth": (80_000, None),
    "epoch_12.pth": (None, 12),
    "ckpt_epoch_299.pth": (None, 299),
    "weights.05-0.23.hdf5": (None, 5),
    "step-1000.pt": (1000, None),
    "model-ep7.pt": (None, 7),
    "best.pt": (None, None),
    "last.ckpt": (None, None),
    "resnet50.pth": (None, None),
    "model.safetensors": (None, None),
    "vit_base_patch16_224.pth": (None, None),
    "yolov8n.pt": (None, None),
    "model.ckpt-2000": (2000, None),
    "2024-01-05.pt": (None, None),
    "epoch=99999999999999999999.ckpt": (None, None),
}


@pytest.mark.parametrize("path", TOLD)
def test_when(path: str) -> None:
    assert told_by(path) == TOLD[path]


@pytest.mark.parametrize(
    ("path", "checkpoint"),
    [
        ("run/checkpoint-500/model.safetensors", "run/checkpoint-500"),
        ("run/checkpoint-500/optimizer.pt", "run/checkpoint-500"),
        ("checkpoint-500/global_step500/mp_rank_00.pt", "checkpoint-500"),
        ("run/best.pt", "run/best.pt"),
        ("run/optimizer.pt", None),
        ("run/rng_state_0.pth", None),
        ("run/model.ckpt-200.index", "run/model.ckpt-200"),
    ],
)
def test_what_belongs_together(path: str, checkpoint: str | None) -> None:
    assert checkpoint_of(path) == checkpoint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.ckpt", True),
        ("A.PT", True),
        ("m.keras", True),
        ("ckpt-3.index", True),
        ("log.csv", False),
        ("x.index", False),
    ],
)
def test_names(name: str, expected: bool) -> None:
    assert is_checkpoint(name) == expected

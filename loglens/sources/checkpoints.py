"""Checkpoints of models, by their names alone: they are listed, and never opened."""

from __future__ import annotations

import re
from typing import NamedTuple

ENDINGS = (".ckpt", ".pt", ".pth", ".safetensors", ".h5", ".hdf5", ".keras")
_INDEX = re.compile(r"(.*(?:ckpt|model)[^/]*-\d+)\.index")  # how TensorFlow writes them, beside the data
_PARTS = re.compile(
    r"(optimizer|optim|scheduler|rng_state|scaler|random_states|training_args|events)[-_.\w]*\.(pt|pth)"
)
_FOLDER = re.compile(r"(checkpoint|ckpt|global_?step|step|epoch|iter(ation)?)s?[-_=]?\d+(\.ckpt)?", re.IGNORECASE)
_EPOCH = re.compile(r"(?<![a-z])(?:epochs?|ep|e)[-_=]{0,2}0*(\d{1,18})(?!\d)", re.IGNORECASE)
_STEP = re.compile(
    r"(?<![a-z])(?:global_?step|steps?|iterations?|iters?|it|s|checkpoint|ckpt)[-_=]{0,2}0*(\d{1,18})(?!\d)",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"(?<![\d.])0*(\d{5,18})(?![\d.]*\d)")  # model_0004999.pth
_KERAS = re.compile(r"(?:weights|model)[.-](\d{1,6})[-.]", re.IGNORECASE)


class Told(NamedTuple):
    """When a checkpoint was written, as far as its name tells."""

    step: int | None
    epoch: int | None


def is_checkpoint(name: str) -> bool:
    """Whether a file holds the weights of a model."""
    lowered = name.lower()
    return lowered.endswith(ENDINGS) or (lowered.endswith(".index") and _INDEX.fullmatch(lowered) is not None)


def checkpoint_of(path: str) -> str | None:
    """The checkpoint that a file belongs to: a numbered folder, else the file. None for a part that is no model."""
    folder, _, base = path.rpartition("/")
    parts = folder.split("/")
    for depth, part in enumerate(parts, 1):
        if _FOLDER.fullmatch(part):
            return "/".join(parts[:depth])
    if _PARTS.fullmatch(base.lower()):
        return None
    found = _INDEX.fullmatch(path)
    return found[1] if found else path


def told_by(path: str) -> Told:
    """Step and epoch out of a checkpoint's name: `epoch=3-step=400.ckpt`, `checkpoint-500`, `model_0004999.pth`."""
    name = path.rpartition("/")[2]
    epoch = _EPOCH.search(name) or _KERAS.search(name)
    step = _STEP.search(name) or (None if epoch else _COUNTED.search(name))
    return Told(int(step[1]) if step else None, int(epoch[1]) if epoch else None)

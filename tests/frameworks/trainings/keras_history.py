"""Keras with its CSV logger, and its history as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
from truth import Truth

truth = Truth()
roles = {"loss": "train/loss", "val_loss": "val/loss", "accuracy": "train/accuracy", "val_accuracy": "val/accuracy"}
inputs = np.random.default_rng(0).random((64, 4)).astype("float32")
labels = (inputs.sum(1) > 2).astype("float32")
for name in ("csv", "json"):
    Path(name).mkdir()
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    logger = [keras.callbacks.CSVLogger("csv/training.csv")] if name == "csv" else []
    done = model.fit(inputs, labels, epochs=6, validation_split=0.25, callbacks=logger, verbose=0)
    series = truth.run(name, roles=roles)
    series.update({tag: list(enumerate(values)) for tag, values in done.history.items()})
    if name == "json":
        Path("json/history.json").write_text(json.dumps(done.history))
truth.tell()

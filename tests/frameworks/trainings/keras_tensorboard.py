"""Keras with its TensorBoard callback, and summaries and hyper-parameters of TensorFlow."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hp
from truth import Truth

truth = Truth()
inputs = np.random.default_rng(0).random((64, 4)).astype("float32")
labels = (inputs.sum(1) > 2).astype("float32")
model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
calls = [keras.callbacks.TensorBoard("keras", histogram_freq=1), hp.KerasCallback("keras", {"lr": 0.1, "act": "relu"})]
done = model.fit(inputs, labels, epochs=6, validation_split=0.25, callbacks=calls, verbose=0)
series = truth.run(
    "keras",
    float32=True,
    subset=True,
    roles={
        "train/epoch_loss": "train/loss",
        "validation/epoch_loss": "val/loss",
        "train/epoch_accuracy": "train/accuracy",
        "validation/epoch_accuracy": "val/accuracy",
    },
    hparams={"lr": "0.1", "act": "relu"},
)
for name, values in done.history.items():
    folder = "validation" if name.startswith("val_") else "train"
    series[f"{folder}/epoch_{name.removeprefix('val_')}"] = list(enumerate(values))

numbers = np.random.default_rng(0).normal(size=(20, 100))
series = truth.run(
    "own",
    float32=True,
    roles={"loss": "train/loss", "dense/kernel": "histogram:weights"},
    histograms={"dense/kernel": [(i, row.min(), row.max(), row.size) for i, row in enumerate(numbers)]},
    texts={"note": "a remark"},
)
with tf.summary.create_file_writer("own").as_default():
    for i, row in enumerate(numbers):
        value = [1 / (i + 1), np.nan, np.inf][i % 3]
        tf.summary.scalar("loss", value, step=i)
        series["loss"].append((i, value))
        tf.summary.histogram("dense/kernel", row, step=i)
    tf.summary.text("note", "a remark", step=3)
truth.tell()

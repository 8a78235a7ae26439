"""XGBoost, LightGBM and CatBoost: what they print, keep and write."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import xgboost
from truth import Truth

truth = Truth()
x = np.random.default_rng(0).random((200, 4))
y = (x.sum(1) > 2).astype(int)
ROUNDS = 12

Path("xgb").mkdir()
kept: dict = {}
train, held = xgboost.DMatrix(x[:150], y[:150]), xgboost.DMatrix(x[150:], y[150:])
with Path("xgb/train.log").open("w") as out, contextlib.redirect_stdout(out):
    settings = {"objective": "binary:logistic", "eval_metric": "logloss"}
    xgboost.train(settings, train, ROUNDS, [(train, "train"), (held, "eval")], evals_result=kept)
series = truth.run("xgb", rounded=True, roles={"train-logloss": "train/loss", "eval-logloss": "val/loss"})
series.update({f"{part}-logloss": list(enumerate(kept[part]["logloss"])) for part in kept})
Path("xgb_kept").mkdir()
Path("xgb_kept/evals_result.json").write_text(json.dumps(kept))
series = truth.run("xgb_kept", roles={"train/logloss": "train/loss", "eval/logloss": "val/loss"})
series.update({f"{part}/logloss": list(enumerate(kept[part]["logloss"])) for part in kept})

Path("lgb").mkdir()
kept = {}
sets = [lightgbm.Dataset(x[:150], y[:150]), lightgbm.Dataset(x[150:], y[150:])]
with Path("lgb/train.log").open("w") as out, contextlib.redirect_stdout(out):
    calls = [lightgbm.log_evaluation(1), lightgbm.record_evaluation(kept)]
    lightgbm.train({"objective": "binary", "verbose": 1}, sets[0], ROUNDS, sets, ["training", "valid"], callbacks=calls)
names = {"training": "training's binary_logloss", "valid": "valid's binary_logloss"}
roles = dict(zip(names.values(), ("train/loss", "val/loss"), strict=True))
series = truth.run("lgb", rounded=True, roles=roles)
series.update({name: list(enumerate(kept[part]["binary_logloss"], 1)) for part, name in names.items()})

model = catboost.CatBoostClassifier(iterations=ROUNDS, train_dir="cat", verbose=False, eval_metric="Accuracy")
model.fit(x[:150], y[:150], eval_set=(x[150:], y[150:]))
kept = model.get_evals_result()
series = truth.run("cat", digits=8, subset=True, roles={"learn_error.tsv::Logloss": "train/loss"})
for part, file in (("learn", "learn_error.tsv"), ("validation", "test_error.tsv")):
    for metric in ("Logloss", "Accuracy"):
        series[f"{file}::{metric}"] = list(enumerate(kept[part][metric]))
truth.tell()

"""What a column is by its name: a counter, a clock, a metric; and whether a table of such columns is a training log."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Compared without case, blanks and punctuation. The order is the order of preference: a counter that every framework
# means as "the step" before one that counts something else, and counters inside an epoch last.
STEPS: tuple[str, ...] = (
    "globalstep",
    "step",
    "steps",
    "trainingstep",
    "trainstep",
    "currentsteps",
    "currentstep",
    "totaltimesteps",
    "numtimesteps",
    "timestepstotal",
    "totalenvsteps",
    "envsteps",
    "totalenvinteracts",
    "timesteps",
    "timestep",
    "iteration",
    "iterations",
    "iter",
    "niter",
    "itr",
    "trainingiteration",
    "currentiteration",
    "it",
    "update",
    "updates",
    "nupdates",
    "numupdates",
    "round",
    "boostinground",
    "batch",
    "batches",
    "batchidx",
    "batchindex",
    "schritt",
    "étape",
    "paso",
    "passo",
    "шаг",
    "步数",
    "ステップ",
)
INNER = frozenset({"batch", "batches", "batchidx", "batchindex"})
EPOCHS = frozenset(
    {"epoch", "epochs", "currentepoch", "epochnum", "epochidx", "epochno", "nepoch", "epochnumber", "ep"}
    | {"epoche", "époque", "epoque", "época", "epoca", "эпоха", "轮次", "エポック"}
)
CLOCKS = frozenset(
    {"timestamp", "walltime", "wall", "time", "elapsed", "elapsedtime", "timeelapsed", "runtime", "relativetime"}
    | {"totaltime", "datetime", "date", "unixtime", "ts"}
)
# `rewards/step` is a reward drawn over steps, `time/iterations` a counter.
COUNTER_FOLDERS = frozenset({"", "misc", "train", "trainer", "time", "progress", "global", "info", "total", "counters"})
IDENTIFIERS = frozenset(
    {"", "id", "name", "model", "modelname", "file", "filename", "path", "image", "imageid", "run", "runid", "runname"}
    | {"experiment", "trial", "trialid", "config", "dataset", "method", "sample", "text", "label", "index", "url"}
)
SPLITS = frozenset({"phase", "split", "mode", "subset", "stage"})
# Columns of a long table: one holds the names of the series, one their values.
TAGS = frozenset({"tag", "metric", "metricname", "key", "variable", "name"})
VALUES = frozenset({"value", "metricvalue", "scalar"})
METRIC_WORDS = frozenset(
    {"acc", "err", "reward", "rewards", "rew", "ppl", "perplexity", "mse", "mae", "rmse", "mape", "f1", "auc", "auroc"}
    | {"map", "map50", "iou", "miou", "dice", "bleu", "wer", "cer", "fid", "psnr", "ssim", "kl", "nll", "elbo", "bpc"}
    | {"lr", "logloss", "rmsle", "logits", "ep_ret", "epret", "gradnorm", "kld", "bpd", "mloss", "top1", "top5", "acc1"}
    | {"acc5", "ce", "bce", "multiclass", "totalf1", "rouge", "meteor", "hinge"}
)
METRIC_PARTS = ("loss", "accuracy", "perplexity", "learningrate", "gradnorm", "gradientnorm", "episodereward", "epret")


@lru_cache(maxsize=65536)
def bare(name: str) -> str:
    """The name without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", name).lower()


def _last(name: str) -> tuple[str, str]:
    folder, _, last = name.rpartition("/")
    return bare(folder), bare(last)


@lru_cache(maxsize=65536)
def step_rank(name: str) -> int | None:
    """Place of the name among the names of step counters, the smaller the better; None when it is none."""
    folder, last = _last(name)
    return STEPS.index(last) if folder in COUNTER_FOLDERS and last in STEPS else None


def is_inner(name: str) -> bool:
    """True for a counter that usually starts again in every epoch."""
    return _last(name)[1] in INNER


@lru_cache(maxsize=65536)
def is_epoch(name: str) -> bool:
    """True for the name of an epoch counter."""
    folder, last = _last(name)
    return folder in COUNTER_FOLDERS and last in EPOCHS


@lru_cache(maxsize=65536)
def is_clock(name: str) -> bool:
    """True for the name of a wall clock or of the seconds since the start."""
    folder, last = _last(name)
    return folder in COUNTER_FOLDERS and last in CLOCKS


def is_counter(name: str) -> bool:
    """True for a step-like or epoch-like name."""
    return step_rank(name) is not None or is_epoch(name)


def is_split(name: str) -> bool:
    """True for a text column that says to which split a row belongs."""
    return bare(re.split(r"[./]", name)[-1]) in SPLITS


@lru_cache(maxsize=65536)
def is_metric(name: str) -> bool:
    """True for a name that says loss, accuracy or another quantity only training logs have."""
    if any(part in bare(name) for part in METRIC_PARTS):
        return True
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return not METRIC_WORDS.isdisjoint(re.split(r"[\W_]+", spaced.lower())) or bare(name) in METRIC_WORDS


def why_no_log(numbers: Sequence[str], labels: Iterable[str] = ()) -> str | None:
    """Why columns are no training log, or None when they are one.

    `numbers` are the columns that hold numbers, `labels` text columns whose cells tell the rows apart. A counter or a
    metric name is enough; but rows told apart by a label and not by a counter are a table of results, one row per
    experiment or per sample.
    """
    if not numbers:
        return "no column holds numbers"
    if any(is_counter(name) for name in numbers):
        return None if len(numbers) > 1 else "nothing but a counter"
    if not any(is_metric(name) for name in numbers):
        shown = ", ".join(repr(name[:40]) for name in numbers[:4])
        return f"neither a step or epoch column nor the name of a training metric among {shown}"
    named = next(iter(labels), None)
    if named is not None:
        return f"a table of results: its rows are told apart by the text column {named[:40]!r}, not by a step"
    return None


def unique_names(names: Iterable[str]) -> list[str]:
    """Names stripped, the empty ones numbered (`column 1`), repeated ones told apart (`loss`, `loss.1`)."""
    given = [name.strip() or f"column {place}" for place, name in enumerate(names, 1)]
    taken, count, seen, out = set(given), dict.fromkeys(given, 0), set(), []
    for name in given:
        fresh = name
        while fresh in seen or (fresh != name and fresh in taken):
            count[name] += 1
            fresh = f"{name}.{count[name]}"
        seen.add(fresh)
        out.append(fresh)
    return out

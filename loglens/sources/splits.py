"""Names of folders and files that may make several of them one run. Names only; the tags decide in `joins`."""

from __future__ import annotations

import re

TRAIN_LIKE = frozenset({"train", "learn"})
HELD_OUT = frozenset({"val", "valid", "validation", "eval", "test", "dev"})
_FILE_TRAIN = TRAIN_LIKE | {"training"}
_FILE_HELD_OUT = HELD_OUT | {"evaluation", "testing"}
_WORDS = re.compile(r"[^\W_]+")
_MONITOR = re.compile(r"\d+\.monitor\.csv")
_EXPORT = re.compile(r"(.+)-tag-.+(\.csv)")


def split_kind(folder: str) -> str | None:
    """ "train" or "held-out" when a folder is named as a split, else None."""
    word = folder.lower()
    return "train" if word in TRAIN_LIKE else "held-out" if word in HELD_OUT else None


def file_unit(name: str) -> tuple[str, str | None]:
    """What a text log is a part of, and its split: `learn_error.tsv` is ("error.tsv", "train"), `val.csv` (".csv", …).

    `0.monitor.csv`, `1.monitor.csv` … are the parallel environments of one training, and `run-a-tag-loss.csv`,
    `run-a-tag-lr.csv` the series of one run as TensorBoard saves them: units of "parts", without a split.
    """
    if _MONITOR.fullmatch(name):
        return "monitor.csv", "part"
    if export := _EXPORT.fullmatch(name):
        return export[1] + export[2], "part"
    for found in _WORDS.finditer(name.rpartition(".")[0] or name):
        word = found.group().lower()
        kind = "train" if word in _FILE_TRAIN else "held-out" if word in _FILE_HELD_OUT else None
        if kind:
            before, after = name[: found.start()].rstrip("_-. "), name[found.end() :]
            return (before + after if before else after.lstrip("_- ")), kind
    return name, None


def scalars_prefix(below: str, tag: str) -> bool:
    """Whether a folder at `below` its run is what `add_scalars(tag, …)` makes: `<tag>_<key>` or `<tag>/<key>`."""
    flat, path = plain(tag).strip("_"), plain(below)
    return bool(flat) and path.startswith(flat + "_") and len(path) > len(flat) + 1


def plain(name: str) -> str:
    """A tag or path as writers spell it in folder names: whatever may not stand in one is `_`."""
    return re.sub(r"[^\w.-]", "_", name)

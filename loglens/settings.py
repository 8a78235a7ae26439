"""What a run was told to do, from its hyper-parameters or else its name: which runs differ in what."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loglens.model import RunReport

# the words before a number that say: the same thing, tried again
_AGAIN = r"k?fold|seed|cv|rep|repeat|replicate|replica|repetition|split|random_?(?:state|seed)|rng"
_IN_NAME = re.compile(
    rf"(?<![a-z])(?:{_AGAIN})(?:[ _=:.-]?(?:id|idx|no))?[ _=:.-]{{0,2}}(\d+)(?![0-9.])", re.IGNORECASE
)
_TRAILING = re.compile(r"[_-]s(\d+)$")
_SEED_KEY = re.compile(rf"(?:^|[_.-])(?:{_AGAIN}|s)(?:[_.-]?(?:id|idx|no|num|index))?$", re.IGNORECASE)
# what loggers write beside the settings: places, names, times, and how far the run came
_BESIDE = re.compile(
    r"(?:^|[_.-])(?:dirs?|paths?|roots?|folders?|files?|filename|id|uuid|tag|tags|notes?|url|host|hostname|port|"
    r"pid|user|time|timestamp|date|datetime|start|started|version|commit|git|device|devices|gpus?|rank|verbose|debug|"
    r"checkpoint|ckpt|resume|workers?)$"
    r"|^(?:(?:run|exp|experiment|project|job|user|group|log|wandb)[_.-]?)?name$"
    r"|^(?:epoch|global_step|total_flos|num_input_tokens_seen|best_\w+|eval_steps|logging_steps|save_steps|hp_metric|"
    r"log_\w+|is_\w+_process_zero|is_hyper_param_search|t_start)$|^stateful_callbacks\b",
    re.IGNORECASE,
)
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"-?{_NUMBER}(?![A-Za-z0-9.])|[^,;&/\s_-]+")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.]*\Z")
_COUNTERS = re.compile(r"(?:^|_)\d[^_]*_")  # `train_00001_lr=…`: what a tuner numbers its runs with
# bare `lr-3e-2` counts only for words that are settings: `run-3` and `exp12` are counters
_WORDS = (
    "learning_?rate|lr|batch_?size|batch|bs|weight_?decay|wd|momentum|mom|dropout|drop|do|beta1|beta2|gamma|alpha|tau|"
    "lambda|lam|temperature|temp|hidden|units|width|depth|layers|dim|heads|clip|warmup|eps|epsilon|l1|l2|decay|"
    "label_?smoothing|ls|rho|sigma|noise|mixup|cutmix|ema|accum"
)
_BARE = re.compile(rf"(?<![A-Za-z0-9])({_WORDS})[-_ ]?({_NUMBER})(?![A-Za-z0-9.])", re.IGNORECASE)
MOST = 400  # characters of a name that are looked at
_STATE = "is_world_process_zero"  # in what Hugging Face's Trainer keeps of its own state, which tells no settings
_RATE = re.compile(r"(?:^|[/_.-])(?:lr|lr0|learning_?rate|base_?lr|init(?:ial)?_?lr|max_?lr|eta)$", re.IGNORECASE)


def masked(run: str) -> str:
    """The name with `*` for every fold or seed number; unchanged when it has none."""
    parts = [_IN_NAME.sub(_star, part) for part in run.split("/")]
    parts[-1] = _TRAILING.sub(_star, parts[-1])
    return "/".join(parts)


def _star(match: re.Match[str]) -> str:
    whole, at = match[0], match.start(1) - match.start()
    return f"{whole[:at]}*{whole[match.end(1) - match.start() :]}"


@lru_cache(maxsize=10_000)
def is_seed(name: str) -> bool:
    """Whether a hyper-parameter only says which repetition it is."""
    return bool(_SEED_KEY.search(name.rpartition("/")[2].strip()))


def is_learning_rate(name: str) -> bool:
    """Whether a hyper-parameter is the learning rate."""
    return bool(_RATE.search(name))


def settings_of(run: RunReport) -> dict[str, str]:
    """What the run was told: its hyper-parameters, without places, names and results; from its name when it has none.

    Seeds and folds are among them.
    """
    told = {name: value for name, value in run.hparams.items() if not _is_beside(name) and _STATE not in run.hparams}
    return told or in_name(run.run)


@lru_cache(maxsize=10_000)
def _is_beside(name: str) -> bool:
    return bool(_BESIDE.search(name) or _BESIDE.search(name.rpartition("/")[2])) and not is_seed(name)


def in_name(run: str) -> dict[str, str]:
    """Hyper-parameters that the last part of a run's name tells: `lr=3e-3_bs=64`, `lr-3e-2`, `wd0.1`."""
    last = run.rpartition("/")[2][:MOST]
    found = dict(_pairs(last))
    bare = last if not found else ""
    found.update({match[1].lower(): match[2] for match in _BARE.finditer(bare)})
    return {name: value for name, value in found.items() if not _is_beside(name)}


def _pairs(name: str) -> Iterator[tuple[str, str]]:
    """Each `key=value`, the keys cut off from the value before them."""
    key, *rest = name.split("=")
    for piece in rest:
        value = _VALUE.match(piece)
        if (known := _KEY.search(_COUNTERS.split(key)[-1])) and value:
            yield known[0], value[0]
        key = piece[value.end() :].lstrip(" ,;&/_-") if value else piece


def varied(told: Sequence[Mapping[str, str]]) -> list[str]:
    """The names, sorted, that have at least two values among the runs, seeds and folds left out."""
    names = sorted({name for settings in told for name in settings if not is_seed(name)})
    return [name for name in names if len({settings[name] for settings in told if name in settings}) > 1]


def as_number(value: str) -> float | None:
    """The number that a value is; None for words, for NaN and infinities."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None

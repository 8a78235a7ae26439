"""What kind a loss is and how that is known; a cross-entropy is read for people.

exp(-loss) is the geometric mean of the probability given to the true class, exp(loss) the perplexity, ln C the level of
a guess among C classes. None of it holds for another loss, so a reason is needed: a name that says so, a perplexity
beside the loss that is its exponential, or a beginning at the level of a guess among a known number of classes.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from loglens.model import Objective, Reading
from loglens.numbers import human, percent

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from loglens.model import Metric

_ENTROPY = re.compile(r"cross_?entropy|(?<![a-z])(?:bce|xent|log_?loss|mlogloss|multi_?logloss)(?![a-z])")
_BINARY = re.compile(r"binary|(?<![a-z])(?:bce|logloss)(?![a-z])|^binary_logloss$")
_REGRESSION = re.compile(
    r"(?<![a-z])(?:r?mse|mae|mape|huber|smooth_?l1|l1_?loss|l2_?loss|quantile|mean_(?:squared|absolute)_error|"
    r"(?:mse|l1|quantile)_?loss)(?![a-z])"
)
_LOSS_NAMES = ("loss", "loss_fn", "loss_function", "criterion", "loss_type", "loss_name")
_CLASSES = ("num_classes", "n_classes", "num_labels", "nc")
_VOCABULARY = ("vocab_size", "n_vocab")
_SMOOTHING = ("label_smoothing", "label_smoothing_factor", "smoothing")
_TELLING = ("val/loss", "train/loss", "test/loss")
NEAR = 0.1  # of ln C: so near the first loss must be where nothing but the number of classes is known
LIKE_A_GUESS = 0.06  # relative difference of the first loss from the cost of a guess as good as the first accuracy
EXACT = 0.03  # relative difference up to which two logged numbers say the same
MOST = 30.0  # nats; no cross-entropy worth reading lies above


class Kind(NamedTuple):
    """What is known of a loss."""

    kind: str
    reason: str
    classes: int | None = None
    per_token: bool = False


def objective(roles: set[str], of_rules: Objective) -> Objective:
    """What the run optimised, for the report: as rules see it, but for latent-variable models, told by their terms."""
    parts = {role.partition(":")[2].lower() for role in roles if "/loss:" in role}
    divergence = any(part.startswith("kl") for part in parts)
    rebuilt = any(part.startswith("rec") for part in parts)
    if of_rules == "supervised" and ("elbo" in parts or (divergence and rebuilt)):
        return "elbo"
    return of_rules


def reading_of(
    metrics: Sequence[Metric], hparams: Mapping[str, str], aim: str, broken: Container[str] = ()
) -> Reading | None:
    """The kind of the loss that tells most of a run, and its value in words; None without such a loss.

    `broken`: tags that do not end in a number that could be read, as after a NaN.
    """
    told = [m for role in _TELLING for m in metrics if m.role == role and m.points and m.last is not None]
    loss = max(told[:1] + [m for m in told if told[0].role == m.role], key=lambda m: m.points, default=None)
    if loss is None:
        return None
    if aim != "supervised":
        why = _AIMS.get(aim, "what it optimises is not known")
        return Reading(loss.tag, "unknown", why, f"{loss.tag} is not read as a probability: {why}")
    kind = kind_of(loss, metrics, {_plain(name): value for name, value in reversed(list(hparams.items()))})
    if kind.kind != "cross-entropy":
        return Reading(loss.tag, kind.kind, kind.reason, f"{loss.tag}: {kind.reason}")  # type: ignore[arg-type]
    text = _in_words(loss, kind, [m for m in metrics if m.tag not in broken], loss.tag in broken)
    return Reading(loss.tag, "cross-entropy", kind.reason, text, kind.classes)


_AIMS = {
    "rl": "the losses of reinforcement learning measure no fit",
    "gan": "adversarial losses measure no fit",
    "elbo": "it is a bound on the likelihood (a divergence and a reconstruction), which has no such scale",
}


def kind_of(loss: Metric, metrics: Sequence[Metric], told: Mapping[str, str]) -> Kind:
    """The kind of a loss; `told` are hyper-parameters by their plain names."""
    if loss.best is not None and loss.best < 0:
        return Kind("negative", "it goes below 0, so its distance from 0 says nothing")
    if any(_number(told.get(name)) for name in _SMOOTHING):
        return Kind("unknown", "label smoothing keeps it above 0, so it is no plain cross-entropy")
    name = loss.tag.lower().replace("-", "_").replace(" ", "_")
    stated = " ".join(told.get(key, "") for key in _LOSS_NAMES).lower()
    for says, words in (("its name says", name), ("the hyper-parameters say", _snake(stated))):
        if _REGRESSION.search(words):
            return Kind("regression", f"{says} that it measures a distance, in units of the targets")
        if _ENTROPY.search(words):
            binary = _BINARY.search(words) is not None and not re.search(r"multi|mlog|categorical", words)
            return Kind("cross-entropy", f"{says} so", 2 if binary else _whole(told, _CLASSES))
    return _by_perplexity(loss, metrics, told) or _by_beginning(loss, metrics, told) or Kind("unknown", _UNKNOWN)


_UNKNOWN = "neither its name nor its values say what kind of loss it is"


def _by_perplexity(loss: Metric, metrics: Sequence[Metric], told: Mapping[str, str]) -> Kind | None:
    """A perplexity of the same split that is the exponential of the loss, at both ends."""
    split = (loss.role or "").partition("/")[0]
    for other in metrics:
        if other.role != f"{split}/perplexity" or other.points != loss.points:
            continue
        pairs = [(loss.first, other.first), (loss.last, other.last)]
        if all(a is not None and b is not None and _same(math.exp(min(a, MOST)), b) for a, b in pairs):
            size = _whole(told, _VOCABULARY)
            return Kind("cross-entropy", f"{other.tag} is its exponential", size, per_token=True)
    return None


def _by_beginning(loss: Metric, metrics: Sequence[Metric], told: Mapping[str, str]) -> Kind | None:
    """A first loss at ln C, of classes that are known or that the first accuracy tells."""
    if loss.first is None or loss.first <= 0:
        return None
    size = _whole(told, _VOCABULARY)
    if size and abs(loss.first / math.log(size) - 1) < NEAR:
        return Kind("cross-entropy", f"it began at {human(loss.first)}, near ln {size:,} of the vocabulary", size, True)
    score = _accuracy(loss, metrics)
    count = _whole(told, _CLASSES)
    if count and score is not None and abs(loss.first / math.log(count) - 1) < NEAR:
        return Kind("cross-entropy", f"it began at {human(loss.first)}, near ln {count} of the classes", count)
    if score is None or score.first is None or not 0.002 < score.first < 0.4:
        return None
    if abs(loss.first / -math.log(score.first) - 1) > LIKE_A_GUESS:
        return None
    began = f"it began at {human(loss.first)} with an accuracy of {percent(score.first)}"
    return Kind("cross-entropy", f"{began}, as a guess does")  # among how many classes, noise leaves open


def _accuracy(loss: Metric, metrics: Sequence[Metric]) -> Metric | None:
    """The accuracy of the same split, as a share."""
    wanted = f"{(loss.role or '').partition('/')[0]}/accuracy"
    found = [m for m in metrics if m.role == wanted and m.last is not None and 0 <= (m.best or 0) <= 1]
    return max(found, key=lambda m: m.points, default=None)


def _in_words(loss: Metric, kind: Kind, metrics: Sequence[Metric], broken: bool) -> str:
    value = loss.tail if loss.tail is not None else loss.last
    if broken or value is None or not 0 < value < MOST:
        return f"{loss.tag} reads as cross-entropy, since {kind.reason}"
    what = "token" if kind.per_token else "class"
    parts = [f"the true {what} gets {percent(math.exp(-value))} on average (geometric mean)"]
    parts += [f"perplexity {human(math.exp(value))}"] if kind.per_token else []
    if kind.classes and kind.classes > 1:
        chance = math.log(kind.classes)
        worse = ", so this is worse than a guess" if value > chance * (1 + EXACT) else ""
        parts.append(f"chance is {human(chance)} = ln {kind.classes:,}{worse}")
    score = _accuracy(loss, metrics)
    if score is not None and not kind.per_token:
        parts.append(f"{score.tag} is {percent(score.tail if score.tail is not None else score.last)}")
    return f"{loss.tag} {human(value)} reads as cross-entropy, since {kind.reason}: {'; '.join(parts)}"


def _whole(told: Mapping[str, str], names: Sequence[str]) -> int | None:
    """The first of these hyper-parameters that is a whole number of at least two."""
    for name in names:
        value = _number(told.get(name))
        if value is not None and value == int(value) and 2 <= value < 10**9:
            return int(value)
    return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _same(a: float, b: float, most: float = EXACT) -> bool:
    return abs(a - b) <= most * max(abs(a), abs(b))


def _plain(name: str) -> str:
    return re.sub(r"[-. ]", "_", re.split(r"[/.]", name)[-1].strip().lower())


def _snake(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.replace("crossentropy", "cross_entropy")).replace("quantileloss", "quantile")

"""The vocabulary of metric roles: what a series can mean."""

from __future__ import annotations

SPLITS = ("train", "val", "test")
QUANTITIES = (
    "loss",
    "accuracy",
    "f1",
    "precision",
    "recall",
    "balanced_accuracy",
    "auc",
    "perplexity",
    "metric",
)
PLAIN = (
    "lr",
    "grad_norm",
    "weight_norm",
    "update_ratio",
    "pred_mean",
    "pred_std",
    "entropy",
    "loss_scale",
    "reward",
    "episode_length",
    "policy_loss",
    "value_loss",
    "explained_variance",
    "kl",
    "generator_loss",
    "discriminator_loss",
    "epoch",
    "throughput",
    "step_time",
    "memory",
)
PARTED = ("grad_norm", "weight_norm", "zero_fraction", "saturated_fraction")
HISTOGRAMS = ("histogram:weights", "histogram:gradients", "histogram:activations")
SCORES = tuple(q for q in QUANTITIES if q != "loss")


def known_roles() -> list[str]:
    """Every role that needs no layer or part name."""
    return [f"{s}/{q}" for s in SPLITS for q in QUANTITIES] + list(PLAIN) + list(HISTOGRAMS)


def is_role(role: str) -> bool:
    """Whether `role` is in the vocabulary; a part or layer after `:` may be anything, `*` included."""
    base, colon, part = role.partition(":")
    if not colon or role in HISTOGRAMS:
        return role in known_roles()
    return bool(part) and (base in PARTED or base in [f"{s}/loss" for s in SPLITS])


def matches(role: str, wanted: str) -> bool:
    """Whether a series' role is the wanted one; `x:*` stands for any part of x."""
    return role.startswith(wanted[:-1]) if wanted.endswith(":*") else role == wanted


def judges(role: str) -> bool:
    """Whether a series of this role says how well a model does: a loss or a score."""
    split, _, quantity = role.partition("/")
    if split in SPLITS:
        return quantity.partition(":")[0] in QUANTITIES
    return role in ("reward", "generator_loss", "discriminator_loss", "policy_loss", "value_loss")


def usual_direction(role: str) -> str | None:
    """Which way a series of this role gets better where nothing else is said: `min`, `max`, or None."""
    split, _, rest = role.partition("/")
    quantity = rest.partition(":")[0] if split in SPLITS else role
    if quantity in ("loss", "perplexity", "generator_loss", "discriminator_loss", "value_loss"):
        return "min"
    return "max" if quantity in (*SCORES, "reward", "explained_variance") else None

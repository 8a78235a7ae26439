"""What to log next: the one or two columns that would settle most of what could not be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loglens.roles import matches
from loglens.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from loglens.model import NotChecked
    from loglens.rule import Need, Rule

NAMED = 2  # columns
COLUMNS = {
    "train/loss": "the training loss",
    "val/loss": "the loss on held-out data",
    "val/accuracy": "the accuracy on held-out data",
    "grad_norm": "the gradient norm",
    "lr": "the learning rate",
    "pred_std": "the standard deviation of the predictions",
    "weight_norm": "the weight norm of every layer",
    "entropy": "the entropy of the policy or of the predictions",
    "zero_fraction": "the share of dead units of every layer",
    "saturated_fraction": "the share of saturated activations of every layer",
    "step_time": "the time per step",
    "loss_scale": "the loss scale of mixed precision",
}  # of columns that settle as much, the first is named


class Wanted(NamedTuple):
    """A column that is missing or has too few points, how many there must be, and the rules that it would settle."""

    role: str
    log: str
    points: int
    rules: tuple[str, ...]


def log_next(
    rules: Mapping[str, Rule],
    missing: Iterable[NotChecked],
    points: Mapping[str, int],
    known: dict[Hashable, str] | None = None,
    without: frozenset[str] = frozenset(),
) -> str:
    """The sentence for a run whose roles have so many `points`; empty when one column settles nothing.

    `known` keeps the sentences of runs alike, which most runs of a tree are; `without` are roles that such a training
    cannot log.
    """
    open_ = [skipped for skipped in missing if _could_apply(skipped)]
    key = (tuple(skipped.rule for skipped in open_), tuple(points.items()), without)
    known = {} if known is None else known
    if key not in known:
        known[key] = _sentence(rules, open_, points, without)
    return known[key]


def _could_apply(skipped: NotChecked) -> bool:
    return not skipped.reason.startswith("does not apply")


def _sentence(
    rules: Mapping[str, Rule], missing: Iterable[NotChecked], points: Mapping[str, int], without: frozenset[str]
) -> str:
    wanted = [w for w in columns(rules, missing, points) if w.role not in without][:NAMED]
    if not wanted:
        return ""
    parts = [f"{_what(w, points)} would settle {_checks(w.rules)}" for w in wanted]
    return f"Logging {parts[0]}{f'; {parts[1]}' if len(parts) > 1 else ''}."


def _what(wanted: Wanted, points: Mapping[str, int]) -> str:
    """`the gradient norm (grad_norm)`; what is there already must be logged more often."""
    there = max((n for role, n in points.items() if matches(role, wanted.role)), default=0)
    often = f" at least {wanted.points} times" if there else ""
    return f"{wanted.log}{often}" if wanted.log == wanted.role else f"{wanted.log} ({wanted.role}){often}"


def _checks(rules: Sequence[str]) -> str:
    named = enumerated(rules)
    return f"{len(rules)} more checks: {named}" if len(rules) > 1 else f"one more: {named}"


def columns(rules: Mapping[str, Rule], missing: Iterable[NotChecked], points: Mapping[str, int]) -> tuple[Wanted, ...]:
    """Columns that each settle some rules by themselves, the one that settles most first, no rule named twice."""
    found: dict[str, list[tuple[Rule, Need]]] = {}
    for skipped in missing:
        rule = rules.get(skipped.rule)
        lacking = _lacking(rule, points) if rule is not None and _could_apply(skipped) else []
        if rule is not None and len(lacking) == 1:
            found.setdefault(lacking[0].roles[0].removesuffix(":*"), []).append((rule, lacking[0]))
    wanted = [
        Wanted(role, COLUMNS.get(role, role), max(n.points for _, n in held), tuple(sorted(r.id for r, _ in held)))
        for role, held in found.items()
    ]
    order = list(COLUMNS)
    return tuple(
        sorted(wanted, key=lambda w: (-len(w.rules), order.index(w.role) if w.role in order else len(order), w.role))
    )


def _lacking(rule: Rule, points: Mapping[str, int]) -> list[Need]:
    """The needs of a rule about runs that nothing in the run fulfils."""
    if rule.scope != "run":
        return []
    return [need for need in rule.needs if not need.optional and not _has(need, points)]


def _has(need: Need, points: Mapping[str, int]) -> bool:
    wanted = need.roles
    return any(matches(role, w) and count >= need.points for role, count in points.items() for w in wanted)

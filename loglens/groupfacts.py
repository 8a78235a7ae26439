"""What is known of a group of runs besides its series: names that every rule about groups may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loglens.expr import NUMBER, TEXT, Type
from loglens.wording import enumerated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loglens.model import RunReport

GROUP_FACTS: dict[str, tuple[str, Type]] = {
    "members": ("number of runs in the group", NUMBER),
    "failed_members": ("how many of them failed (a finding at error)", NUMBER),
    "who_failed": ("names of those", TEXT),
    "split": ("the part of a sweep in which runs fail, such as `lr ≥ 0.003`; empty when nothing explains it", TEXT),
    "split_p": ("its p by Fisher's exact test, corrected for every split that was tested (Holm); NaN without", NUMBER),
    "splits_tested": ("how many splits were tested", NUMBER),
    "split_failed": ("failed runs in that part", NUMBER),
    "split_outcome": ("what they did: `failed`, or `failed or are suspect` where failures alone have no split", TEXT),
    "split_runs": ("runs in that part", NUMBER),
    "rest": ("the other part, in a word: `below`, `otherwise`", TEXT),
    "rest_failed": ("failed runs in the other part", NUMBER),
    "rest_runs": ("runs in the other part", NUMBER),
    "confounded": ("other hyper-parameters that part the runs in the same way; empty without", TEXT),
    "is_confounded": ("1 when there are such", NUMBER),
    "best_at_edge": ("1 when the best run of a sweep has the largest or smallest learning rate tried", NUMBER),
    "best_rate": ("the learning rate of the best run, when it lies at the edge: `lr = 0.1`", TEXT),
    "edge": ("`largest` or `smallest`", TEXT),
    "rates_tried": ("how many learning rates were tried", NUMBER),
}


def group_facts(kind: str, runs: Sequence[RunReport]) -> dict[str, Any]:
    """Every fact of one group: a float or a string."""
    failed = [i for i, run in enumerate(runs) if run.verdict == "failed"]
    found: dict[str, Any] = {name: "" if kind_ == TEXT else float("nan") for name, (_, kind_) in GROUP_FACTS.items()}
    found |= {"members": float(len(runs)), "failed_members": float(len(failed)), "best_at_edge": 0.0}
    names = short_names(runs)
    found["who_failed"] = enumerated([names[i] for i in failed])
    return found | (_sweep_facts(runs) if kind == "sweep" else {})


def _sweep_facts(runs: Sequence[RunReport]) -> dict[str, Any]:
    from loglens.sweeps import best_at_edge, explain_sweep

    found: dict[str, Any] = {}
    if (split := explain_sweep(runs)) is not None:
        found |= {
            "split": split.part, "split_outcome": split.outcome,
            "split_p": split.p, "splits_tested": float(split.tested), "rest": split.rest,
            "split_failed": float(split.failed), "split_runs": float(split.runs),
            "rest_failed": float(split.rest_failed), "rest_runs": float(split.rest_runs),
            "confounded": enumerated(split.also), "is_confounded": float(bool(split.also)),
        }  # fmt: skip
    if (edge := best_at_edge(runs)) is not None:
        found |= {"best_at_edge": 1.0, "best_rate": f"{edge.name} = {edge.value}", "edge": edge.end}
        found["rates_tried"] = float(edge.tried)
    return found


def short_names(runs: Sequence[RunReport]) -> tuple[str, ...]:
    """The names of runs without the folders that all of them share, before or after what tells them apart."""
    parts = [run.run.split("/") for run in runs]
    room = min(map(len, parts), default=1) - 1  # one part must be left of the shortest
    head = next((i for i in range(room) if len({p[i] for p in parts}) > 1), room)
    tail = next((i for i in range(room - head) if len({p[-1 - i] for p in parts}) > 1), room - head)
    return tuple("/".join(p[head : len(p) - tail]) for p in parts)

"""Summaries of runs, written down in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.model import Metric, RunReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import Verdict


def metric(role: str, tail: float | None, noise: float = 0.001, points: int = 30, tag: str = "") -> Metric:
    way = "min" if role.endswith("loss") else "max"
    return Metric(tag or role, role, "", way, "step", points, 1.0, tail, tail, tail, noise)  # type: ignore[arg-type]


def run(
    name: str,
    told: Mapping[str, object] | None = None,
    verdict: Verdict = "healthy",
    finals: Mapping[str, float] | None = None,
    metrics: tuple[Metric, ...] = (),
) -> RunReport:
    """A run with hyper-parameters and what its metrics ended at; a training loss unless said."""
    ends = finals if finals is not None else {"train/loss": 0.3}
    return RunReport(
        run=name, verdict=verdict, headline="", sources=(), steps=None, wall_seconds=None, wasted_fraction=None,
        last_good_step=None, metrics=metrics or tuple(metric(role, end) for role, end in ends.items()), findings=(),
        clear=(), not_checked=(), hparams={key: str(value) for key, value in (told or {}).items()},
    )  # fmt: skip

"""What a training logged, told by the training itself; `test_trainings.py` compares it with what was read."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any


class Truth:
    """The series of each run as they were handed to a logger."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def run(self, name: str, *, float32: bool = False, **more: object) -> dict[str, list[tuple[int, float]]]:
        """A new run and its series. `more`: roles, hparams, histograms, texts; `float32`: values are rounded."""
        series: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.runs[name] = {"series": series, "float32": float32, **more}
        return series

    def tell(self) -> None:
        """Write it down where the test finds it."""
        Path("truth").mkdir(exist_ok=True)
        Path("truth/told.txt").write_text(json.dumps(self.runs, default=float), encoding="utf-8")

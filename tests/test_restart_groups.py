"""One training in several runs: told where it is plain, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import loglens

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Group


def course(first: int, last: int, seed: int = 0, scale: float = 3.0) -> list[tuple[int, float]]:
    """Every tenth step of a training that always falls alike, with the noise of this job."""
    noise = np.random.default_rng(seed).standard_normal(last // 10 + 1)
    return [
        (s, scale * float(np.exp(-s / 800)) + 0.3 + 0.01 * float(noise[s // 10])) for s in range(first, last + 1, 10)
    ]


def write(
    folder: Path, rows: list[tuple[int, float]], told: dict[str, object] | None = None, tag: str = "loss"
) -> None:
    folder.mkdir(parents=True)
    text = "".join(json.dumps({"step": step, tag: value}) + "\n" for step, value in rows)
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    if told:
        (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")


def restarts(tree: Path) -> list[Group]:
    return [group for group in loglens.analyze(tree).groups if group.kind == "restarts"]


def test_folders_that_go_on_are_one_training(tmp_path: Path) -> None:
    write(tmp_path / "version_0", course(0, 1000))
    write(tmp_path / "version_1", course(900, 2000, 1))
    write(tmp_path / "version_2", course(2010, 3000, 2))
    (group,) = restarts(tmp_path)
    assert group.runs == ("version_0", "version_1", "version_2")
    assert group.text == (
        "One training in 3 runs: version_1 went on from version_0 at step 900 (900 to 1,000 were logged twice) and "
        "version_2 went on from version_1 at step 2,010."
    )


@pytest.mark.parametrize("name", ["json", "markdown", "html", "text"])
def test_every_report_tells_it(tmp_path: Path, name: str) -> None:
    from loglens.reporters import render

    write(tmp_path / "2026-01-01_10-00-00", course(0, 1000))
    write(tmp_path / "2026-01-02_11-30-00", course(900, 2000, 1))
    told = render(loglens.analyze(tmp_path), name).replace("\\", "").replace("\n  ", " ")
    assert "One training in 2 runs" in told


def test_a_later_job_counts_by_its_settings_and_not_by_its_name(tmp_path: Path) -> None:
    write(tmp_path / "first", course(0, 1000), {"lr": 0.1, "output_dir": "/a"})
    write(tmp_path / "again", course(1000, 2000, 1), {"lr": 0.1, "output_dir": "/b"})
    assert [group.runs for group in restarts(tmp_path)] == [("first", "again")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((course(0, 1000), None), (course(0, 1000, 1), None)),
        ((course(0, 1000), None), (course(0, 3000, 1), None)),
        ((course(0, 1000), None), (course(1500, 2000, 1), None)),
        ((course(0, 1000), None), (course(200, 900, 1), None)),
        ((course(0, 1000), None), (course(900, 2000, 1, scale=9.0), None)),
        ((course(0, 1000), {"lr": 0.1}), (course(900, 2000, 1), {"lr": 0.2})),
    ],
    ids=["siblings", "a longer sibling", "far behind", "inside", "another loss", "other settings"],
)
def test_what_only_lies_side_by_side_is_none(
    tmp_path: Path,
    first: tuple[list[tuple[int, float]], dict[str, object] | None],
    second: tuple[list[tuple[int, float]], dict[str, object] | None],
) -> None:
    write(tmp_path / "version_0", *first)
    write(tmp_path / "version_1", *second)
    assert restarts(tmp_path) == []


def test_ids_are_no_counters(tmp_path: Path) -> None:
    for first, second in (("run-963541", "run-556683"), ("run-1", "run-40"), ("version_3", "version_2")):
        write(tmp_path / first / first, course(0, 1000))
        write(tmp_path / first / second, course(900, 2000, 1))
    assert restarts(tmp_path) == []


def test_other_names_without_settings_and_other_metrics_are_none(tmp_path: Path) -> None:
    write(tmp_path / "one" / "baseline", course(0, 1000))
    write(tmp_path / "one" / "ablation", course(900, 2000, 1))
    write(tmp_path / "two" / "version_0", course(0, 1000))
    write(tmp_path / "two" / "version_1", course(900, 2000, 1), None, "val_loss")
    assert restarts(tmp_path) == []

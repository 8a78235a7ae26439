from __future__ import annotations

import gzip
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import numpy as np
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.reporters import explore
from loglens.reporters.thinning import extremes

if TYPE_CHECKING:
    from loglens.model import RunReport

VALUES = st.lists(st.floats(width=64), min_size=1, max_size=300)


def unpacked(packed: str) -> list[dict[str, Any]]:
    """What the page's script makes of a chunk: its runs, each line with `steps` and `values`."""
    raw = gzip.decompress(b64decode(packed))
    size = int.from_bytes(raw[:4], "little")
    runs: list[dict[str, Any]] = json.loads(raw[4 : 4 + size])
    lines = [line for run in runs for panel in run["panels"] for line in panel["lines"]]
    words = np.frombuffer(raw[4 + size :], np.uint8).reshape(2, 4, -1)
    deltas, values = (np.ascontiguousarray(w.T).view("<u4").ravel() for w in words)
    at = 0
    for line in lines:
        part = slice(at, at + line["points"])
        line["steps"] = line["first"] + np.cumsum(deltas[part].astype(np.int64)) * line["unit"]
        line["values"] = values[part].view("<f4").astype(float) * line["times"]
        at = part.stop
    assert at == len(deltas)
    return runs


def one(values: list[float], steps: np.ndarray | None = None) -> RunReport:
    at = np.arange(len(values)) if steps is None else steps
    return samples.run("r", "healthy", "", (samples.curve("loss", "train/loss", at, np.array(values)),))


def line_of(run: RunReport) -> dict[str, Any]:
    (packed,) = explore.chunks([run], {})
    line: dict[str, Any] = unpacked(packed)[0]["panels"][0]["lines"][0]
    return line


@settings(deadline=None)
@given(VALUES)
def test_values_come_back_to_four_digits_and_lost_ones_as_they_were(values: list[float]) -> None:
    back, y = line_of(one(values))["values"], np.array(values)
    finite = np.isfinite(y)
    assert np.array_equal(np.isnan(back), np.isnan(y))
    assert np.array_equal(back[~finite & ~np.isnan(y)], y[~finite & ~np.isnan(y)])
    largest = np.abs(y[finite]).max(initial=0.0)
    np.testing.assert_allclose(back[finite], y[finite], rtol=7e-5, atol=max(largest / explore.LARGE, 1.0) * 1e-37)


@settings(deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=50, unique=True))
def test_steps_come_back_in_order(steps: list[int]) -> None:
    line = line_of(one([1.0] * len(steps), np.array(steps)))
    assert line["first"] == min(steps)
    assert np.all(np.abs(line["steps"].astype(float) - np.array(sorted(steps), float)) <= line["unit"] + 512)


@settings(deadline=None)
@given(VALUES, st.integers(9, 90))
def test_thinned_curves_keep_extremes_ends_and_what_is_no_number(values: list[float], room: int) -> None:
    y = np.array(values)
    kept = extremes(y, room)
    assert len(kept) <= max(room + 2, 3)
    assert {0, len(y) - 1} <= set(kept.tolist())
    assert np.isfinite(y[kept]).all() == np.isfinite(y).all()
    if np.isfinite(y).any():
        assert (np.nanmin(y[kept]), np.nanmax(y[kept])) == (np.nanmin(y), np.nanmax(y))


def test_a_chunk_holds_so_many_runs_in_their_order() -> None:
    runs = [samples.healthy(f"run-{i}", i) for i in range(explore.CHUNK + 3)]
    names = [[run["name"] for run in unpacked(packed)] for packed in explore.chunks(runs, {})]
    assert [len(each) for each in names] == [explore.CHUNK, 3]
    assert [name for each in names for name in each] == [run.run for run in runs]


def test_many_curves_are_thinned_to_fit() -> None:
    runs = [samples.healthy(f"run-{i}", i) for i in range(4)]
    assert explore.points_per_curve(runs) > 700
    assert explore.points_per_curve(runs * 5000) == explore.FEWEST


def test_findings_are_marks_on_the_axis_of_the_run() -> None:
    (packed,) = explore.chunks([samples.diverged()], {("sweep/lr-3e-2", "diverging-loss"): "there"})
    run = unpacked(packed)[0]
    assert [(f["from"], f["target"]) for f in run["findings"]] == [(31500, ""), (32550, "there"), (49500, "")]
    assert [line["look"] for line in run["panels"][0]["lines"]] == ["train", "val"]
    assert [panel["log"] for panel in run["panels"]] == [False, True, False]


def test_a_finding_on_another_axis_is_placed_by_its_share() -> None:
    curves = (
        samples.curve("loss", "train/loss", np.arange(0, 1001, 10), np.linspace(2, 1, 101)),
        samples.curve("lr", "lr", np.arange(0, 1001, 10), np.ones(101)),
        samples.curve("val_loss", "val/loss", np.arange(11), np.linspace(2, 1, 11), "epoch"),
    )
    found = samples.finding("widening-gap", "warning", "t", "m", ("val_loss",), 5, 10, axis="epoch")
    (packed,) = explore.chunks([samples.run("r", "suspect", "", curves, (found,))], {})
    (mark,) = unpacked(packed)[0]["findings"]
    assert (mark["from"], mark["to"], mark["where"]) == (500.0, 1000.0, "epoch 5")


def test_names_are_made_visible_before_they_are_packed() -> None:
    report = samples.hostile()
    text = "".join(json.dumps(unpacked(p), default=str, ensure_ascii=False) for p in explore.chunks(report.runs, {}))
    assert "evil⟨U+202E⟩gnp.exe" in text
    assert "x" * 100 not in text


def test_runs_without_curves_are_packed_too() -> None:
    (packed,) = explore.chunks([samples.run("r", "unknown", "", ())], {})
    assert unpacked(packed)[0]["panels"] == []

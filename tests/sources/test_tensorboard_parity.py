"""The reader agrees with TensorBoard's own, value for value, on real files and on files its writer makes."""

from __future__ import annotations

import struct
from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from eventwriter import by_series, hparams_event, log_file, old_histogram, scalar, tensor_scalar, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

from loglens.sources.base import Tables
from loglens.sources.tensorboard import read

if TYPE_CHECKING:
    from pathlib import Path

    from tensorboard.compat.proto.event_pb2 import Event

Point = tuple[str, int, float, float]


class Reference:
    """What TensorBoard's loader finds in a file, with everything converted to tensors by itself."""

    def __init__(self, path: Path) -> None:
        self.scalars: list[Point] = []
        self.counts: Counter[str] = Counter()
        plugins: dict[str, str] = {}
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                plugin = plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
                self.counts[plugin] += value.tag != "_hparams_/experiment" and value.tag != "_hparams_/session_end_info"
                if plugin == "scalars":
                    number = float(make_ndarray(value.tensor).item())
                    self.scalars.append((value.tag, event.step, event.wall_time, number))


def ours(tables: Tables) -> list[Point]:
    if tables.scalars is None:
        return []
    return tables.scalars.select(pl.col("tag").cast(pl.String), "step", "wall_time", "value").rows()


def same(left: list[Point], right: list[Point]) -> bool:
    """Equal, NaN being equal to NaN."""
    return len(left) == len(right) and all(
        a[:3] == b[:3] and (a[3] == b[3] or (a[3] != a[3] and b[3] != b[3])) for a, b in zip(left, right, strict=True)
    )


def check(path: Path) -> int:
    """Assert that both readers agree on a file; gives the number of scalars compared."""
    tables, reference = read([log_file(path)]), Reference(path)
    mine = ours(tables)
    theirs = by_series(reference.scalars)
    if any(problem.kind == "corrupt" for problem in tables.problems):
        # TensorBoard stops at damage, the reader goes on behind it.
        known = Counter(tag for tag, *_ in theirs)
        mine = [point for tag, some in groupby(mine, itemgetter(0)) for point in list(some)[: known[tag]]]
    else:
        histograms = 0 if tables.histograms is None else len(tables.histograms)
        texts = 0 if tables.texts is None else len(tables.texts)
        assert (histograms, texts) == (reference.counts["histograms"], reference.counts["text"])
        assert (tables.hparams is not None) == (reference.counts["hparams"] > 0)
    assert same(mine, theirs), path
    return len(mine)


@pytest.mark.parametrize("part", ["real", "labelled"])
def test_real_files(corpus: Path, part: str) -> None:
    files = [path for path in sorted((corpus / part).rglob("*tfevents*")) if path.is_file()]
    assert len(files) > 50
    assert sum(check(path) for path in files) > 40_000


def test_histograms_texts_and_hparams_of_real_files(corpus: Path) -> None:
    """Every bucket, text and hyper-parameter as TensorBoard's loader and protos have them."""
    checked = Counter[str]()
    for path in sorted(corpus.rglob("*tfevents*")):
        tables = read([log_file(path)]) if path.is_file() else Tables()
        if tables.histograms is not None or tables.texts is not None or tables.hparams is not None:
            checked += check_rest(tables, path)
    assert checked["histograms"] > 500
    assert checked["text"] > 0
    assert checked["hparams"] > 10


def check_rest(tables: Tables, path: Path) -> Counter[str]:
    """Assert that all but the scalars of a file agrees; gives the numbers of what was compared."""
    histograms, texts, hparams = [], [], {}
    plugins: dict[str, str] = {}
    for event in EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            plugin = plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
            if plugin == "histograms":
                histograms.append((value.tag, event.step, event.wall_time, make_ndarray(value.tensor)))
            elif plugin == "text":
                lines = [line.decode() for line in make_ndarray(value.tensor).ravel()]
                texts.append((value.tag, event.step, event.wall_time, "\n".join(lines)))
            elif plugin == "hparams":
                content = value.metadata.plugin_data.content
                found = HParamsPluginData.FromString(content).session_start_info.hparams
                hparams |= {name: getattr(item, item.WhichOneof("kind") or "") for name, item in found.items()}
    same_histograms(tables, histograms)
    mine = [] if tables.texts is None else tables.texts.cast({"tag": pl.String})
    assert (mine if tables.texts is None else mine.select("tag", "step", "wall_time", "text").rows()) == texts
    known = [] if tables.hparams is None else tables.hparams.select("name", "value", "number").rows()
    assert {name for name, *_ in known} == set(hparams), path
    for name, text, number in known:
        assert (number if isinstance(hparams[name], float) else text.lower()) == (
            hparams[name] if isinstance(hparams[name], float) else str(hparams[name]).lower()
        )
    return Counter(histograms=len(histograms), text=len(texts), hparams=len(hparams))


def same_histograms(tables: Tables, theirs: list[tuple[str, int, float, np.ndarray]]) -> None:
    """Buckets that hold something are equal; TensorBoard keeps empty ones and the outer edges of old ones."""
    columns = ("tag", "step", "wall_time", "edges", "counts", "min", "max")
    frame = tables.histograms
    mine = [] if frame is None else frame.cast({"tag": pl.String}).select(columns).rows()
    assert [row[:3] for row in mine] == [row[:3] for row in theirs]
    for (*_, edges, counts, least, most), (*_, table) in zip(mine, theirs, strict=True):
        edge, count, filled = np.asarray(edges), np.asarray(counts), table[table[:, 2] > 0]
        held = count > 0
        np.testing.assert_array_equal(count[held], filled[:, 2])
        for side, place, bound, value in ((edge[:-1], 0, np.maximum, least), (edge[1:], 1, np.minimum, most)):
            clipped = bound(filled[:, place], value)  # in single precision
            np.testing.assert_allclose(bound(side[held], value), clipped, rtol=1e-6, atol=1e-30)


def test_all_files_at_once_read_like_each_alone(corpus: Path) -> None:
    files = [log_file(path, str(path)) for path in sorted(corpus.rglob("*tfevents*")) if path.is_file()]
    together = read(files)
    assert together.scalars is not None
    alone = [read([file]) for file in files]
    points = [point for tables in alone for point in ours(tables)]
    assert same(ours(together), points)
    assert together.problems == [problem for tables in alone for problem in tables.problems]


def varied() -> list[Event]:
    """Every form that a scalar, histogram, text or hparams record takes."""
    events = [scalar(f"loss/{i % 3}", i, float(value)) for i, value in enumerate([1, 0, np.nan, np.inf, -np.inf] * 40)]
    for step in range(200):
        content = struct.pack("<f", step / 7)
        events.append(tensor_scalar("new", step, 1, tensor_content=content))
        events.append(tensor_scalar("float_val", step, 1, float_val=[step / 3]))
    histogram = old_histogram("old", 3, [0, 2], [1, 2], min=-1, max=2, num=3, sum=2, sum_squares=5)
    text = tensor_scalar("note", 4, 7, "text", string_val=[b"first"])
    return [*events, histogram, text, hparams_event({"lr": 0.1, "layers": 3, "name": "adam", "bias": True})]


def test_own_writer(tmp_path: Path) -> None:
    assert check(written(tmp_path, varied())) == 600


def test_event_accumulator(tmp_path: Path) -> None:
    path = written(tmp_path, varied())
    accumulator = EventAccumulator(
        str(path), size_guidance={"tensors": 0, "scalars": 0, "histograms": 0}, purge_orphaned_data=False
    ).Reload()
    mine = ours(read([log_file(path)]))
    theirs = [
        (tag, event.step, event.wall_time, event.value)
        for tag in accumulator.Tags()["scalars"]
        for event in accumulator.Scalars(tag)
    ]
    for tag in set(accumulator.Tags()["tensors"]) - {"note"}:
        events = accumulator.Tensors(tag)
        theirs += [(tag, e.step, e.wall_time, float(make_ndarray(e.tensor_proto).item())) for e in events]
    assert len(theirs) == 600
    assert same(sorted(mine, key=itemgetter(0)), sorted(theirs, key=itemgetter(0)))


tags = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
floats = st.floats(width=32)
logs = st.lists(
    st.tuples(
        st.sampled_from(["loss", "acc", "é"]) | tags,
        st.integers(-(2**63), 2**63 - 1),
        floats,
        st.floats(),
        st.booleans(),
    ),
    max_size=120,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs=logs, repeats=st.integers(1, 30))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, logs: list[tuple[str, int, float, float, bool]], repeats: int
) -> None:
    """Whatever a writer logs comes back whole and in order, however often a pattern repeats."""
    expected, events = [], []
    for tag, step, value, wall_time, new in logs * repeats:
        if new:
            event = tensor_scalar(tag, step, 1, tensor_content=struct.pack("<f", value))
            event.wall_time = wall_time
        else:
            event = scalar(tag, step, value, wall_time)
        events.append(event)
        expected.append((tag, step, wall_time, value))
    tables = read([log_file(written(tmp_path_factory.mktemp("log"), events))])
    mine = ours(tables)
    expected = by_series(expected)
    assert [point[:2] for point in mine] == [point[:2] for point in expected]
    for place in (2, 3):
        np.testing.assert_array_equal([point[place] for point in mine], [point[place] for point in expected])
    assert bool(tables.problems) == (not events)

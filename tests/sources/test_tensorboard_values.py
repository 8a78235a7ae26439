"""What each kind of value becomes: scalars of every type, histograms, texts, hyper-parameters, segments."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from eventwriter import (
    framed,
    hparams_event,
    new_histogram,
    old_histogram,
    points,
    read_bytes,
    record,
    scalar,
    session_start,
    tensor_scalar,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event

from loglens.sources import lanes
from loglens.sources.base import scalar_schema

if TYPE_CHECKING:
    from pathlib import Path

BF16 = struct.pack("<H", 0x3FC0)  # 1.5 as bfloat16
FORMS = {
    "float": (1, {"tensor_content": struct.pack("<f", 1.5)}),
    "double": (2, {"tensor_content": struct.pack("<d", 1.5)}),
    "half": (19, {"tensor_content": np.float16(1.5).tobytes()}),
    "bfloat16": (14, {"tensor_content": BF16}),
    "float_val": (1, {"float_val": [1.5]}),
    "double_val": (2, {"double_val": [1.5]}),
    "half_val": (19, {"half_val": [int(np.float16(1.5).view(np.uint16))]}),
    "bfloat16 half_val": (14, {"half_val": [0x3FC0]}),
}
WHOLE = {
    "int32": (3, {"tensor_content": struct.pack("<i", -7)}),
    "int64": (9, {"tensor_content": struct.pack("<q", -7)}),
    "int16": (5, {"tensor_content": struct.pack("<h", -7)}),
    "int8": (6, {"tensor_content": struct.pack("<b", -7)}),
    "int_val": (3, {"int_val": [-7]}),
    "int64_val": (9, {"int64_val": [-7]}),
}


@pytest.mark.parametrize("times", [1, 100])  # alone it is decoded, in numbers it is read column by column
@pytest.mark.parametrize(
    ("form", "value"), [*((form, 1.5) for form in FORMS.values()), *((form, -7.0) for form in WHOLE.values())]
)
@pytest.mark.parametrize("plugin", ["scalars", ""])
def test_tensor_scalars(
    tmp_path: Path, form: tuple[int, dict[str, object]], value: float, plugin: str, times: int
) -> None:
    dtype, fields = form
    tables = read_bytes(tmp_path, framed([tensor_scalar("a", 1, dtype, plugin, **fields)] * times))
    assert points(tables) == [("a", 1, value)] * times
    assert tables.problems == []


def test_schema(tmp_path: Path) -> None:
    tables = read_bytes(tmp_path, framed([scalar("a", 1, 2.0), old_histogram("h", 1, [1], [1], max=1, num=1)]))
    assert tables.scalars is not None
    assert dict(tables.scalars.schema) == scalar_schema()
    assert tables.scalars.row(0) == (0, "a", 1, 1.5, 2.0, 0, "step")
    assert tables.histograms is not None
    expected = "file tag step wall_time segment min max mean std count zeros low high edges counts"
    assert tables.histograms.columns == expected.split()


def test_tensors_that_are_no_scalars_are_left_alone(tmp_path: Path) -> None:
    vector = tensor_scalar("vector", 1, 1, "", tensor_content=struct.pack("<f", 1))
    vector.summary.value[0].tensor.tensor_shape.dim.add(size=1)
    other = tensor_scalar("curve", 1, 1, "pr_curves", tensor_content=struct.pack("<f", 1))
    assert points(read_bytes(tmp_path, framed([vector, other, scalar("a", 1, 1.0)]))) == [("a", 1, 1.0)]


def test_one_element_of_any_rank_counts_for_the_scalars_plugin(tmp_path: Path) -> None:
    event = tensor_scalar("a", 1, 1, tensor_content=struct.pack("<f", 1.5))
    event.summary.value[0].tensor.tensor_shape.dim.add(size=1)
    assert points(read_bytes(tmp_path, framed([event]))) == [("a", 1, 1.5)]


def test_plugin_named_in_the_first_record_only(tmp_path: Path) -> None:
    later = new_histogram("h", 2, [(0.0, 1.0, 1.0)])
    later.summary.value[0].ClearField("metadata")
    text = tensor_scalar("t", 2, 7, "", string_val=[b"two"])
    events = [
        new_histogram("h", 1, [(0.0, 1.0, 1.0)]),
        later,
        tensor_scalar("t", 1, 7, "text", string_val=[b"one"]),
        text,
    ]
    tables = read_bytes(tmp_path, framed(events))
    assert tables.histograms is not None
    assert tables.histograms["step"].to_list() == [1, 2]
    assert tables.texts is not None
    assert tables.texts["text"].to_list() == ["one", "two"]


def test_several_values_in_one_record_keep_their_order(tmp_path: Path) -> None:
    event = Event(step=1, wall_time=1.0)
    for i in range(5):
        event.summary.value.add(tag="a", simple_value=i)
    event.summary.value.add(tag="image").image.encoded_image_string = b"png"
    event.summary.value.add(tag="t").tensor.CopyFrom(tensor_scalar("t", 1, 1, float_val=[9]).summary.value[0].tensor)
    found = points(read_bytes(tmp_path, framed([scalar("b", 0, 0), event, scalar("b", 2, 0)])))
    assert found == [*(("a", 1, float(i)) for i in range(5)), ("b", 0, 0), ("b", 2, 0), ("t", 1, 9.0)]


@pytest.mark.parametrize("size", [100, 100_000])
def test_scalars_beside_large_images_are_read(tmp_path: Path, size: int) -> None:
    image = Event(step=1)
    image.summary.value.add(tag="i").image.encoded_image_string = bytes(size)
    both = Event(step=2)
    both.summary.value.add(tag="i").image.encoded_image_string = bytes(size)
    both.summary.value.add(tag="a", simple_value=2.0)
    assert points(read_bytes(tmp_path, framed([image, both, image, scalar("a", 3, 3.0)]))) == [("a", 2, 2), ("a", 3, 3)]


def test_old_histogram(tmp_path: Path) -> None:
    limits, counts = [-1e300, -1.0, -0.001, 0.001, 1.0, 1e300], [0.0, 2.0, 1.0, 4.0, 3.0, 0.0]
    exact = {"min": -1.5, "max": 0.75, "num": 10.0, "sum": 1.0, "sum_squares": 5.0}
    tables = read_bytes(tmp_path, framed([old_histogram("h", 3, limits, counts, **exact)]))
    assert tables.histograms is not None
    row = tables.histograms.row(0, named=True)
    assert (row["min"], row["max"], row["count"], row["mean"]) == (-1.5, 0.75, 10, 0.1)
    assert row["std"] == pytest.approx(math.sqrt(0.5 - 0.01))
    assert (row["zeros"], row["low"], row["high"]) == (0.4, 0.2, 0.3)
    assert row["edges"] == [-1.5, -1.0, -0.001, 0.001, 0.75]
    assert row["counts"] == [2, 1, 4, 3]


def test_new_histogram(tmp_path: Path) -> None:
    events = [
        new_histogram("even", 1, [(0.0, 1.0, 1.0), (1.0, 2.0, 0.0), (2.0, 3.0, 3.0)]),
        new_histogram("empty", 2, []),
        new_histogram("constant", 3, [(-0.5, 0.5, 8.0)]),
        new_histogram("apart", 4, [(1.0, 2.0, 8.0)]),
    ]
    tables = read_bytes(tmp_path, framed(events))
    assert tables.histograms is not None
    even, empty, constant, apart = tables.histograms.rows(named=True)
    assert (even["mean"], even["count"], even["low"], even["high"]) == (2.0, 4, 0.25, 0.75)
    assert even["std"] == pytest.approx(math.sqrt(0.75))
    assert even["edges"] == [0, 1, 2, 3]
    assert even["zeros"] is None  # a bucket a third of the range wide holds 0
    assert (empty["count"], empty["mean"], empty["edges"], empty["counts"]) == (0, None, [], [])
    assert (constant["zeros"], apart["zeros"]) == (1.0, 0.0)


def test_bad_histograms_are_named(tmp_path: Path) -> None:
    wrong = new_histogram("wrong", 1, [(0.0, 1.0, 1.0)])
    wrong.summary.value[0].tensor.tensor_shape.dim[0].size = 2
    tables = read_bytes(
        tmp_path, framed([wrong, old_histogram("odd", 1, [1.0, 2.0], [1.0]), old_histogram("fine", 1, [1], [1])])
    )
    assert tables.histograms is not None
    assert tables.histograms["tag"].to_list() == ["fine"]
    assert ["'wrong'" in p.message or "'odd'" in p.message for p in tables.problems] == [True, True]


def test_hparams_and_texts(tmp_path: Path) -> None:
    values = {"lr": 1e-3, "layers": 3.0, "name": "adam", "bias": True}
    text = tensor_scalar("note", 5, 7, "text", string_val=[b"one", b"t\xffo"])
    tables = read_bytes(tmp_path, framed([hparams_event(values), text]))
    assert tables.hparams is not None
    assert tables.hparams.rows() == [
        (0, "bias", "true", None), (0, "layers", "3", 3.0), (0, "lr", "0.001", 0.001), (0, "name", "adam", None)
    ]  # fmt: skip
    assert tables.texts is not None
    assert tables.texts.rows() == [(0, "note", 5, 2.5, "one\nt�o")]


def test_segments_of_scalars_and_histograms(tmp_path: Path) -> None:
    def epoch(steps: range) -> list[Event]:
        return [e for i in steps for e in (scalar("a", i, 0.0), new_histogram("h", i, [(0.0, 1.0, 1.0)]))]

    tables = read_bytes(tmp_path, framed([*epoch(range(4)), *epoch(range(2, 5)), session_start(), *epoch(range(5, 6))]))
    assert tables.scalars is not None
    assert tables.histograms is not None
    assert tables.scalars["segment"].to_list() == [0, 0, 0, 0, 1, 1, 1, 2]
    assert tables.histograms["segment"].to_list() == [0, 0, 0, 0, 1, 1, 1, 2]


tags = st.sampled_from(["a", "b", "loss", "é", "train/loss"])
steps = st.integers(-5, 300) | st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(tags, st.lists(steps, min_size=1, max_size=4), st.sampled_from(["old", "new", "typed", "junk"])),
        min_size=1, max_size=6,
    ),
    times=st.integers(1, 60),
)  # fmt: skip
def test_lanes_agree_with_the_decoder(tmp_path: Path, parts: list[tuple[str, list[int], str]], times: int) -> None:
    """Whether records are read by columns or all decoded makes no difference."""
    payloads = [payload(tag, step, kind) for tag, some, kind in parts for step in some] * times
    data = b"".join(record(item) for item in payloads)
    by_lanes = read_bytes(tmp_path, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "MIN_GROUP", 1 << 30)
        decoded = read_bytes(tmp_path, data)
    assert by_lanes.problems == decoded.problems
    assert points(by_lanes) == points(decoded)
    assert len(points(by_lanes)) == sum(item[-1:] != b"\xff" for item in payloads)


def payload(tag: str, step: int, kind: str) -> bytes:
    if kind == "old":
        return scalar(tag, step, step % 97).SerializeToString()
    if kind == "new":
        return tensor_scalar(tag, step, 2, tensor_content=struct.pack("<d", step % 97)).SerializeToString()
    if kind == "typed":
        return tensor_scalar(tag, step, 1, float_val=[step % 97]).SerializeToString()
    return scalar(tag, step, 1.0).SerializeToString() + b"\x2a\xff"


def test_lanes_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way is really taken: without the decoder a long plain log is still read."""
    events = [scalar(tag, step, 0.5) for step in range(128, 328) for tag in ("a", "b")]
    monkeypatch.setattr("loglens.sources.tensorboard.decode", lambda *_: iter(()))
    assert len(points(read_bytes(tmp_path, framed(events)))) == 400


def test_large_files_are_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [scalar(f"tag{i % 7}", i // 7, float(i)) for i in range(3000)]
    events[500:500] = [new_histogram("h", 1, [(0.0, 1.0, 1.0)])] * 20
    whole = read_bytes(tmp_path, framed(events))
    monkeypatch.setattr("loglens.sources.eventslices.CHUNK", 5000)
    monkeypatch.setattr("loglens.sources.eventslices.HOP", 500)
    monkeypatch.setattr("loglens.sources.eventslices.MAX_RECORDS", 300)
    sliced = read_bytes(tmp_path, framed(events))
    assert points(sliced) == points(whole)
    assert len(points(whole)) == 3000
    assert isinstance(sliced.histograms, pl.DataFrame)
    assert len(sliced.histograms) == 20

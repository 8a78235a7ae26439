"""Damaged event files: nothing raises, nothing before the damage is lost, and the place is named."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from eventwriter import (
    NAME,
    by_series,
    framed,
    hparams_event,
    log_file,
    new_histogram,
    old_histogram,
    points,
    read_bytes,
    record,
    scalar,
    tensor_scalar,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loglens.sources import wire
from loglens.sources.tensorboard import read

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.sources.base import Tables

EVENTS = [
    scalar("loss", 1, 0.5),
    tensor_scalar("acc", 1, 1, tensor_content=struct.pack("<f", 0.25)),
    scalar("loss", 2, 0.25),
    new_histogram("weights", 2, [(0.0, 1.0, 3.0)]),
    tensor_scalar("acc", 2, 1, float_val=[0.5]),
    scalar("loss", 300, float("inf")),
]
SIZES = [len(framed([event])) for event in EVENTS]
ENDS = [sum(SIZES[: i + 1]) for i in range(len(SIZES))]
POINTS = [("loss", 1, 0.5), ("acc", 1, 0.25), ("loss", 2, 0.25), None, ("acc", 2, 0.5), ("loss", 300, float("inf"))]
DATA = framed(EVENTS)


def test_cut_at_every_byte(tmp_path: Path) -> None:
    for cut in range(len(DATA)):
        tables = read_bytes(tmp_path, DATA[:cut])
        whole = sum(end <= cut for end in ENDS)
        assert points(tables) == by_series(point for point in POINTS[:whole] if point)
        kinds = [(problem.kind, problem.offset) for problem in tables.problems]
        start = ENDS[whole - 1] if whole else 0
        assert kinds == ([("truncated", start)] if cut > start else [] if cut else [("skipped", 0)]), cut


def test_every_byte_flipped(tmp_path: Path) -> None:
    for place in range(len(DATA)):
        data = bytearray(DATA)
        data[place] ^= 0x41
        tables = read_bytes(tmp_path, bytes(data))
        hit = sum(end <= place for end in ENDS)
        start = ENDS[hit - 1] if hit else 0
        rest = POINTS[:hit] + POINTS[hit + 1 :]
        assert points(tables) == by_series(point for point in rest if point), place
        assert [(problem.kind, problem.offset) for problem in tables.problems] == [("corrupt", start)], place


REST = [
    old_histogram("old", 1, [0, 2], [1, 2], min=-1, max=2, num=3, sum=2, sum_squares=5),
    new_histogram("new", 1, [(0.0, 1.0, 3.0), (1.0, 2.0, 4.0)]),
    tensor_scalar("note", 2, 7, "text", string_val=[b"first"]),
    hparams_event({"lr": 0.1, "name": "adam"}),
    scalar("loss", 3, 0.5),
]
REST_ENDS = [len(framed(REST[: i + 1])) for i in range(len(REST))]


def rest_of(tables: Tables) -> list[bool]:
    """Which of REST are there, with all that they hold."""
    histograms = {} if tables.histograms is None else dict(tables.histograms.select("tag", "counts").rows())
    texts = [] if tables.texts is None else tables.texts["text"].to_list()
    hparams = {} if tables.hparams is None else dict(tables.hparams.select("name", "value").rows())
    old, new = (list(histograms.get(tag, ())) for tag in ("old", "new"))
    return [
        old == [1.0, 2.0],
        new == [3.0, 4.0],
        texts == ["first"],
        hparams == {"lr": "0.1", "name": "adam"},
        points(tables) == [("loss", 3, 0.5)],
    ]


@pytest.mark.parametrize("flip", [False, True])
def test_histograms_texts_and_hparams_damaged_at_every_byte(tmp_path: Path, flip: bool) -> None:
    data = framed(REST)
    assert rest_of(read_bytes(tmp_path, data)) == [True] * len(REST)
    for place in range(len(data)):
        hit = sum(end <= place for end in REST_ENDS)
        damaged = data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :] if flip else data[:place]
        tables = read_bytes(tmp_path, damaged)
        assert rest_of(tables) == [i != hit if flip else i < hit for i in range(len(REST))], place
        start = REST_ENDS[hit - 1] if hit else 0
        assert flip is False or [(p.kind, p.offset) for p in tables.problems] == [("corrupt", start)], place


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.binary(max_size=60))
def test_records_that_are_no_events(tmp_path: Path, payload: bytes) -> None:
    """Good checksums around any bytes: the neighbours are kept."""
    tables = read_bytes(tmp_path, record(EVENTS[0].SerializeToString()) + record(payload) + framed(EVENTS[2:3]))
    found = points(tables)
    assert found[0] == POINTS[0]
    assert found[-1] == POINTS[2]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x2a" + b"\xff" * 9 + b"\x01",  # a length that wraps around
        b"\x2a\x05\x0a\x03\x0a\x01\xff",  # a tag that is no UTF-8
        b"\x0b" * 5000,  # groups in groups
        b"\x09\x00",
    ],
)
def test_bad_events_are_named(tmp_path: Path, payload: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    first = framed(EVENTS[:1])
    tables = read_bytes(tmp_path, first + record(payload) + framed(EVENTS[2:3]))
    assert points(tables) == [POINTS[0], POINTS[2]]
    assert [(problem.kind, problem.offset) for problem in tables.problems] == [("corrupt", len(first))]
    assert "no event" in tables.problems[0].message
    assert capfd.readouterr() == ("", "")


def test_many_faults_are_counted_not_listed(tmp_path: Path) -> None:
    tables = read_bytes(tmp_path, record(b"\xff\xff") * 500 + framed(EVENTS[:1]))
    assert points(tables) == POINTS[:1]
    assert len(tables.problems) == 21
    assert "480 more" in tables.problems[-1].message


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", "skipped", "empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "unreadable", "git-LFS pointer"),
        (b"../runs/events.out.tfevents.7", "unreadable", "symbolic link"),
        (b"step,loss\n1,0.5\n" * 90, "skipped", "plain text"),
        ("Шаг и потери\n".encode() * 90, "skipped", "plain text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "corrupt", "no readable record"),
        (b"\x07\x00\xff\x00\x9c\x01\x80", "truncated", "no readable record"),
        (framed([b"\x1a\x0dbrain.Event:2"]), "skipped", "only its header"),
        (framed([b"\x22\x02ab", b"\x22\x02ab"]), "skipped", "2 records, but no scalar"),
    ],
)
def test_files_without_events(tmp_path: Path, content: bytes, kind: str, message: str) -> None:
    tables = read_bytes(tmp_path, content)
    assert tables.scalars is None
    (problem,) = tables.problems
    assert (problem.kind, problem.path) == (kind, NAME)
    assert message in problem.message


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    good = tmp_path / NAME
    good.write_bytes(DATA)
    tables = read([log_file(tmp_path / "gone"), log_file(tmp_path / "folder"), log_file(good)])
    assert [problem.kind for problem in tables.problems] == ["unreadable", "unreadable"]
    assert tables.scalars is not None
    assert tables.scalars["file"].unique().to_list() == [2]


def test_bad_hparams_are_named(tmp_path: Path) -> None:
    event = hparams_event({"lr": 0.1})
    event.summary.value[0].metadata.plugin_data.content = b"\xff\xff"
    tables = read_bytes(tmp_path, framed([event, scalar("loss", 1, 1.0)]))
    assert tables.hparams is None
    assert any(problem.kind == "corrupt" and "hyper-parameters" in problem.message for problem in tables.problems)


def test_scalar_without_a_number_is_named_and_not_zero(tmp_path: Path) -> None:
    two = tensor_scalar("two", 1, 1, tensor_content=struct.pack("<ff", 1, 2))
    absent = scalar("absent", 1, 0.0)
    absent.summary.value[0].ClearField("simple_value")
    tables = read_bytes(tmp_path, framed([two, absent, tensor_scalar("none", 1, 1), scalar("zero", 1, 0.0)]))
    assert points(tables) == [("zero", 1, 0.0)]
    assert ["'two'" in tables.problems[0].message, "'none'" in tables.problems[1].message] == [True, True]


@given(st.binary(max_size=80))
def test_looking_into_any_payload(payload: bytes) -> None:
    assert wire.useless(payload, 0, len(payload)) in (True, False)


def test_records_that_would_fill_the_memory_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of two bytes each by the hundred thousand, and payloads beyond the limit: not decoded, but said."""
    values = b"\x0a\x00" * 100_000
    crowd = record(b"\x2a\xc0\x9a\x0c" + values)
    long = framed([tensor_scalar("t", 1, 7, "text", string_val=[b"x" * 300_000])])
    monkeypatch.setattr("loglens.sources.eventslices.CROWDED", 100_000)
    monkeypatch.setattr("loglens.sources.eventslices.MAX_PAYLOAD", 250_000)
    tables = read_bytes(tmp_path, framed(EVENTS[:1]) + crowd + long + framed(EVENTS[2:3]))
    assert points(tables) == [POINTS[0], POINTS[2]]
    assert [(problem.kind, problem.offset) for problem in tables.problems] == [
        ("unreadable", SIZES[0]),
        ("unreadable", SIZES[0] + len(crowd)),
    ]

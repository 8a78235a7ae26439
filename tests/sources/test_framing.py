"""Record framing: prediction finds what walking finds, and damage is survived and placed."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from eventwriter import framed, masked, record
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.sources import framing
from loglens.sources.framing import Damage, blocks, pattern_of


def frame(data: bytes) -> tuple[list[tuple[int, int]], list[Damage]]:
    damage: list[Damage] = []
    found = [pair for b in blocks(data, damage) for pair in zip(b.starts.tolist(), b.lengths.tolist(), strict=True)]
    return found, damage


def layout(lengths: list[int]) -> list[tuple[int, int]]:
    starts = np.cumsum([0, *(length + 16 for length in lengths)])[:-1].tolist()
    return list(zip(starts, lengths, strict=True))


@settings(deadline=None, max_examples=60)
@given(
    parts=st.lists(st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(1, 200)), max_size=4)
)
def test_every_record_is_found(parts: list[tuple[list[int], int]]) -> None:
    lengths = [length for pattern, times in parts for length in pattern * times]
    assert frame(b"".join(record(bytes(length)) for length in lengths)) == (layout(lengths), [])


@pytest.mark.parametrize(
    ("lengths", "period"),
    [
        ([5] * 96, [5]),
        ([1, 2] * 48, [1, 2]),
        ([*range(30)] * 4, [*range(30)]),
        ([*range(96)], []),
        ([7, 7, 8] * 40, [7, 7, 8]),
    ],
)
def test_period(lengths: list[int], period: list[int]) -> None:
    found = framing.period(lengths)
    assert len(found) == len(period)
    assert sorted(found) == sorted(period)


def test_files_of_one_buffer_are_told_apart_and_guessed() -> None:
    one = b"".join(record(bytes(length)) for length in [3, 9, 9, 4] * 100)
    two = b"".join(record(bytes(length)) for length in [3, 9, 9, 4] * 90 + [11, 12])
    first = list(blocks(one + two, [], 0, len(one)))
    damage: list[Damage] = []
    second = list(blocks(one + two, damage, len(one), len(one + two), pattern_of(one, first)))
    assert np.concatenate([b.lengths for b in second]).tolist() == [3, 9, 9, 4] * 90 + [11, 12]
    assert len(second[0].starts) == 360  # the guess held for as long as the files are alike
    assert damage == []


@pytest.mark.parametrize("length", [1, 2**31, 2**60, 2**64 - 1])
def test_hostile_lengths_with_good_checksums(length: int) -> None:
    header = struct.pack("<Q", length)
    found, damage = frame(record(b"abc") + header + masked(header) + b"x")
    assert found == [(0, 3)]
    assert [(fault.kind, fault.offset) for fault in damage] == [("truncated", 19)]


@pytest.mark.parametrize("junk", [b"\0" * 5000, b"\xff" * 5000, bytes(range(256)) * 20, b"x"])
def test_junk_between_records(junk: bytes) -> None:
    found, damage = frame(record(b"one") + junk + record(b"two") + record(b"three"))
    assert [length for _, length in found] == [3, 3, 5]
    assert [(fault.kind, fault.offset) for fault in damage] == [("corrupt", 19)]


def test_missing_bytes_inside_a_payload_cost_one_record() -> None:
    data = framed([bytes([i]) * 50 for i in range(10)])
    found, damage = frame(data[:220] + data[240:])  # 20 bytes of the fourth payload are gone
    assert len(found) == 10
    assert [fault.kind for fault in damage] == ["corrupt"]
    assert found[-1][0] == 9 * 66 - 20


def test_nested_damage_is_given_up() -> None:
    """Thousands of bad headers in turn: a bounded number of searches, and the rest is named as not read."""
    data = (record(b"abc") + b"!") * 3000
    found, damage = frame(data)
    assert len(damage) == framing.MAX_DAMAGE + 1
    assert "not read" in damage[-1].message
    assert len(found) >= framing.MAX_DAMAGE


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    found, damage = frame(data)
    assert all(start + length + 16 <= len(data) for start, length in found)
    assert bool(damage) == (sum(length + 16 for _, length in found) != len(data))


def test_a_record_behind_zeros_is_found_and_endless_ones_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "SEARCHED", 1 << 14)
    first, zeros = record(b"one"), bytes(1 << 16)
    found, damage = frame(first + zeros + record(b"two"))
    assert found == [(0, 3), (len(first) + len(zeros), 3)]
    assert [fault.offset for fault in damage] == [len(first)]
    found, damage = frame(first + 20 * zeros + record(b"two"))
    assert found == [(0, 3)]
    assert [(fault.offset, "was not read" in fault.message) for fault in damage] == [(len(first), True)]

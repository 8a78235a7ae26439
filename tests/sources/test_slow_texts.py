"""Texts that are odd from front to back, or in one place: read in blocks, with the same result as line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textlogs import read_texts

from loglens.sources import tables
from loglens.sources.text import Piece, blocks_of

if TYPE_CHECKING:
    from loglens.sources.base import Tables

ROWS = [b"%d,%d.5" % (step, step % 7) for step in range(300)]
ODD = [b'7,"2', b"7,\0", b"7,8,9", b"7", b"# note", b"<<<<<<< HEAD", b"step,loss", b"7,many"]


def told(found: Tables) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    rows = [] if found.scalars is None else found.scalars.select("step", "value", "segment").rows()
    return rows, [(p.kind, p.message, p.offset, p.line) for p in found.problems]


@pytest.mark.parametrize("piece", [1 << 20, 1000])
def test_lines_that_end_with_a_carriage_return(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", piece)
    text = b"\r".join([b"step,loss", *ROWS, b""])
    assert told(read_texts([text])) == told(read_texts([text.replace(b"\r", b"\n")]))
    assert len(told(read_texts([text]))[0]) == 300


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(0, 299), st.sampled_from(ODD), min_size=1, max_size=5), st.booleans())
def test_odd_rows_change_nothing_around_them(odd: dict[int, bytes], ended: bool) -> None:
    lines = [odd.get(place, row) for place, row in enumerate(ROWS)]
    text = b"\n".join([b"step,loss", *lines]) + b"\n" * ended
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loglens.sources.text.BLOCK", 1 << 20)
        whole = told(read_texts([text]))
        patch.setattr("loglens.sources.text.BLOCK", 100)
        assert told(read_texts([text])) == whole


@given(st.binary(max_size=300), st.integers(1, 50))
def test_blocks_are_the_piece(data: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loglens.sources.text.BLOCK", size)
        blocks = list(blocks_of(Piece(data, 40, 7)))
    assert b"".join(block.data for block in blocks) == data
    for block in blocks:
        before = data[: block.offset - 40]
        assert block.line == 7 + before.count(b"\n")
        assert not before or before.endswith(b"\n")


def test_what_is_no_log_is_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loglens.sources.text.BLOCK", 1000)
    monkeypatch.setattr(tables, "RAGGED", 100)
    monkeypatch.setattr("loglens.sources.jsonlogs.PATIENCE", 100)
    monkeypatch.setattr("loglens.sources.jsonlogs.NAMES", 50)
    uneven = read_texts([b"step,loss\n" + b"1,2,3\n1,2,3\n1,2\n" * 5000])
    no_json = read_texts([b'{"step": 1, "loss": 2}\n' + b'{"step": 1\n' * 5000], "jsonl")
    names = read_texts([b"".join(b'{"step": %d, "k%d": 1, "l": [1]}\n' % (i, i) for i in range(500))], "jsonl")
    for found, what in ((uneven, "cells of the header"), (no_json, "JSON objects in"), (names, "more than 50 names")):
        ((kind, message, _, _),) = told(found)[1]
        assert kind == "skipped"
        assert what in message
        assert "5000" not in message


@pytest.mark.parametrize("odd", [b"", b"\n", b" \n", b"# note\n", b"x\n", b"inf\n", b"1,2\n"])
def test_a_long_table_of_one_column(odd: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"loss\n" + b"0.5\n" * 300 + odd + b"0.25\n" * 300
    slow = told(read_texts([text]))
    monkeypatch.setattr(tables, "BATCH", 100)
    monkeypatch.setattr("loglens.sources.text.BLOCK", 200)
    assert told(read_texts([text])) == slow
    assert len(slow[0]) >= 600

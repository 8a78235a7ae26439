"""Compressed logs: every format, cut, damaged, appended, and bombs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trees import events, table

from loglens.sources import packing, read
from loglens.sources.packing import expanded, is_packed, unpacked_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return bytes(sink.getvalue())


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd,
}
HEADER = "epoch,loss\n"
ROWS = "".join(f"{i},{1 / (i + 1):.6f}\n" for i in range(400))


@pytest.mark.parametrize("ending", PACK)
@given(data=st.binary(max_size=2000), sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_round_trip_in_pieces(ending: str, data: bytes, sizes: list[int]) -> None:
    stream = expanded(io.BytesIO(PACK[ending](data)))
    found = [stream.read(size) for size in sizes]
    assert all(len(part) == size for part, size in zip(found, sizes, strict=True) if part and stream.tell() < len(data))
    assert b"".join(found) + stream.read() == data
    assert stream.fault is None


@pytest.mark.parametrize("ending", PACK)
def test_a_compressed_table_is_the_table(ending: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    text = (HEADER + ROWS).encode()
    (tmp_path / "a" / "metrics.csv").write_bytes(text)
    (tmp_path / "b" / f"metrics.csv{ending}").write_bytes(PACK[ending](text))
    plain, packed = read(tmp_path / "a"), read(tmp_path / "b")
    assert packed.scalars.drop("run").equals(plain.scalars.drop("run"))
    assert packed.problems == ()
    assert packed.sources[0].path == f"metrics.csv{ending}"
    assert packed.sources[0].bytes == (tmp_path / "b" / f"metrics.csv{ending}").stat().st_size


@pytest.mark.parametrize("ending", PACK)
def test_a_compressed_event_file_is_the_event_file(ending: str, tmp_path: Path) -> None:
    events(tmp_path / "a" / "events.out.tfevents.1", ["loss", "lr"])
    plain = read(tmp_path / "a")
    raw = (tmp_path / "a" / "events.out.tfevents.1").read_bytes()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"events.out.tfevents.1{ending}").write_bytes(PACK[ending](raw))
    assert read(tmp_path / "b").scalars.drop("run").equals(plain.scalars.drop("run"))


@pytest.mark.parametrize("ending", PACK)
def test_two_streams_behind_each_other_are_one(ending: str, tmp_path: Path) -> None:
    pack = PACK[ending]
    (tmp_path / f"log.csv{ending}").write_bytes(pack(HEADER.encode()) + pack(ROWS.encode()))
    assert read(tmp_path).scalars.height == 400


@pytest.mark.parametrize("ending", [".gz", ".bz2"])
def test_very_many_streams_of_nothing_are_not_read_on(ending: str) -> None:
    stream = expanded(io.BytesIO(PACK[ending](b"") * 20_000))
    assert stream.read() == b""
    assert stream.fault is not None
    assert "next to nothing" in stream.fault.message


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("share", [0.6, 0.9, 0.999])
def test_a_cut_stream_is_truncated_and_its_begin_is_kept(ending: str, share: float) -> None:
    text = "".join(f"{i},{zlib.crc32(str(i).encode())}\n" for i in range(60_000)).encode()
    whole = PACK[ending](text)
    stream = expanded(io.BytesIO(whole[: int(len(whole) * share)]))
    found = stream.read()
    assert stream.fault is not None
    assert stream.fault.kind == "truncated"
    assert text.startswith(found)
    if ending in (".gz", ".zst"):  # the others give nothing of a block that is not whole
        assert len(found) > 0.3 * share * len(text)


@pytest.mark.parametrize("ending", PACK)
def test_every_flipped_byte_ends_in_data_or_in_a_fault(ending: str) -> None:
    text = (HEADER + ROWS).encode()
    whole = bytearray(PACK[ending](text))
    for place in range(0, len(whole), 7):
        whole[place] ^= 0xFF
        stream = expanded(io.BytesIO(bytes(whole)))
        found = stream.read()
        unseen = ending == ".zst"  # Arrow writes no checksum, so that a changed letter cannot be noticed
        assert stream.fault is not None or found == text or unseen or not is_packed(bytes(whole)), place
        assert len(found) < 300 * len(whole)
        whole[place] ^= 0xFF


def test_damage_in_a_log_is_a_problem_of_its_run(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + ROWS).encode())
    (tmp_path / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    logs = read(tmp_path)
    assert logs.scalars.height > 50
    assert {problem.kind for problem in logs.problems} == {"truncated"}
    assert {problem.run for problem in logs.problems} == set(logs.names)
    assert any("compressed data ends" in p.message and p.offset == len(whole) // 2 for p in logs.problems)


@pytest.mark.parametrize("ending", PACK)
def test_a_bomb_is_named_before_it_goes_off(ending: str) -> None:
    bomb = PACK[ending](b"1,1\n" * (12 << 20))
    stream = expanded(io.BytesIO(bomb))
    found = stream.read()
    assert stream.fault is not None
    assert stream.fault.kind == "unreadable"
    assert "200 times" in stream.fault.message
    assert len(found) < 32 << 20


def test_more_than_the_limit_is_not_read() -> None:
    stream = expanded(io.BytesIO(gzip.compress(bytes(range(256)) * 100)), limit=1000)
    assert len(stream.read()) == 1000
    assert stream.fault is not None
    assert "the rest was not read" in stream.fault.message


def test_a_bomb_in_a_tree_is_a_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"step,loss\n" + b"1,1\n" * (9 << 20)))
    table(tmp_path / "run" / "log.csv")
    logs = read(tmp_path)
    assert "run" in logs.names
    assert [p.kind for p in logs.problems if "200 times" in p.message] == ["unreadable"]


def test_a_name_that_promises_compression_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "log.csv.gz").write_text(HEADER + ROWS)
    assert read(tmp_path).scalars.height == 400


def test_zeros_behind_a_stream_are_padding_and_other_bytes_damage() -> None:
    whole = gzip.compress(b"text")
    assert expanded(io.BytesIO(whole + bytes(512))).fault is None
    stream = expanded(io.BytesIO(whole + b"more"))
    assert stream.read() == b"text"
    assert stream.fault is not None
    assert stream.fault.kind == "corrupt"


def test_a_copy_beside_the_file_is_not_read_twice(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(HEADER + ROWS)
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress((HEADER + ROWS).encode()))
    logs = read(tmp_path)
    assert len(logs.names) == 1
    assert [(p.path, p.kind) for p in logs.problems] == [("log.csv.gz", "skipped")]


@pytest.mark.parametrize(("name", "plain"), [("a.csv.gz", "a.csv"), ("a.GZ", "a"), (".gz", ".gz"), ("a.csv", "a.csv")])
def test_names(name: str, plain: str) -> None:
    assert unpacked_name(name) == plain


def test_xz_takes_little_memory() -> None:
    """A filter that asks for 1 GB of dictionary is refused."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30, "preset": 0}]
    head = lzma.compress(b"x", filters=filters)
    stream = expanded(io.BytesIO(head))
    stream.read()
    assert stream.fault is not None
    assert packing._XZ_MEMORY < 1 << 30


@pytest.mark.parametrize("rows", [3, 20_000])
def test_a_wrong_checksum_at_the_end_loses_nothing(rows: int, tmp_path: Path) -> None:
    text = "epoch,loss\n" + "".join(f"{i},{1 / (i + 1):.6f}\n" for i in range(rows))
    packed = gzip.compress(text.encode())
    (tmp_path / "metrics.csv.gz").write_bytes(packed[:-8] + bytes(4) + packed[-4:])
    found = read(tmp_path)
    assert found.scalars.height == rows
    ((kind, message),) = [(p.kind, p.message) for p in found.problems]
    assert kind == "corrupt"
    assert "incorrect data check" in message


def test_nothing_unpacked_is_not_called_empty(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv.gz").write_bytes(gzip.compress(HEADER.encode())[:9] + b"\xff" * 50)
    (tmp_path / "run.csv").write_text(HEADER + ROWS)
    (problem,) = read(tmp_path).problems
    assert problem.kind == "corrupt"


@pytest.mark.parametrize(("line", "whole"), [(b"1,2\n", False), (b"10000,0.5\n", True)])
def test_endless_short_lines_are_no_log(line: bytes, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LINES", 1000)
    stream = expanded(io.BytesIO(gzip.compress(line * 500_000)))
    assert (len(stream.read()) == 500_000 * len(line)) is whole
    assert (stream.fault is None) is whole

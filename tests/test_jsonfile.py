"""JSON files that people name: bounded, and every fault a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loglens.jsonfile import HEAD, JsonFileError, read_object

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1, column 1: not JSON"),
        (b"{\n  1", "line 2, column 3: not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": ' * 100_000, "not JSON that can be read"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON that can be read"),
        (b"\0" * (HEAD + 1), "not JSON that begins with {"),
        (b'{"a": "' + b"x" * 2000_000, "larger than 1 MB"),
    ],
)
def test_what_cannot_be_read_is_one_line(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(JsonFileError) as caught:
        read_object(tmp_path / "a.json", 1 << 20)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_an_end_is_left_early(tmp_path: Path) -> None:
    with (tmp_path / "sparse.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(JsonFileError, match="not JSON that begins with"):
        read_object(tmp_path / "sparse.json", 1 << 20)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_object(tmp_path / "a.json", 1 << 20) == {"a": 1}

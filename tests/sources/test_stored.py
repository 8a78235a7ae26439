"""Bytes of a file at any place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from loglens.sources.stored import Stored

if TYPE_CHECKING:
    from pathlib import Path


def test_threads_share_an_open_file(tmp_path: Path) -> None:
    data = bytes(place * place % 251 for place in range(200_000))
    path = tmp_path / "some"
    path.write_bytes(data)
    stored = Stored(str(path))

    def each(first: int) -> bool:
        view = bytearray(5000)
        return all(
            stored[at : at + 5000] == data[at : at + 5000]
            and stored[at] == data[at]
            and stored.into(memoryview(view), at) == 5000
            and view == data[at : at + 5000]
            for at in range(first, 190_000, 997)
        )

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(each, range(8)))

"""Why a file that is named like an event file is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loglens.sources.framing import Damage, length_at

if TYPE_CHECKING:
    from loglens.sources.framing import Bytes

LFS = b"version https://git-lfs"


def no_events(buffer: Bytes | memoryview) -> Damage | None:
    """Why a file is no event file at all, judged by its beginning."""
    if not len(buffer):
        return Damage("skipped", 0, "empty file (0 bytes)")
    if length_at(buffer, 0) is not None:
        return None
    head = bytes(buffer[:512])
    if head.startswith(LFS):
        return Damage("unreadable", 0, "git-LFS pointer: the events themselves were not fetched (git lfs pull)")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8")
    if not all(char.isprintable() or char in "\r\n\t" for char in text):
        return None
    if len(buffer) < 512 and "/" in text and len(text.split()) == 1:
        return Damage("unreadable", 0, f"symbolic link checked out as text, to {text.strip()[:200]!r}")
    return Damage("skipped", 0, "not an event file: plain text")

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loglens.sources.base import LogFile
from loglens.sources.places import head


def _log(path: Path) -> LogFile:
    return LogFile(str(path), path.name, 9, "text")


@pytest.mark.skipif(not Path("/proc/version").is_file(), reason="no files of the kernel here")
def test_a_file_that_the_kernel_makes_up_is_empty() -> None:
    assert head(_log(Path("/proc/version")), 99) == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.log")
    with pytest.raises(OSError, match="regular"):
        head(_log(tmp_path / "train.log"), 99)

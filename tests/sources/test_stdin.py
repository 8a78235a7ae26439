"""Standard input: whole, compressed, cut, closed, endless."""

from __future__ import annotations

import gzip
import io
import json
import sys

import pytest

from loglens import cli
from loglens.errors import LoglensError
from loglens.sources import read, stdin

ROWS = "".join(f"{i},{1 / (i + 1):.4f}\n" for i in range(50))
INPUTS = {
    "csv": ("epoch,loss\n" + ROWS).encode(),
    "jsonl": "".join(json.dumps({"step": i, "loss": 1 / (i + 1)}) + "\n" for i in range(50)).encode(),
}


def _give(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("form", INPUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_whole(form: str, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    _give(gzip.compress(INPUTS[form]) if packed else INPUTS[form], monkeypatch)
    logs = read("-")
    assert logs.names == ("stdin",)
    assert [(s.path, s.format, s.points) for s in logs.sources] == [("stdin", form, 50)]
    assert logs.problems == ()


@pytest.mark.parametrize("form", INPUTS)
def test_cut(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _give(INPUTS[form][:-4], monkeypatch)
    logs = read("-")
    assert logs.scalars.height == 49
    assert [(p.path, p.kind, p.line) for p in logs.problems] == [("stdin", "truncated", 51 if form == "csv" else 50)]


def test_cut_while_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(INPUTS["csv"])
    _give(packed[: len(packed) * 2 // 3], monkeypatch)
    logs = read("-")
    assert 10 < logs.scalars.height < 50
    assert {p.kind for p in logs.problems} == {"truncated"}


@pytest.mark.parametrize(
    "command", [["analyze", "-", "--format", "json"], ["inspect", "-"], ["export", "-", "-o", "x.csv"]]
)
def test_every_command_reads_it(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    _give(INPUTS["jsonl"], monkeypatch)
    assert cli.run(command) == 0
    said = capsys.readouterr()
    assert "stdin" in said.out or "50 rows" in said.err


def test_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(LoglensError, match="standard input is closed"):
        read("-")


def test_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdin, "LIMIT", 100)
    _give(INPUTS["csv"], monkeypatch)
    with pytest.raises(LoglensError, match="write them to a file"):
        read("-")

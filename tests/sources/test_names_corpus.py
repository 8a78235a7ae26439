"""Roles on logs that other people's trainings wrote, read as users read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path


def _family(role: str | None) -> str:
    return (role or "").partition(":")[0]


@pytest.mark.parametrize("part", ["labelled", "real"])
def test_labelled_roles(corpus: Path, part: str) -> None:
    rows = read([str(corpus / part)]).metrics.select("run", "name", "tag", "role").rows()
    labels = [json.loads(line) for line in (corpus / part / "labels.jsonl").read_text().splitlines()]
    right, wrong = 0, []
    for label in labels:
        own = [row for row in rows if f"{row[0]}/".startswith(f"{label['run']}/")]
        for key, role in label.get("roles", {}).items():
            name = key.rpartition("::")[2]
            found = {_family(r) for _, n, tag, r in own if name in (n, tag) or name.endswith(f"/{n}")}
            if found and _family(role) not in found:
                wrong.append((label["run"], key, role, found))
            right += _family(role) in found
    assert not wrong
    assert right > 250

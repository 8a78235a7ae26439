"""Folders that might join travel together, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trees import plant

from loglens.sources.discover import discover
from loglens.sources.families import batches

if TYPE_CHECKING:
    from pathlib import Path

E1 = "events.out.tfevents.1"

FAMILIES: dict[str, tuple[dict[str, str], list[str]]] = {
    "siblings": ({f"a/{E1}": "events: loss", f"b/{E1}": "events: loss"}, ["a", "b"]),
    "splits side by side": ({f"a/train/{E1}": "events: loss", f"a/val/{E1}": "events: loss"}, ["a"]),
    "a lone split": ({f"a/train/{E1}": "events: loss", f"b/train/{E1}": "events: loss"}, ["a/train", "b/train"]),
    "a split below event files": ({f"a/{E1}": "events: lr", f"a/val/{E1}": "events: loss"}, ["a"]),
    "add_scalars": ({f"a/{E1}": "events: lr", f"a/Loss_x/{E1}": "events: Loss"}, ["a"]),
    "add_scalars below a split": (
        {f"a/train/{E1}": "events: l", f"a/val/{E1}": "events: l", f"a/val/Loss_x/{E1}": "events: Loss"},
        ["a"],
    ),
    "hparams": ({f"a/{E1}": "events: lr", f"a/h/{E1}": "hparams"}, ["a"]),
    "a stray event file above": (
        {E1: "events: lr", **{f"run_{i}/{E1}": "events: loss" for i in range(3)}},
        ["", "run_0", "run_1", "run_2"],
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str, tmp_path: Path) -> None:
    tree, expected = FAMILIES[name]
    plant(tmp_path, tree)
    assert [family.folder for family in discover([str(tmp_path)]).families] == expected


@pytest.mark.parametrize(
    ("batch_bytes", "batch_folders", "sizes"),
    [(10**9, 300, [8]), (10**9, 3, [3, 3, 2]), (1, 300, [2, 1, 2, 1, 2]), (10**9, 1, [2, 1, 2, 1, 2])],
)
def test_batches_hold_whole_families(batch_bytes: int, batch_folders: int, sizes: list[int], tmp_path: Path) -> None:
    plant(tmp_path, {f"{run}/{split}/{E1}": "events: loss" for run in "ace" for split in ("train", "val")})
    plant(tmp_path, {f"{run}/{E1}": "events: loss" for run in "bd"})
    families = discover([str(tmp_path)]).families
    found = list(batches(families, batch_bytes=batch_bytes, batch_folders=batch_folders))
    assert [len(batch) for batch in found] == sizes
    assert [file for batch in found for file in batch] == [file for family in families for file in family.files]

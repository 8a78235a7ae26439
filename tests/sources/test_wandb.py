"""The reader of `.wandb` files: values, nesting, configuration, fragments, padding, damage."""

from __future__ import annotations

import math
import random
import struct
from typing import TYPE_CHECKING

import pytest
import wandbwriter as writer

from loglens.sources import wandb
from loglens.sources.base import LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Problem
    from loglens.sources.base import Tables

STEPS = 40
RECORDS = [
    writer.run({"lr": 0.1, "opt": {"name": "adam", "betas": [0.9, 0.99]}, "_wandb": {"t": 1}, "amp": True, "no": None}),
    *(
        writer.history(
            {("loss",): 1 / (step + 1), ("val", "acc"): step / 40, "_step": step, "_timestamp": 1.7e9 + step}
        )
        for step in range(STEPS)
    ),
    writer.output(100),
    writer.late_config({"lr": 0.2}),
]


def read(tmp_path: Path, data: bytes) -> Tables:
    path = tmp_path / "run.wandb"
    path.write_bytes(data)
    return wandb.read([LogFile(str(path), "run.wandb", len(data), "wandb")])


def curve(found: Tables, tag: str) -> list[float]:
    assert found.scalars is not None
    return found.scalars.filter(found.scalars["tag"].cast(str) == tag)["value"].to_list()


def places(found: Tables) -> list[tuple[str, int | None]]:
    return [(problem.kind, problem.offset) for problem in found.problems]


def test_every_value_arrives_with_step_and_time(tmp_path: Path) -> None:
    found = read(tmp_path, writer.framed(RECORDS))
    assert found.problems == []
    assert curve(found, "loss") == [1 / (step + 1) for step in range(STEPS)]
    assert curve(found, "val/acc") == [step / 40 for step in range(STEPS)]
    assert found.scalars is not None
    loss = found.scalars.filter(found.scalars["tag"].cast(str) == "loss")
    assert loss["step"].to_list() == list(range(STEPS))
    assert loss["wall_time"].to_list() == [1.7e9 + step for step in range(STEPS)]
    assert set(found.scalars["tag"].cast(str)) == {"loss", "val/acc"}


def test_the_last_configuration_counts_and_the_client_s_own_notes_do_not(tmp_path: Path) -> None:
    found = read(tmp_path, writer.framed(RECORDS))
    assert found.hparams is not None
    told = {name: (value, number) for _, name, value, number in found.hparams.iter_rows()}
    assert told == {
        "lr": ("0.2", 0.2),
        "opt/name": ("adam", None),
        "opt/betas": ("[0.9, 0.99]", None),
        "amp": ("true", None),
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"NaN"', math.nan),
        ("1e-320", 1e-320),
        ("123456789012345678", 1.2345678901234568e17),
        ("true", None),
        ("null", None),
        ('"text"', None),
        ("[1]", None),
        ("", None),
    ],
)
def test_what_a_value_may_be(text: str, value: float | None, tmp_path: Path) -> None:
    record = writer.field(2, writer.field(1, writer.item("x", text)) + writer.field(1, writer.item("loss", "1")))
    found = read(tmp_path, writer.framed([record]))
    assert curve(found, "loss") == [1.0]
    assert list(map(repr, curve(found, "x"))) == ([] if value is None else [repr(value)])


def test_objects_of_older_clients_are_taken_apart_and_media_left_out(tmp_path: Path) -> None:
    values = {"gan": {"g": {"loss": 2}, "note": "x"}, "image": {"_type": "image-file", "size": 3}}
    found = read(tmp_path, writer.framed([writer.history(values, step=step) for step in range(3)]))
    assert curve(found, "gan/g/loss") == [2.0] * 3
    assert found.scalars is not None
    assert set(found.scalars["tag"].cast(str)) == {"gan/g/loss"}
    assert found.scalars["step"].to_list() == [0, 1, 2]  # of the record itself, where no `_step` was logged


def test_of_a_name_logged_twice_in_one_record_the_last_counts(tmp_path: Path) -> None:
    items = writer.field(1, writer.item("loss", "1")) + writer.field(1, writer.item("loss", "2"))
    assert curve(read(tmp_path, writer.framed([writer.field(2, items)])), "loss") == [2.0]


def test_records_cut_into_fragments_and_padded_blocks(tmp_path: Path) -> None:
    rng = random.Random(1)
    records = [
        part for step in range(300) for part in (writer.output(rng.randrange(3000)), writer.history({"loss": step}))
    ]
    data = writer.framed([*records, writer.output(200_000), writer.history({"loss": 300})])
    assert len(data) > 15 * writer.BLOCK
    found = read(tmp_path, data + bytes(-len(data) % writer.BLOCK + 3 * writer.BLOCK))
    assert found.problems == []
    assert curve(found, "loss") == list(range(301))


# --- files without curves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", "skipped", "empty file"),
        (writer.HEADER, "skipped", "nothing in its history"),
        (writer.framed([writer.output(10)]), "skipped", "nothing in its history"),
        (writer.framed([writer.history({"_runtime": 1, "_step": 0})]), "skipped", "nothing in its history"),
        (b":W&", "truncated", "inside its header"),
        (b"version https://git-lfs.github.com/spec/v1\n", "unreadable", "git-LFS"),
    ],
)
def test_files_without_curves_are_named(data: bytes, kind: str, message: str, tmp_path: Path) -> None:
    found = read(tmp_path, data)
    assert found.scalars is None
    assert [(problem.kind, message in problem.message) for problem in found.problems] == [(kind, True)]


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    found = wandb.read([LogFile(str(tmp_path / "gone.wandb"), "gone.wandb", 1, "wandb")])
    assert [problem.kind for problem in found.problems] == ["unreadable"]


# --- damage -----------------------------------------------------------------------------------------------------------


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """What stands before the cut arrives; a cut inside a record is told with its place."""
    parts = [writer.framed([record])[7:] for record in RECORDS[:6]]
    data = writer.framed(RECORDS[:6])
    ends = [7 + sum(map(len, parts[:count])) for count in range(len(parts) + 1)]
    for size in range(8, len(data)):
        found = read(tmp_path, data[:size])
        whole = max(count for count, end in enumerate(ends) if end <= size)
        assert len(curve(found, "loss") if found.scalars is not None else []) == max(0, whole - 1)
        cut = [problem for problem in found.problems if problem.kind == "truncated"]
        assert [problem.offset for problem in cut] == ([] if size in ends else [ends[whole]])


def test_a_damaged_record_costs_itself_only(tmp_path: Path) -> None:
    data = bytearray(writer.framed(RECORDS))
    place = data.index(b"0.125")  # the accuracy of step 5
    data[place] ^= 1
    found = read(tmp_path, bytes(data))
    assert curve(found, "loss") == [1 / (step + 1) for step in range(STEPS) if step != 5]
    (problem,) = found.problems
    assert problem.kind == "corrupt"
    assert problem.offset is not None
    assert 0 < place - problem.offset < 100


def test_a_record_that_lost_a_fragment_is_told_once(tmp_path: Path) -> None:
    data = bytearray(writer.framed([writer.history({"loss": 1}), writer.output(120_000), writer.history({"loss": 2})]))
    data[2 * writer.BLOCK + 100] ^= 1
    found = read(tmp_path, bytes(data))
    assert curve(found, "loss") == [1.0, 2.0]
    assert places(found) == [("corrupt", 2 * writer.BLOCK)]


def test_zeros_in_the_middle_are_told_and_zeros_at_the_end_are_not(tmp_path: Path) -> None:
    data = writer.framed(RECORDS)
    data += bytes(-len(data) % writer.BLOCK)
    behind = writer.framed(RECORDS)[7:]
    found = read(tmp_path, data + bytes(writer.BLOCK) + behind)
    assert len(curve(found, "loss")) == 2 * STEPS
    assert [problem.kind for problem in found.problems] == ["corrupt"]
    assert "zeros" in found.problems[0].message


def test_an_undecodable_record_is_named_with_its_place(tmp_path: Path) -> None:
    bad = writer.field(2, b"\x0a\xff\xff")
    data = writer.framed([writer.history({"loss": 1}), bad, writer.history({"loss": 2})])
    found = read(tmp_path, data)
    assert curve(found, "loss") == [1.0, 2.0]
    assert places(found) == [("corrupt", data.index(bad) - 7)]


def test_a_record_of_a_million_empty_values_is_not_decoded(tmp_path: Path) -> None:
    data = writer.framed([writer.field(2, b"\x0a\x00" * 1_000_000), writer.history({"loss": 1})])
    found = read(tmp_path, data)
    assert curve(found, "loss") == [1.0]
    assert [("values" in problem.message, problem.offset) for problem in found.problems] == [(True, 7)]


def test_random_damage_never_raises(tmp_path: Path) -> None:
    data = writer.framed([*RECORDS, writer.output(70_000), *RECORDS])
    rng = random.Random(7)
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(rng.choice([1, 3, 50])):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        at = rng.randrange(len(broken))
        if rng.random() < 0.3:
            del broken[at : at + rng.randrange(1, 2000)]
        found = read(tmp_path, bytes(broken))
        assert found.problems or found.scalars is not None
        _lie_inside(found.problems, len(broken))


def test_headers_that_promise_much_cost_little(tmp_path: Path) -> None:
    """Every byte may begin a fragment whose checksum has to be looked at."""
    block = struct.pack("<IHB", 1, 30_000, 1) * (writer.BLOCK // 7)
    found = read(tmp_path, writer.HEADER + block * 20)
    assert found.scalars is None
    assert all(problem.kind in ("corrupt", "truncated") for problem in found.problems)


def _lie_inside(problems: list[Problem], size: int) -> None:
    assert all(problem.offset is None or 0 <= problem.offset <= size for problem in problems)


# --- as others find them ----------------------------------------------------------------------------------------------


def test_real_files(corpus: Path) -> None:
    """The values of a run that ended without an exit record; one that logged nothing."""
    root = corpus / "real"
    path = next((root / "wandb_binary_cs7643").rglob("*.wandb"))
    found = wandb.read([LogFile(str(path), path.name, path.stat().st_size, "wandb")])
    assert found.problems == []
    assert len(curve(found, "train/loss")) == 13
    assert len(curve(found, "eval/loss")) == 12
    assert curve(found, "train/loss")[0] == 0.741
    empty = next((root / "detectron2_textlog_wandb").rglob("*.wandb"))
    found = wandb.read([LogFile(str(empty), empty.name, empty.stat().st_size, "wandb")])
    assert [problem.kind for problem in found.problems] == ["skipped"]

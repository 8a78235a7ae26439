"""A text log beside a log for machines: one run, no curve twice, nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trees import events, plant, table

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.model import Logs

LOG = "".join(f"epoch {i} | loss: {1 / (i + 1):.2f} | val_loss: {1 / (i + 2):.2f}\n" for i in range(12))
MORE = "".join(f"epoch {i} | loss: {1 / (i + 1):.2f} | grad norm: {i}.5\n" for i in range(12))
FINE = "".join(f"step {i} loss: {1 / (i + 1):.2f}\n" for i in range(100))


def tags(logs: Logs) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for run, tag in logs.metrics.select("run", "tag").iter_rows():
        out.setdefault(run, set()).add(tag)
    return out


def said(logs: Logs) -> dict[str, str]:
    return {problem.path: problem.message for problem in logs.problems}


def test_a_log_that_repeats_a_table_is_not_used(tmp_path: Path) -> None:
    plant(tmp_path, {"a/progress.csv": "csv: epoch,loss,val_loss", "a/log.txt": LOG})
    logs = read(tmp_path)
    assert tags(logs) == {"a": {"loss", "val_loss"}}
    assert said(logs) == {"a/log.txt": "a text log that repeats progress.csv, which counts instead"}
    assert [source.path for source in logs.sources] == ["a/progress.csv"]
    assert logs.scalars.height == 24


def test_roles_tell_a_repetition_where_names_differ(tmp_path: Path) -> None:
    events(tmp_path / "a/events.out.tfevents.1", ["train/loss", "validation/loss"])
    plant(tmp_path, {"a/train.log": LOG})
    assert tags(read(tmp_path)) == {"a": {"train/loss", "validation/loss"}}


def test_what_only_the_text_has_stays(tmp_path: Path) -> None:
    plant(tmp_path, {"a/progress.csv": "csv: epoch,loss,val_loss", "a/log.txt": MORE})
    logs = read(tmp_path)
    assert tags(logs) == {"a": {"loss", "val_loss", "grad norm"}}
    assert {source.path for source in logs.sources} == {"a/progress.csv", "a/log.txt"}
    assert said(logs) == {}


def test_a_finer_curve_in_the_text_stays(tmp_path: Path) -> None:
    plant(tmp_path, {"a/progress.csv": "csv: epoch,loss,val_loss", "a/log.txt": FINE})
    assert tags(read(tmp_path)) == {"a": {"progress.csv::loss", "log.txt::loss", "val_loss"}}


def test_damage_of_a_log_that_is_not_used_does_not_count(tmp_path: Path) -> None:
    plant(tmp_path, {"a/progress.csv": "csv: epoch,loss,val_loss", "a/log.txt": LOG + "epoch 12 | loss: 0.0"})
    assert [problem.kind for problem in read(tmp_path).problems] == ["skipped"]


def test_two_printed_copies_beside_a_table_are_no_runs_of_their_own(tmp_path: Path) -> None:
    plant(tmp_path, {"a/progress.csv": "csv: epoch,loss,val_loss", "a/log.txt": LOG, "a/nohup.out": LOG})
    assert tags(read(tmp_path)) == {"a": {"loss", "val_loss"}}


def test_tables_that_are_runs_by_themselves_take_the_log_of_their_name(tmp_path: Path) -> None:
    plant(tmp_path, {"b.log": LOG, "c.log": LOG})
    for name in "abd":
        table(tmp_path / f"{name}.csv")
    assert sorted(read(tmp_path).names) == ["a.csv", "b.csv", "c.log", "d.csv"]


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        ({"a/train.log": LOG}, ["a"]),
        ({"a/one.log": LOG, "a/two.log": LOG}, ["a/one.log", "a/two.log"]),
        ({"a/out.log": LOG, "a/err.log": "nothing but words\n"}, ["a"]),
        ({"a/out.log": LOG, "b/log.csv": "csv: epoch,loss"}, ["a", "b"]),
    ],
)
def test_text_logs_by_themselves_are_runs(tree: dict[str, str], names: list[str], tmp_path: Path) -> None:
    plant(tmp_path, tree)
    assert sorted(read(tmp_path).names) == names


def test_output_that_wandb_keeps_belongs_to_its_run(tmp_path: Path) -> None:
    folder = "wandb/run-20230119_173709-2szc3kn0"
    plant(tmp_path, {f"{folder}/files/output.log": MORE, f"{folder}/files/wandb-history.jsonl": "jsonl: loss"})
    logs = read(tmp_path)
    assert tags(logs) == {folder: {"loss", "grad norm"}}
    assert {source.path for source in logs.sources} == {
        f"{folder}/files/output.log",
        f"{folder}/files/wandb-history.jsonl",
    }


def test_real_runs_keep_their_curves_and_lose_the_copies(corpus: Path) -> None:
    for name, kept in (("baselines_her_progress", 8), ("diffusion_diffuseq", 30), ("stylegan2ada_stats", 70)):
        logs = read(corpus / "real" / name)
        assert len(logs.names) == 1
        assert logs.metrics.height >= kept
        assert [path.rpartition("/")[2] for path in said(logs)] == ["log.txt"]

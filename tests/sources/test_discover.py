"""Walking trees, friendly and hostile."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from trees import events, plant, table

from loglens.errors import LoglensError
from loglens.sources.discover import discover

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.sources.discover import Discovery

STATE = '{"best_metric": null, "log_history": []}'

# name: (content, format or the reason for the skip or None when it is passed over)
CLAIMS: dict[str, tuple[str, str | None]] = {
    "log.csv": ("a", "csv"),
    "LOG.CSV": ("a", "csv"),
    "error.tsv": ("a", "csv"),
    "m.jsonl": ("", "jsonl"),
    "m.ndjson": ("", "jsonl"),
    "history.json": ("{}", "json"),
    "events.out.tfevents": ("", "tensorboard"),
    "events.out.tfevents.1.host.profile-empty": ("", "tensorboard"),
    "events.out.tfevents.1.csv": ("", "csv"),
    "log": ('[\n{"epoch": 1}\n]', "json"),
    "log.txt": ('{"loss": 1}\n{"loss": 2}\n', "jsonl"),
    "one.txt": ('{"loss": 1}\n', "jsonl"),
    "bom.txt": ('\ufeff{"loss": 1}\n', "jsonl"),
    "lists.txt": ('{"loss": [1, 2], "acc": [3, 4]}', "json"),
    "pretty.txt": ('{\n  "loss": [1, 2]\n}', "json"),
    "nvlog": ('DLLL {"step": 1}\n', "jsonl"),
    "long.log": ('{"text": "' + "x" * 20_000 + '"}\n', "jsonl"),
    "__init__.py": (STATE, "json"),
    "state.bak": (STATE, "json"),
    "module.py": ('{"loss": 1}\n', None),
    "train.log": ("[2024-01-01 00:00:00] loss 1\n", "text"),
    "slurm-1.out": ("loss 1\n", "text"),
    "progress.txt": ("epoch,loss\n1,0.5\n2,0.25\n", "csv"),
    "notes": ("loss 1\n" * 3, "text"),
    "table.txt": ("epoch  train_loss  accuracy\n0  2.05  0.7\n1  1.81  0.7\n", "text"),
    "words.txt": ("epoch and loss\nwere written down\n", None),
    "python.txt": ("{'loss': 1}\n", None),
    "metrics.txt": ("{'loss': 1}\n", "text"),
    "metrics/f1": ("1 0.3 0\n", "text"),
    "empty.log": ("", "empty file"),
    "train_log": ("\0\1\2", "binary file of an unknown format"),
    "LICENSE": ("text", None),
    "requirements.txt": ("polars", None),
    "config.json": ("{}", "settings, not a training log"),
    "tokenizer_config.json": ("{}", "settings, not a training log"),
    "model.safetensors.index.json": ("{}", "settings, not a training log"),
    "wandb-summary.json": ("{}", "last values only, no course over the steps"),
    "run-1.wandb": ("", "wandb"),
    "mlflow.db": ("no database", "text"),
    "old.db": ("\0", "binary file of an unknown format"),
    "log.csv.gz": ("", "csv"),
    "model.csv.lz4": ("", "compressed: unpack it first"),
    "hparams.yaml": ("", None),
    "model.pt": ("", None),
    "figure.png": ("", None),
    ".metrics.csv": ("a", None),
    "._events.out.tfevents.1": ("a", None),
    ".git/log.csv": ("a", None),
    "node_modules/x/log.csv": ("a", None),
    ".venv/x/log.csv": ("a", None),
}


def _formats(found: Discovery) -> dict[str, str]:
    return {file.name: file.format for family in found.families for file in family.files}


def _reasons(found: Discovery) -> dict[str, str]:
    return {problem.path: problem.message for problem in found.problems}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims(name: str, tmp_path: Path) -> None:
    content, expected = CLAIMS[name]
    plant(tmp_path, {name: content})
    found = discover([str(tmp_path)])
    said = _formats(found) | _reasons(found)
    assert said == ({} if expected is None else {name: expected})
    assert all(problem.kind == "skipped" for problem in found.problems)


LOSSES = "".join(f"epoch {i} loss: 0.{i}\n" for i in range(9))
BYTES = {
    "marked.log": (("\ufeff" + LOSSES).encode("utf-16-le"), "text"),
    "unmarked.txt": (LOSSES.encode("utf-16-be"), "text"),
    "records.out": (("\ufeff" + '{"loss": 1}\n' * 3).encode("utf-16-le"), "jsonl"),
    "zeros_at_the_end.log": (LOSSES.encode() + bytes(900), "text"),
    "zeros_between.log": (LOSSES.encode() + bytes(3000) + LOSSES.encode(), "text"),
    "zeros.log": (bytes(5000) + b"\n", "binary file of an unknown format"),
    "binary.log": (bytes(range(256)) * 9, "binary file of an unknown format"),
}


@pytest.mark.parametrize("name", BYTES)
def test_claims_of_texts_with_zeros(name: str, tmp_path: Path) -> None:
    data, expected = BYTES[name]
    (tmp_path / name).write_bytes(data)
    found = discover([str(tmp_path)])
    assert _formats(found) | _reasons(found) == {name: expected}


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("config.json", "{}", "json"),
        ("data.dat", "epoch,loss\n1,2\n", "csv"),
        ("data.dat", '{"loss": 1}\n{"loss": 1}\n', "jsonl"),
    ],
)
def test_a_file_that_is_asked_for_is_read_whatever_its_name(name: str, content: str, form: str, tmp_path: Path) -> None:
    plant(tmp_path, {name: content})
    assert _formats(discover([str(tmp_path / name)])) == {name: form}


def test_an_event_file_is_known_by_its_first_record(tmp_path: Path) -> None:
    events(tmp_path / "renamed.bin", ["loss"])
    assert _formats(discover([str(tmp_path / "renamed.bin")])) == {"renamed.bin": "tensorboard"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("rnus/a", "did you mean runs?"),
        ("runs/alhpa", "did you mean runs/alpha?"),
        ("zzz", "no such file or folder"),
        ("runs/*.nothing", "matches nothing"),
        ("http://host/x", "cannot be opened: a path, file:// or one of s3://"),
        ("s3:///x", "no bucket named"),
        ("file://host/x", "an absolute path"),
        ("-", "standard input"),
        ("", "an empty path"),
        ("a\0b", "NUL"),
    ],
)
def test_paths_that_lead_nowhere(path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"runs/alpha/log.csv": "csv: epoch,loss"})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LoglensError) as caught:
        discover([path])
    text = str(caught.value)
    assert message in text
    assert path.split("\0")[0] in text
    assert "\n" not in text


def test_no_path_at_all() -> None:
    with pytest.raises(LoglensError, match="no path"):
        discover([])


@pytest.mark.parametrize("glob", ["*.csv", "b", "a/deep", "a/*/log.csv", "b/"])
def test_exclude(glob: str, tmp_path: Path) -> None:
    plant(tmp_path, dict.fromkeys(("a/log.csv", "a/deep/log.csv", "b/log.csv"), "csv: epoch,loss"))
    left = {
        "*.csv": set(),
        "b": {"a/log.csv", "a/deep/log.csv"},
        "a/deep": {"a/log.csv", "b/log.csv"},
        "a/*/log.csv": {"a/log.csv", "b/log.csv"},
        "b/": {"a/log.csv", "a/deep/log.csv"},
    }
    assert set(_formats(discover([str(tmp_path)], exclude=[glob]))) == left[glob]
    assert set(_formats(discover([str(tmp_path / "a"), str(tmp_path / "b")], exclude=[glob]))) == left[glob]


def test_a_file_larger_than_allowed_is_named(tmp_path: Path) -> None:
    plant(tmp_path, {"big.csv": "x" * 100, "small.csv": "x"})
    found = discover([str(tmp_path)], max_file_bytes=50)
    assert _formats(found) == {"small.csv": "csv"}
    assert [(p.path, p.kind) for p in found.problems] == [("big.csv", "unreadable")]


# --- hostile trees ----------------------------------------------------------------------------------------------------


def test_loops_of_links_end(tmp_path: Path) -> None:
    table(tmp_path / "a/log.csv")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/self").symlink_to(tmp_path / "a/self")
    (tmp_path / "latest").symlink_to("a")
    for follow in (False, True):
        assert _formats(discover([str(tmp_path)], follow_symlinks=follow)) == {"a/log.csv": "csv"}
    assert _formats(discover([f"{tmp_path}/**/*.csv"])) == {"a/log.csv": "csv"}


def test_links_that_lead_outside_are_said_and_followed_only_on_demand(tmp_path: Path) -> None:
    table(tmp_path / "out/x/log.csv")
    table(tmp_path / "tree/a/log.csv")
    (tmp_path / "tree/b").symlink_to(tmp_path / "out")
    (tmp_path / "tree/c.csv").symlink_to(tmp_path / "out/x/log.csv")
    (tmp_path / "tree/gone.csv").symlink_to(tmp_path / "tree/nowhere")
    found = discover([str(tmp_path / "tree")])
    assert set(_formats(found)) == {"a/log.csv"}
    assert set(_reasons(found)) == {"b", "c.csv", "gone.csv"}
    followed = discover([str(tmp_path / "tree")], follow_symlinks=True)
    assert set(_formats(followed)) == {"a/log.csv", "b/x/log.csv", "c.csv"}
    assert {p.path: p.kind for p in followed.problems} == {"gone.csv": "unreadable"}


def test_a_path_that_is_a_link_is_meant(tmp_path: Path) -> None:
    table(tmp_path / "out/x/log.csv")
    (tmp_path / "runs").symlink_to(tmp_path / "out")
    assert set(_formats(discover([str(tmp_path / "runs")]))) == {"x/log.csv"}


def test_links_beside_their_targets_are_read_once(tmp_path: Path) -> None:
    table(tmp_path / "runs/b/log.csv")
    (tmp_path / "runs/a").symlink_to("b")
    paths = sorted(map(str, (tmp_path / "runs").iterdir()))
    assert set(_formats(discover(paths))) == {"b/log.csv"}


def test_pipes_sockets_and_devices_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(tmp_path / "a/log.csv")
    os.mkfifo(tmp_path / "metrics.csv")
    os.mkfifo(tmp_path / "train.log")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("events.out.tfevents.1")
        found = discover([str(tmp_path)])
    assert _reasons(found) == {
        "metrics.csv": "named pipe, not opened",
        "train.log": "named pipe, not opened",
        "events.out.tfevents.1": "socket, not opened",
    }
    alone = discover([str(tmp_path / "metrics.csv")])
    assert _reasons(alone) == {"metrics.csv": "named pipe, not opened"}


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"a/log.csv": "x", "b/log.csv": "x"})
    real = os.scandir

    def scandir(path: str) -> os.ScandirIterator[str]:
        if path.endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = discover([str(tmp_path)])
    assert _formats(found) == {"b/log.csv": "csv"}
    assert [(p.path, p.kind) for p in found.problems] == [("a", "unreadable")]
    assert "Permission denied" in found.problems[0].message


def test_names_that_are_not_utf8_are_shown_escaped_and_can_be_opened(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9\n"
    os.mkdir(folder)  # noqa: PTH102 (bytes)
    with open(folder + b"/log.csv", "w") as file:  # noqa: PTH123 (bytes)
        file.write("epoch,loss\n1,2\n")
    (tmp_path / "caf\\xe9\\n").mkdir()
    table(tmp_path / "caf\\xe9\\n/log.csv")
    found = discover([str(tmp_path)])
    files = [file for family in found.families for file in family.files]
    assert sorted(file.name for file in files) == ["caf\\\\xe9\\\\n/log.csv", "caf\\xe9\\n/log.csv"]
    for file in files:
        with open(file.path) as opened:  # noqa: PTH123 (a path with escaped bytes)
            assert opened.readline().startswith("epoch")


def test_a_tree_of_three_thousand_levels(tmp_path: Path) -> None:
    table(tmp_path / "log.csv")
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(3000):
            os.mkdir("dd")  # noqa: PTH102 (the path would be too long)
            os.chdir("dd")
        found = discover([str(tmp_path)])
        _remove_deep(tmp_path)
    finally:
        os.chdir(before)
        os.close(before)
    assert _formats(found) == {"log.csv": "csv"}
    assert len(found.problems) == 1
    assert found.problems[0].kind == "unreadable"
    assert "too long" in found.problems[0].message


def _remove_deep(top: Path) -> None:
    """Folders deeper than a path may be long, which pytest could not clean up."""
    while os.stat(".").st_ino != top.stat().st_ino:  # noqa: PTH116 (the path would be too long)
        os.chdir("..")
        os.rmdir("dd")  # noqa: PTH106 (the path would be too long)

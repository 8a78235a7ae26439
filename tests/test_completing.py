"""What a shell is told on TAB, and that nothing heavy is imported for it; examples in every help."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.shell_completion import ShellComplete

from loglens import cli
from loglens.commands.examples import EXAMPLES
from loglens.resources import resource_dir


def completed(line: str) -> list[str]:
    *args, last = line.split(" ")
    found = ShellComplete(cli.cli, {}, "loglens", "_LOGLENS_COMPLETE").get_completions(args, last)
    return [item.value if item.type == "plain" else item.type for item in found]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("explain wideni", ["widening-gap"]),
        ("analyze runs --select flat-l", ["flat-loss"]),
        ("analyze runs --ignore flat-loss,widen", ["flat-loss,widening-gap"]),
        ("analyze runs --select flat-loss,flat-l", []),  # it is in the list already
        ("compare a b --set wideni", ["widening-gap."]),
        ("compare a b --set widening-gap.", []),
        ("analyze runs --require val/loss,train/lo", ["val/loss,train/loss"]),
        ("analyze ru", ["file"]),
        ("compare a ", ["file"]),
        ("analyze runs -o ", ["file"]),
        ("export runs --table hp", ["hparams"]),
    ],
)
def test_completions(line: str, wanted: list[str]) -> None:
    assert completed(line) == wanted


def test_every_rule_is_completed() -> None:
    assert set(completed("explain ")) == {path.stem for path in resource_dir("rules").rglob("*.yaml")}


def test_rules_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("id: my-rule\ntitle: Mine\n", encoding="utf-8")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe id: [")
    assert completed(f"analyze runs --rules {tmp_path} --select my") == ["my-rule"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_asks_and_nothing_heavy_is_imported(shell: str) -> None:
    heavy = ("polars", "pyarrow", "numpy", "yaml", "jinja2", "tensorboard")
    code = (
        "import atexit, json, sys\n"
        f"atexit.register(lambda: print(json.dumps(sorted({{*{heavy!r}}} & {{*sys.modules}}))))\n"
        "from loglens.cli import main\nmain()"
    )
    words = {"COMP_WORDS": "loglens explain widen", "COMP_CWORD": "widen" if shell == "fish" else "2"}
    env = {**os.environ, **words, "_LOGLENS_COMPLETE": f"{shell}_complete"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "widening-gap" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1]) == []


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[str]:
    found = []
    for name, command in group.commands.items():
        inner = leaves(command, (*path, name)) if isinstance(command, click.Group) else [" ".join((*path, name))]
        found += inner
    return found


def test_every_command_has_examples() -> None:
    assert set(leaves(cli.cli)) == set(EXAMPLES)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line, _ in lines])
def test_examples_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On healthy logs in the place of runs/, as a shell would run them."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(1).normal(0, 0.03, 200)
    rows = [{"step": i, "train/loss": 0.4 + 2 * np.exp(-i / 30) + noise[i]} for i in range(200)]
    sample = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    for folder in ("runs/a/seed-1", "runs/a/seed-2", "runs/b", "."):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / "metrics.jsonl").write_bytes(sample)
    Path("my-rules").mkdir()
    own = (resource_dir("rules") / "flat-loss.yaml").read_text(encoding="utf-8").replace("id: flat-loss", "id: mine")
    Path("my-rules/mine.yaml").write_text(own, encoding="utf-8")
    if "report.json" in line and "-o report.json" not in line:
        assert cli.run(["analyze", "runs", "-o", "report.json", "-q"]) == 0
    command = line.removeprefix('eval "$(').removesuffix(')"').rpartition("| ")[2].partition(" > ")[0]
    with Path("metrics.jsonl").open(encoding="utf-8") as piped:
        monkeypatch.setattr("sys.stdin", piped)
        assert cli.run(shlex.split(command)[1:]) == 0

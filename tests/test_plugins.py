"""Packages that add readers, kernels and reporters: the examples under `plugins/`, really installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXAMPLES = sorted(path for path in (HERE / "plugins").iterdir() if path.is_dir())


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example packages installed, nothing fetched."""
    place = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    options = ["--disable-pip-version-check", "--target", str(place)]
    subprocess.run([*pip, *options, *map(str, EXAMPLES)], check=True, capture_output=True)
    return place


def loglens(site: Path | None, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = dict(os.environ)
    if site is not None:
        env["PYTHONPATH"] = os.pathsep.join([str(site), str(HERE.parent)])
    command = [sys.executable, "-m", "loglens", *args]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8", check=False)


def log(folder: Path, damaged: bool = False) -> Path:
    lines = [f"{step}|train/loss|{2.3 * 0.9**step:.5f}" for step in range(60)]
    (folder / "runs/a").mkdir(parents=True)
    path = folder / "runs/a/training.pipelog"
    path.write_text("\n".join([*lines, *(["no such line"] if damaged else [])]), encoding="utf-8")
    return path


def test_a_reader(site: Path, tmp_path: Path) -> None:
    log(tmp_path, damaged=True)
    done = loglens(site, "analyze", "runs", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (run,) = report["runs"]
    assert run["sources"][0]["format"] == "pipelog"
    assert run["metrics"][0]["points"] == 60
    assert run["metrics"][0]["role"] == "train/loss"
    assert [(p["path"], p["line"]) for p in report["problems"]] == [("a/training.pipelog", 61)]


def test_without_the_package_there_is_no_such_log(tmp_path: Path) -> None:
    log(tmp_path)
    assert loglens(None, "analyze", "runs", cwd=tmp_path).returncode == 2


def test_a_kernel(site: Path, tmp_path: Path) -> None:
    rule = """\
id: wide-loss
title: The loss spreads widely
severity: info
needs:
  loss: {role: train/loss, points: 8}
when: quartile_range(loss) > 0.3
onset: first_step(loss)
message: "{loss} spreads"
why: A test.
causes: [none]
remedies: [none]
cases:
  - {name: wide, series: {train/loss: "1..9x20"}, expect: {severity: info}}
  - {name: wider, series: {train/loss: "1..99x20"}, expect: {severity: info}}
  - {name: narrow, series: {train/loss: "1x20"}, expect: none}
  - {name: narrower, series: {train/loss: "2x30"}, expect: none}
  - {name: small, series: {train/loss: "0.1..0.2x30"}, expect: none}
"""
    (tmp_path / "wide.yaml").write_text(rule, encoding="utf-8")
    done = loglens(site, "rules", "test", "wide.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    log(tmp_path)
    done = loglens(site, "analyze", "runs", "--rules", "wide.yaml", "--select", "wide-loss", cwd=tmp_path)
    assert "spreads" in done.stdout, done.stderr
    assert loglens(None, "rules", "check", "wide.yaml", cwd=tmp_path).returncode == 1


def test_a_reporter(site: Path, tmp_path: Path) -> None:
    log(tmp_path)
    done = loglens(site, "analyze", "runs", "--format", "oneline", "-o", "out.oneline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a healthy\n"
    assert (tmp_path / "out.oneline").read_text(encoding="utf-8") == done.stdout


@pytest.mark.parametrize(
    ("group", "body", "said"),
    [
        ("loglens.readers", "FORMAT = 3", "needs a loglens.sources.Format, not int"),
        ("loglens.readers", "import nothing_of_that_name", "cannot be loaded: No module named"),
        ("loglens.kernels", "FORMAT = 3", "needs a dict KERNELS"),
        ("loglens.reporters", "", "cannot be loaded"),
    ],
)
def test_a_faulty_package_is_named(tmp_path: Path, group: str, body: str, said: str) -> None:
    place = tmp_path / "site"
    (place / "bad-1.0.dist-info").mkdir(parents=True)
    (place / "bad-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n", encoding="utf-8"
    )
    (place / "bad-1.0.dist-info/entry_points.txt").write_text(f"[{group}]\nodd = bad_one:FORMAT\n", encoding="utf-8")
    (place / "bad_one.py").write_text(body, encoding="utf-8")
    log(tmp_path)
    done = loglens(place, "analyze", "runs", "-o", "x.json", cwd=tmp_path)
    assert done.returncode == 2
    assert f"package bad, {group} 'odd': {said}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "1/0",
        "import sys; sys.exit(0)",
        "raise SystemExit(3)",
        "nowhere",
        "assert 0, 'a\\nb'",
        "def f(): f()\nf()",
        "def",
    ],
)
def test_kernels_that_cannot_be_loaded_are_told_as_the_fault_of_their_module(code: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    done = loglens(None, "rules", "list", "--kernels", "mine.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("loglens: --kernels mine.py: cannot be imported: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["..", ".", ".mine", "..mine"])
def test_kernels_are_not_named_relatively(name: str, tmp_path: Path) -> None:
    done = loglens(None, "rules", "list", "--kernels", name, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "internal error" not in done.stderr

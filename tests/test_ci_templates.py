"""The script of the GitHub action, run as GitHub runs it, and the other templates."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_logs"
SCRIPT = ROOT / "ci-templates/action.sh"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def act(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run the action's script with inputs in the environment; gives its exit code, output and files."""
    shims = tmp_path / "bin"
    shims.mkdir()
    for name, arguments in (("loglens", "-m loglens "), ("python", "")):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n', encoding="utf-8")
        shim.chmod(0o755)

    def run(**inputs: str) -> tuple[int, str, str, dict[str, str]]:
        files = {name: tmp_path / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        env = {**os.environ, "PATH": f"{shims}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        env |= {name: str(path) for name, path in files.items()} | {f"ACTION_{k}": v for k, v in inputs.items()}
        done = subprocess.run(["bash", str(SCRIPT)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines())
        return done.returncode, done.stdout, files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"), outputs

    return run


def test_passing_runs(act, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, summary, outputs = act(PATHS=str(SAMPLES / "healthy"), REPORT="report.html", SARIF="out.sarif")
    assert code == 0
    assert "::error" not in out
    assert "healthy" in summary
    assert outputs == {"exit-code": "0", "failed": "0", "suspect": "0", "report": "report.html"}
    assert (tmp_path / "report.html").stat().st_size > 1000
    assert '"2.1.0"' in (tmp_path / "out.sarif").read_text(encoding="utf-8")


def test_failing_runs(act) -> None:  # type: ignore[no-untyped-def]
    code, out, summary, outputs = act(PATHS=f"{SAMPLES / 'lr-zero'}\n{SAMPLES / 'healthy'}\n", REPORT="")
    assert code == 1
    assert out.count("::error") >= 1
    assert "lr-zero" in summary
    assert (outputs["exit-code"], outputs["failed"], outputs["report"]) == ("1", "1", "")


@pytest.mark.parametrize("inputs", [{"PATHS": ""}, {"PATHS": "nosuch"}, {"PATHS": str(SAMPLES), "FAIL_ON": "loud"}])
def test_what_cannot_be_done(act, inputs: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    assert act(**inputs)[0] == 2


def test_inputs_are_never_run(act, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    mark = tmp_path / "mark"
    bad = f"$(touch {mark}); touch {mark} `touch {mark}` && touch {mark} #"
    for name in ("PATHS", "FAIL_ON", "REQUIRE", "MIN_RUNS", "BASELINE", "CONFIG", "ARGS", "REPORT"):
        inputs = {"PATHS": str(SAMPLES / "healthy"), "REPORT": "x.html"} | {name: bad}
        act(**inputs)
        assert not mark.exists(), name


def test_a_path_that_looks_like_an_option_is_a_path(act) -> None:  # type: ignore[no-untyped-def]
    assert act(PATHS="--help")[0] == 2


def test_names_of_runs_start_no_command(act, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run = tmp_path / "runs" / "x\n::error::owned"
    shutil.copytree(SAMPLES / "lr-zero", run)
    code, out, _, outputs = act(PATHS=str(tmp_path / "runs"), REPORT="r.html\nfailed=0")
    assert code in (1, 2)
    assert not re.search(r"^::error::owned", out, re.MULTILINE)
    assert outputs.get("failed", "") in ("1", "")


def test_every_input_reaches_the_script() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    judge = ACTION["runs"]["steps"][-1]
    names = {name for name in judge["env"] if name.startswith("ACTION_")}
    assert names == {f"ACTION_{name.upper().replace('-', '_')}" for name in ACTION["inputs"]} - {
        "ACTION_PYTHON_VERSION"
    }
    assert all(name in text for name in names)
    assert all("${{" not in step.get("run", "") for step in ACTION["runs"]["steps"])


def test_the_hook_calls_what_there_is() -> None:
    from loglens.cli import run

    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert re.search(hook["files"], "rules/my-rule.yaml")
    assert not re.search(hook["files"], "config/settings.yaml")
    program, *arguments = hook["entry"].split()
    assert program == "loglens"
    assert run([*arguments, str(ROOT / "rules/flat-loss.yaml")]) == 0


def test_the_gitlab_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    from loglens.cli import run

    monkeypatch.chdir(tmp_path)
    gitlab = yaml.safe_load((ROOT / "ci-templates/gitlab.yml").read_text(encoding="utf-8"))["loglens"]
    words = shlex.split(gitlab["script"][-1])[1:]
    filled = {"$LOGLENS_PATHS": str(SAMPLES / "healthy"), "$LOGLENS_FAIL_ON": "error"}
    assert run([filled.get(word, word) for word in words]) == 0
    reports = gitlab["artifacts"]["reports"]
    assert all((tmp_path / name).exists() for name in (*reports.values(), *gitlab["artifacts"]["paths"]))

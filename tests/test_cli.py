"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest

from loglens import cli

SAMPLES = Path(__file__).parents[1] / "sample_logs"
HEAVY = ("polars", "pyarrow", "tensorboard", "jinja2", "numpy", "ptars", "yaml")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file is above, and no variable of the caller's decides on colours."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def sample(name: str) -> str:
    return str(SAMPLES / name)


def loglens(*args: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "loglens", *args], capture_output=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def write(path: str, text: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return path


# --- exit codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["analyze", sample("healthy")], 0),
        (["analyze", sample("lr-zero")], 1),
        (["analyze", sample("lr-zero"), "--fail-on", "never"], 0),
        (["analyze", sample("overfitting")], 0),
        (["analyze", sample("overfitting"), "--fail-on", "warning"], 1),
        (["analyze", sample("truncated"), "--fail-on", "info"], 1),
        (["analyze", sample("truncated")], 0),
        (["analyze", sample("truncated"), "--strict"], 2),
        (["analyze", sample("truncated"), sample("lr-zero"), "--strict"], 2),
        (["analyze", sample("healthy"), "--strict"], 0),
        (["analyze", sample("lr-zero"), "--select", "zero-loss"], 0),
        (["analyze", sample("lr-zero"), "--ignore", "flat-loss,lr-anomaly"], 0),
        (["analyze", sample("healthy"), "--require", "train/loss,val/loss"], 0),
        (["analyze", sample("lr-zero"), "--select", "zero-loss", "--require", "val/loss"], 1),
        (["analyze", sample("healthy"), "--min-runs", "2"], 1),
        (["analyze", sample("healthy"), "--require", "val/los"], 2),
        (["analyze", sample("nowhere")], 2),
        (["analyze", "."], 2),
        (["analyze"], 2),
        (["analyze", sample("healthy"), "--no-such-option"], 2),
        (["analyze", sample("healthy"), "--fail-on", "fatal"], 2),
        (["analyze", sample("healthy"), "--select", "flat-los"], 2),
        (["analyze", sample("healthy"), "--set", "flat-loss.nope=1"], 2),
        (["analyze", sample("healthy"), "--set", "flat-loss"], 2),
        (["analyze", sample("healthy"), "-o", "report.exe"], 2),
        (["analyze", sample("healthy"), "-o", "missing/report.json"], 2),
        (["analyze", sample("healthy"), "--config", "missing.toml"], 2),
        (["analyze", sample("healthy"), "--runs", "nothing*"], 2),
        (["analyze", sample("healthy"), "--kernels", "no_such_module"], 2),
        (["inspect", sample("lr-zero")], 0),
        (["inspect", sample("nowhere")], 2),
        (["explain", "flat-loss"], 0),
        (["explain", "flat-los"], 2),
        (["rules", "list"], 0),
        (["rules", "check"], 0),
        (["rules", "test", "-k", "zero-loss"], 0),
        (["rules", "schema"], 0),
        (["config", "show"], 0),
        (["schema", "report"], 0),
        (["nonsense"], 2),
        ([], 2),
        (["--help"], 0),
        (["--version"], 0),
    ],
)
def test_exit_code(args: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(args) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    if code == 2:
        assert said.out == "" or "--strict" in args
        assert said.err


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_the_format_never_changes_the_code(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["analyze", sample("lr-zero"), "--format", form]) == 1
    assert "lr-zero" in capsys.readouterr().out


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("loglens.api.judge_batches", lambda *_: signal.raise_signal(signal.SIGINT))
    assert cli.run(["analyze", sample("healthy")]) == 130
    assert capsys.readouterr().err.strip() == "loglens: interrupted"


def test_an_internal_error_is_one_line_and_a_traceback_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("loglens.api.judge_batches", lambda *_: 1 / 0)
    assert cli.run(["analyze", sample("healthy")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "internal error: ZeroDivisionError" in err
    assert cli.run(["analyze", sample("healthy"), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_gate_does_not_pass_blind_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    write("runs/log.csv", "step,lr\n" + "".join(f"{i},0.1\n" for i in range(50)))
    assert cli.run(["analyze", "runs", "-q"]) == 0
    assert "no run could be judged" in capsys.readouterr().err


def test_a_faulty_rule_is_2_in_analyze_and_1_in_rules_check(capsys: pytest.CaptureFixture[str]) -> None:
    rule = write("rule.yaml", "id: my-rule\ntitel: x\n")
    assert cli.run(["analyze", sample("healthy"), "--rules", rule]) == 2
    assert "rule.yaml:2:1: unknown key 'titel'" in capsys.readouterr().err
    assert cli.run(["rules", "check", rule]) == 1
    assert "rule.yaml:2:1: unknown key 'titel'" in capsys.readouterr().out


# --- streams ----------------------------------------------------------------------------------------------------------


def test_results_go_to_stdout_and_the_summary_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["analyze", str(SAMPLES), "--format", "json", "-o", "out.json"])
    said = capsys.readouterr()
    assert json.loads(said.out)["summary"]["runs"] == len(json.loads(said.out)["runs"]) == 10
    assert said.out == Path("out.json").read_text(encoding="utf-8")
    assert said.err.startswith("10 runs: ")
    assert said.err.endswith("wrote out.json\n")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("", 100), ("x", 100)])
def test_text_is_as_wide_as_asked(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    cli.run(["analyze", sample("overfitting"), "-q"])
    assert width - 15 < max(map(len, capsys.readouterr().out.splitlines())) <= width


def test_all_mistakes_in_settings_come_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    write("loglens.toml", 'fail-on = "x"\nignore = ["flat-los"]')
    for command in (["config", "show"], ["analyze", sample("healthy")]):
        assert cli.run(command) == 2
        assert capsys.readouterr().err.count("loglens.toml:") == 2
    assert cli.run(["analyze", sample("healthy"), "--no-config", "--set", "a=1", "--set", "flat-loss.b=c"]) == 2
    assert "flat-loss.least_fall=0.05" in (err := capsys.readouterr().err)
    assert "'c' is not a number" in err


def test_quiet_says_nothing_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["analyze", sample("lr-zero"), "-q"])
    assert capsys.readouterr().err == ""


def test_a_closed_pipe_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "loglens", "analyze", sample("lr-zero"), "-q"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with >&-")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("what", "code"), [("analyze", 1), ("rules check", 0)])
def test_a_stream_that_is_closed_from_the_start_changes_no_exit_code(closed: str, what: str, code: int) -> None:
    paths = [sample("lr-zero")] if what == "analyze" else []
    run = f'"$0" -m loglens {what} "$@" {closed}'
    done = subprocess.run(["sh", "-c", run, sys.executable, *paths], capture_output=True, check=False)
    assert done.returncode == code
    assert b"Error" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("args", [["analyze", sample("healthy"), "--format", "json"], ["rules", "list"]])
def test_a_result_that_finds_no_room_is_told(args: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-m", "loglens", *args], stdout=full, stderr=-1, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"loglens: standard output cannot be written: No space left")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("form", ["json", "markdown", "html"])
def test_a_pipe_or_device_is_written_to_and_never_replaced(form: str) -> None:
    os.mkfifo("pipe")
    with tempfile.TemporaryFile() as taken, subprocess.Popen(["cat", "pipe"], stdout=taken) as reader:
        done = loglens("analyze", sample("healthy"), "-q", "-o", f"{form}:pipe", timeout=120)
        if done.returncode:
            reader.kill()
        assert (done.returncode, done.stderr) == (0, b"")
        reader.wait(60)
        assert taken.seek(0, os.SEEK_END) > 100
    assert Path("pipe").is_fifo()
    assert list(Path().iterdir()) == [Path("pipe")]


@pytest.mark.parametrize("name", ["x" * 300 + ".json", "folder.json"])
def test_an_output_that_cannot_be_is_told(name: str) -> None:
    Path("folder.json").mkdir()
    done = loglens("analyze", sample("healthy"), "-q", "-o", name)
    assert done.returncode == 2
    assert done.stderr.startswith(b"loglens: " + name.encode())
    assert b"internal" not in done.stderr


@pytest.mark.parametrize("outputs", [["a.json", "json:./a.json"], ["json:a", "html:a"]])
def test_two_reports_do_not_go_into_one_file(outputs: list[str]) -> None:
    done = loglens("analyze", sample("healthy"), *(arg for name in outputs for arg in ("-o", name)))
    assert done.returncode == 2
    assert b"named by two -o" in done.stderr
    assert not list(Path().iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_an_export_replaces_no_pipe() -> None:
    os.mkfifo("pipe.csv")
    done = loglens("export", sample("healthy"), "-o", "pipe.csv")
    assert (done.returncode, Path("pipe.csv").is_fifo()) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
@pytest.mark.parametrize("args", [["--help"], ["--version"], ["analyze", "--help"]])
def test_a_help_that_nobody_reads_to_its_end_is_no_failure(args: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "loglens", *args]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_pipe_of_another_code_page_gets_utf8() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = loglens("analyze", sample("lr-zero"), env=env)
    assert done.returncode == 1
    assert "✖" in done.stdout.decode("utf-8")


@pytest.mark.parametrize(
    ("choice", "variables", "colored"),
    [
        ("auto", {}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colors(
    choice: str,
    variables: dict[str, str],
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cli.run(["analyze", sample("lr-zero"), "--color", choice])
    assert ("\x1b[" in capsys.readouterr().out) == colored


@pytest.mark.parametrize(
    ("terminal", "options", "shown"),
    [
        (True, [], "\r1 file read, 0 runs analysed"),
        (True, ["-q"], ""),
        (False, [], ""),
        (False, ["--progress"], "1 file read, 1 run analysed\n"),
    ],
)
def test_progress_is_for_terminals(
    terminal: bool, options: list[str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    cli.run(["analyze", sample("healthy"), "--format", "json", *options])
    assert shown in stream.getvalue()
    assert ("analysed" in stream.getvalue()) == bool(shown)


@pytest.mark.parametrize("args", [["--help"], ["analyze", "--help"], ["config", "show"], ["completion", "zsh"]])
def test_nothing_heavy_is_imported_before_it_is_needed(args: list[str]) -> None:
    code = f"import sys; from loglens.cli import run; run({args!r}); print(sorted({{*{HEAVY!r}}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


# --- commands ---------------------------------------------------------------------------------------------------------


def test_every_output_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = ["a.html", "a.md", "a.json", "json:b.txt", "text:c"]
    cli.run(["analyze", sample("overfitting"), *(part for name in outputs for part in ("-o", name))])
    assert Path("a.json").read_bytes() == Path("b.txt").read_bytes()
    assert Path("c").read_text(encoding="utf-8") == capsys.readouterr().out
    assert "overfitting" in Path("a.html").read_text(encoding="utf-8")
    assert "overfitting" in Path("a.md").read_text(encoding="utf-8")


def test_a_report_can_be_rendered_again(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["analyze", sample("overfitting"), "-o", "a.json", "-o", "a.html"])
    shown = capsys.readouterr().out
    assert cli.run(["report", "a.json", "-o", "b.html"]) == 0
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()
    assert cli.run(["report", "a.json"]) == 0
    assert capsys.readouterr().out == shown


def test_a_report_that_is_none_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", write("x.json", "{}")]) == 2
    assert capsys.readouterr().err.startswith("loglens: x.json: ")


def test_settings_come_from_the_working_directory_and_the_command_line_wins() -> None:
    write("loglens.toml", 'fail-on = "warning"\nselect = ["widening-gap"]')
    assert cli.run(["analyze", sample("overfitting")]) == 1
    assert cli.run(["analyze", sample("overfitting"), "--no-config"]) == 0
    assert cli.run(["analyze", sample("overfitting"), "--fail-on", "error"]) == 0
    assert cli.run(["analyze", sample("overfitting"), "--select", "flat-loss"]) == 0


def test_a_role_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    write("loglens.toml", '[roles]\n"foo*" = "train/loss"')
    write("runs/log.csv", "step,foo_x,lr\n" + "".join(f"{i},2.5,0.1\n" for i in range(50)))
    assert cli.run(["analyze", "runs"]) == 1
    assert "flat-loss" in capsys.readouterr().out


def test_a_parameter_changes_what_is_found() -> None:
    args = ["analyze", sample("overfitting"), "--fail-on", "warning", "--select", "widening-gap"]
    assert cli.run(args) == 1
    assert cli.run([*args, "--set", "widening-gap.least_rise=1000"]) == 0


def test_a_kernel_of_ones_own_can_be_used_in_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "mine.py",
        "from loglens.kernels import kernel, level\n"
        "KERNELS = {'twice_the_points': kernel('series -> number', lambda s: 2 * level.count(s))}\n",
    )
    rule = """
        id: many-points
        title: Many points
        needs: {loss: {role: train/loss}}
        let: {n: twice_the_points(loss)}
        when: n > 100
        onset: first_step(loss)
        severity: error
        message: "{loss} has {n}, halved"
        why: none
        remedies: [none]
        cases:
          - {name: many, series: {train/loss: 1x80}, expect: error}
          - {name: few, series: {train/loss: 1x8}, expect: none}
    """
    path = write("rule.yaml", rule)
    args = ["analyze", sample("healthy"), "--rules", path]
    assert cli.run(args) == 2
    done = loglens(*args, "--kernels", "mine.py")
    assert done.returncode == 1
    assert b"train/loss has 400, halved" in done.stdout
    capsys.readouterr()


def test_inspect_names_series_roles_files_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["inspect", str(SAMPLES)])
    out = capsys.readouterr().out
    assert "val/accuracy" in out
    assert "'val' names the held-out split" in out
    assert "truncated: last record is cut" in out


def test_inspect_as_json_counts_segments_and_bad_values(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["inspect", sample("restart"), sample("nan-gradient"), "--format", "json"])
    runs = {run["run"]: run for run in json.loads(capsys.readouterr().out)["runs"]}
    loss = next(s for s in runs["restart"]["series"] if s["role"] == "train/loss")
    assert (loss["segments"], loss["first_step"], loss["last_step"]) == (2, 0, 1195)
    bad = next(s for s in runs["nan-gradient"]["series"] if s["role"] == "grad_norm")
    assert bad["nonfinite"] > 0


@pytest.mark.parametrize(
    ("ending", "read"), [("parquet", pl.read_parquet), ("arrow", pl.read_ipc), ("csv", pl.read_csv)]
)
def test_export_holds_every_value(ending: str, read: object, capsys: pytest.CaptureFixture[str]) -> None:
    import loglens as library

    assert cli.run(["export", str(SAMPLES), "-o", f"x.{ending}"]) == 0
    frame, logs = read(f"x.{ending}"), library.read(SAMPLES)  # type: ignore[operator]
    assert frame.columns == [*logs.scalars.columns, "axis"]
    assert frame["step"].to_list() == logs.scalars["step"].to_list()
    assert frame["value"].cast(pl.Float64).is_nan().sum() == logs.scalars["value"].is_nan().sum() > 0
    assert capsys.readouterr().err == f"x.{ending}: {frame.height:,} rows\n"


def test_export_of_problems_and_hparams() -> None:
    cli.run(["export", str(SAMPLES), "-o", "p.csv", "--table", "problems"])
    assert pl.read_csv("p.csv")["kind"].to_list() == ["truncated"]
    cli.run(["export", str(SAMPLES), "-o", "h.parquet", "--table", "hparams"])
    assert "max_steps" in pl.read_parquet("h.parquet")["name"].to_list()


def test_an_export_that_fails_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["export", sample("nowhere"), "-o", "x.csv"]) == 2
    assert cli.run(["export", sample("healthy"), "-o", "x.txt"]) == 2
    assert ".parquet" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_explain_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["explain", "flat-loss"])
    out = capsys.readouterr().out
    for part in ("Why it matters", "What it sees", "Likely causes", "What to do", "Parameters", "Example"):
        assert part in out


@pytest.mark.parametrize("args", [["schema", "report"], ["rules", "schema"]])
def test_schemas_are_json(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(args)
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("draft-07/schema#")


def test_a_rule_of_ones_own_may_be_explained_by_one_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    ours = (SAMPLES.parent / "rules" / "widening-gap.yaml").read_text(encoding="utf-8")
    head, _, rest = ours.partition("explained_by:")
    for cause, code in (("flat-loss", 0), ("flat-los", 1)):
        tail = rest.partition("\n")[2]
        text = f"{head}explained_by: [{cause}]\n{tail}".replace("id: widening-gap", "id: mine")
        assert cli.run(["rules", "check", write("mine.yaml", text)]) == code
    assert "did you mean 'flat-loss'?" in capsys.readouterr().out


def test_rules_list_names_the_core(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["rules", "list", "--format", "json"])
    listed = {rule["id"] for rule in json.loads(capsys.readouterr().out)}
    core = {"flat-loss", "zero-loss", "widening-gap", "nonfinite-gradient", "collapsed-predictions"}
    assert core <= listed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    assert "_LOGLENS_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--set", "flat-loss.least_fall=nan"], "must be a finite number"),
        (["--set", "flat-loss.least_fall=1e999"], "must be a finite number"),
        (["--config", ""], "an empty name"),
    ],
)
def test_options_that_would_make_a_gate_blind_are_refused(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["analyze", sample("lr-zero"), *args]) == 2
    assert said in capsys.readouterr().err


STEERING = 'id: "a\\x1b[31m"\n"\\x1b]0;x\\x07": 1\n'


@pytest.mark.parametrize(
    "args",
    [
        ["rules", "check", "rule.yaml"],
        ["rules", "test", "rule.yaml"],
        ["explain", "flat\x1b[31m"],
        ["analyze", sample("healthy"), "--select", "a\x1b[31m"],
        ["analyze", "no\x1b[31m\x9b"],
        ["config", "show", "--config", "own.toml"],
    ],
    ids=" ".join,
)
def test_mistakes_that_quote_what_would_steer_a_terminal_show_it_as_escapes(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write("rule.yaml", STEERING)
    write("own.toml", '"\\u001b[31m" = 1\n')
    assert cli.run(args) in (1, 2)
    said = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07", "\x9b"} & set(said)
    assert "\\x1b" in said


def test_names_that_would_steer_a_terminal_are_shown_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    write("a\x1b[31m/log.csv", "step,loss\u202e\n1,2\n2,1\n")
    cli.run(["inspect", "."])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[31m" in out


@pytest.mark.parametrize("command", ["analyze", "inspect"])
def test_a_file_over_the_limit_is_named_and_never_passes(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, rows in (("small", 20), ("large", 400)):
        (tmp_path / name).mkdir()
        lines = ["step,loss", *(f"{i},{1 / (i + 1)}" for i in range(rows))]
        (tmp_path / name / "log.csv").write_text("\n".join(lines), encoding="utf-8")
    code = cli.run([command, str(tmp_path), "--no-config", "--max-file-bytes", "1000"])
    out = capsys.readouterr().out
    assert "large/log.csv" in out
    assert "larger than the limit of 1000 bytes" in " ".join(out.split())
    assert code == 0
    if command == "analyze":
        assert cli.run([command, str(tmp_path), "--no-config", "--strict", "--max-file-bytes", "1000"]) == 2


@pytest.mark.parametrize(("last", "found"), [(0.9, False), (0.1, True)])
def test_a_rule_about_groups_alone_is_not_blind(last: float, found: bool, capsys: pytest.CaptureFixture[str]) -> None:
    for i, end in enumerate((0.9, 0.91, 0.92, 0.91, last)):
        rows = "".join(f"{epoch},{end * (1 - 0.8**epoch)}\n" for epoch in range(1, 40))
        write(f"cv/fold_{i}/log.csv", f"epoch,val_accuracy\n{rows}")
    cli.run(["analyze", "cv", "--select", "fold-variance", "--no-config"])
    said = capsys.readouterr()
    assert "no run could be judged" not in said.err
    assert "Not checked" not in said.out
    assert "Only rules about groups of runs were selected." in said.out
    assert ("FOLDS of 5 runs" in said.out) == found

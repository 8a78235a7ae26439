"""Runs beside runs: pairing, verdicts, exit codes, what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from loglens.cli import run
from loglens.compare import compare
from loglens.reporters.comparison import as_json, as_markdown, as_text, schema, summary_line


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def training(folder: str, seed: int, end: float = 0.4, gap: float = 0.05, lost: int | None = None) -> str:
    """A CSV of 200 steps: train/loss, val/loss every tenth, accuracy of 1,000 examples; NaN from `lost` on."""
    rng = np.random.default_rng(seed)
    lines = ["step,train/loss,val/loss,val/accuracy"]
    for step in range(200):
        way = np.exp(-step / 30)
        loss = (end + (2.3 - end) * way) * np.exp(rng.normal(0, 0.04))
        if lost is not None and step >= lost:
            loss = float("nan")
        held = f"{end + gap + (2.3 - end) * way:.5f},{round(1 - 0.3 * end - 0.5 * way + rng.normal(0, 0.004), 3)}"
        lines.append(f"{step},{loss:.5f},{held if step % 10 == 0 else ','}")
    Path(folder).mkdir(parents=True)
    (Path(folder) / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_another_seed_is_the_same() -> None:
    found = compare(training("a", 1), training("b", 2))
    assert [one.verdict for one in found.comparisons] == ["same"]
    assert not found.worse
    assert [m.tag for m in found.comparisons[0].metrics if m.decides] == ["val/accuracy", "val/loss"] or {
        m.tag for m in found.comparisons[0].metrics if m.decides
    } == {"val/loss", "val/accuracy"}


def test_a_higher_loss_is_worse_and_the_other_way_round_better() -> None:
    low, high = training("a", 1), training("b", 2, end=0.9)
    assert compare(low, high).comparisons[0].verdict == "worse"
    assert compare(high, low).comparisons[0].verdict == "better"


def test_a_new_error_is_worse_whatever_the_metrics_say() -> None:
    found = compare(training("a", 1), training("b", 2, lost=150)).comparisons[0]
    assert found.verdict == "worse"
    assert "nonfinite-loss" in [finding.rule for finding in found.new]
    assert compare("b", "a").comparisons[0].gone


def test_seeds_are_one_baseline() -> None:
    for seed in range(3):
        training(f"main/seed-{seed}", seed)
    found = compare("main", training("pr/seed-0", 7)).comparisons
    assert [(one.run, len(one.baseline), one.verdict) for one in found] == [("seed-0", 3, "same")]


def test_trees_are_paired_by_name() -> None:
    for name, end in (("bert", 0.4), ("resnet", 0.2)):
        training(f"main/{name}", 1, end=end)
    training("pr/bert", 2)
    training("pr/resnet", 3, end=0.9)
    training("pr/vit", 4)
    found = compare("main", "pr")
    assert [(one.run, one.baseline, one.verdict) for one in found.comparisons] == [
        ("bert", ("bert",), "same"),
        ("resnet", ("resnet",), "worse"),
    ]
    assert found.unpaired == ("vit",)
    assert len(compare("main", "pr", pair="group").comparisons) == 3


def test_a_constant_ratio_speaks_of_labels() -> None:
    a, b = training("a", 1), training("b", 1)
    text = Path("b/metrics.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in text[1:]]
    scaled = [",".join([r[0], str(1.8 * float(r[1])), *r[2:]]) for r in rows]
    Path("b/metrics.csv").write_text("\n".join([text[0], *scaled]) + "\n", encoding="utf-8")
    assert "other labels, data or reduction" in " ".join(compare(a, b).comparisons[0].notes)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["a", "b"], 0),
        (["a", "worse"], 1),
        (["a", "worse", "--fail-on", "never"], 0),
        (["a", "nosuch"], 2),
        (["nosuch", "a"], 2),
        (["a", "b", "-o", "x.pdf"], 2),
        (["a", "b", "-o", "no/such/folder.json"], 2),
        (["a"], 2),
    ],
)
def test_exit_codes(args: list[str], code: int) -> None:
    training("a", 1)
    training("b", 2)
    training("worse", 3, end=0.9)
    assert run(["compare", *args]) == code


def test_what_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    training("a", 1)
    training("b", 2, end=0.9)
    assert (
        run(["compare", "a", "b", "-o", "c.json", "-o", "c.md", "-o", "c.html", "-o", "text:c.log", "--color", "never"])
        == 1
    )
    out, err = capsys.readouterr()
    assert err.splitlines()[-1] == "1 run compared: 1 worse"
    assert Path("c.log").read_text(encoding="utf-8") == out
    document = json.loads(Path("c.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema()).validate(document)
    assert document["summary"] == {"worse": 1, "same": 0, "better": 0, "unknown": 0}
    page = Path("c.html").read_text(encoding="utf-8")
    assert re.search("<h1>Worse: val/(loss|accuracy) ", page)
    assert "| ✖ | val/loss |" in Path("c.md").read_text(encoding="utf-8")
    assert "\x1b" not in out


def test_rules_are_chosen_as_in_analyze(capsys: pytest.CaptureFixture[str]) -> None:
    training("a", 1)
    training("b", 2, lost=150)

    def found(*args: str) -> tuple[int, set[str]]:
        code = run(["compare", "a", "b", "--format", "json", "-q", *args])
        (one,) = json.loads(capsys.readouterr().out)["comparisons"]
        return code, {finding["rule"] for finding in one["new"]}

    assert "nonfinite-loss" in found()[1]
    assert found("--select", "nonfinite-loss") == (1, {"nonfinite-loss"})
    assert "nonfinite-loss" not in found("--ignore", "nonfinite-loss")[1]
    assert run(["compare", "a", "b", "--select", "nosuch"]) == 2
    assert run(["compare", "a", "b", "--set", "flat-loss.nosuch=1"]) == 2


def test_hyper_parameters_of_the_settings_count_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    training("a", 1)
    training("b", 2)
    Path("loglens.toml").write_text("[hparams]\nnum_classes = 10\n", encoding="utf-8")
    seen = []
    monkeypatch.setattr("loglens.compare.compare", lambda *sides, **_: seen.extend(sides) or compare("a", "b"))
    assert run(["compare", "a", "b"]) == 0
    assert [logs.hparams["value"].to_list() for logs in seen] == [["10"], ["10"]]


def test_nothing_in_common_is_said() -> None:
    training("a", 1)
    Path("b").mkdir()
    rows = "".join(f"{i},{1 / (i + 1)}\n" for i in range(40))
    Path("b/other.csv").write_text(f"step,lr\n{rows}", encoding="utf-8")
    found = compare("a", "b")
    assert found.comparisons[0].headline == "No metric in common: nothing to compare"
    assert found.comparisons[0].verdict == "unknown"
    assert run(["compare", "a", "b"]) == 2


def test_hostile_names_stay_names() -> None:
    training("a", 1)
    training("b/<script>alert(1)</script> | @all [x](y)", 2, end=0.9)
    found = compare("a", "b")
    markdown = as_markdown(found)
    assert "<script>" not in markdown
    assert "| @all" not in markdown
    assert "[x](y)" not in markdown
    assert as_text(found).count("\x1b") == 0
    assert json.loads(as_json(found))["comparisons"][0]["run"].startswith("b") or "script" in as_json(found)
    assert summary_line(found) == "1 run compared: 1 worse"

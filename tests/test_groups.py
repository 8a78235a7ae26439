"""Which runs belong together, and what the rules about groups make of them."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from summaries import metric, run

import loglens
from loglens.grouping import group_runs
from loglens.groups import groups_of
from loglens.reporters.outline import coverage_of, gaps_of
from loglens.ruleset import load_rules
from loglens.settings import in_name, is_learning_rate, is_seed, masked

if TYPE_CHECKING:
    from loglens.model import RunReport

RULES = load_rules().rules
CORPUS = os.environ.get("LOGLENS_CORPUS")


def found(runs: list[RunReport]) -> list[tuple[str, list[str]]]:
    return [(group.kind, [member.run for member in group.runs]) for group in groups_of(runs)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fold_0", "fold_*"), ("exp/fold-12", "exp/fold-*"), ("seed42", "seed*"), ("cv1", "cv*"), ("x_s1", "x_s*"),
        ("lr=0.1_seed=3", "lr=0.1_seed=*"), ("Fold 2", "Fold *"), ("kfold3", "kfold*"), ("rep_1/tb", "rep_*/tb"),
        ("random_state=7", "random_state=*"), ("fold_0_of_5", "fold_*_of_5"), ("split0", "split*"),
        ("a/seed_1/fold_2", "a/seed_*/fold_*"),
    ],
)  # fmt: skip
def test_fold_and_seed_numbers_are_masked(name: str, expected: str) -> None:
    assert masked(name) == expected


@pytest.mark.parametrize(
    "name",
    ["version_0", "run_1", "12", "deadbeef", "scaffold_3", "run-6ca4ee", "exp12", "seed_1.5", "s1/x", "speed3", ""],
)
def test_other_numbers_are_not(name: str) -> None:
    assert masked(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lr=3e-3_bs=64", {"lr": "3e-3", "bs": "64"}),
        ("sweep/lr-3e-2", {"lr": "3e-2"}),
        ("lr1e-3-wd0.1", {"lr": "1e-3", "wd": "0.1"}),
        ("LR_0.01_batch_size_32", {"lr": "0.01", "batch_size": "32"}),
        ("weight_decay=0.1,lr=-2,opt=adam", {"weight_decay": "0.1", "lr": "-2", "opt": "adam"}),
        ("train_abc_00001_1_lr=0.01,batch=32_2023-01", {"lr": "0.01", "batch": "32"}),
        ("run-3", {}), ("exp12", {}), ("version_0", {}), ("=", {}), ("a=", {}), ("=b", {}), ("", {}),
    ],
)  # fmt: skip
def test_settings_in_names(name: str, expected: dict[str, str]) -> None:
    assert in_name(name) == expected


@pytest.mark.parametrize("piece", ["a", "_b", "fold", "1", "lr1.", "lr", "_", "=", "-", "_s1", "seed=", "é", "\n"])
def test_long_names_cost_little(piece: str) -> None:
    """Not a timed test: patterns that backtrack would not come to an end."""
    name = piece * 30_000
    masked(name)
    in_name(name)
    is_seed(name)
    is_learning_rate(name)


@given(st.text(max_size=60))
def test_any_name_can_be_read(name: str) -> None:
    assert all(key and value for key, value in in_name(name).items())
    assert len(masked(name)) <= len(name)
    assert masked(masked(name)) == masked(name)


TRAINER = {"is_world_process_zero": "true"}  # Hugging Face's, which writes its state, not its settings


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param(
            [run("a/fold_0"), run("a/fold_1"), run("b/fold_0")], [("folds", ["a/fold_0", "a/fold_1"])], id="names"
        ),
        pytest.param(
            [run("fold_0/version_0"), run("fold_1/version_0")],
            [("folds", ["fold_0/version_0", "fold_1/version_0"])], id="a folder deeper",
        ),
        pytest.param([run("version_0"), run("version_1"), run("12"), run("deadbeef")], [], id="bare siblings"),
        pytest.param(
            [run("version_0", {"seed": 1, "lr": 0.1}), run("version_1", {"seed": 2, "lr": 0.1})],
            [("folds", ["version_0", "version_1"])], id="hyper-parameters",
        ),
        pytest.param(
            [run("a", {"seed": 1, "out_dir": "x/1"}), run("b", {"seed": 2, "out_dir": "x/2"})],
            [("folds", ["a", "b"])], id="places do not count",
        ),
        pytest.param([run("a", {"seed": 1}), run("b", {"seed": 1})], [], id="the same seed twice"),
        pytest.param([run("x/a", {"seed": 1}), run("y/b", {"seed": 2})], [], id="other folders"),
        pytest.param([run("a", {"lr": 0.1}), run("b", {"lr": 0.2})], [("sweep", ["a", "b"])], id="a sweep"),
        pytest.param([run("lr=0.1"), run("lr=0.2")], [("sweep", ["lr=0.1", "lr=0.2"])], id="a sweep by names"),
        pytest.param([run("a", {"lr": 0.1}), run("b", {"lr": 0.1})], [], id="twice the same"),
        pytest.param([run("x/a", {"lr": 0.1}), run("y/b", {"lr": 0.2})], [], id="a sweep in one folder only"),
        pytest.param([run("a", {"lr": 1}, finals={"val/f1": 1}), run("b", {"lr": 2})], [], id="other metrics"),
        pytest.param([run("a", {"lr": 0.1}), run("b", {"depth": 2, "width": 3})], [], id="other settings"),
        pytest.param([run("a", {"lr": 1}, finals={}), run("b", {"lr": 2}, finals={})], [], id="nothing logged"),
        pytest.param(
            [run("a", {"max_steps": 9, **TRAINER}), run("b", {"max_steps": 8, **TRAINER})], [], id="a trainer's state"
        ),
        pytest.param(
            [run("lr=1_seed=1"), run("lr=1_seed=2"), run("lr=2_seed=1"), run("lr=2_seed=2")],
            [("folds", ["lr=1_seed=1", "lr=1_seed=2"]), ("folds", ["lr=2_seed=1", "lr=2_seed=2"]),
             ("sweep", ["lr=1_seed=1", "lr=1_seed=2", "lr=2_seed=1", "lr=2_seed=2"])], id="seeds within a sweep",
        ),
        pytest.param([], [], id="nothing"),
    ],
)  # fmt: skip
def test_groups(runs: list[RunReport], expected: list[tuple[str, list[str]]]) -> None:
    assert found(runs) == expected
    random.Random(3).shuffle(runs)
    assert found(runs) == expected


def test_two_sweeps_in_one_folder_stay_apart() -> None:
    first = [run(f"a{i}", {"lr": i}) for i in range(3)]
    second = [run(f"b{i}", {"depth": i}, finals={"reward": 1.0}) for i in range(2)]
    assert found(first + second) == [("sweep", ["a0", "a1", "a2"]), ("sweep", ["b0", "b1"])]
    assert len({group.name for group in groups_of(first + second)}) == 2


NAMES = st.sampled_from(["fold_0", "fold_1", "x/seed1", "x/seed2", "lr=1", "lr=2", "v/0", "v/1", "v/2"])
TOLD = st.dictionaries(
    st.sampled_from(["lr", "seed", "bs", "out_dir"]), st.sampled_from(["1", "2", "adam"]), max_size=3
)
ENDS = st.dictionaries(st.sampled_from(["train/loss", "val/loss", "val/f1"]), st.floats(0.1, 2), max_size=2)


@given(st.lists(st.tuples(NAMES, TOLD, ENDS), max_size=9, unique_by=lambda x: x[0]))
def test_groups_of_anything(drawn: list[tuple[str, dict[str, str], dict[str, float]]]) -> None:
    runs = [run(name, told, finals=ends) for name, told, ends in drawn]
    for kind in ("folds", "sweep"):
        members = [member.run for group in groups_of(runs) if group.kind == kind for member in group.runs]
        assert len(members) == len(set(members)), "in one group of each kind"
    assert all(len(group.runs) >= 2 for group in groups_of(runs))
    told_runs, _ = group_runs(runs, RULES)
    about = {rule.id for rule in RULES if rule.scope != "run"}
    for one in told_runs:
        assert sorted([*one.clear, *(missing.rule for missing in one.not_checked)]) == sorted(about)
        assert all(missing.reason for missing in one.not_checked)


def folds(*finals: float, role: str = "val/accuracy", noise: float = 0.004) -> list[RunReport]:
    return [run(f"cv/fold_{i}", metrics=(metric(role, end, noise),)) for i, end in enumerate(finals)]


def variance(runs: list[RunReport]) -> list[str]:
    _, groups = group_runs(runs, RULES)
    return [f.message for group in groups for f in group.findings if f.rule == "fold-variance"]


def test_the_odd_run_is_named_and_steps_are_not() -> None:
    _, (group,) = group_runs(folds(0.95, 0.92, 0.46, 0.95, 0.89), RULES)
    (finding,) = group.findings
    assert finding.message == "fold_2 ended with val/accuracy at 0.46; usual among the 5 repetitions is 0.92."
    assert (finding.first_step, finding.last_step, finding.first_wall_time) == (None, None, None)
    assert (finding.evidence["odd"], finding.tags) == ("fold_2", ("val/accuracy",))
    assert finding.remedies[0].startswith("compare the data and the settings of fold_2")


def test_a_member_without_a_final_value_does_not_shift_the_names() -> None:
    runs = folds(0.95, 0.92, 0.46, 0.95, 0.89)
    runs[0] = run("cv/fold_0", finals={})
    assert variance(runs)[0].startswith("fold_2 ended")


def test_the_fingerprint_stays_when_a_fold_is_added() -> None:
    prints = set()
    for finals in ((0.95, 0.92, 0.46, 0.95, 0.89), (0.95, 0.92, 0.46, 0.95, 0.89, 0.93)):
        _, (group,) = group_runs(folds(*finals), RULES)
        prints.add(group.findings[0].fingerprint)
    assert len(prints) == 1


@pytest.mark.parametrize(
    "finals",
    [(0.95, 0.943, 0.937, 0.963, 0.947), (0.9, 0.895, 0.9325, 0.88, 0.8875), (0.95, 1.0, 0.975, 0.975), (0.5, 0.5, 0.5),
     (0.0, 0.0, 0.0), (94.0, 92.0, 90.0, 95.0)],
)  # fmt: skip
def test_ordinary_scores_stay_silent(finals: tuple[float, ...]) -> None:
    assert variance(folds(*finals)) == []
    assert variance(folds(*(100 * x for x in finals))) == []


def test_reasons_and_statuses() -> None:
    told, _ = group_runs([*folds(0.9, 0.5), run("alone")], RULES)
    reasons = {one.run: {m.rule: m.reason for m in one.not_checked} for one in told}
    assert reasons["cv/fold_0"]["fold-variance"].startswith("2 runs are too few")
    assert reasons["alone"]["fold-variance"] == "in no group of runs that differ in fold or seed only"
    clear, _ = group_runs(folds(0.9, 0.91, 0.92), RULES)
    assert all("fold-variance" in one.clear for one in clear)
    fired, _ = group_runs(folds(0.9, 0.91, 0.92, 0.91, 0.1), RULES)
    assert {m.reason for one in fired for m in one.not_checked if m.rule == "fold-variance"} == {
        "fired on the group that this run belongs to"
    }


def test_hostile_names_do_no_harm_in_any_report(tmp_path: Path) -> None:
    evil = "</script>\x1b[31m{usual}{{7*7}}"
    for i, end in enumerate((0.2, 0.21, 0.19, 0.2, 3.0)):
        folder = tmp_path / "runs" / f"fold_{i}" / evil.replace("/", "")
        folder.mkdir(parents=True)
        rows = [{"step": s, "val_loss": end + 2 * 0.8**s} for s in range(40)]
        (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = loglens.analyze(tmp_path / "runs")
    (finding,) = [f for group in report.groups for f in group.findings]
    assert "fold_4 ended" in finding.message
    for write, name in ((report.to_html, "r.html"), (report.to_markdown, "r.md"), (report.to_json, "r.json")):
        write(tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "\x1b" not in text
        assert "fold_4 ended" in text


def test_groups_are_in_every_report(tmp_path: Path) -> None:
    for i, end in enumerate((0.2, 0.21, 0.19, 0.2, 3.0)):
        folder = tmp_path / f"fold_{i}"
        folder.mkdir()
        rows = [{"step": s, "val_loss": end + 2 * 0.8**s} for s in range(40)]
        (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    from loglens.reporters import render

    report = loglens.analyze(tmp_path)
    for form in ("text", "html", "markdown"):
        assert "fold_4 ended with" in render(report, form).replace("<wbr>", "").replace("&#95;", "_"), form
    assert report.summary.warnings >= 1
    assert json.loads(render(report, "json"))["groups"][0]["findings"][0]["rule"] == "fold-variance"


@pytest.mark.skipif(CORPUS is None, reason="LOGLENS_CORPUS is not set")
def test_labelled_folds() -> None:
    root = Path(CORPUS or "") / "labelled"
    labels = {row["run"]: row for row in map(json.loads, (root / "labels.jsonl").read_text("utf-8").splitlines())}
    wanted = {name for name, row in labels.items() if row["meta"]["folds"]}
    report = loglens.analyze([str(root / name) for name in sorted(wanted)])
    fired = {g.runs[0].split("/")[0] for g in report.groups for f in g.findings if f.rule == "fold-variance"}
    assert len(wanted) >= 6
    assert fired == {name for name in wanted if "fold-variance" in labels[name]["must"]}


def test_a_run_that_is_alone_needs_others_and_does_not_count_them_as_gaps() -> None:
    alone = loglens.analyze({"train/loss": [2.0 / (n + 1) for n in range(60)]})
    reasons = {missing.rule: missing.reason for missing in alone.runs[0].not_checked}
    assert reasons["fold-variance"] == reasons["sweep-edge"] == "needs several runs"
    told = {rule for gap in gaps_of(alone) for rule in gap.rules}
    assert told
    assert not told & {"fold-variance", "sweep-edge", "sweep-failures"}
    assert coverage_of(alone).checks == len(alone.rules) - 3

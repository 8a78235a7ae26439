"""Several runs in one table come out as several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loglens.sources import read

if TYPE_CHECKING:
    from pathlib import Path


def rows(*lines: str, head: str, count: int = 4) -> str:
    """A table: each line once for every step `{i}`."""
    return "\n".join([head, *(line.format(i=i) for line in lines for i in range(count))]) + "\n"


SEVERAL = {
    "long": (
        rows("a,loss,{i},1.{i}", "b,loss,{i},2.{i}", head="run,metric,step,value"),
        {"a": {"loss": [1, 1.1, 1.2, 1.3]}, "b": {"loss": [2, 2.1, 2.2, 2.3]}},
    ),
    "wide, with gaps": (
        "run,epoch,loss,val_loss\na,0,1,\na,1,2,5\na,2,3,\nb,0,4,6\nb,1,nan,\nb,2,7,\n",
        {"a": {"loss": [1, 2, 3], "val_loss": [5]}, "b": {"loss": [4, float("nan"), 7], "val_loss": [6]}},
    ),
    "numbered": (
        rows("0,{i},1.{i}", "1,{i},2.{i}", head="seed,epoch,loss"),
        {"seed 0": {"loss": [1, 1.1, 1.2, 1.3]}, "seed 1": {"loss": [2, 2.1, 2.2, 2.3]}},
    ),
    "columns of W&B": (
        rows(
            '"{i}","1.{i}","1.{i}","1.{i}",""',
            head='"Step","calm-2 - loss","calm-2 - loss__MIN","calm-2 - loss__MAX","odd - one - lr"',
        ).replace('""', '"0.5"'),
        {
            "calm-2": {f"loss{end}": [1, 1.1, 1.2, 1.3] for end in ("", "__MIN", "__MAX")},
            "odd - one": {"lr": [0.5] * 4},
        },
    ),
    "columns of W&B, bare": (
        rows("{i},1.{i},2.{i}", head="Step,brave-1 - train/loss,calm-2 - train/loss"),
        {"brave-1": {"train/loss": [1, 1.1, 1.2, 1.3]}, "calm-2": {"train/loss": [2, 2.1, 2.2, 2.3]}},
    ),
    "names that lead elsewhere": (
        rows("../../x,{i},1", "/x,{i},2", head="run,step,loss"),
        {"x": {"loss": [1] * 4}, "x (2)": {"loss": [2] * 4}},
    ),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_runs_of_a_table(case: str, tmp_path: Path) -> None:
    text, wanted = SEVERAL[case]
    (tmp_path / "all.csv").write_text(text)
    logs = read(tmp_path)
    assert set(logs.names) == set(wanted)
    found: dict[str, dict[str, list[float]]] = {}
    for run, tag, value in logs.scalars.cast({"run": str, "tag": str}).select("run", "tag", "value").iter_rows():
        found.setdefault(run, {}).setdefault(tag, []).append(value)
    assert repr({run: dict(sorted(of.items())) for run, of in sorted(found.items())}) == repr(
        {run: {tag: [*map(float, v)] for tag, v in sorted(of.items())} for run, of in sorted(wanted.items())}
    )
    assert logs.scalars["segment"].max() == 0
    assert {source.path for source in logs.sources} == {"all.csv"}
    assert logs.problems == ()


ONE = {
    "one name": rows("a,{i},1", head="run,step,loss"),
    "splits, no runs": rows("{i},1,2", head="step,train - loss,val - loss"),
    "metrics, no runs": rows("{i},1,2", head="step,loss - train,loss - val"),
    "seeds that count nothing": rows("{i},1", head="seed,loss"),
}


@pytest.mark.parametrize("case", ONE)
def test_one_run(case: str, tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(ONE[case])
    assert len(read(tmp_path).names) == 1


def test_a_row_a_run_is_a_table_of_results(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("run,loss\na,1\nb,2\nc,3\nd,4\n")
    (tmp_path / "log.csv").write_text("step,loss\n0,1\n1,2\n")
    logs = read(tmp_path)
    assert len(logs.names) == 1
    assert "a table of results" in logs.problems[0].message

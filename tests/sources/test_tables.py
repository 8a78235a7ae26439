from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textlogs import faults, read_text, read_texts, series

from loglens.sources.delimited import numbers

inf, nan = math.inf, math.nan


def same(found: list[float], wanted: list[float]) -> bool:
    return [repr(value) for value in found] == [repr(float(value)) for value in wanted]


READ = {
    "comma": ("step,loss\n0,0.5\n1,0.25\n", {"loss": [0.5, 0.25]}),
    "semicolon": ("epoch;loss;val_loss\n0;0.5;0.6\n", {"loss": [0.5], "val_loss": [0.6]}),
    "semicolon, decimal comma": (
        "epoch;loss;acc\n0;0,5;-1,5e-3\n1;0,25;3\n",
        {"loss": [0.5, 0.25], "acc": [-1.5e-3, 3]},
    ),
    "tab": ("iter\tLogloss\tAccuracy\n0\t0.69\t0.5\n", {"Logloss": [0.69], "Accuracy": [0.5]}),
    "bar": ("step|loss\n0|0.5\n", {"loss": [0.5]}),
    "one column": ("loss\n0.5\n0.25\n", {"loss": [0.5, 0.25]}),
    "padded": (
        "  epoch,  train/loss , lr \n   1,   1.5,  1e-3\n   2,   0.5 ,  \n",
        {"train/loss": [1.5, 0.5], "lr": [1e-3]},
    ),
    "crlf": ("step,loss\r\n0,0.5\r\n1,0.25\r\n", {"loss": [0.5, 0.25]}),
    "old mac": ("step,loss\r0,0.5\r1,0.25\r", {"loss": [0.5, 0.25]}),
    "blank lines": ("step,loss\n\n0,0.5\n\n1,0.25\n\n", {"loss": [0.5, 0.25]}),
    "bom": ("\ufeffstep,loss\n0,0.5\n", {"loss": [0.5]}),
    "utf-16": ("step,loss\n0,0.5\n".encode("utf-16"), {"loss": [0.5]}),
    "utf-16 without mark": ("step,loss\n0,0.5\n".encode("utf-16-le"), {"loss": [0.5]}),
    "utf-32": ("step,loss\n0,0.5\n".encode("utf-32"), {"loss": [0.5]}),
    "latin-1": ("step,loss,größe\n0,0.5,1\n".encode("latin-1"), {"loss": [0.5], "größe": [1]}),
    "quotes": ('"step","loss","a,b"\n0,"0.5",1\n', {"loss": [0.5], "a,b": [1]}),
    "a lost quote": ('step,loss,n\n0,0.5,1\n1,"0.25,2\n2,0.125,3\n', {"loss": [0.5, 0.125], "n": [1, 3]}),
    "sparse": ("step,loss,val_loss\n0,0.5,\n1,0.25,\n1,,0.75\n", {"loss": [0.5, 0.25], "val_loss": [0.75]}),
    "words": (
        "step,loss\n0,nan\n1,NaN\n2,inf\n3,-inf\n4,Infinity\n5,-Infinity\n6,1e400\n7,\n8,None\n9,5\n",
        {"loss": [nan, nan, inf, -inf, inf, -inf, inf, 5]},
    ),
    "numbers in many forms": (
        "step,loss\n0,.5\n1,5.\n2,1E3\n3,+2\n4,-0.0\n5,5e-324\n",
        {"loss": [0.5, 5, 1e3, 2, -0.0, 5e-324]},
    ),
    "percent": ("epoch,acc\n1,45.5%\n2,50 %\n", {"acc": [45.5, 50]}),
    "booleans are no metric": ("step,loss,best\n0,0.5,True\n1,0.25,False\n", {"loss": [0.5, 0.25]}),
    "constant text is no metric": ("step,loss,device\n0,0.5,cuda\n", {"loss": [0.5]}),
    "names twice": ("step,loss,loss,loss.1\n0,1,2,3\n", {"loss": [1], "loss.2": [2], "loss.1": [3]}),
    "a name lacking": ("step,loss,\n0,1,2\n", {"loss": [1], "column 3": [2]}),
    "pandas index": (",loss,val_loss\n0,0.5,0.6\n1,0.4,0.5\n", {"loss": [0.5, 0.4], "val_loss": [0.6, 0.5]}),
    "index without a name": ("loss,acc\n0,0.5,0.6\n1,0.4,0.5\n", {"loss": [0.5, 0.4], "acc": [0.6, 0.5]}),
    "separator at the end": ("step,loss,acc\n0,0.5,0.6,\n1,0.4,0.5,\n", {"loss": [0.5, 0.4], "acc": [0.6, 0.5]}),
    "comments": ("# made by hand\nstep,loss\n0,0.5\n# pause\n1,0.25\n", {"loss": [0.5, 0.25]}),
    "header in a comment": ("# step,loss\n0,0.5\n1,0.25\n", {"loss": [0.5, 0.25]}),
    "long": (
        "step,metric,value\n0,loss,0.5\n0,acc,0.1\n1,loss,0.25\n1,acc,0.2\n",
        {"loss": [0.5, 0.25], "acc": [0.1, 0.2]},
    ),
    "a column of splits": (
        "epoch,phase,loss\n0,train,0.5\n0,val,0.6\n1,train,0.4\n1,val,0.5\n",
        {"train/loss": [0.5, 0.4], "val/loss": [0.6, 0.5]},
    ),
    "no step but a loss": (
        "loss,accuracy,datetime\n0.5,0.1,2020-01-01\n0.4,0.2,2020-01-02\n",
        {"loss": [0.5, 0.4], "accuracy": [0.1, 0.2]},
    ),
    "thousands of steps in a large number": ("step,loss\n9007199254740991,0.5\n", {"loss": [0.5]}),
}


@pytest.mark.parametrize("case", READ)
def test_values(case: str) -> None:
    text, wanted = READ[case]
    got = series(read_text(text))
    assert got.keys() == wanted.keys()
    assert all(same(got[tag], wanted[tag]) for tag in wanted), got


SKIPPED = {
    "empty": ("", "empty file"),
    "header only": ("step,loss\n", "without rows"),
    "prose": (
        "It was a dark night, and cold.\nNobody came.\nWell, almost nobody, so to say.\n",
        "no column holds numbers",
    ),
    "features": ("sepal length,sepal width,species\n5.1,3.5,setosa\n4.9,3.0,setosa\n", "neither a step"),
    "predictions": ("id,prediction,target\n0,0.25,1\n1,0.5,0\n", "neither a step"),
    "results": ("model,loss,accuracy\nresnet,0.5,0.9\nvgg,0.6,0.8\n", "text column 'model'"),
    "experiments": (",,num_fault,ft_loss\n1,lr__0.1,3,0.5\n1,lr__0.2,3,0.6\n2,lr__0.3,3,0.6\n", "told apart"),
    "no names": ("0,0.5\n1,0.25\n", "first line holds numbers"),
    "only a counter": ("step\n0\n1\n", "nothing but a counter"),
}


@pytest.mark.parametrize("case", SKIPPED)
def test_no_log(case: str) -> None:
    text, reason = SKIPPED[case]
    found = read_text(text)
    assert found.scalars is None
    assert [problem.kind for problem in found.problems] == ["skipped"]
    assert reason in found.problems[0].message


UNREADABLE = {
    "binary": bytes(range(256)) * 40,
    "zeros": bytes(5000),
    "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable(case: str, form: str) -> None:
    found = read_text(UNREADABLE[case], form)
    assert found.scalars is None
    assert [problem.kind for problem in found.problems] == ["unreadable"]


def test_missing_file_is_a_problem(tmp_path) -> None:
    from loglens.sources import tables
    from loglens.sources.base import LogFile

    found = tables.read([LogFile(str(tmp_path / "gone.csv"), "gone.csv", 3, "csv")])
    assert [(problem.path, problem.kind) for problem in found.problems] == [("gone.csv", "unreadable")]


def test_ragged_rows_are_named_and_kept() -> None:
    found = read_text("step,loss,acc\n0,0.5,0.1\n1,0.4\n2,0.3,0.3,9\n3,0.2,0.4\n4,0.2,0.5\n")
    assert series(found, "step", "value") == {
        "loss": [(0, 0.5), (1, 0.4), (2, 0.3), (3, 0.2), (4, 0.2)],
        "acc": [(0, 0.1), (2, 0.3), (3, 0.4), (4, 0.5)],
    }
    assert faults(found) == [("corrupt", 3, None), ("corrupt", 4, None)]


def test_many_faults_of_a_kind_become_one_line() -> None:
    rows = "".join(f"{step},0.5\n" if step % 3 == 0 else f"{step},0.5,1\n" for step in range(300))
    found = read_text("step,loss,acc\n" + rows)
    assert len(found.problems) == 11
    assert "90 more rows" in found.problems[-1].message


def test_cell_that_is_no_number_is_named() -> None:
    found = read_text("step,loss\n0,0.5\n1,0.4x\n2,0.3\n")
    assert series(found, "step", "value") == {"loss": [(0, 0.5), (2, 0.3)]}
    assert faults(found) == [("corrupt", 3, None)]


def test_last_number_of_an_unended_line_is_no_value() -> None:
    found = read_text("step,loss,acc\n0,0.5,0.1\n1,0.4,0.2\n2,0.3,0.3")
    assert series(found, "step", "value")["acc"] == [(0, 0.1), (1, 0.2)]
    assert series(found)["loss"] == [0.5, 0.4, 0.3]
    assert faults(found) == [("truncated", 4, 40)]


def test_offset_in_utf16() -> None:
    found = read_text("step,loss\n0,0.5\n1,0.4".encode("utf-16"))
    assert faults(found) == [("truncated", 3, 2 + 2 * 18)]


def test_repeated_header_is_a_restart() -> None:
    found = read_text("step,loss\n0,0.5\n1,0.4\nstep,loss\n2,0.3\n")
    assert series(found, "step", "segment") == {"loss": [(0, 0), (1, 0), (2, 1)]}
    assert not found.problems


def test_header_with_other_columns_after_a_restart() -> None:
    found = read_text("step,loss\n0,0.5\nstep,val_loss,loss\n0,0.7,0.4\n")
    assert series(found, "segment", "value") == {"loss": [(0, 0.5), (1, 0.4)], "val_loss": [(1, 0.7)]}


def test_merge_conflict_keeps_both_sides() -> None:
    found = read_text("step,loss\n<<<<<<< HEAD\n0,0.5\n=======\n0,0.4\n>>>>>>> other\n1,0.3\n")
    assert series(found)["loss"] == [0.5, 0.4, 0.3]
    assert [line for _, line, _ in faults(found)] == [2, 4, 6]


def test_nul_bytes_are_named() -> None:
    found = read_text(
        b"step,loss\n" + b"".join(b"%d,0.5\n" % step for step in range(800)) + bytes(40) + b"\n801,0.25\n"
    )
    assert series(found)["loss"] == [0.5] * 800 + [0.25]
    assert faults(found)[0][:2] == ("corrupt", 802)


def test_monitor_file() -> None:
    found = read_text('#{"t_start": 1600000000.5, "env_id": "Cart"}\nr,l,t\n10.0,10,1.5\n20.0,20,2.5\n')
    assert series(found, "step", "wall_time", "value", "axis") == {
        "r": [(0, 1600000002.0, 10.0, "row"), (1, 1600000003.0, 20.0, "row")],
        "l": [(0, 1600000002.0, 10.0, "row"), (1, 1600000003.0, 20.0, "row")],
    }
    assert found.hparams is not None
    assert found.hparams.rows() == [(0, "t_start", "1600000000.5", 1600000000.5), (0, "env_id", "Cart", None)]


def test_series_saved_from_tensorboard() -> None:
    text = "Wall time,Step,Value\n1600000000.5,0,0.5\n1600000001.5,10,0.25\n"
    found = read_text(text, name="run-a-tag-epoch_loss.csv")
    wanted = [(0, 1600000000.5, 0.5, "step"), (10, 1600000001.5, 0.25, "step")]
    assert series(found, "step", "wall_time", "value", "axis") == {"epoch_loss": wanted}


def test_files_read_together_stay_apart() -> None:
    header = "step,loss,val_loss\n"
    contents: list[str | bytes] = [
        header + "0,0.5,1\n1,0.4,2\n",
        header + "0,0.3\n1,0.2,3\n2,0.1,4\n",  # ragged
        header + "0,0.9,x\n1,0.8,5\n",  # no number
        header + "7,0.7,6\n",
        "epoch,loss\n3,0.6\n",
    ]
    found = read_texts(contents)
    got = [series(found, "step", "value", file=place).get("loss") for place in range(5)]
    assert got == [[(0, 0.5), (1, 0.4)], [(0, 0.3), (1, 0.2), (2, 0.1)], [(0, 0.9), (1, 0.8)], [(7, 0.7)], [(3, 0.6)]]
    assert [(p.path, p.line) for p in found.problems] == [("1.csv", 2), ("2.csv", 2)]


def test_too_few_and_too_many_cells_do_not_cancel_out() -> None:
    found = read_text("step,loss,acc\n0,0.5\n1,0.4,0.1,\n2,0.3,0.2\n")
    assert series(found)["acc"] == [0.1, 0.2]
    assert [line for _, line, _ in faults(found)] == [2]


def test_long_line_and_deep_files_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 4096)
    rows = b"".join(b"%d,0.5\n" % step for step in range(2000))
    found = read_text(b"step,loss\n" + rows + b"9," * 9000 + b"\n2000,0.25\n")
    assert series(found, "step")["loss"] == [(step,) for step in range(2001)]
    assert faults(found) == [("corrupt", 2002, 10 + len(rows))]


def test_headers_with_further_columns_may_come_again() -> None:
    longer = "step,loss,acc\n{0},0.5,{0}\n"
    found = read_text(
        "step,loss\n0,0.5\n" + longer.format(1) + longer.format(2) + "step,loss\n3,0.5\n" + longer.format(4)
    )
    assert series(found, "step")["loss"] == [(n,) for n in range(5)]
    assert series(found)["acc"] == [1, 2, 4]
    assert found.problems == []


def test_headers_that_never_end_to_add_columns_stay_narrow() -> None:
    found = read_text("".join(f"step,loss,col{n}\n{n},0.5,{n}\n" for n in range(300)))
    got = series(found, "step", "value")
    assert got["loss"] == [(n, 0.5) for n in range(300)]
    assert [name for name in got if name.startswith("col")] == [f"col{n}" for n in range(101)]
    assert next((kind, line) for kind, line, _ in faults(found)) == ("unreadable", 203)


def test_pieces_of_a_large_file_make_one_table(monkeypatch) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 1024)
    rows = "".join(f"{step},{step / 7!r}\n" for step in range(500))
    found = read_text("step,loss\n" + rows + "500,0.12")
    assert series(found, "step", "value", "segment")["loss"] == [(step, step / 7, 0) for step in range(500)]
    assert faults(found) == [("truncated", 502, 10 + len(rows) + 4)]


value_floats = st.floats(width=64, allow_nan=True, allow_infinity=True)


@given(
    st.lists(st.lists(st.none() | value_floats, min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_round_trip(rows: list[list[float | None]], separator: str, end: str, padded: bool) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end)
    writer.writerow(["step", "loss", "val_loss", "acc"])
    for step, row in enumerate(rows):
        writer.writerow([step, *(f" {cell!r} " if padded and cell is not None else cell for cell in row)])
    got = series(read_text(out.getvalue()), "step", "value")
    for place, tag in enumerate(("loss", "val_loss", "acc")):
        wanted = [(step, float(row[place])) for step, row in enumerate(rows) if row[place] is not None]
        assert repr(got.get(tag, [])) == repr(wanted)


@given(st.floats().map(repr) | st.from_regex(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_numbers_are_as_python_reads_them(cell: str) -> None:
    import polars as pl

    values, odd = numbers(pl.Series([cell]))
    assert repr(values[0]) == repr(float(cell))
    assert not odd[0]
    assert repr(series(read_text(f"step,loss\n0,{cell}\n"))["loss"]) == repr([float(cell)])


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    found = read_text(b"step,loss\n0,0.5\n" + data)
    assert found.scalars is not None or found.problems


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cut_at_every_byte(end: str) -> None:
    lines = ["step,loss,val_loss", *(f"{step},{0.123 + step},{'' if step % 2 else 12.75 + step}" for step in range(6))]
    data = end.join([*lines, ""]).encode()
    whole = series(read_text(data), "step", "value")
    for cut in range(len(lines[0]) + len(end) + 1, len(data)):
        found = read_text(data[:cut])
        for tag, points in series(found, "step", "value").items():
            assert points == whole[tag][: len(points)], cut
        ended = data[:cut].endswith((b"\n", b"\r"))
        assert [problem.kind for problem in found.problems if problem.kind != "skipped"] == ["truncated"] * (not ended)


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_clean_and_damaged_pieces_of_a_large_file_join(monkeypatch, limit: int) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 1024)
    monkeypatch.setattr("loglens.sources.tables.BATCH", limit)
    rows = [f"{step},{step / 7!r},{'' if step % 3 else step}\n" for step in range(600)]
    rows[300] = '300,"x",5\n'
    rows[450] = "450,7\n"
    found = read_text("step,loss,acc\n" + "".join(rows))
    got = series(found, "step", "value")
    assert got["loss"] == [(step, 7.0 if step == 450 else step / 7) for step in range(600) if step != 300]
    assert got["acc"] == [(step, 5.0 if step == 300 else step) for step in range(0, 600, 3) if step != 450]
    assert sorted(line for _, line, _ in faults(found)) == [302, 452]


def test_words_of_other_languages() -> None:
    text = "Epoche;Verlust;Genauigkeit\n0;2,5;0,1\n1;1,25;0,5\n"
    found = read_text(text)
    assert series(found, "step", "value") == {"Verlust": [(0, 2.5), (1, 1.25)], "Genauigkeit": [(0, 0.1), (1, 0.5)]}
    assert found.scalars["axis"].cast(str).unique().to_list() == ["epoch"]


def test_a_typeset_minus_is_a_minus() -> None:
    found = read_text("step,loss\n1,\u22120.5\n2,1e\u22123\n3,2\n")
    assert series(found) == {"loss": [-0.5, 1e-3, 2.0]}
    assert found.problems == []

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textlogs import faults, read_text, read_texts, series

NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?|nan|inf(inity)?)\s*", re.IGNORECASE)
inf, nan = math.inf, math.nan


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


READ = {
    "plain": (lines({"step": 0, "loss": 0.5}, {"step": 1, "loss": 0.25}), {"loss": [0.5, 0.25]}),
    "one line": (lines({"step": 0, "loss": 0.5}), {"loss": [0.5]}),
    "no end, yet whole": (lines({"step": 0, "loss": 0.5}, {"step": 1, "loss": 0.25})[:-1], {"loss": [0.5, 0.25]}),
    "not finite": (
        lines(*({"step": step, "loss": value} for step, value in enumerate((nan, inf, -inf, 1)))),
        {"loss": [nan, inf, -inf, 1]},
    ),
    "too large": ('{"step": 0, "loss": 1e400}\n{"step": 1, "loss": -1e400}\n', {"loss": [inf, -inf]}),
    "large whole numbers": (
        f'{{"step": 0, "loss": {10**30}}}\n{{"step": 1, "loss": 1{"0" * 400}}}\n',
        {"loss": [1e30, inf]},
    ),
    "numbers in strings": (
        lines({"step": "0", "loss": "NaN"}, {"step": "1", "loss": "1e-3"}, {"step": "2", "loss": " 2 "}),
        {"loss": [nan, 1e-3, 2]},
    ),
    "other values": (
        lines({"step": 0, "loss": 0.5, "ok": True, "eta": "0:01", "l": [1, 2], "n": None}, {"step": 1, "loss": 1}),
        {"loss": [0.5, 1]},
    ),
    "late keys": (
        lines(*({"step": n, "loss": 0.5} for n in range(100)), {"step": 100, "eval/mAP": 0.25}, {"step": 101, "x": 3}),
        {"loss": [0.5] * 100, "eval/mAP": [0.25], "x": [3]},
    ),
    "types that change": (
        lines(*({"step": n, "loss": 0.5} for n in range(50)), {"step": 50, "loss": "inf"}, {"step": 51, "loss": 2}),
        {"loss": [0.5] * 50 + [inf, 2]},
    ),
    "nested": (
        lines({"iter": 0, "Loss": {"G": {"loss": {"num": 1, "mean": 0.5, "std": 0}}}, "m": {"_type": "image", "w": 3}}),
        {"Loss/G/loss/num": [1], "Loss/G/loss/mean": [0.5], "Loss/G/loss/std": [0]},
    ),
    "two on a line": ('{"step": 0, "loss": 1} {"step": 1, "loss": 2}\n', {"loss": [1, 2]}),
    "blank lines and crlf": ('{"step": 0, "loss": 1}\r\n\r\n{"step": 1, "loss": 2}\r\n', {"loss": [1, 2]}),
    "bom": ('\ufeff{"step": 0, "loss": 1}\n{"step": 1, "loss": 2}\n', {"loss": [1, 2]}),
    "utf-16": ('{"step": 0, "loss": 1}\n{"step": 1, "loss": 2}\n'.encode("utf-16"), {"loss": [1, 2]}),
    "names of any script": (lines({"step": 0, "loss/é𝛼": 1}, {"step": 1, "loss/é𝛼": 2}), {"loss/é𝛼": [1, 2]}),
    "modes": (
        lines({"mode": "train", "epoch": 1, "loss": 0.5}, {"mode": "val", "epoch": 1, "loss": 0.6}),
        {"train/loss": [0.5], "val/loss": [0.6]},
    ),
    "dllogger": (
        'DLLL {"timestamp": "1600000000.5", "type": "LOG", "step": "PARAMETER", "data": {"lr": 0.1, "name": "x"}}\n'
        'DLLL {"timestamp": "1600000001.5", "type": "METADATA", "metric": "loss", "metadata": {"unit": "nat"}}\n'
        'DLLL {"timestamp": "1600000002.5", "type": "LOG", "step": [1, 1, 10], "data": {"loss": 0.5}}\n'
        'DLLL {"timestamp": "1600000003.5", "type": "LOG", "step": [2, 3, 10], "data": {"loss": 0.25}}\n'
        'DLLL {"timestamp": "1600000004.5", "type": "LOG", "step": [2], "data": {"val_loss": 0.75}}\n'
        'DLLL {"timestamp": "1600000005.5", "type": "LOG", "step": [], "data": {"final": 3}}\n',
        {"epoch": [1, 2, 2], "loss": [0.5, 0.25], "val_loss": [0.75], "final": [3]},
    ),
    "list of records": (
        json.dumps([{"epoch": 1, "main/loss": 0.5}, {"epoch": 2, "main/loss": 0.25}], indent=1),
        {"main/loss": [0.5, 0.25]},
    ),
    "list of records on a line": (json.dumps([{"epoch": 1, "loss": 0.5}]), {"loss": [0.5]}),
    "dict of lists": (
        json.dumps({"loss": [0.5, nan], "val_loss": [0.6], "lr": [], "note": ["a"]}),
        {"loss": [0.5, nan], "val_loss": [0.6]},
    ),
    "keras history": (json.dumps({"history": {"loss": [1, 2]}, "params": {"epochs": 2}}, indent=2), {"loss": [1, 2]}),
    "parts of lists": (
        json.dumps({"train": {"loss": [1, 2]}, "val": {"loss": [3]}}),
        {"train/loss": [1, 2], "val/loss": [3]},
    ),
    "parts of records": (
        json.dumps(
            {"train": [{"step": 0, "loss": 1}, {"step": 5, "loss": 2}], "val": [{"step": 5, "loss": 3}]}, indent=1
        ),
        {"train/loss": [1, 2], "val/loss": [3]},
    ),
    "bare parts": (json.dumps({"train": [1.5, 1.25], "val": [2, 3]}), {"train": [1.5, 1.25], "val": [2, 3]}),
    "objects by epoch": (
        json.dumps({"0": {"loss": 3, "val": {"loss": 4}}, "2": {"loss": 1}, "10": {"loss": 0.5}}),
        {"loss": [3, 1, 0.5], "val/loss": [4]},
    ),
    "records under any name": (
        json.dumps({"config": {"lr": 0.1}, "epochs": [{"epoch": 0, "train": {"loss": 2}}, {"epoch": 1, "lr": 1}]}),
        {"train/loss": [2], "lr": [1]},
    ),
    "points of a plot": (
        json.dumps({"loss": {"train": {"name": "train", "x": [0, 5], "y": [3, 2]}, "val": {"x": [5], "y": [4]}}}),
        {"loss/train": [3, 2], "loss/val": [4]},
    ),
    "objects over several lines": (
        "\n".join(json.dumps({"epoch": n, "loss": n / 2}, indent=2) for n in range(3)),
        {"loss": [0, 0.5, 1]},
    ),
    "records on lines of their own": (
        '{\n"meta": {"metrics": [{"name": "Logloss"}]},\n"iterations": [\n{"iteration": 0, "loss": 2},\n'
        '{"iteration": 1, "loss": 1}\n]}',
        {"loss": [2, 1]},
    ),
    "long records": (
        lines(
            {"tag": "loss", "step": 0, "value": 2},
            {"tag": "lr", "step": 0, "value": 0.1},
            {"tag": "loss", "step": 1, "value": 1},
        ),
        {"loss": [2, 1], "lr": [0.1]},
    ),
    "long records with a split": (
        json.dumps([{"metricName": "loss", "context.subset": w, "step": 0, "metricValue": "2"} for w in ("a", "b")]),
        {"a/loss": [2], "b/loss": [2]},
    ),
    "rows of three": (json.dumps([[1600000000.5, 0, 0.5], [1600000001.5, 10, 0.25]]), {"epoch_loss": [0.5, 0.25]}),
}


@pytest.mark.parametrize("case", READ)
def test_values(case: str) -> None:
    text, wanted = READ[case]
    found = read_text(text, "jsonl", name="run-tag-epoch_loss.json" if case == "rows of three" else "")
    assert {tag: [repr(v) for v in vs] for tag, vs in series(found).items()} == {
        tag: [repr(float(v)) for v in vs] for tag, vs in wanted.items()
    }
    assert not found.problems


SKIPPED = {
    "settings": json.dumps({"learning_rate": 0.1, "epochs": 10, "name": "x"}, indent=2),
    "summary": json.dumps({"epoch": 3.0, "eval_loss": 0.5, "eval_runtime": 3.2}),
    "last values": json.dumps({"loss": 0.5, "_step": 3, "_runtime": 1.0, "_wandb": {"runtime": 3}}).replace(
        "loss", "score"
    ),
    "vocabulary": json.dumps({"the": 1, "of": 2}),
    "words": json.dumps({"tokens": ["a", "b"]}),
    "boxes": json.dumps([{"image": 1, "area": 3.5}, {"image": 2, "area": 4.5}]),
    "a number": "3",
    "a text": "[01/23 17:56:23] detectron2 INFO: Rank of current process: 0\n[01/23 17:56:24] next\n",
    "prose": "nothing to see\nhere\n",
    "trainer state without a log": json.dumps({"log_history": [], "max_steps": 3}),
    "parameters only": 'DLLL {"type": "LOG", "step": "PARAMETER", "data": {"lr": 0.1}}\n' * 2,
    "text between": "".join(f"epoch {n}\nsaving\nloading\nwaiting\n" for n in range(9)) + '{"loss": 1}\n{"loss": 1}\n',
    "empty list": "[]",
    "labels of runs": lines({"run": "a1", "onset": {"loss": 3}}, {"run": "b2", "onset": {"loss": 4}, "note": []}),
    "blank": "\n\n",
}


@pytest.mark.parametrize("case", SKIPPED)
def test_no_log(case: str) -> None:
    found = read_text(SKIPPED[case], "json")
    assert found.scalars is None
    assert [problem.kind for problem in found.problems] == ["skipped"]


def test_trainer_state() -> None:
    state = {
        "max_steps": 10,
        "num_train_epochs": 2,
        "trial_name": None,
        "log_history": [
            {"epoch": 0.5, "step": 5, "loss": 0.5, "learning_rate": 1e-3},
            {"epoch": 1.0, "step": 10, "loss": 0.25, "learning_rate": 0.0},
            {"epoch": 1.0, "step": 10, "eval_loss": 0.75},
            {"epoch": 1.0, "step": 10, "train_loss": 0.375, "train_runtime": 12.5},
        ],
    }
    found = read_text(json.dumps(state, indent=2), "json")
    got = series(found, "step", "value", "axis")
    assert got["loss"] == [(5, 0.5, "step"), (10, 0.25, "step")]
    assert got["train_loss"] == [(10, 0.375, "step")]
    assert [point[1] for point in got["epoch"]] == [0.5, 1, 1, 1]
    assert found.hparams is not None
    assert found.hparams.rows() == [(0, "max_steps", "10", 10.0), (0, "num_train_epochs", "2", 2.0)]


def test_mmengine_counts_epochs_in_evaluation_rows() -> None:
    found = read_text(
        lines(
            {"loss": 1.0, "iter": 50, "epoch": 1, "step": 50, "time": 0.5},
            {"loss": 0.9, "iter": 100, "epoch": 1, "step": 100, "time": 0.4},
            {"coco/AP": 0.1, "time": 0.2, "step": 1},
            {"loss": 0.8, "iter": 150, "epoch": 2, "step": 150, "time": 0.5},
            {"coco/AP": 0.2, "time": 0.2, "step": 2},
            {"loss": 1.1, "iter": 50, "epoch": 1, "step": 50, "time": 0.5},
            {"coco/AP": 0.05, "time": 0.2, "step": 1},
        ),
        "jsonl",
    )
    got = series(found, "step", "axis", "segment")
    assert got["loss"] == [(50, "step", 0), (100, "step", 0), (150, "step", 0), (50, "step", 1)]
    assert got["coco/AP"] == [(1, "epoch", 0), (2, "epoch", 0), (1, "epoch", 1)]
    assert [step for step, _, _ in got["time"]] == [50, 100, 100, 150, 150, 50, 50]
    assert "iter" not in got


def test_steps_written_as_lists_become_one() -> None:
    text, _ = READ["dllogger"]
    found = read_text(text, "json")
    got = series(found, "step", "axis", "wall_time")
    assert got["loss"] == [(1, "step", 1600000002.5), (13, "step", 1600000003.5)]
    assert got["final"] == [(13, "step", 1600000005.5)]
    assert found.hparams is not None
    assert found.hparams.get_column("name").to_list() == ["lr", "name", "loss/unit"]


def test_bad_lines_are_named_and_good_ones_kept() -> None:
    text = '{"step": 0, "loss": 1}\nnonsense\n{"step": 1, "loss": }\n[1]\n{"step": 2, "loss": 3}\n'
    found = read_text(text, "jsonl")
    assert series(found, "step", "value") == {"loss": [(0, 1.0), (2, 3.0)]}
    assert faults(found) == [("corrupt", 2, 23), ("corrupt", 3, 32), ("corrupt", 4, 54)]


def test_line_cut_by_a_crash_and_gone_on_behind() -> None:
    found = read_text(
        '{"step": 0, "loss": 1}\n{"step": 1, "lo{"step": 0, "loss": 2}\n{"step": 1, "loss": 3}\n', "jsonl"
    )
    assert series(found, "step", "value", "segment") == {"loss": [(0, 1.0, 0), (0, 2.0, 0), (1, 3.0, 0)]}
    assert faults(found) == [("corrupt", 2, 23)]


def test_merge_conflict_keeps_both_sides() -> None:
    one, two = '{"step": 0, "loss": 1}\n{"step": 1, "loss": 2}\n', '{"step": 0, "loss": 3}\n{"step": 1, "loss": 4}\n'
    found = read_text(f"<<<<<<< HEAD\n{one}=======\n{two}>>>>>>> other\n", "jsonl")
    assert series(found, "value", "segment") == {"loss": [(1.0, 0), (2.0, 0), (3.0, 1), (4.0, 1)]}
    assert [line for _, line, _ in faults(found)] == [1, 4, 7]


def test_deep_nesting_is_a_named_problem() -> None:
    deep = '{"a":' * 200_000 + "1" + "}" * 200_000
    found = read_text('{"step": 0, "loss": 1}\n' + deep + '\n{"step": 1, "loss": 2}\n', "jsonl")
    assert series(found)["loss"] == [1, 2]
    assert faults(found) == [("corrupt", 2, 23)]
    alone = read_text("[" * 200_000, "json")
    assert [problem.kind for problem in alone.problems] == ["corrupt"]
    levels = read_text(
        lines({"step": 0, "loss": 1}) + '{"step": 1, "a": ' + '{"a":' * 900 + "1" + "}" * 901 + "\n", "jsonl"
    )
    assert series(levels)["loss"] == [1]


HALF = '{"step": %d, "lo\\ud800ss": 0.5, "loss": 0.25, "split\\udfff": "\\udead"}\n'


@pytest.mark.parametrize("extra", ["", '{"step": 2, "loss": [1]}\n', "{\n"], ids=["clean", "listed", "damaged"])
def test_half_characters_are_written_out(extra: str) -> None:
    got = series(read_text("".join(HALF % step for step in range(2)) + extra, "jsonl"), "step", "value")
    assert got["lo\\ud800ss"] == [(0, 0.5), (1, 0.5)]
    assert got["loss"][:2] == [(0, 0.25), (1, 0.25)]


def test_half_characters_in_a_document() -> None:
    found = read_text('{"loss": [1, 2], "val_lo\\ud800ss": [3, 4], "name\\udc00": "\\ud800"}', "json")
    assert series(found)["val_lo\\ud800ss"] == [3, 4]
    assert found.hparams is not None
    assert found.hparams.select("name", "value").rows() == [("name\\udc00", "\\ud800")]


def test_thousands_of_series_in_long_records() -> None:
    rows = (f'{{"step": {n // 20_000}, "tag": "t{n % 20_000}", "value": {n}}}\n' for n in range(40_000))
    got = series(read_text("".join(rows), "jsonl"))
    assert len(got) == 20_000
    assert got["t7"] == [7, 20_007]


def test_very_long_line_is_skipped_and_named(monkeypatch) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 4096)
    rows = lines(*({"step": step, "loss": 0.5} for step in range(400)))
    found = read_text(rows + '{"loss": "' + "x" * 20000 + '"}\n' + lines({"step": 400, "loss": 2}), "jsonl")
    assert series(found)["loss"] == [0.5] * 400 + [2]
    assert faults(found) == [("corrupt", 401, len(rows))]


def test_document_that_is_too_large_is_named(monkeypatch) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 4096)
    found = read_text(json.dumps({"loss": [0.5] * 4000}, indent=1), "json")
    assert [problem.kind for problem in found.problems] == ["unreadable"]


def test_many_different_keys_stay_sparse() -> None:
    found = read_text(lines(*({"step": step, f"loss/{step}": step} for step in range(3000))), "jsonl")
    assert len(series(found)) == 3000


def test_files_read_together_stay_apart() -> None:
    contents: list[str | bytes] = [
        lines({"step": 0, "loss": 1}, {"step": 1, "loss": 2}),
        lines({"step": 5, "loss": 3}, {"step": 6, "loss": 4, "acc": 0.5}),
        lines({"step": 5, "loss": 3}) + "{bad\n" + lines({"step": 6, "loss": "x"}),
        lines({"step": 0, "loss": 9}, {"step": 1, "loss": 8}),
    ]
    found = read_texts(contents, "jsonl")
    assert [series(found, "step", "value", file=place) for place in range(4)] == [
        {"loss": [(0, 1.0), (1, 2.0)]},
        {"loss": [(5, 3.0), (6, 4.0)], "acc": [(6, 0.5)]},
        {"loss": [(5, 3.0)]},
        {"loss": [(0, 9.0), (1, 8.0)]},
    ]
    assert [(problem.path, problem.line) for problem in found.problems] == [("2.jsonl", 2)]


records = st.lists(
    st.dictionaries(
        st.sampled_from(["loss", "val_loss", "a/b", "lr", "é"])
        | st.text(max_size=6).filter(lambda s: s == "x" * len(s)),
        st.none()
        | st.floats()
        | st.integers()
        | st.booleans()
        | st.text(max_size=5)
        | st.lists(st.integers(), max_size=2),
        max_size=5,
    ),
    min_size=1,
    max_size=40,
)


@given(records)
def test_round_trip(rows: list[dict[str, object]]) -> None:
    text = lines({"step": 0, "loss": 0.5}, *({"step": step, **row} for step, row in enumerate(rows, 1)))
    wanted: dict[str, list[tuple[int, float]]] = {}
    for step, row in enumerate([{"loss": 0.5}, *rows]):
        for name, value in row.items():
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            if plain or (isinstance(value, str) and NUMBER.fullmatch(value)):
                wanted.setdefault(name, []).append((step, float(value)))
    assert {t: repr(v) for t, v in series(read_text(text, "jsonl"), "step", "value").items()} == {
        t: repr(v) for t, v in wanted.items()
    }


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_arrow_and_python_read_the_same_number(value: float) -> None:
    text = lines({"step": 0, "loss": value}, {"step": 1, "loss": value})
    assert series(read_text(text, "jsonl"))["loss"] == [value, value]
    assert series(read_text(text.replace("}", ', "l": []}'), "jsonl"))["loss"] == [value, value]


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    found = read_text(b'{"step": 0, "loss": 1}\n' + data, "jsonl")
    assert found.scalars is not None or found.problems
    found = read_text(data, "json")
    assert found.scalars is not None or found.problems


def test_lines_cut_at_every_byte() -> None:
    data = lines(*({"step": step, "loss": 12.75 + step, "val": {"loss": 3}} for step in range(4))).encode()
    whole = series(read_text(data, "jsonl"), "step", "value")
    for cut in range(1, len(data)):
        found = read_text(data[:cut], "jsonl")
        for tag, points in series(found, "step", "value").items():
            assert points == whole[tag][: len(points)], cut
        ended = data[cut - 1 : cut] == b"\n" or data[cut : cut + 1] == b"\n"
        assert ["truncated"] * (not ended) == [p.kind for p in found.problems if p.kind != "skipped"], cut


@pytest.mark.parametrize("indent", [None, 2])
def test_document_cut_at_every_byte(indent: int | None) -> None:
    state = {"log_history": [{"step": step, "loss": 12.75 + step} for step in range(4)], "max_steps": 7}
    data = json.dumps(state, indent=indent).encode()
    whole = series(read_text(data, "json"), "step", "value")["loss"]
    for cut in range(1, len(data)):
        found = read_text(data[:cut], "json")
        points = series(found, "step", "value").get("loss", [])
        assert points == whole[: len(points)], cut
        assert "truncated" in [problem.kind for problem in found.problems], cut


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_clean_and_damaged_pieces_of_a_large_file_join(monkeypatch, limit: int) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 1024)
    monkeypatch.setattr("loglens.sources.jsonlogs.BATCH", limit)
    rows = [json.dumps({"step": step, "loss": step / 7} | ({} if step % 3 else {"acc": step})) for step in range(300)]
    rows[150] = "broken"
    found = read_text("\n".join([*rows, ""]), "jsonl")
    got = series(found, "step", "value", "segment")
    assert got["loss"] == [(step, step / 7, 0) for step in range(300) if step != 150]
    assert got["acc"] == [(step, step, 0) for step in range(0, 300, 3) if step != 150]
    assert [line for _, line, _ in faults(found)] == [151]


def test_iterations_of_epochs_with_evaluations_between_are_no_restarts() -> None:
    """As MMCV writes them: `iter` counts inside the epoch, and evaluations have a count of their own."""
    rows = []
    for epoch in (1, 2, 3, 4):
        rows += [{"mode": "train", "epoch": epoch, "iter": n, "loss": 3 / (n + epoch)} for n in (50, 100, 150)]
        rows += [{"mode": "val", "epoch": epoch, "iter": 75, "mAP": epoch / 10}]
    found = read_text(lines(*rows), "json")
    assert found.scalars is not None
    assert found.scalars["segment"].max() == 0
    assert set(found.scalars["axis"].cast(str)) == {"row"}


def test_marks_and_control_characters_inside_a_file_do_no_harm() -> None:
    found = read_text(
        '{"step": 1, "loss": 1.5, "note": "a\tb"}\n\ufeff{"step": 2, "loss": 2.5, "note": "\x07"}\n', "jsonl"
    )
    assert series(found) == {"loss": [1.5, 2.5]}
    assert found.problems == []

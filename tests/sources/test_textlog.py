"""Whole text logs: which are logs, where their lines stand in the training, and that every number arrives."""
# ruff: noqa: E501 (lines as they are printed)

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from textlogs import read_text

from loglens.sources import textlog
from loglens.sources.textlog import NAMES, _row

if TYPE_CHECKING:
    from loglens.sources.base import Tables

REASON = textlog.REASON


def series(found: Tables) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag."""
    out: dict[str, list[tuple[int, float]]] = {}
    if found.scalars is not None:
        for tag, step, value in found.scalars.select("tag", "step", "value").iter_rows():
            out.setdefault(tag, []).append((step, value))
    return out


def axis(found: Tables) -> str:
    assert found.scalars is not None
    (kind,) = found.scalars["axis"].unique()
    return str(kind)


def text(data: str | bytes) -> Tables:
    return read_text(data, "text", "train.log")


NANOGPT = "".join(
    (f"step {i}: train loss {4 - i / 500:.4f}, val loss {4.1 - i / 500:.4f}\n" if i % 250 == 0 else "")
    + f"iter {i}: loss {4 - i / 400:.4f}, time {10 + i % 7}.50ms\n"
    for i in range(0, 1000, 10)
)


def test_counters_of_two_names_are_one() -> None:
    found = text(NANOGPT)
    assert axis(found) == "step"
    got = series(found)
    assert got["val loss"] == [(i, round(4.1 - i / 500, 4)) for i in range(0, 1000, 250)]
    assert got["loss"] == [(i, round(4 - i / 400, 4)) for i in range(0, 1000, 10)]
    assert set(got) == {"loss", "time", "train loss", "val loss"}
    assert found.problems == []


def test_counters_that_contradict_each_other_are_not_mixed() -> None:
    lines = [f"iteration {1000 * i} loss {9 - i}\nupdate {i}: grad norm: {i}.5, loss scale: 2\n" for i in range(1, 9)]
    got = series(text("".join(lines)))
    assert got["loss"] == [(1000 * i, 9 - i) for i in range(1, 9)]
    assert [step for step, _ in got["grad norm"]] == [1000 * i for i in range(1, 9)]


def test_fractions_of_an_epoch_become_steps() -> None:
    lines = [
        f"Train Epoch: {e} [{b}/60000 ({b // 600}%)]\tLoss: {1 / (e + b / 60000):.6f}\n"
        + (f"\nTest set: Average loss: {1 / e:.4f}, Accuracy: {9000 + e}/10000 ({90 + e}%)\n\n" if b == 48000 else "")
        for e in range(1, 5)
        for b in range(0, 60000, 6000)
    ]
    got = series(text("".join(lines)))
    assert [step for step, _ in got["Train/Loss"]] == list(range(0, 240_000, 6000))
    assert got["Test/Accuracy"] == [(60_000 * (e - 1) + 48_000, (9000 + e) / 10_000) for e in range(1, 5)]


def test_steps_inside_epochs_become_steps() -> None:
    got = series(
        text("".join(f"Epoch [{e}/3], Step [{s}/600], Loss: {s}.5\n" for e in (1, 2, 3) for s in range(100, 700, 100)))
    )
    assert [step for step, _ in got["Loss"]] == list(range(100, 1900, 100))


def test_batches_without_an_end_count_as_rows() -> None:
    found = text("".join(f"epoch {e} batch {b} loss: {e}.{b}\n" for e in range(3) for b in range(5)))
    assert axis(found) == "row"
    assert [step for step, _ in series(found)["loss"]] == list(range(15))


def test_a_counter_on_a_line_of_its_own_holds_for_the_next_lines() -> None:
    found = text(
        "".join(f"Epoch {e}/5\n\tTrain Loss: {e}.5 | Train Acc: 1{e}.5%\n\t Val. Loss: {e}.25\n" for e in range(1, 6))
    )
    assert axis(found) == "epoch"
    assert series(found)["Val. Loss"] == [(e, e + 0.25) for e in range(1, 6)]


def test_a_heading_names_the_split_of_the_next_line() -> None:
    lines = [
        f"Epoch {e}\n-------\nloss: {e}.125  [    0/  200]\nloss: {e}.0  [  100/  200]\nTest Error: \n Accuracy: 5{e}.0%, Avg loss: 0.{e}\n\n"
        for e in range(1, 4)
    ]
    got = series(text("".join(lines)))
    assert got["Test/Avg loss"] == [(100, 0.1), (300, 0.2), (500, 0.3)]
    assert got["loss"] == [(0, 1.125), (100, 1.0), (200, 2.125), (300, 2.0), (400, 3.125), (500, 3.0)]


def test_tables_of_agents() -> None:
    lines = [
        f"----\n| rollout/           |          |\n|    ep_rew_mean     | {i}.5      |\n| time/              |          |\n"
        f"|    total_timesteps | {2048 * i}     |\n| train/             |          |\n|    value_loss      | {9 - i} |\n----\n"
        for i in range(1, 5)
    ]
    got = series(text("Using cpu device\n" + "".join(lines)))
    assert got == {
        "rollout/ep_rew_mean": [(2048 * i, i + 0.5) for i in range(1, 5)],
        "train/value_loss": [(2048 * i, 9.0 - i) for i in range(1, 5)],
    }


ROWS = {
    "| loss | 0.5 |": (1, "loss", "0.5"),
    "|    a b |  |": (4, "a b", ""),
    "|x|1|": (0, "x", "1"),
    "|\tx | 1 |": (0, "x", "1"),
    "|": None,
    "||": None,
    "|x|": None,
    "| | 1 |": None,
    "| a | 1 | 2 |": None,
    "| a | 1": None,
    "|" + " " * 200_000 + "x": None,
    "|" + " |" * 200_000: None,
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:12])
def test_rows_of_tables(row: str) -> None:
    assert _row(row) == ROWS[row]


def test_a_table_without_end_is_none() -> None:
    found = text("".join(f"| n{i} | 1 |\n" for i in range(3 * NAMES)))
    assert [problem.kind for problem in found.problems] == ["skipped"]


@pytest.mark.parametrize("other", ["é", "ü".encode("latin-1"), "█"])
def test_no_line_is_lost_before_the_end_of_the_first_piece(monkeypatch: pytest.MonkeyPatch, other: str | bytes) -> None:
    monkeypatch.setattr("loglens.sources.text.PIECE", 1024)
    lines = [
        f"epoch {i} loss: 0.{i:03d} ".encode() + (other.encode() if isinstance(other, str) else other) * 7
        for i in range(200)
    ]
    for shift in range(4):  # the piece ends within a character
        found = text(b"#" * shift + b"\n" + b"\n".join(lines) + b"\n")
        assert series(found)["loss"] == [(i, i / 1000) for i in range(200)]
        assert found.problems == []


def test_a_restart_begins_a_segment() -> None:
    once = "".join(f"step {i} | loss: {9 - i / 10}\n" for i in range(30))
    found = text(once + "Traceback (most recent call last):\n" + once)
    assert found.scalars is not None
    assert found.scalars["segment"].to_list() == [0] * 30 + [1] * 30


def test_times_arrive() -> None:
    found = text("".join(f"2024-01-01 00:00:{i:02d},500 - INFO - step {i} loss: {i}\n" for i in range(5)))
    assert found.scalars is not None
    assert found.scalars["wall_time"].to_list() == [1704067200.5 + i for i in range(5)]


# --- progress bars ----------------------------------------------------------------------------------------------------


def bars(epochs: int, last: str = "") -> str:
    return "".join(
        f"Epoch {e}/{epochs}\n"
        + "".join(f"\r{b:3d}/100 [===>....] - ETA: 5s - loss: {e}.{b:02d}" for b in range(10, 100, 10))
        + f"\r100/100 [========] - 5s 3ms/step - loss: {e}.0{last.format(e=e)}\n"
        for e in range(1, epochs + 1)
    )


@pytest.mark.parametrize(
    ("epochs", "last", "points"), [(3, " - val_loss: {e}.5", 3), (8, "", 8), (3, "", 30), (1, "", 10)]
)
def test_what_was_written_over_counts_only_where_little_else_is(epochs: int, last: str, points: int) -> None:
    got = series(text(bars(epochs, last)))
    assert len(got["loss"]) == points
    assert len(got.get("val_loss", [])) == (epochs if last else 0)


def test_records_printed_behind_a_bar() -> None:
    lines = "".join(
        "".join(f"\r {i}%|▏      | {i}/100 [00:05<08:20,  1.98it/s]" for i in range(i - 9, i + 1))
        + f"{{'loss': {100 - i}.5, 'learning_rate': 1e-05, 'epoch': {i / 50}}}\n"
        for i in range(10, 101, 10)
    )
    assert series(text(lines))["loss"] == [(i, 100.5 - i) for i in range(10, 101, 10)]


def test_bars_of_several_rounds_count_on() -> None:
    bar = "".join(f"\r{k}%|##  | {k}/100 [00:01<00:00, 90.1it/s, loss={k}.5]" for k in range(0, 101, 20)) + "\n"
    assert [step for step, _ in series(text(bar * 2))["loss"]] == [*range(0, 101, 20), *range(100, 201, 20)]


# --- what is no log ---------------------------------------------------------------------------------------------------

CONFIG = (
    "".join(f"  {name}_{i}: {i}.0\n" for name in ("ALPHA", "BETA", "SIZE") for i in range(9)) + "  LOSS_WEIGHT: 2.0\n"
)
PROSE = {
    "prose": "The loss 0.3 was good.\nAccuracy went up to 0.9 after 3 epochs.\nWe saw reward 5 and then 7.\n" * 9,
    "traces": 'Traceback (most recent call last):\n  File "train.py", line 12, in <module>\nValueError: loss 3\n' * 9,
    "settings": CONFIG * 9,
    "code": "def f(x):\n    loss = 0.5\n    return loss\n\nlr = 0.1\naccuracy = 0\n",
    "a server": "".join(f"2024-01-01 00:00:{i:02d} INFO GET /x 200 in {i}ms, size: {i}\n" for i in range(50)),
    "an installer": "".join(f"Collecting torch=={i}.0\n  Downloading torch-{i}.0.whl ({i} MB)\n" for i in range(9)),
    "counts": "|    train      | 4570         | baseball bat | 3273  |\n" * 20,
    "words": "nothing\nbut\nwords\n",
    "one line": "step 1 loss: 0.5\n",
    "numbers": "1 2 3\n4 5 6\n" * 9,
}


@pytest.mark.parametrize("name", PROSE)
def test_other_texts_are_skipped_with_a_reason(name: str) -> None:
    found = text(PROSE[name])
    assert found.scalars is None
    (problem,) = (p for p in found.problems if p.kind != "error")
    assert (problem.kind, problem.message) == ("skipped", f"not a training log: {REASON}")


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "empty file"), (b"\0\1\2" * 99, "binary data"), (b"version https://git-lfs/x\n", "LFS")]
)
def test_what_is_no_text_is_named(data: bytes, message: str) -> None:
    (problem,) = text(data).problems
    assert message in problem.message


def test_a_log_among_other_lines() -> None:
    """Settings, prose and traces before, between and after leave no trace."""
    parts = [CONFIG, *NANOGPT.splitlines(keepends=True)]
    for place in (30, 60, 90):
        parts.insert(place, PROSE["traces"][:200] + "\n")
        parts.insert(place, "Saving checkpoint at step 77 with loss 0.5\n")
    assert series(text("".join(parts))) == series(text(NANOGPT))


@pytest.mark.parametrize("extra", ["Test accuracy: 0.93\n", "Final test loss: 0.5, test acc: 0.9\n"])
def test_the_last_result_arrives(extra: str) -> None:
    got = series(text(NANOGPT + extra))
    assert len(got) > 4
    assert not text(NANOGPT + extra).problems


def test_two_lines_are_enough_where_they_are_counted() -> None:
    assert series(text("epoch 1: loss=0.5\nepoch 2: loss=0.25\n")) == {"loss": [(1, 0.5), (2, 0.25)]}


@pytest.mark.parametrize("line", ["loss: 0.6931\n", "train_loss=0.6931 acc=0.5\n"])
def test_a_loss_that_never_moves_is_a_log_all_the_same(line: str) -> None:
    assert len(series(text(line * 40)).popitem()[1]) == 40


# --- damage -----------------------------------------------------------------------------------------------------------


def test_cut_at_every_byte() -> None:
    """A number cut at the end is none: whatever is read stands so in the whole file."""
    log = (
        "epoch 1: loss=12.125, val_loss=3.5\n" * 3
        + "epoch 2: loss=11.5, val_loss=25.75\r\n{'loss': 1.25e-05, 'epoch': 3}\n"
    )
    whole = series(text(log))
    for size in range(len(log)):
        found = text(log[:size])
        for tag, points in series(found).items():
            assert [value for _, value in points] == [value for _, value in whole[tag]][: len(points)]


@pytest.mark.parametrize("end", ["step 9: loss 0.12", "step 9: loss 0.12, acc 5", "{'loss': 0.1, 'epoch': 9"])
def test_a_cut_number_is_told_with_its_line(end: str) -> None:
    found = text("step 1: loss 0.5, acc 3\n" * 5 + end)
    assert [(problem.kind, problem.line) for problem in found.problems] == [("truncated", 6)]


@pytest.mark.parametrize("end", ["step 9: loss 0.12, acc 5\n", "done", "[loss=0.5, acc=0.1]", "step 9: loss (0.12)"])
def test_whole_ends_are_not(end: str) -> None:
    assert text("step 1: loss 0.5, acc 3\n" * 5 + end).problems == []


def test_lines_with_nul_bytes_are_counted() -> None:
    found = text(NANOGPT + "iter 990: loss \0\0\0\n" + NANOGPT[-40:])
    assert [(problem.kind, problem.line) for problem in found.problems] == [("corrupt", NANOGPT.count("\n") + 1)]


def test_random_damage_never_raises() -> None:
    rng = random.Random(5)
    data = (NANOGPT + bars(3) + PROSE["traces"] + CONFIG).encode()
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(rng.choice([1, 30, 3000])):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        at = rng.randrange(len(broken))
        del broken[at : at + rng.randrange(500)]
        found = text(bytes(broken))
        assert found.scalars is not None or found.problems


def test_lines_without_end_and_words_without_number_stay_small() -> None:
    found = text(("x" * 50 + " 1 ") * 20_000 + "\n" + "".join(f"word{i} {i}: loss {i} {i}\n" for i in range(25_000)))
    assert found.scalars is None or found.scalars.height


# --- every number -----------------------------------------------------------------------------------------------------

NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)"
WRITERS = {
    "nanogpt": ("iter {i}: loss {a}, time {b}", {"loss": rf"loss ({NUMBER}),", "time": rf"time ({NUMBER})"}),
    "keyed": ("epoch={i} train_loss={a} val_loss={b}", {"train_loss": rf"train_loss=({NUMBER})", "val_loss": rf"val_loss=({NUMBER})"}),
    "python": ("{{'loss': {a}, 'grad_norm': {b}, 'epoch': {i}}}", {"loss": rf"'loss': ({NUMBER})", "grad_norm": rf"norm': ({NUMBER})"}),
    "columns": ("{i:5d}/500 | lm loss: {a} | grad norm: {b} |", {"lm loss": rf"lm loss: ({NUMBER})", "grad norm": rf"grad norm: ({NUMBER})"}),
    "detectron": ("[01/23 17:56:23 d2.utils]:  eta: 0:20:11  iter: {i}  total_loss: {a}  loss_cls: {b}  lr: 0.1",
                  {"total_loss": rf"total_loss: ({NUMBER})", "loss_cls": rf"loss_cls: ({NUMBER})"}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_every_number_against_a_regular_expression(name: str) -> None:
    shape, patterns = WRITERS[name]
    rng = random.Random(name)

    def number() -> str:
        return rng.choice(
            ["nan", "inf", "-inf", f"{rng.random():.4f}", f"{rng.gauss(0, 9):.3e}", f"{rng.randrange(999)}"]
        )

    log = "".join(shape.format(i=i, a=number(), b=number()) + "\n" for i in range(1, 400))
    got = series(text(log))
    for tag, pattern in patterns.items():
        assert [repr(value) for _, value in got[tag]] == [repr(float(one)) for one in re.findall(pattern, log)]


SUMMED = {
    "PyTorch's ImageNet example": (
        "Epoch: [{e}][{b}0/50]\tTime  0.3 ( 0.4)\tLoss 2.{e}{b} (2.5)\tAcc@1  {b}.00 ( 1.00)\n",
        "Test: [{b}0/30]\tTime  0.3 ( 0.4)\tLoss 1.{e}{b} (1.5)\tAcc@1  4{b}.00 ( 1.00)\n",
        " *   Acc@1 5{e}.5 Acc@5 6{e}.5\n",
        "Loss",
    ),
    "Swin": (
        "[2023-01-01 00:0{e}:0{b} swin] (main.py 213): INFO Train: [{e}/300][{b}0/50]\tlr 0.1\tLoss 2.{e}{b} (2.5)\n",
        "[2023-01-01 00:0{e}:1{b} swin] (main.py 255): INFO Test: [{b}0/30]\tLoss 1.{e}{b} (1.5)\tAcc@1 4{b}.0 (1.0)\n",
        "[2023-01-01 00:0{e}:20 swin] (main.py 262): INFO  * Acc@1 5{e}.5 Acc@5 6{e}.5\n",
        "Train/Loss",
    ),
}


@pytest.mark.parametrize("case", SUMMED)
def test_a_test_inside_a_training_and_its_sum(case: str) -> None:
    """Lines that say `Test:` before a place, and the sum below them, are no part of the training's curves."""
    train, test, total, name = SUMMED[case]
    text = ""
    for e in range(3):
        text += "".join(train.format(e=e, b=b) for b in range(5)) + "".join(test.format(e=e, b=b) for b in range(3))
        text += total.format(e=e)
    found = {tag: [value for _, value in points] for tag, points in series(read_text(text, "text")).items()}
    assert found[name] == [float(f"2.{e}{b}") for e in range(3) for b in range(5)]
    assert found["Test/Loss"] == [float(f"1.{e}{b}") for e in range(3) for b in range(3)]
    assert found["Test/Acc@1"] == [x for e in range(3) for x in (40.0, 41.0, 42.0, 50.5 + e)]
    assert found["Test/Acc@5"] == [60.5, 61.5, 62.5]


def test_a_text_of_endless_kinds_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textlog, "KINDS", (10, 50))
    noise = [f"{chr(97 + i // 26)}{chr(97 + i % 26)} {i} seen" for i in range(200)]
    found = text("\n".join([*(f"step {i} loss {i}.5" for i in range(5)), *noise, "step 5 loss 5.5", ""]))
    assert series(found) == {"loss": [(i, i + 0.5) for i in range(6)]}
    assert [(p.kind, p.message) for p in found.problems] == [
        ("unreadable", "over 10 kinds of lines: those of further kinds are not read")
    ]
    assert REASON in text("\n".join(noise)).problems[-1].message


def test_a_text_of_numbers_without_a_loss_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textlog, "HOPELESS_LINES", 100)
    monkeypatch.setattr("loglens.sources.text.BLOCK", 500)
    curve = "".join(f"step {i} loss {i}.5\n" for i in range(5))
    assert len(series(text("request 7 took 9 ms\n" * 50 + curve))["loss"]) == 5
    assert text("request 7 took 9 ms\n" * 500 + curve).scalars is None
    assert len(series(text(curve + "request 7 took 9 ms\n" * 500 + curve))["loss"]) == 10


def test_lines_that_count_rounds_in_other_languages() -> None:
    found = text("".join(f"第{i}轮 训练损失=2.{i} 验证准确率=0.{i}\n" for i in range(5)))
    assert (axis(found), series(found)["训练损失"][3], set(series(found))) == (
        "epoch",
        (3, 2.3),
        {"训练损失", "验证准确率"},
    )

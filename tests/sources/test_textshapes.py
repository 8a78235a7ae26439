"""What single lines of all kinds of trainings say."""
# ruff: noqa: E501 (lines as they are printed)

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.sources.text import Piece
from loglens.sources.textlines import Line, lines, moment, plain
from loglens.sources.textshapes import cut, shape_of

# line: what counts (epoch, step, positions) and what was measured
LINES: dict[str, tuple[str, str]] = {
    "iter 100: loss 2.3100, time 12.00ms, mfu 3.40%": ("step 100", "loss=2.31 time=12 mfu=3.4"),
    "step 250: train loss 1.9000, val loss 2.1000": ("step 250", "train loss=1.9 val loss=2.1"),
    " [2024-01-01 00:00:00] iteration      100/     500 | consumed samples:        25600 | elapsed time per iteration"
    " (ms): 1234.5 | learning rate: 1.500E-04 | lm loss: 6.200000E+00 | loss scale: 1.0 | number of nan iterations: 0 |": (
        "step 100",
        "consumed samples=25600 elapsed time per iteration (ms)=1234.5 learning rate=0.00015 lm loss=6.2 loss scale=1 "
        "number of nan iterations=0",
    ),
    " validation loss at iteration 1000 | lm loss value: 3.4E+00 | lm loss PPL: 3.0E+01 |": (
        "step 1000",
        "validation/lm loss value=3.4 validation/lm loss PPL=30",
    ),
    "[01/23 17:56:23 d2.utils.events]:  eta: 1 day, 0:20:11  iter: 19  total_loss: 2.131  loss_cls: nan  max_mem: 3000M": (
        "step 19",
        "total_loss=2.131 loss_cls=nan max_mem=3000",
    ),
    "2020-05-01 10:00:00 | INFO | train_inner | epoch 001:    100 / 1500 loss=10.2, ppl=1200, num_updates=100, gnorm=3.2": (
        "epoch 1 step 100 100/1500",
        "train_inner/loss=10.2 train_inner/ppl=1200 train_inner/gnorm=3.2",
    ),
    "2020-05-01 10:00:00 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 8.1 | ppl 90.2 | num_updates 1500": (
        "epoch 1 step 1500",
        "valid/loss=8.1 valid/ppl=90.2",
    ),
    '2020-05-01 10:00:00 | INFO | train | {"epoch": 1, "train_loss": "10.2", "train_lr": "1e-05"}': (
        "epoch 1",
        "train_loss=10.2 train_lr=1e-05",
    ),
    "| epoch 003 | loss 3.2 | ppl 9.1": ("epoch 3", "loss=3.2 ppl=9.1"),
    "Epoch 3/10": ("epoch 3", ""),
    "1875/1875 [==============================] - 5s 3ms/step - loss: 0.3000 - accuracy: 0.9000 - val_loss: 0.2": (
        "1875/1875",
        "loss=0.3 accuracy=0.9 val_loss=0.2",
    ),
    "\x1b[1m1875/1875\x1b[0m \x1b[32m━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m5s\x1b[0m 3ms/step - accuracy: 0.9 - loss: 0.3": (
        "1875/1875",
        "accuracy=0.9 loss=0.3",
    ),
    " 100/1875 [>.............................] - ETA: 5s - loss: 0.3000": ("100/1875", "loss=0.3"),
    "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.297471": ("epoch 1 640/60000", "Train/Loss=2.297471"),
    "Test set: Average loss: 0.0510, Accuracy: 9832/10000 (98%)": ("", "Test/Average loss=0.051 Test/Accuracy=9832"),
    "Epoch: [0][  10/5005]\tTime  0.5 ( 0.8)\tLoss 6.9e+00 (7.0e+00)\tAcc@1   0.00 (  0.10)\tAcc@5   1.00 (  0.50)": (
        "epoch 0 10/5005",
        "Time=0.5 Loss=6.9 Acc@1=0 Acc@5=1",
    ),
    " * Acc@1 70.100 Acc@5 89.200": ("", "Acc@1=70.1 Acc@5=89.2"),
    "Epoch: [0]  [  10/1563]  eta: 0:20:11  lr: 0.000001  loss: 6.9123 (6.9500)  max mem: 6000": (
        "epoch 0 10/1563",
        "lr=1e-06 loss=6.9123 max mem=6000",
    ),
    "{'loss': 2.3, 'grad_norm': nan, 'learning_rate': 5e-05, 'epoch': 0.1}": (
        "epoch 0.1",
        "loss=2.3 grad_norm=nan learning_rate=5e-05",
    ),
    "  1%|▏         | 10/1000 [00:05<08:20,  1.98it/s]{'loss': 2.3, 'epoch': 0.1}": ("epoch 0.1 10/1000", "loss=2.3"),
    "Epoch 0: 100%|██████████| 1875/1875 [00:10<00:00, 180.2it/s, v_num=0, train_loss=0.300, val_loss=0.2]": (
        "epoch 0 1875/1875",
        "v_num=0 train_loss=0.3 val_loss=0.2",
    ),
    "Epoch [1/10], Step [100/600], Loss: 0.3000": ("epoch 1 step 100", "Loss=0.3"),
    "[Epoch 1/200] [Batch 10/938] [D loss: 0.500000] [G loss: 0.700000]": ("epoch 1 step 10", "D loss=0.5 G loss=0.7"),
    "[1/25][100/1583] Loss_D: 0.3 Loss_G: 4.1 D(x): 0.9 D(G(z)): 0.1 / 0.05": (
        "1/25 100/1583",
        "Loss_D=0.3 Loss_G=4.1 D(x)=0.9 D(G(z))=0.1",
    ),
    "\tTrain Loss: 0.500 | Train Acc: 80.10% | Train PPL:   1.2": ("", "Train Loss=0.5 Train Acc=80.1 Train PPL=1.2"),
    "Iteration 1, loss = 0.45000000": ("step 1", "loss=0.45"),
    "[0]\ttrain-logloss:0.57000\teval-logloss:0.58": ("step 0", "train-logloss=0.57 eval-logloss=0.58"),
    "[1]\ttraining's binary_logloss: 0.6\tvalid_1's auc: 0.7": (
        "step 1",
        "training's binary_logloss=0.6 valid_1's auc=0.7",
    ),
    "INFO:root:Epoch 1, loss: 0.5, lr=0.001": ("epoch 1", "loss=0.5 lr=0.001"),
    "2024-01-01 12:00:00,123 - mmdet - INFO - Epoch [1][50/7330]\tlr: 1.000e-02, eta: 1 day, 2:03:04, loss: 1.9": (
        "epoch 1 50/7330",
        "lr=0.01 loss=1.9",
    ),
    "2024-01-01 12:00:00,123 - mmdet - INFO - Epoch(val) [1][100]\taccuracy: 0.9000, loss: 0.4": (
        "epoch 1",
        "val/accuracy=0.9 val/loss=0.4",
    ),
    "loss: 2.300000  [    0/60000]": ("0/60000", "loss=2.3"),
    "step 100 | loss: 10.955029 | lr 3.0000e-04 | norm: 1.2 | tok/sec: 5000": (
        "step 100",
        "loss=10.955029 lr=0.0003 norm=1.2 tok/sec=5000",
    ),
    "Epoch 5 - train: loss 0.50 acc 0.80 - val: loss 0.40 acc 0.90": (
        "epoch 5",
        "train/loss=0.5 train/acc=0.8 val/loss=0.4 val/acc=0.9",
    ),
    "epoch 5: train_loss=0.5 val_loss=tensor(0.4, device='cuda:0', grad_fn=<NllLossBackward0>)": (
        "epoch 5",
        "train_loss=0.5 val_loss=0.4",
    ),
    "mAP@0.5:0.95: 0.345, mAP50: 0.5": ("", "mAP@0.5_0.95=0.345 mAP50=0.5"),
    "2021-01-01 00:00:00 INFO my.module step=100 loss=0.5": ("step 100", "loss=0.5"),
    "Step 100: loss nan acc 0.5": ("step 100", "loss=nan acc=0.5"),
    "top 1 accuracy: 0.7, top-5 acc: 0.9": ("", "top1 accuracy=0.7 top5 acc=0.9"),
    "I0101 12:00:00.123456 1234 solver.cpp:239] Iteration 100 (10.2 iter/s, 9.8s/100 iters), loss = 0.5": (
        "step 100",
        "loss=0.5",
    ),
    "Training loss (for one batch) at step 100: 0.2345": ("step 100", "Training loss (for one batch)=0.2345"),
    "step 2k, loss: -inf": ("step 2000", "loss=-inf"),
    "samples 1,234,567 loss 0.3": ("", "samples=1234567 loss=0.3"),
    "Epoch Time: 0m 5s, loss: 0.3": ("", "loss=0.3"),
    # what is no record
    "Epoch 00012: early stopping": ("epoch 12", ""),
    "Epoch 00001: val_loss improved from inf to 0.45000, saving model to x.h5": ("epoch 1", ""),
    "Restoring model weights from the end of the best epoch: 5.": ("", ""),
    "Best val loss: 0.35 at epoch 12": ("", "Best val loss=0.35"),
    "Resuming from checkpoint at step 500": ("", ""),
    '  File "train.py", line 123, in <module>': ("", ""),
}


def told(line: str) -> tuple[str, str]:
    texts, numbers = cut(plain(line))
    shape = shape_of(texts) if numbers else None
    if shape is None:
        return "", ""

    def number(slot: int) -> float:
        return float(numbers[slot].replace(",", ""))

    counts = [f"epoch {number(shape.epoch.slot):g}"] if shape.epoch else []
    counts += [f"step {number(shape.step.slot) * shape.step.factor:g}"] if shape.step else []
    counts += [f"{number(p.slot):g}/{number(p.total or 0):g}" for p in shape.positions]
    return " ".join(counts), " ".join(f"{value.name}={number(value.slot):.9g}" for value in shape.values)


@pytest.mark.parametrize("line", LINES)
def test_lines_of_all_kinds(line: str) -> None:
    assert told(line) == LINES[line]


@pytest.mark.parametrize(
    "line",
    [
        "Loaded 50000 images in 3.2 seconds",
        "The loss was 0.3 after 5 epochs",
        "we saw a reward of 5",
        "loss 3",
        "val_loss did not improve from 0.34",
        "Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.345",
        "LOSS_WEIGHT 2.0",
        "tick 8     kimg 32.0     time 47m 36s      sec/tick 293.9   cpumem 5.20",
        "GET /index 200 in 3ms",
    ],
)
def test_prose_and_other_logs_tell_nothing(line: str) -> None:
    texts, _ = cut(plain(line))
    shape = shape_of(texts)
    assert shape is None or not shape.telling


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("2024-01-01 00:00:00,250 INFO x", 1704067200.25),
        ("[2024/01/01 00:00:01] x", 1704067201.0),
        ("2024-01-01T00:00:02.5Z x", 1704067202.5),
        ("[01/23 17:56:23] x", math.nan),
        ("2024-13-01 00:00:00 x", math.nan),
        ("2024-01-01 99:00:00 x", math.nan),
        ("loss: 3", math.nan),
    ],
)
def test_times(line: str, seconds: float) -> None:
    assert repr(moment(line)) == repr(seconds)


def test_states_that_were_written_over() -> None:
    data = b"a 1\r\nb 1\rb 2\r\rb 3\nc 1\x08\x08\x08c 2\nd 1\r"
    found = [(line.text, line.number, line.overwritten, line.ended) for line in lines(Piece(data))]
    assert found == [
        ("a 1", 1, False, True),
        ("b 1", 2, True, True),
        ("b 2", 2, True, True),
        ("b 3", 2, False, True),
        ("c 1", 3, True, True),
        ("c 2", 3, False, True),
        ("d 1", 4, False, False),
    ]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=2))
def test_every_float_arrives_as_it_was_printed(values: list[float]) -> None:
    texts, numbers = cut(plain(f"step 7: train_loss={values[0]!r}, val_loss: {values[1]!r}"))
    shape = shape_of(texts)
    assert shape is not None
    assert [repr(float(numbers[value.slot])) for value in shape.values] == [repr(value) for value in values]


@settings(max_examples=400)
@given(st.text(alphabet=st.sampled_from("loss: 0.1e5-=|[](){}/,;%\t'\"epoch nan\x1b█#"), max_size=60))
def test_no_line_is_too_strange(text: str) -> None:
    for line in lines(Piece(text.encode())):
        assert isinstance(line, Line)
        texts, numbers = cut(plain(line.text))
        assert len(texts) == len(numbers) + 1
        shape_of(texts)

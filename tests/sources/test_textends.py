"""The errors that text logs end in, and the run that they are told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import loglens
from loglens.sources.textends import Ending

if TYPE_CHECKING:
    from pathlib import Path

TRACE = "Traceback (most recent call last):\n"
LOSSES = "".join(f"step {i} loss {2 - i / 100:.3f}\n" for i in range(50))


def error(text: str) -> str | None:
    ending = Ending()
    for number, line in enumerate(text.splitlines(), 1):
        ending.line(number, line)
    found = ending.error()
    return found and found[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRACE + '  File "x.py", line 3\nRuntimeError: shapes differ', "RuntimeError: shapes differ"),
        (TRACE + "KeyboardInterrupt", "KeyboardInterrupt"),
        ("[rank0]: " + TRACE + "[rank0]: torch.OutOfMemoryError: CUDA out of memory.", "CUDA out of memory."),
        ("RuntimeError: CUDA out of memory. Tried to allocate 2 GiB\n" + TRACE + "ChildFailedError:", "2 GiB"),
        ("\x1b[31mSegmentation fault (core dumped)\x1b[0m", "Segmentation fault (core dumped)"),
        ("train.sh: line 12: 12345 Killed                  python train.py", "12345 Killed python train.py"),
        ("Killed", "Killed"),
        ("srun: error: node1: task 0: Exited with exit code 1", "srun: error: node1"),
        ("slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2024-01-01T00:00:00 DUE TO TIME LIMIT ***", "TIME LIMIT"),
    ],
)
def test_the_line_that_says_why(text: str, said: str) -> None:
    assert said in (error(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "Saving the model",
        "ValueError: sample 3 skipped",  # a warning: nothing was raised
        "Killed 3 idle workers",
        "memory: 3 of 24 GB",
        "Training finished\n" + TRACE + "BrokenPipeError: at exit",
        "the error rate is 0.3",
    ],
)
def test_what_is_no_end_in_an_error(text: str) -> None:
    assert error(text) is None


def test_a_training_that_went_on_did_not_end(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(TRACE + "OSError: no cache\n" + LOSSES)
    assert loglens.read(tmp_path).problems == ()


def test_a_log_that_ends_in_an_error_is_not_healthy(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(LOSSES + TRACE + "RuntimeError: CUDA out of memory\n")
    (run,) = loglens.analyze(tmp_path).runs
    assert run.verdict == "suspect"
    assert run.headline == "The log ends in an error: RuntimeError: CUDA out of memory."


def test_the_output_beside_a_table_tells_of_its_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,loss\n" + "".join(f"{i},{2 - i / 100}\n" for i in range(50)))
    (tmp_path / "train.err").write_text("Loading\n" + TRACE + "RuntimeError: device lost\n")
    logs = loglens.read(tmp_path)
    (problem,) = (p for p in logs.problems if p.kind == "error")
    assert (problem.run, problem.line) == (logs.names[0], 3)


def test_a_job_that_was_resumed_did_not_end_there(tmp_path: Path) -> None:
    (tmp_path / "slurm-9.out").write_text(LOSSES + "Killed\n")
    (tmp_path / "slurm-10.out").write_text(LOSSES)
    assert loglens.read(tmp_path).problems == ()

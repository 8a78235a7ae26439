"""Work in other processes: in order, the same bytes, and nothing lost when a worker dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import parallelwork
import pytest

import loglens
from loglens import sources
from loglens.parallel import map_runs, pool

SAMPLES = Path(__file__).parents[1] / "sample_logs"


def lost(item: object, why: str) -> int:
    return -1


def test_results_come_in_order() -> None:
    with ThreadPoolExecutor(4) as threads:
        found = map_runs(parallelwork.slow_first, range(20), lambda: threads, 4, lost)
        assert [next(found) for _ in range(20)] == list(range(20))


def test_no_more_is_in_flight_than_allowed() -> None:
    taken: list[int] = []
    items = (taken.append(i) or i for i in range(100))  # type: ignore[func-returns-value]
    with ThreadPoolExecutor(2) as threads:
        found = map_runs(parallelwork.double, items, lambda: threads, 4, lost)
        assert next(found) == 0
        assert len(taken) <= 5
        found.close()


def test_a_worker_that_dies_once_loses_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    items = [(i, str(tmp_path)) for i in range(8)]
    found = list(map_runs(parallelwork.dies_once, items, lambda: pool(2), 4, lost, said.append))
    assert found == list(range(8))
    assert said
    assert all("tried again" in line for line in said)


def test_an_item_that_kills_is_named_and_the_others_are_not() -> None:
    assert list(map_runs(parallelwork.dies, range(6), lambda: pool(2), 4, lost)) == [0, 1, 2, -1, 4, 5]


def test_an_item_without_memory_is_named() -> None:
    assert list(map_runs(parallelwork.out_of_memory, range(3), lambda: pool(1), 2, lost)) == [0, -1, 2]


def test_workers_share_the_threads_and_end_with_the_work() -> None:
    found = map_runs(parallelwork.threads, range(4), lambda: pool(2), 4, lost)
    assert int(next(found) or 0) >= 1
    found.close()
    for process in multiprocessing.active_children():
        process.join(60)
    assert not multiprocessing.active_children()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAYS", 1)
    monkeypatch.setattr(sources, "LEAST_BATCH", 1)


def test_processes_give_the_same_bytes(small_batches: None, tmp_path: Path) -> None:
    alone, together, on_threads = (tmp_path / name for name in ("1.json", "2.json", "3.json"))
    loglens.analyze(SAMPLES).to_json(alone)
    loglens.analyze(SAMPLES, jobs=2).to_json(together)
    with ThreadPoolExecutor(2) as threads:
        loglens.analyze(SAMPLES, executor=threads).to_json(on_threads)
    assert together.read_bytes() == alone.read_bytes()
    assert on_threads.read_bytes() == alone.read_bytes()


def test_nothing_to_read_is_said_from_processes_too(small_batches: None, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("some,prose\nand,more\n", encoding="utf-8")
    with pytest.raises(loglens.LoglensError, match="no training logs"):
        loglens.analyze(tmp_path, jobs=2)


def test_a_batch_that_is_lost_is_in_the_problems() -> None:
    from loglens.api import judge_batch
    from loglens.ruleset import load_rules
    from loglens.sources.base import LogFile

    files = (LogFile("x", "a/metrics.csv", 10, "csv"),)
    has_data, part = sources._lost(lambda logs: judge_batch(logs, load_rules().rules), files, "killed")
    assert not has_data
    assert [(p.path, p.kind, p.message) for p in part.problems] == [("a/metrics.csv", "unreadable", "killed")]


def test_the_command_line_takes_jobs(small_batches: None, tmp_path: Path) -> None:
    from loglens.cli import run

    one, two = tmp_path / "1.json", tmp_path / "2.json"
    assert run(["analyze", str(SAMPLES), "-q", "-o", str(one), "--no-config"]) == 1
    assert run(["analyze", str(SAMPLES), "-q", "-o", str(two), "--no-config", "--jobs", "2"]) == 1
    assert one.read_bytes() == two.read_bytes()


SLEEPER = """
import os, time
from pathlib import Path
KERNELS = {}
try:
    os.close(os.open(Path(__file__).with_name("command"), os.O_CREAT | os.O_EXCL))
except FileExistsError:
    Path(__file__).with_name(f"{os.getpid()}.pid").touch()
    time.sleep(60)
"""
SMALL_BATCHES = """
import sys
from loglens import cli, sources
sources.PAYS = sources.LEAST_BATCH = 1
sys.exit(cli.run(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups that take SIGINT")
def test_ctrl_c_ends_all_workers_at_once(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text(SLEEPER, encoding="utf-8")
    command = [sys.executable, "-c", SMALL_BATCHES, "analyze", str(SAMPLES), "--no-config", "--jobs", "2"]
    process = subprocess.Popen(
        [*command, "--kernels", str(sleeper)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 60
    while not (workers := list(tmp_path.glob("*.pid"))) and time.monotonic() < until:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=20)  # the workers would sleep for a minute
    assert process.returncode == 130, error
    assert error.strip() == "loglens: interrupted"
    assert workers
    for worker in workers:
        assert _has_ended(int(worker.stem))


def _has_ended(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("jobs", "work", "processes"), [(1, 10 * sources.PAYS, 1), (4, 100, 1), (4, 2 * sources.PAYS, 2), (4, 1 << 40, 4)]
)
def test_a_process_must_pay(jobs: int, work: int, processes: int) -> None:
    assert sources._processes(jobs, None, work) == processes


def test_many_small_runs_pay_for_processes_too() -> None:
    assert sources._processes(2, None, 1000 * sources.A_RUN) == 1
    assert sources._processes(2, None, 10_000 * sources.A_RUN) == 2

"""The one place for parallel work: a function over batches, in other processes, in order, surviving a dead worker.

Batches travel out as lists of files and come back as findings; logs do not travel. Nothing here imports Polars, since
the number of its threads is settled by a variable that must be set before.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2  # batches in flight for each worker: one that it works on, one that waits
TURN = 0.5  # seconds


class WorkerLost(Exception):  # noqa: N818 - what happened, in `str()`
    """An executor that tries again by itself has given an item up, as its workers died on it."""


@dataclass
class _Task(Generic[T, R]):
    item: T
    future: Future[R] | None  # None: to be tried again, alone


def map_runs(
    function: Callable[[T], R],
    items: Iterable[T],
    start: Callable[[], Executor],
    ahead: int,
    lost: Callable[[T, str], R],
    log: Callable[[str], None] = lambda _: None,
) -> Iterator[R]:
    """`function` of every item, in order, at most `ahead` in flight on the executor that `start` makes.

    When a worker dies, a new executor is started and what was in flight is tried again, one item at a time; `lost`
    stands in for an item on which a worker died while it was alone. `log` is told. Leaving early, by an exception or
    Ctrl-C, ends all workers at once.
    """
    waiting, tasks = iter(items), deque[_Task[T, R]]()
    executor = start()
    try:
        while True:
            if all(task.future for task in tasks):
                _fill(tasks, waiting, executor, function, ahead)
            if not tasks:
                break
            first = tasks[0]
            alone = first.future is None
            try:
                future = first.future or executor.submit(function, first.item)
                result = _result(future)
            except BrokenExecutor:
                end_now(executor)
                executor = start()
                if not alone:
                    again = [task for task in tasks if not _finished(task)]
                    for task in again:
                        task.future = None
                    log(f"a worker process died; {len(again)} batch{'es are' if len(again) > 1 else ' is'} tried again")
                    continue
                result = lost(first.item, "the process that read it died twice (killed, or out of memory)")
            except MemoryError:
                result = lost(first.item, "out of memory while it was read")
            except WorkerLost as error:
                result = lost(first.item, str(error))
            tasks.popleft()
            yield result
    finally:
        end_now(executor)


def _fill(
    tasks: deque[_Task[T, R]], waiting: Iterator[T], executor: Executor, function: Callable[[T], R], ahead: int
) -> None:
    """Submit items until `ahead` are in flight. On a broken executor they wait: asking for the first will tell."""
    while len(tasks) < ahead:
        for item in waiting:
            try:
                tasks.append(_Task(item, executor.submit(function, item)))
            except BrokenExecutor as error:
                broken: Future[R] = Future()
                broken.set_exception(error)
                tasks.append(_Task(item, broken))
            break
        else:
            return


def elsewhere(
    function: Callable[[T], R],
    items: Iterable[T],
    jobs: int,
    executor: Executor | None,
    lost: Callable[[T, str], R],
    log: Callable[[str], None],
) -> Iterator[R]:
    """`map_runs` in `jobs` processes, or on an executor of somebody else's, which is left running."""
    if executor is None:
        return map_runs(function, items, lambda: pool(jobs), AHEAD * jobs, lost, log)
    return map_runs(function, items, lambda: _Borrowed(executor), AHEAD * workers_of(executor), lost, log)


def workers_of(executor: Executor) -> int:
    """How many items an executor may work on at once; a guess for those of others."""
    return int(getattr(executor, "workers", 0)) or 4 * (os.cpu_count() or 1)


class _Borrowed(Executor):
    """An executor that others will go on using."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """As of any executor."""
        return self._executor.submit(function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: it is not ours."""


def _result(future: Future[R]) -> R:
    """Its result, waited for in short turns: Polars takes Ctrl-C so that a wait without an end is not interrupted."""
    while not wait([future], TURN).done:
        pass
    return future.result()


def _finished(task: _Task[T, R]) -> bool:
    future = task.future
    return future is not None and future.done() and not future.cancelled() and future.exception() is None


def pool(jobs: int) -> ProcessPoolExecutor:
    """Worker processes that share the processors' threads and leave Ctrl-C to the parent. Never forked: threads run."""
    threads = max((os.cpu_count() or 1) // jobs, 1)
    with _environment({"POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}):
        made = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _quiet)
        for future in [made.submit(_awake) for _ in range(jobs)]:
            _result(future)  # all are started while the variables stand
    return made


def end_now(executor: Executor) -> None:
    """End an executor without waiting for what it works on; its processes are killed."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: value for name, value in values.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _awake() -> bool:
    return True

"""Engines that a team already runs, as executors for `map_runs`: a Dask cluster, a Ray cluster.

Batches of files go out, findings come back; the workers open the logs themselves, under the same paths or URLs. What a
worker that dies was busy with is done again by another one; `log` is told.
"""

from __future__ import annotations

import logging
import socket
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from loglens import __version__
from loglens.errors import LoglensError
from loglens.parallel import WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

R = TypeVar("R")

WAIT = 30  # seconds for a cluster to answer
AGAIN = "a worker of {} died; what it was busy with is tried again on another"
_LOST = "the workers of {} that read it died (killed, or out of memory)"


@contextmanager
def cluster(name: str, scheduler: str, log: Callable[[str], None]) -> Iterator[Executor]:
    """An executor on the cluster at `scheduler`; what waits there is cancelled at the end, the cluster goes on.

    LoglensError without the library, the cluster or a worker with the same version of loglens.
    """
    start, where = ENGINES[name]
    if not scheduler:
        raise LoglensError(f"--engine {name}: name the cluster with --scheduler ({where})")
    with start(scheduler, log) as executor:
        yield executor


class _Chained(Executor):
    """Futures of our own before those of an engine: faults of the engine become ours."""

    def __init__(self, name: str, workers: int, send: Callable[[Callable[..., Any], Any], Any]) -> None:
        self.name, self.workers, self._send = name, max(workers, 1), send
        self._theirs: dict[Future[Any], Any] = {}

    def submit(self, function: Callable[..., R], /, *args: Any, **_: Any) -> Future[R]:
        """As of any executor; one argument."""
        ours: Future[R] = Future()
        self._start(ours, function, args[0])
        return ours

    def _start(self, ours: Future[R], function: Callable[..., R], item: Any) -> None:
        theirs = self._theirs[ours] = self._send(function, item)
        self._watch(theirs, lambda error, result: self._done(ours, function, item, error, result))

    def _watch(self, theirs: Any, told: Callable[[BaseException | None, Any], None]) -> None:
        """Have `told` called when an answer is there."""
        raise NotImplementedError

    def _done(
        self, ours: Future[R], function: Callable[..., R], item: Any, error: BaseException | None, result: R
    ) -> None:
        self._theirs.pop(ours, None)
        if ours.cancelled():
            return
        if error is None:
            ours.set_result(result)
        elif not self._again(error, ours, function, item):
            ours.set_exception(self._ours(error))

    def _again(self, error: BaseException, ours: Future[Any], function: Callable[..., Any], item: Any) -> bool:
        """Whether the item was sent once more."""
        del error, ours, function, item
        return False

    def _ours(self, error: BaseException) -> BaseException:
        if isinstance(error, CancelledError):
            return LoglensError(f"the scheduler of {self.name} is gone: start it, and run again")
        return error

    def lost(self) -> WorkerLost:
        """What an item is answered by that no worker survived."""
        return WorkerLost(_LOST.format(self.name))


# --- Dask -------------------------------------------------------------------------------------------------------------


class _Dask(_Chained):
    """The scheduler gives the tasks of a dead worker to others by itself, and gives up after some deaths."""

    def _watch(self, theirs: Any, told: Callable[[BaseException | None, Any], None]) -> None:
        def done(future: Future[Any]) -> None:
            cancelled = future.cancelled()
            error = CancelledError() if cancelled else future.exception()
            told(error, None if error else future.result())

        theirs.add_done_callback(done)

    def _ours(self, error: BaseException) -> BaseException:
        from distributed.scheduler import KilledWorker

        return self.lost() if isinstance(error, KilledWorker) else super()._ours(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Cancel what is out."""
        for theirs in list(self._theirs.values()):
            theirs.cancel()


@contextmanager
def _dask(scheduler: str, log: Callable[[str], None]) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise LoglensError("--engine dask: Dask is not installed: pip install 'loglens[dask]'") from None
    try:
        client = Client(scheduler, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise LoglensError(f"--scheduler {scheduler}: no Dask scheduler answers there: {_line(error)}") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT)
            versions = client.run(version, on_error="return")
        except (TimeoutError, OSError) as error:
            raise LoglensError(f"--scheduler {scheduler}: no worker within {WAIT} s ({_line(error)})") from None
        _check("Dask", versions.values())
        client.subscribe_topic("all", lambda event: _dask_event(event, log))
        threads = sum(client.nthreads().values())
        inner = client.get_executor(pure=False)
        executor = _Dask("Dask", threads, inner.submit)
        try:
            yield executor
        finally:
            executor.shutdown()


def _dask_event(event: tuple[Any, Any], log: Callable[[str], None]) -> None:
    """Tell of a worker that went away with work."""
    _, what = event
    if isinstance(what, dict) and what.get("action") == "remove-worker" and what.get("processing-tasks"):
        log(AGAIN.format("Dask"))


# --- Ray --------------------------------------------------------------------------------------------------------------


class _Ray(_Chained):
    """Ray's own trying again is silent: it is switched off, and done here, once."""

    def __init__(self, workers: int, send: Callable[[Callable[..., Any], Any], Any], log: Callable[[str], None]):
        super().__init__("Ray", workers, send)
        self._log = log
        self._tried: WeakSet[Future[Any]] = WeakSet()

    def _watch(self, theirs: Any, told: Callable[[BaseException | None, Any], None]) -> None:
        def done(future: Future[Any]) -> None:
            error = future.exception()
            told(error, None if error else future.result())

        theirs.future().add_done_callback(done)

    def _again(self, error: BaseException, ours: Future[Any], function: Callable[..., Any], item: Any) -> bool:
        if not _is_death(error) or ours in self._tried:
            return False
        self._tried.add(ours)
        self._log(AGAIN.format("Ray"))
        self._start(ours, function, item)
        return True

    def _ours(self, error: BaseException) -> BaseException:
        if _is_death(error):
            return self.lost()
        cause = getattr(error, "cause", None)  # Ray wraps what a task raised
        return super()._ours(cause if isinstance(cause, Exception) else error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Cancel what is out; workers in the middle of it are ended."""
        import ray

        for theirs in list(self._theirs.values()):
            ray.cancel(theirs, force=True)


def _answers(scheduler: str) -> None:
    """LoglensError when nothing listens at HOST:PORT: Ray itself would wait for minutes."""
    host, _, port = scheduler.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return  # a word such as `auto`
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=WAIT).close()
    except (OSError, OverflowError) as error:
        raise LoglensError(f"--scheduler {scheduler}: no Ray cluster answers there: {_line(error)}") from None


def _is_death(error: BaseException) -> bool:
    from ray import exceptions

    return isinstance(error, exceptions.WorkerCrashedError | exceptions.NodeDiedError | exceptions.OutOfMemoryError)


@contextmanager
def _ray(scheduler: str, log: Callable[[str], None]) -> Iterator[Executor]:
    try:
        import ray
    except ImportError:
        raise LoglensError("--engine ray: Ray is not installed: pip install 'loglens[ray]'") from None
    _answers(scheduler)
    try:
        ray.init(address=scheduler, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise LoglensError(f"--scheduler {scheduler}: no Ray cluster answers there: {_line(error)}") from None
    try:
        run = ray.remote(max_retries=0)(call)
        found = ray.get(ray.remote(version).remote(), timeout=WAIT)
        _check("Ray", [found])
        sent: dict[int, tuple[Any, Any]] = {}  # a function, with rules and roles in it, is sent once

        def send(function: Callable[..., Any], item: Any) -> Any:
            if id(function) not in sent:
                sent[id(function)] = (function, ray.put(function))
            return run.remote(sent[id(function)][1], item)

        executor = _Ray(int(ray.cluster_resources().get("CPU", 1)), send, log)
        try:
            yield executor
        finally:
            executor.shutdown()
    except ray.exceptions.GetTimeoutError:
        raise LoglensError(f"--scheduler {scheduler}: no worker within {WAIT} s") from None
    finally:
        ray.shutdown()


ENGINES = {"dask": (_dask, "tcp://HOST:8786"), "ray": (_ray, "HOST:6379 or ray://HOST:10001")}


# --- what runs on workers ---------------------------------------------------------------------------------------------


def call(function: Callable[[Any], R], item: Any) -> R:
    """`function` of `item`."""
    return function(item)


def version() -> str:
    """The version of loglens where this runs."""
    return __version__


def _check(name: str, found: Any) -> None:
    """LoglensError unless every worker has this version of loglens."""
    for each in found:
        if each != __version__:
            what = f"loglens {each}" if isinstance(each, str) else f"no loglens that can be used ({_line(each)})"
            raise LoglensError(f"a worker of {name} has {what}: it needs {__version__}, as here")


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__

"""A real Dask cluster and a real Ray node on the loopback: the same bytes as here, also when a worker is killed."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loglens import cli
from loglens.engines import _Chained
from loglens.errors import LoglensError
from loglens.parallel import WorkerLost, map_runs, workers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = Path(__file__).parents[1] / "sample_logs"
LIBRARIES = {"dask": "distributed", "ray": "ray"}
RUNS = 400
ALONE = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}  # nobody else sees the node of a test

# Imported by the command first, then by each worker: the second one to come is killed in the middle of its first batch.
KILLER = """
    import os, signal
    from pathlib import Path
    KERNELS = {}
    for mark in ("command", "killed"):
        try:
            os.close(os.open(Path(__file__).with_name(mark), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        if mark == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        break
"""


# --- what a cluster is asked, without one -----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_missing_library_is_one_line(
    engine: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, LIBRARIES[engine], None)
    assert cli.run(["analyze", str(SAMPLES), "--engine", engine, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"pip install 'loglens[{engine}]'" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "dask"], "name the cluster with --scheduler"),
        (["--engine", "ray"], "name the cluster with --scheduler"),
        (["--scheduler", "tcp://h:1"], "name its engine"),
        (["--engine", "spark"], "is not one of"),
        (["-", "--engine", "dask", "--scheduler", "tcp://h:1"], "standard input"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["analyze", *([] if "-" in arguments else [str(SAMPLES)]), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


class Fragile(_Chained):
    """Threads as an engine, whose faults become ours as those of an engine do."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        super().__init__("Fragile", 3, threads.submit)

    def _watch(self, theirs: Any, told: Callable[[BaseException | None, Any], None]) -> None:
        def done(future: Future[Any]) -> None:
            error = future.exception()
            told(error, None if error else future.result())

        theirs.add_done_callback(done)

    def _ours(self, error: BaseException) -> BaseException:
        return self.lost() if isinstance(error, ZeroDivisionError) else super()._ours(error)


def inverse(number: int) -> float:
    return 1 / number


def test_an_item_that_the_engine_gave_up_is_named_and_the_others_are_not() -> None:
    with ThreadPoolExecutor(2) as threads:
        engine = Fragile(threads)
        assert workers_of(engine) == 3
        why: list[str] = []
        found = map_runs(inverse, [2, 0, 4], lambda: engine, 2, lambda _, reason: why.append(reason) or -1.0)
        assert list(found) == [0.5, -1.0, 0.25]
        assert "the workers of Fragile" in why[0]


def test_a_fault_of_our_own_comes_through() -> None:
    def fails(_: int) -> int:
        raise LoglensError("no rules")

    with ThreadPoolExecutor(1) as threads, pytest.raises(LoglensError, match="no rules"):
        list(map_runs(fails, [1], lambda: Fragile(threads), 2, lambda *_: 0))
    assert issubclass(WorkerLost, Exception)


# --- real clusters ----------------------------------------------------------------------------------------------------


def loglens(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loglens", "analyze", *arguments, "-q", "--no-config", "--fail-on", "never"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=os.environ | ALONE)


@contextmanager
def running(*command: str, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of its own group, and the line with which it said that it is there; ended with its children."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | ALONE,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if until in line:
                break
        else:
            pytest.fail(f"{command[0]} did not start")
        yield process, line.strip()
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


DASK = """
    import sys, time
    from distributed import LocalCluster
    if __name__ == "__main__":
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
                          worker_dashboard_address=None, local_directory=sys.argv[1]) as cluster:
            print("READY", cluster.scheduler_address, flush=True)
            time.sleep(600)
"""
RAY = """
    import sys, time
    import ray
    context = ray.init(num_cpus=2, include_dashboard=False, _temp_dir=sys.argv[1], object_store_memory=200 << 20)
    print("READY", context.address_info["gcs_address"], flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module", params=["dask", "ray"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(engine, address): two worker processes."""
    engine = request.param
    if importlib.util.find_spec(LIBRARIES[engine]) is None:
        pytest.skip(f"{LIBRARIES[engine]} is not installed")
    folder = tmp_path_factory.mktemp("c")
    script = folder / "cluster.py"
    script.write_text(textwrap.dedent(DASK if engine == "dask" else RAY), encoding="utf-8")
    with running(sys.executable, str(script), str(folder), until="READY") as (_, line):
        yield engine, line.split()[1]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many runs: links to the samples' logs under other names."""
    root = tmp_path_factory.mktemp("tree")
    folders = sorted(path for path in SAMPLES.iterdir() if path.is_dir())
    for i in range(RUNS):
        target = root / f"run-{i:04}"
        target.mkdir()
        for file in folders[i % len(folders)].iterdir():
            if file.is_file():
                (target / file.name).hardlink_to(file)
    return root


@pytest.fixture(scope="module")
def local(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("out") / "local.json"
    done = loglens(str(tree), "-o", str(out))
    assert done.returncode == 0, done.stderr
    return out.read_bytes()


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes(cluster: tuple[str, str], tree: Path, local: bytes, tmp_path: Path) -> None:
    engine, address = cluster
    out = tmp_path / "there.json"
    done = loglens(str(tree), "--engine", engine, "--scheduler", address, "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert out.read_bytes() == local


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing_and_is_told(
    cluster: tuple[str, str], tree: Path, local: bytes, tmp_path: Path
) -> None:
    engine, address = cluster
    killer, out = tmp_path / "killer.py", tmp_path / "there.json"
    killer.write_text(textwrap.dedent(KILLER), encoding="utf-8")
    done = loglens(str(tree), "--engine", engine, "--scheduler", address, "--kernels", str(killer), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "killed").exists()
    assert out.read_bytes() == local
    assert "tried again" in done.stderr


@pytest.mark.slow
def test_a_batch_that_kills_every_worker_is_named(cluster: tuple[str, str], tree: Path, tmp_path: Path) -> None:
    engine, address = cluster
    killer = tmp_path / "killer.py"
    killer.write_text(
        textwrap.dedent(
            KILLER.replace('("command", "killed")', '("command",)')
            + """
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    """
        ),
        encoding="utf-8",
    )
    one = str(tree / "run-0000")
    done = loglens(one, "--engine", engine, "--scheduler", address, "--kernels", str(killer))
    assert done.returncode == 2, done.stdout
    assert "no training logs" in done.stderr
    assert "died (killed, or out of memory)" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_cluster_that_is_not_there_is_one_line(engine: str) -> None:
    if importlib.util.find_spec(LIBRARIES[engine]) is None:
        pytest.skip(f"{LIBRARIES[engine]} is not installed")
    address = {"dask": "tcp://127.0.0.1:9", "ray": "127.0.0.1:9"}[engine]
    done = loglens(str(SAMPLES), "--engine", engine, "--scheduler", address)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"loglens: --scheduler {address}: no ")

"""How long reading logs takes beside other readers, how much memory, and whether the targets hold.

    python benchmarks/read.py                      every case beside its peers that are installed
    python benchmarks/read.py A C --peers server tbparse
    python benchmarks/read.py --scale 0.1          smaller inputs
    python benchmarks/read.py D --growth           D with 1 GB and with 3 GB of images: does memory grow?

A to D are event files, E is CSV and F JSON lines. Inputs are made in a temporary folder. loglens is `loglens.read` of
that folder: finding the files, reading, naming the runs, giving roles, one frame of everything. Every reader runs in a
process of its own, in turn with the others; the figure is the best of the repeats, without the start of Python and its
imports. The data server is timed from its start until it serves every point, since that is how it is used; pandas reads
file by file and keeps nothing. `cpu` is user and system time, which says more on a machine that has other work.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from readinputs import CASES, Expected, many_folders, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = 700  # MB that reading may take at most
SAME = 1.1  # times the memory for three times the images, which is called flat


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def took(self) -> tuple[float, float]:
        """Seconds, and seconds of CPU time of this process."""
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


def logs_in(folder: Path, kind: str = "*tfevents*") -> list[Path]:
    return sorted(path for path in folder.rglob(kind) if path.is_file())


def read_loglens(folder: Path, expected: Expected) -> tuple[float, float]:
    """One process, after its imports and a first small log of each form."""
    import loglens

    for make in (many_folders, texts("csv"), texts("jsonl")):
        with tempfile.TemporaryDirectory() as small:
            make(Path(small), 0.002)
            loglens.read(small)
    clock = Clock()
    logs = loglens.read(folder)
    took = clock.took()
    assert (len(logs.scalars), logs.problems) == (expected.points, ())
    return took


def read_server(folder: Path, expected: Expected) -> tuple[float, float]:
    """TensorBoard's data server in Rust, until the last step of every series is served."""
    import grpc
    import tensorboard_data_server
    from tensorboard.context import RequestContext
    from tensorboard.data.grpc_provider import GrpcDataProvider
    from tensorboard.data.proto.data_provider_pb2_grpc import TensorBoardDataProviderStub

    port_file = folder.with_name(f"{folder.name}.port")
    port_file.unlink(missing_ok=True)
    arguments = ["--reload=once", "--samples-per-plugin=scalars=all", "--port=0", "--die-after-stdin"]
    command = [tensorboard_data_server.server_binary(), f"--logdir={folder}", f"--port-file={port_file}", *arguments]
    clock = Clock()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        while not (port_file.exists() and port_file.read_text().strip()):
            time.sleep(0.002)
        channel = grpc.insecure_channel(
            f"localhost:{port_file.read_text().strip()}", options=[("grpc.max_receive_message_length", 1 << 30)]
        )
        provider = GrpcDataProvider("localhost", TensorBoardDataProviderStub(channel))
        while not served(provider, RequestContext(), expected):
            time.sleep(0.005)
        seconds, _ = clock.took()
        channel.close()
        server.stdin.close()
    port_file.unlink()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, used.ru_utime + used.ru_stime


def served(provider: object, context: object, expected: Expected) -> bool:
    runs = provider.list_scalars(context, experiment_id="", plugin_name="scalars")
    last = [series.max_step for tags in runs.values() for series in tags.values()]
    return len(last) == expected.series and min(last) == expected.last_step


def read_accumulator(folder: Path, expected: Expected) -> tuple[float, float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    clock = Clock()
    points = 0
    for path in logs_in(folder):
        found = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0, "images": 1}).Reload()
        points += sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])
        points += sum(len(found.Tensors(tag)) for tag in found.Tags()["tensors"])
    assert points == expected.points
    return clock.took()


def read_tbparse(folder: Path, expected: Expected) -> tuple[float, float]:
    from tbparse import SummaryReader

    clock = Clock()
    found = SummaryReader(str(folder), event_types={"scalars", "tensors"})
    assert len(found.scalars) + len(found.tensors) == expected.points
    return clock.took()


def read_pandas(folder: Path, expected: Expected) -> tuple[float, float]:
    import pandas as pd

    clock = Clock()
    points = 0
    for path in logs_in(folder, "metrics.*"):
        frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_json(path, lines=True)
        points += frame.size - len(frame)  # all but the steps
    assert points == expected.points
    return clock.took()


READERS = {
    "loglens": read_loglens,
    "server": read_server,
    "accumulator": read_accumulator,
    "tbparse": read_tbparse,
    "pandas": read_pandas,
}
NEEDED = {"server": "tensorboard_data_server", "tbparse": "tbparse", "pandas": "pandas", "accumulator": "tensorboard"}
TEXTS = ("E", "F")

Timing = tuple[float, float, int]  # seconds, seconds of CPU time, peak MB


def timed(reader: str, folder: Path, expected: Expected) -> Timing:
    """One reading in a process of its own."""
    command = [sys.executable, __file__, "--child", reader, str(folder), json.dumps(vars(expected))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu, memory


def child(reader: str, folder: str, expected: str) -> None:
    seconds, cpu = READERS[reader](Path(folder), Expected(**json.loads(expected)))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN if reader == "server" else resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([seconds, cpu, peak // 1024]))


def run_case(name: str, peers: list[str], scale: float, repeats: int) -> Iterator[str]:
    case = CASES[name]
    with tempfile.TemporaryDirectory(prefix="loglens-bench-") as temporary:
        folder = Path(temporary, "logs")
        folder.mkdir()
        expected = case.make(folder, scale)
        size = sum(path.stat().st_size for path in logs_in(folder, "*.*")) / 1e6
        yield f"{name}  {case.title}: {expected.points:,} points, {size:,.0f} MB"
        results: dict[str, list[Timing]] = {}
        for _ in range(repeats):
            for reader in ("loglens", *peers):
                results.setdefault(reader, []).append(timed(reader, folder, expected))
        ours, work = min(results["loglens"])[0], min(cpu for _, cpu, _ in results["loglens"])
        memory = max(peak for _, _, peak in results["loglens"])
        for reader, runs in results.items():
            best, worst = min(runs)[0], max(runs)[0]
            cpu, peak = min(cpu for _, cpu, _ in runs), max(peak for _, _, peak in runs)
            line = f"   {reader:12} {best:8.3f} s (worst {worst:.3f}, cpu {cpu:.3f})  {peak:6} MB"
            told = "" if reader == "loglens" else f"   {compared(ours / best, work / cpu, case.limits.get(reader))}"
            yield line + told
        yield f"   memory: {memory} MB, at most {MEMORY}: {'holds' if memory <= MEMORY else 'FAILS'}"


def compared(ratio: float, work: float, limit: float | None) -> str:
    shown = f"loglens takes {ratio:.3f} of its time (of its cpu {work:.3f})"
    return shown if limit is None else f"{shown}, at most {limit:.3f}: {'holds' if ratio <= limit else 'FAILS'}"


def growth(scale: float) -> Iterator[str]:
    """Peak memory for D with so many GB of images, and with three times as many."""
    peaks = []
    for factor in (1, 3):
        with tempfile.TemporaryDirectory(prefix="loglens-bench-") as temporary:
            folder = Path(temporary)
            expected = CASES["D"].make(folder, scale * factor)
            seconds, _, memory = timed("loglens", folder, expected)
            peaks.append(memory)
            yield f"D  {scale * factor:g} GB of images: {seconds:.3f} s, {memory} MB"
    yield f"   three times the images, {peaks[1] / peaks[0]:.2f} of the memory: " + (
        "holds" if peaks[1] <= SAME * peaks[0] else "FAILS"
    )


def peers_of(name: str, wanted: list[str] | None) -> list[str]:
    """The installed peers of a case: those named, or those with a target."""
    fitting = [peer for peer in NEEDED if (peer == "pandas") == (name in TEXTS)]
    chosen = [peer for peer in fitting if peer in (CASES[name].limits if wanted is None else wanted)]
    missing = [peer for peer in chosen if not importlib.util.find_spec(NEEDED[peer])]
    for peer in missing:
        print(f"{peer} is not installed: left out", file=sys.stderr)
    return [peer for peer in chosen if peer not in missing]


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--peers", nargs="*", choices=[*NEEDED], help="readers to compare with (default: the targets')")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the inputs (steps, folders, images)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="peak memory of D, and of D three times as large")
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    for name in [] if options.growth else options.cases:
        for line in run_case(name, peers_of(name, options.peers), options.scale, options.repeats):
            print(line, flush=True)
    for line in growth(options.scale) if options.growth else ():
        print(line, flush=True)


if __name__ == "__main__":
    main()

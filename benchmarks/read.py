"""How long reading logs takes beside other readers.

    python benchmarks/read.py                      all event-file cases against TensorBoard's data server
    python benchmarks/read.py A C --peers server accumulator tbparse
    python benchmarks/read.py --scale 0.1          smaller inputs

Inputs are made in a temporary folder. Every reader runs in a process of its own, in turn with the others; the figure is
the best of the repeats, without the start of Python and its imports. The data server is timed from its start until it
serves every point, since that is how it is used.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tensorboard.compat.proto.event_pb2 import Event


@dataclass(frozen=True)
class Case:
    """Something to read: `make(folder, scale)` writes it and gives back what must be found."""

    title: str
    make: Callable[[Path, float], Expected]


@dataclass(frozen=True)
class Expected:
    """What a complete reading holds."""

    points: int
    series: int
    last_step: int


def record(payload: bytes) -> bytes:
    from google_crc32c import value as crc32c

    def masked(data: bytes) -> bytes:
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def scalar(tag: str, step: int, value: float, new: bool) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=1.6e9 + step / 10, step=step)
    out = event.summary.value.add(tag=tag)
    if new:
        out.tensor.dtype = 1
        out.tensor.tensor_shape.SetInParent()
        out.tensor.tensor_content = struct.pack("<f", value)
        out.metadata.plugin_data.plugin_name = "scalars"
    else:
        out.simple_value = value
    return event


def image(step: int, size: int) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=1.6e9 + step / 10, step=step)
    event.summary.value.add(tag="samples").image.encoded_image_string = random.randbytes(size)
    return event


def write(folder: Path, events: Iterator[Event]) -> None:
    from tensorboard.compat.proto.event_pb2 import Event

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "events.out.tfevents.1600000000.host").open("wb", buffering=1 << 20) as stream:
        stream.write(record(Event(wall_time=1.6e9, file_version="brain.Event:2").SerializeToString()))
        stream.writelines(record(event.SerializeToString()) for event in events)


def series(tags: int, steps: int, new: bool = False) -> Iterator[Event]:
    names = [f"train/metric_{i}" for i in range(tags)]
    return (scalar(tag, step, random.random(), new) for step in range(steps) for tag in names)


def one_file(new: bool) -> Callable[[Path, float], Expected]:
    def make(folder: Path, scale: float) -> Expected:
        steps = int(50_000 * scale)
        write(folder, series(20, steps, new))
        return Expected(20 * steps, 20, steps - 1)

    return make


def many_folders(folder: Path, scale: float) -> Expected:
    runs = int(500 * scale)
    for run in range(runs):
        write(folder / f"run_{run:04d}", series(8, 250))
    return Expected(runs * 2000, runs * 8, 249)


def with_images(folder: Path, scale: float) -> Expected:
    """1 GB of images of 1 MB among 100,000 scalars."""
    steps, images = 10_000, max(1, int(1000 * scale))

    def events() -> Iterator[Event]:
        for step in range(steps):
            yield from (scalar(f"train/metric_{i}", step, random.random(), False) for i in range(10))
            if step * images // steps != (step + 1) * images // steps:
                yield image(step, 1 << 20)

    write(folder, events())
    return Expected(10 * steps, 10, steps - 1)


CASES = {
    "A": Case("1 file, 20 tags x 50,000 steps, simple_value", one_file(new=False)),
    "B": Case("1 file, 20 tags x 50,000 steps, tensors", one_file(new=True)),
    "C": Case("500 folders x 8 tags x 250 steps", many_folders),
    "D": Case("1 file, 1 GB of images and 100,000 scalars", with_images),
}


def event_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*tfevents*") if path.is_file())


def read_loglens(folder: Path, expected: Expected) -> float:
    """One process, after its imports and a first file."""
    from loglens.sources.base import LogFile
    from loglens.sources.tensorboard import read

    files = [LogFile(str(path), path.name, path.stat().st_size, "tensorboard") for path in event_files(folder)]
    read(files[:1])
    begin = time.perf_counter()
    tables = read(files)
    seconds = time.perf_counter() - begin
    assert tables.scalars is not None
    assert (len(tables.scalars), tables.problems) == (expected.points, [])
    return seconds


def read_server(folder: Path, expected: Expected) -> float:
    """TensorBoard's data server in Rust, until the last step of every series is served."""
    import grpc
    import tensorboard_data_server
    from tensorboard.context import RequestContext
    from tensorboard.data.grpc_provider import GrpcDataProvider
    from tensorboard.data.proto.data_provider_pb2_grpc import TensorBoardDataProviderStub

    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    arguments = ["--reload=once", "--samples-per-plugin=scalars=all", "--port=0", "--die-after-stdin"]
    command = [tensorboard_data_server.server_binary(), f"--logdir={folder}", f"--port-file={port_file}", *arguments]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        while not (port_file.exists() and port_file.read_text().strip()):
            time.sleep(0.002)
        channel = grpc.insecure_channel(
            f"localhost:{port_file.read_text().strip()}", options=[("grpc.max_receive_message_length", 1 << 30)]
        )
        provider = GrpcDataProvider("localhost", TensorBoardDataProviderStub(channel))
        while not served(provider, RequestContext(), expected):
            time.sleep(0.005)
        seconds = time.perf_counter() - begin
        channel.close()
        server.stdin.close()
    return seconds


def served(provider: object, context: object, expected: Expected) -> bool:
    runs = provider.list_scalars(context, experiment_id="", plugin_name="scalars")
    last = [series.max_step for tags in runs.values() for series in tags.values()]
    return len(last) == expected.series and min(last) == expected.last_step


def read_accumulator(folder: Path, expected: Expected) -> float:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    begin = time.perf_counter()
    points = 0
    for path in event_files(folder):
        found = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0, "images": 1}).Reload()
        points += sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])
        points += sum(len(found.Tensors(tag)) for tag in found.Tags()["tensors"])
    assert points == expected.points
    return time.perf_counter() - begin


def read_tbparse(folder: Path, expected: Expected) -> float:
    from tbparse import SummaryReader

    begin = time.perf_counter()
    found = SummaryReader(str(folder), event_types={"scalars", "tensors"})
    assert len(found.scalars) + len(found.tensors) == expected.points
    return time.perf_counter() - begin


READERS = {
    "loglens": read_loglens,
    "server": read_server,
    "accumulator": read_accumulator,
    "tbparse": read_tbparse,
}


def timed(reader: str, folder: Path, expected: Expected) -> tuple[float, int]:
    """Seconds and peak memory (MB) of one reading in a process of its own."""
    command = [sys.executable, __file__, "--child", reader, str(folder), json.dumps(vars(expected))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, memory


def child(reader: str, folder: str, expected: str) -> None:
    import resource

    seconds = READERS[reader](Path(folder), Expected(**json.loads(expected)))
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps([seconds, (others if reader == "server" else own) // 1024]))


def run_case(name: str, peers: list[str], scale: float, repeats: int) -> Iterator[str]:
    case = CASES[name]
    with tempfile.TemporaryDirectory(prefix="loglens-bench-") as temporary:
        folder = Path(temporary)
        expected = case.make(folder, scale)
        size = sum(path.stat().st_size for path in event_files(folder)) / 1e6
        yield f"{name}  {case.title}: {expected.points:,} points, {size:,.0f} MB"
        results: dict[str, list[tuple[float, int]]] = {}
        for _ in range(repeats):
            for reader in ("loglens", *peers):
                results.setdefault(reader, []).append(timed(reader, folder, expected))
        ours = min(seconds for seconds, _ in results["loglens"])
        for reader, runs in results.items():
            best, worst = min(runs)[0], max(runs)[0]
            memory = max(peak for _, peak in runs)
            ratio = "" if reader == "loglens" else f"   loglens / {reader} = {ours / best:.2f}"
            yield f"   {reader:12} {best:8.3f} s (worst {worst:.3f})  {memory:6} MB{ratio}"


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument(
        "--peers", nargs="*", default=["server"], choices=[*READERS][1:], help="readers to compare with"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="size of the inputs (steps, folders, images)")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    missing = [peer for peer in options.peers if peer == "tbparse" and not importlib.util.find_spec("tbparse")]
    for peer in missing:
        print(f"{peer} is not installed: left out", file=sys.stderr)
    for name in options.cases:
        for line in run_case(name, [p for p in options.peers if p not in missing], options.scale, options.repeats):
            print(line, flush=True)


if __name__ == "__main__":
    main()

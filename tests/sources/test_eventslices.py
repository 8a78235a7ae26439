"""However the bytes come to the reader (file by file, many in one buffer, window by window): the same is read."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from eventwriter import framed, log_file, points, record, scalar, tensor_scalar
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event

from loglens.sources import sidebyside
from loglens.sources.tensorboard import read

if TYPE_CHECKING:
    from pathlib import Path

quiet = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAME = "{}/events.out.tfevents.1.host"


def image(step: int, size: int) -> bytes:
    event = Event(wall_time=1.5, step=step)
    event.summary.value.add(tag="image").image.encoded_image_string = random.Random(step).randbytes(size)
    return record(event.SerializeToString())


def run(steps: int, images: int = 0, size: int = 300) -> list[bytes]:
    """Records of a training, with an image after every so many steps."""
    out = []
    for step in range(steps):
        out += [record(scalar(tag, step, step / 7).SerializeToString()) for tag in ("loss", "accuracy")]
        if images and step % images == images - 1:
            out.append(image(step, size + (step % 3 == 0)))
    return out


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CHUNK", 2000), ("HOP", 150), ("LARGE", 200), ("AHEAD", 60)):
        monkeypatch.setattr(f"loglens.sources.eventslices.{name}", value)


def harmed(data: bytes, harm: list[tuple[str, float]]) -> bytes:
    for kind, share in harm:
        at = int(share * len(data))
        data = {
            "cut": data[:at],
            "junk": data[:at] + b"\xff!" + data[at:],
            "lost": data[:at] + data[at + 30 :],
            "flip": data[:at] + bytes([data[at] ^ 1 if at < len(data) else 0]) + data[at + 1 :],
        }[kind]
    return data


harms = st.lists(st.tuples(st.sampled_from(["cut", "junk", "lost", "flip"]), st.floats(0, 1)), max_size=2)


@quiet
@given(st.lists(st.tuples(st.sampled_from([3, 40, 41, 130]), harms), min_size=1, max_size=12))
def test_many_files_at_once(tmp_path: Path, parts: list[tuple[int, list[tuple[str, float]]]]) -> None:
    files = []
    for place, (steps, harm) in enumerate(parts):
        path = tmp_path / NAME.format(place)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(harmed(b"".join(run(steps)), harm))
        files.append(log_file(path, NAME.format(place)))
    together, alone = read(files), [read([file]) for file in files]
    assert points(together) == [point for tables in alone for point in points(tables)]
    assert together.problems == [problem for tables in alone for problem in tables.problems]


@quiet
@given(st.integers(0, 30), st.sampled_from([150, 300, 3000]), harms)
def test_windows(tmp_path: Path, small_windows: None, images: int, size: int, harm: list[tuple[str, float]]) -> None:
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(harmed(b"".join(run(150, images, size)), harm))
    windows = read([log_file(path)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loglens.sources.eventslices.CHUNK", 1 << 22)
        whole = read([log_file(path)])
    assert points(windows) == points(whole)
    assert windows.problems == whole.problems


def test_a_header_inside_a_payload_is_no_record(
    tmp_path: Path, small_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies where an image was expected must also be reached by the records before it."""
    monkeypatch.setattr("loglens.sources.eventslices.HOP", 800)
    mistakes: list[int] = []
    mistaken = sidebyside.Mistaken.__init__

    def noted(self: sidebyside.Mistaken, base: int) -> None:
        mistakes.append(base)
        mistaken(self, base)

    monkeypatch.setattr(sidebyside.Mistaken, "__init__", noted)
    few, header = run(3), image(1, 3000)[:12]
    size = len(b"".join(few))
    traps = (tensor_scalar("note", 5, 7, "text", string_val=[b"x" * pad + header + b"y" * 99]) for pad in range(size))
    trap = next(data for event in traps if (data := record(event.SerializeToString())).find(header) == size)
    before = [*few, image(0, 3000), *few, image(1, 3000)]
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(b"".join([*before, trap, *run(150)]))
    tables = read([log_file(path)])
    assert mistakes == [len(b"".join(before))]
    assert tables.problems == []
    assert len(points(tables)) == 2 * len(few) + 300


def test_large_payloads_of_use_are_read(tmp_path: Path, small_windows: None) -> None:
    """Texts larger than a window stand among images that are passed over."""
    texts = [tensor_scalar("note", step, 7, "text", string_val=[b"x" * size]) for step, size in enumerate([250, 5000])]
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(b"".join([*run(40, 5, 3000), framed(texts), image(7, 3000), *run(40, 5, 250)]))
    tables = read([log_file(path)])
    assert tables.texts is not None
    assert tables.texts["text"].str.len_bytes().to_list() == [250, 5000]
    assert len(points(tables)) == 160
    assert tables.problems == []

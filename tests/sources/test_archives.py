"""Archives read in place: the same runs as in the folder, and nothing that leaves them."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import plant, table

from loglens.errors import LoglensError
from loglens.sources import archives, claims, read
from loglens.sources.archives import archive_stem
from loglens.sources.discover import discover

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loglens.model import Logs

E1 = "events.out.tfevents.1600000000.host"
TREE = {
    f"a/{E1}": "events: loss lr",
    "a/hparams.yaml": "lr: 0.1\n",
    "b/log.csv": "csv: epoch,loss,val_loss",
    "b/notes.md": "words",
    "c/deep/m.jsonl": "jsonl: loss",
    f"d/train/{E1}": "events: loss",
    f"d/val/{E1}": "events: loss",
}
CSV = b"epoch,loss\n1,0.5\n2,0.25\n3,0.2\n"


def pack(folder: Path, target: Path) -> None:
    """An archive of all that lies in a folder; the ending says which."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()
    }
    if target.suffix == ".zip":
        zip_of(target, files)
        return
    raw = tar_of(files)
    if target.name.endswith(".zst"):
        with pa.OSFile(str(target), "wb") as sink, pa.CompressedOutputStream(sink, "zstd") as out:
            out.write(raw)
    else:
        target.write_bytes(raw if target.suffix == ".tar" else gzip.compress(raw))


def tar_of(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(target: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in files.items():
            out.writestr(name, data)


def _reasons(logs: Logs) -> dict[str, str]:
    return {problem.path: problem.message for problem in logs.problems}


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst"])
def test_an_archive_holds_the_runs_of_its_folder(ending: str, tmp_path: Path) -> None:
    plant(tmp_path / "runs", TREE)
    (tmp_path / "packed").mkdir()
    pack(tmp_path / "runs", tmp_path / "packed" / f"runs{ending}")
    plain, packed = read(tmp_path / "runs"), read(tmp_path / "packed" / f"runs{ending}")
    assert packed.names == tuple(f"runs/{run}" for run in plain.names)
    assert packed.scalars.drop("run").equals(plain.scalars.drop("run"))
    assert packed.hparams["value"].to_list() == plain.hparams["value"].to_list() == ["0.1"]
    assert [s.path for s in packed.sources] == [f"runs{ending}/{s.path}" for s in plain.sources]
    assert packed.problems == ()


def test_a_run_at_the_top_of_an_archive_is_named_after_it(tmp_path: Path) -> None:
    zip_of(tmp_path / "exp-7.zip", {"log.csv": CSV})
    assert read(tmp_path).names == ("exp-7",)
    assert read(tmp_path / "exp-7.zip").names == ("exp-7",)


def test_a_folder_beside_the_archive_keeps_its_name(tmp_path: Path) -> None:
    plant(tmp_path / "runs", {"x/log.csv": "csv: epoch,loss"})
    zip_of(tmp_path / "runs.zip", {"x/log.csv": CSV})
    (tmp_path / "runs.tar").write_bytes(tar_of({"x/log.csv": CSV}))
    assert read(tmp_path).names == ("runs/x", "runs.tar/x", "runs.zip/x")


def test_large_logs_of_a_compressed_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is held in memory goes through a file without a name; a checkpoint is passed over."""
    monkeypatch.setattr(archives, "MAPPED", 1000)
    monkeypatch.setattr("loglens.sources.places.MAPPED", 1000)
    long = b"epoch,loss\n" + b"".join(b"%d,%d\n" % (i, i % 7) for i in range(5000))
    files = {"a/log.csv": long, "a/model.pt": os.urandom(100_000), "b/log.csv": CSV}
    (tmp_path / "runs.tar.gz").write_bytes(gzip.compress(tar_of(files)))
    logs = read(tmp_path)
    assert [(source.path, source.points) for source in logs.sources] == [
        ("runs.tar.gz/a/log.csv", 5000),
        ("runs.tar.gz/b/log.csv", 3),
    ]
    assert logs.checkpoints.select("path", "bytes").row(0) == ("runs.tar.gz/a/model.pt", 100_000)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(form: int, tmp_path: Path) -> None:
    name = "/".join(["folder" * 4] * (4 if form == tarfile.USTAR_FORMAT else 20)) + "/log.csv"
    (tmp_path / "x.tar").write_bytes(tar_of({name: CSV, "z/log.csv": CSV}, form))
    assert [source.path for source in read(tmp_path).sources] == [f"x.tar/{name}", "x.tar/z/log.csv"]


def test_the_last_member_of_a_name_counts(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for data in (CSV, CSV + b"4,0.1\n"):
            info = tarfile.TarInfo("./a//log.csv")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    (tmp_path / "x.tar").write_bytes(out.getvalue())
    assert read(tmp_path).scalars.height == 4


# --- nesting ----------------------------------------------------------------------------------------------------------


def _nested(depth: int) -> bytes:
    data, name = CSV, "log.csv"
    for level in range(depth):
        data, name = tar_of({f"l{level}/{name}": data}), "in.tar"
    return data


def test_archives_in_archives(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(_nested(claims.NESTED))
    logs = read(tmp_path)
    assert logs.names == ("x/l2/in/l1/in/l0",)
    assert logs.sources[0].path == "x.tar/l2/in.tar/l1/in.tar/l0/log.csv"


def test_nesting_ends(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(_nested(claims.NESTED + 1))
    (tmp_path / "log.csv").write_bytes(CSV)
    assert [p.message for p in read(tmp_path).problems] == ["an archive inside 3 others, not opened"]


# --- hostile archives -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/etc/log.csv", "../log.csv", "a/../../log.csv", "C:/log.csv", "C:\\a\\log.csv"])
def test_paths_that_lead_out_are_not_read(name: str, tmp_path: Path) -> None:
    zip_of(tmp_path / "x.zip", {name: CSV, "in/log.csv": CSV})
    (tmp_path / "y.tar").write_bytes(tar_of({name.replace("\\", "/"): CSV, "in/log.csv": CSV}))
    logs = read(tmp_path)
    assert logs.names == ("x/in", "y/in")
    assert [p.message for p in logs.problems] == ["its path leads out of the archive, not read"] * 2


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(CSV)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind, name in ((tarfile.SYMTYPE, "a.csv"), (tarfile.LNKTYPE, "b.csv"), (tarfile.CHRTYPE, "c.csv")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(tmp_path / "secret.csv")
            tar.addfile(info)
        info = tarfile.TarInfo("in/log.csv")
        info.size = len(CSV)
        tar.addfile(info, io.BytesIO(CSV))
    (tmp_path / "x.tar").write_bytes(out.getvalue())
    logs = read(tmp_path / "x.tar")
    assert logs.names == ("x/in",)
    assert _reasons(logs) == {
        "x.tar/a.csv": "a symbolic link in an archive, not read",
        "x.tar/b.csv": "a hard link in an archive, not read",
        "x.tar/c.csv": "a device in an archive, not read",
    }


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    zip_of(tmp_path / "x.zip", {"a/log.csv": CSV, "b/log.csv": CSV})
    data = bytearray((tmp_path / "x.zip").read_bytes())
    place = data.find(b"PK\1\2")
    data[place + 8] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    logs = read(tmp_path)
    assert logs.names == ("x/b",)
    assert _reasons(logs) == {"x.zip/a/log.csv": "encrypted in the archive, not read"}


def test_a_member_that_would_explode_is_named(tmp_path: Path) -> None:
    zip_of(tmp_path / "x.zip", {"a/log.csv": b"step,loss\n" + b"1,1\n" * (8 << 20), "b/log.csv": CSV})
    assert read(tmp_path).names == ("x/b",)
    assert "200 times" in _reasons(read(tmp_path))["x.zip/a/log.csv"]


def test_a_compressed_tar_that_would_explode_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar_of({"b/log.csv": CSV, "a/zero.bin": bytes(64 << 20)})))
    logs = read(tmp_path)
    assert logs.names == ("x/b",)
    assert "200 times" in _reasons(logs)["x.tar.gz"]


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS", 3)
    files = {f"r{i}/log.csv": CSV for i in range(5)}
    zip_of(tmp_path / "x.zip", files)
    (tmp_path / "y.tar").write_bytes(tar_of(files))
    logs = read(tmp_path)
    assert len(logs.names) == 6
    assert all("more than 3 files" in _reasons(logs)[name] for name in ("x.zip", "y.tar"))


def test_a_large_table_of_contents_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zip_of(tmp_path / "x.zip", {f"r{i}/log.csv": CSV for i in range(50)})
    monkeypatch.setattr(archives, "DIRECTORY", 1000)
    with pytest.raises(LoglensError, match="table of contents"):
        read(tmp_path)


def test_an_archive_without_logs_is_said(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(CSV)
    zip_of(tmp_path / "data.zip", {"a.png": b"x", "b.png": b"y"})
    zip_of(tmp_path / "none.zip", {})
    assert _reasons(read(tmp_path)) == {
        "data.zip": "an archive of 2 files, none of them a log",
        "none.zip": "an archive of 0 files, none of them a log",
    }


def test_a_large_compressed_archive_is_read_only_when_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "STREAMED", 10)
    (tmp_path / "log.csv").write_bytes(CSV)
    (tmp_path / "x.tgz").write_bytes(gzip.compress(tar_of({"a/log.csv": CSV})))
    assert "name it as a path" in _reasons(read(tmp_path))["x.tgz"]
    assert read(tmp_path / "x.tgz").names == ("x/a",)


def test_files_of_models_are_not_opened(tmp_path: Path) -> None:
    for name in ("model.pt", "m.keras", "w.npz", "data.whl"):
        zip_of(tmp_path / name, {"a/log.csv": CSV})
    (tmp_path / "log.csv").write_bytes(CSV)
    logs = read(tmp_path)
    assert len(logs.names) == 1
    assert logs.problems == ()


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz", ".tar.zst"])
@pytest.mark.parametrize("data", [b"", b"no archive at all" * 100, bytes(3000), b"PK\5\6" + bytes(18), b"PK\3\4"])
def test_what_is_no_archive_is_named(ending: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / f"x{ending}").write_bytes(data)
    (tmp_path / "log.csv").write_bytes(CSV)
    logs = read(tmp_path)
    assert len(logs.names) == 1
    assert set(_reasons(logs)) == {f"x{ending}"}


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz"])
@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 1), flip=st.integers(0, 1 << 20), bits=st.integers(0, 255))
def test_damage_never_raises(
    ending: str, cut: float, flip: int, bits: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    plant(folder / "t", {"a/log.csv": "csv: epoch,loss", "b/c/m.jsonl": "jsonl: loss"})
    (folder / "p").mkdir()
    pack(folder / "t", folder / "p" / f"x{ending}")
    data = bytearray((folder / "p" / f"x{ending}").read_bytes())
    data[flip % len(data)] ^= bits
    (folder / "p" / f"x{ending}").write_bytes(data[: int(len(data) * cut)])
    table(folder / "p" / "log.csv", "epoch,loss")
    logs = read(folder / "p")
    kept = {source.path for source in logs.sources if source.points == 12}
    # A tar has no checksum of its contents, so that a changed letter cannot be noticed.
    whole = ending == ".tar" and int(len(data) * cut) >= 6 * 512  # two members and two empty blocks; zeros follow
    assert len(kept) == 3 or logs.problems or whole


def test_a_cut_tar_keeps_what_is_there(tmp_path: Path) -> None:
    whole = tar_of({"a/log.csv": CSV, "b/log.csv": b"epoch,loss\n" + b"".join(b"%d,1\n" % i for i in range(1000))})
    (tmp_path / "x.tar").write_bytes(whole[:4000])
    logs = read(tmp_path)
    assert logs.names == ("x/a", "x/b")
    assert {(p.path, p.kind) for p in logs.problems} == {("x.tar", "truncated"), ("x.tar/b/log.csv", "truncated")}


def test_exclude_and_hidden_folders_hold_inside(tmp_path: Path) -> None:
    names = ("a/log.csv", "b/log.csv", ".git/log.csv", "__MACOSX/log.csv", "a/._log.csv")
    zip_of(tmp_path / "x.zip", dict.fromkeys(names, CSV))
    assert read(tmp_path, exclude=["b"]).names == ("x/a",)
    assert read(tmp_path, exclude=["x/a"]).names == ("x/b",)


def test_an_archive_that_changes_is_read_anew(tmp_path: Path) -> None:
    zip_of(tmp_path / "x.zip", {"a/log.csv": CSV})
    assert read(tmp_path).names == ("x/a",)
    zip_of(tmp_path / "x.zip", {"a/log.csv": CSV, "b/log.csv": CSV})
    assert read(tmp_path).names == ("x/a", "x/b")


def test_batches_can_be_sent_to_other_processes(tmp_path: Path) -> None:
    import pickle

    zip_of(tmp_path / "x.zip", {"a/log.csv": CSV})
    files = discover([str(tmp_path)]).families[0].files
    assert pickle.loads(pickle.dumps(files)) == files
    assert len(pickle.dumps(files)) < 1000


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.zip", "a"), ("a.tar.gz", "a"), ("a.b.TGZ", "a.b"), ("a.gz", None), ("model.pt", None), (".zip", None)],
)
def test_names(name: str, stem: str | None) -> None:
    assert archive_stem(name) == stem

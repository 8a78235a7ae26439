"""Logs in object stores: a store on the loopback, and one that fails on demand."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.fs as fs
import pytest
from trees import plant

import loglens
from loglens import cli
from loglens.errors import LoglensError
from loglens.sources import read, remote
from loglens.sources.remote import Remote, is_url, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

E1 = "events.out.tfevents.1600000000.host"
TREE = {
    f"a/{E1}": "events: loss lr",
    "a/config.json": '{"lr": 0.1}',
    "b c/log.csv": "csv: epoch,loss,val_loss",
    "b c/notes.log": "words\n",
    "d/deep/m.jsonl": "jsonl: loss",
    f"e/train/{E1}": "events: loss",
    f"e/val/{E1}": "events: loss",
    ".git/x.csv": "csv: epoch,loss",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_WAITS", (0.0, 0.0))
    remote._store.cache_clear()


# --- a store that fails on demand -------------------------------------------------------------------------------------


class Failing(fs.FileSystemHandler):
    """A folder of the disk behind a store's interface; `faults` are raised one by one, by what is asked."""

    def __init__(self, root: Path) -> None:
        self.disk = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())
        self.faults: dict[str, list[Exception]] = {}
        self.asked: list[str] = []

    def _ask(self, what: str, path: str) -> None:
        self.asked.append(f"{what} {path}")
        for key in (f"{what} {path}", what):
            if self.faults.get(key):
                raise self.faults[key].pop(0)

    def get_type_name(self) -> str:
        return "failing"

    def get_file_info(self, paths: list[str]) -> Any:
        self._ask("info", paths[0])
        return self.disk.get_file_info(paths)

    def get_file_info_selector(self, selector: fs.FileSelector) -> Any:
        self._ask("list", selector.base_dir)
        return self.disk.get_file_info(selector)

    def open_input_file(self, path: str) -> Any:
        self._ask("open", path)
        return pa.PythonFile(_Failing(self.disk.open_input_file(path), self, path), mode="r")

    def normalize_path(self, path: str) -> str:
        return path

    def _no(self, *_: object, **__: object) -> Any:
        raise NotImplementedError

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = move = copy_file = _no
    open_input_stream = open_output_stream = open_append_stream = _no


class _Failing:
    def __init__(self, file: Any, store: Failing, path: str) -> None:
        self.file, self.store, self.path = file, store, path
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        self.store._ask("read", self.path)
        return self.file.read(size)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Failing:
    plant(tmp_path / "runs", TREE)
    handler = Failing(tmp_path)
    monkeypatch.setattr(remote, "_store", lambda _: (fs.PyFileSystem(handler), ""))
    return handler


URL = "hdfs://host/runs"


def test_the_same_report_as_for_the_folder(store: Failing, tmp_path: Path) -> None:
    for name, source in (("far.json", URL), ("near.json", str(tmp_path / "runs"))):
        loglens.analyze(source).to_json(tmp_path / name)
    assert (tmp_path / "far.json").read_bytes() == (tmp_path / "near.json").read_bytes()
    assert len(json.loads((tmp_path / "far.json").read_text())["runs"]) == 4


def test_faults_that_pass_are_not_noticed(store: Failing) -> None:
    csv = "runs/b c/log.csv"
    whole = read(URL)
    for what in ("info runs", "list runs", f"open {csv}", f"read {csv}"):
        store.faults = {what: [OSError("AWS Error SLOW_DOWN"), OSError("connection reset")]}
        again = read(URL)
        assert again.scalars.equals(whole.scalars), what
        assert again.problems == whole.problems
        assert not store.faults[what]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (FileNotFoundError(2, "No such file or directory"), "no longer there"),
        (OSError("AWS Error RESOURCE_NOT_FOUND during GetObject operation: gone"), "no longer there"),
        (OSError("AWS Error ACCESS_DENIED during GetObject operation: No response body."), "access denied"),
        (OSError("some\nother\nfault " + "x" * 900), "some other fault"),
    ],
)
@pytest.mark.parametrize("what", ["open", "read"])
def test_an_object_that_cannot_be_read_is_named_and_the_rest_is_read(
    what: str, fault: Exception, message: str, store: Failing
) -> None:
    store.faults = {f"{what} runs/b c/log.csv": [fault] * 9}
    logs = read(URL)
    assert logs.names == ("a", "d/deep", "e")
    told = [problem for problem in logs.problems if problem.path == "b c/log.csv"]
    assert [problem.kind for problem in told] == ["unreadable"]
    assert message in told[0].message
    assert "\n" not in told[0].message
    assert len(told[0].message) < 300


def test_an_object_that_vanishes_between_listing_and_reading(store: Failing, tmp_path: Path) -> None:
    handler_list = store.get_file_info_selector

    def listed(selector: fs.FileSelector) -> Any:
        found = handler_list(selector)
        (tmp_path / "runs" / "b c" / "log.csv").unlink(missing_ok=True)
        return found

    store.get_file_info_selector = listed  # type: ignore[method-assign]
    logs = read(URL)
    assert [(p.path, p.kind, p.message) for p in logs.problems if "log.csv" in p.path] == [
        ("b c/log.csv", "unreadable", "cannot be read: no longer there")
    ]


@pytest.mark.parametrize("what", ["info", "list"])
def test_a_store_that_stays_away_is_one_line(what: str, store: Failing, capsys: pytest.CaptureFixture[str]) -> None:
    store.faults = {what: [OSError("AWS Error ACCESS_DENIED during ListObjectsV2\noperation: Access Denied")] * 9}
    assert cli.run(["analyze", URL]) == 2
    error = capsys.readouterr().err
    assert error.splitlines() == [f"loglens: {URL}: access denied: check the credentials"]
    assert len(store.asked) <= 2


def test_small_objects_are_fetched_once(store: Failing) -> None:
    read(URL)
    opened = [asked for asked in store.asked if asked.startswith("open") and asked.endswith((".csv", ".jsonl"))]
    assert len(opened) == 2


def test_large_objects_are_read_in_parts(store: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(URL)
    for name, value in (("_FETCHED", 0), ("_FIRST", 100), ("_STEP", 64)):
        monkeypatch.setattr(remote, name, value)
    assert read(URL).scalars.equals(whole.scalars)


def test_one_object(store: Failing) -> None:
    logs = read(f"{URL}/b c/log.csv")
    assert logs.names == ("b c",)
    assert logs.sources[0].path == "log.csv"


def test_several_urls_have_a_common_root(store: Failing) -> None:
    assert read([f"{URL}/a", f"{URL}/d"]).names == ("a", "d/deep")


def test_an_archive_in_a_store(store: Failing, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "runs" / "old.zip", "w") as out:
        out.writestr("x/log.csv", "epoch,loss\n1,2\n2,1\n")
    assert "old/x" in read(URL).names


# --- urls -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://host/x", "cannot be opened"),
        ("s3://", "no bucket named"),
        ("s3://bucket with blanks/x", "Cannot parse URI"),
        ("abfs://x/y", "account name"),
    ],
)
def test_urls_that_lead_nowhere(url: str, message: str) -> None:
    with pytest.raises(LoglensError, match=message) as caught:
        read(url)
    assert "\n" not in str(caught.value)


def test_urls_and_paths_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(LoglensError, match="one after the other"):
        read([str(tmp_path), "s3://bucket/x"])


def test_file_urls_are_paths(tmp_path: Path) -> None:
    plant(tmp_path / "my runs", {"a/log.csv": "csv: epoch,loss"})
    assert read((tmp_path / "my runs").as_uri()).names == ("a",)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://key:secret@bucket/a?region=x", "s3://***@bucket/a"),
        ("s3://bucket/what?", "s3://bucket/what?"),
        ("abfs://container@account.dfs.core.windows.net/a", "abfs://container@account.dfs.core.windows.net/a"),
        ("runs/a", "runs/a"),
    ],
)
def test_secrets_are_not_shown(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_what_is_a_url() -> None:
    assert [is_url(path) for path in ("s3://a/b", "C://a", "a/b://c", "file:///a", "-")] == [
        True,
        False,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({}, ""),
        ({"AWS_ENDPOINT_URL": "http://h:1"}, "?endpoint_override=h%3A1&scheme=http&region=us-east-1"),
        (
            {"AWS_ENDPOINT_URL_S3": "https://s", "AWS_ENDPOINT_URL": "http://h:1"},
            "?endpoint_override=s&scheme=https&region=us-east-1",
        ),
        ({"AWS_ENDPOINT_URL": "http://h", "AWS_REGION": "eu"}, "?endpoint_override=h&scheme=http&region=eu"),
    ],
)
def test_the_environment_names_the_endpoint(
    environment: dict[str, str], options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert remote._options("s3", "") == options


# --- a real store on the loopback -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = pytest.importorskip("moto.server", reason="moto's server is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        yield "http://{}:{}".format(*running.get_host_and_port())
    finally:
        running.stop()


@pytest.fixture
def bucket(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fs.S3FileSystem:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    names = {
        "ACCESS_KEY_ID": "key",
        "SECRET_ACCESS_KEY": "word",
        "EC2_METADATA_DISABLED": "true",
        "ENDPOINT_URL_S3": server,
    }
    for name, value in names.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    plant(tmp_path / "runs", TREE)
    store = fs.S3FileSystem(
        endpoint_override=server, access_key="key", secret_key="word", region="us-east-1", allow_bucket_creation=True
    )
    store.create_dir("training-logs")
    fs.copy_files(str(tmp_path / "runs"), "training-logs/runs", destination_filesystem=store)
    return store


@pytest.mark.slow
def test_s3_gives_the_same_report_as_the_folder(bucket: fs.S3FileSystem, tmp_path: Path) -> None:
    for name, source in (("far.json", "s3://training-logs/runs"), ("near.json", str(tmp_path / "runs"))):
        loglens.analyze(source).to_json(tmp_path / name)
    assert (tmp_path / "far.json").read_bytes() == (tmp_path / "near.json").read_bytes()
    assert len(json.loads((tmp_path / "far.json").read_text())["runs"]) == 4


@pytest.mark.slow
def test_s3_an_object_that_vanished_is_named(bucket: fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Remote.members

    def members(self: Remote) -> Any:
        found = list(listed(self))
        bucket.delete_file("training-logs/runs/b c/log.csv")
        return iter(found)

    monkeypatch.setattr(Remote, "members", members)
    logs = read("s3://training-logs/runs")
    assert [(p.path, p.message) for p in logs.problems if "csv" in p.path] == [
        ("b c/log.csv", "cannot be read: no longer there")
    ]
    assert len(logs.names) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://no-such-bucket/runs", "no such bucket"),
        ("s3://training-logs/nothing", "no such file or folder"),
        ("s3://key:secret@training-logs/nothing", "no such file or folder"),
    ],
)
def test_s3_tells_what_is_missing(
    url: str, message: str, bucket: fs.S3FileSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["analyze", url]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert message in error
    assert "secret" not in error


@pytest.mark.slow
def test_s3_without_a_server(bucket: fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(LoglensError, match="no connection to the server"):
        read("s3://training-logs/runs")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("google::cloud::Status(UNAVAILABLE: Could not create a OAuth2 access token", "no credentials found"),
        ("GetToken(): Failed to get token from DefaultAzureCredential", "no credentials found"),
        ("AWS Error NETWORK_CONNECTION: curlCode: 6, Could not resolve host: b.s3.amazonaws.com", "no such server"),
        ("AWS Error INVALID_ACCESS_KEY_ID during HeadBucket", "the credentials are not accepted"),
    ],
)
def test_what_no_other_try_mends_is_tried_once(said: str, told: str) -> None:
    tries = []

    def step() -> None:
        tries.append(1)
        raise OSError(said)

    with pytest.raises(OSError, match=told):
        remote._tried(step)
    assert len(tries) == 1

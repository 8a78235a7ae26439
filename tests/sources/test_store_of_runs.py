"""Five hundred runs in a real object store on the loopback, also while it fails: the same findings as from the disk."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.fs as fs
import pytest

import loglens
from loglens.sources import remote

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
SAMPLES = Path(__file__).parents[2] / "sample_logs"
RUNS = 500
BUCKET = "archive-of-runs"
ONCE_500, ONCE_SLOW = re.compile(r"run-\d\d6/"), re.compile(r"run-\d50/")
GONE = "run-123/"
SLOW = 5  # seconds: longer than the client waits for an answer


class Faults:
    """Stands before the store; `on`: some objects fail the first time, some answer too late, one is gone."""

    def __init__(self, app: Any) -> None:
        self.app, self.on = app, False
        self.asked: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        if self.on and environ["REQUEST_METHOD"] in ("GET", "HEAD") and "run-" in path:
            self.asked[path] += 1
            if GONE in path:
                return self._fault(start, "404 Not Found", "NoSuchKey")
            if self.asked[path] == 1 and ONCE_500.search(path):
                return self._fault(start, "500 Internal Server Error", "InternalError")
            if self.asked[path] == 1 and ONCE_SLOW.search(path):
                time.sleep(SLOW)
        return self.app(environ, start)

    def _fault(self, start: Any, status: str, code: str) -> list[bytes]:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many runs: links to the samples' logs."""
    logs = [[file for file in path.iterdir() if file.is_file()] for path in sorted(SAMPLES.iterdir()) if path.is_dir()]
    root = tmp_path_factory.mktemp("tree") / "runs"
    for i in range(RUNS):
        (root / f"run-{i:03}").mkdir(parents=True)
        for file in logs[i % len(logs)]:
            (root / f"run-{i:03}" / file.name).hardlink_to(file)
    return root


@pytest.fixture(scope="module")
def store(tree: Path) -> Iterator[tuple[str, Faults]]:
    """The address of a store that holds the tree, and what makes it fail."""
    moto = pytest.importorskip("moto.server", reason="moto's server is not installed")
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    faults = Faults(moto.DomainDispatcherApplication(moto.create_backend_app))
    server = make_server("127.0.0.1", 0, faults, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    there = fs.S3FileSystem(
        endpoint_override=address, access_key="key", secret_key="word", region="us-east-1", allow_bucket_creation=True
    )
    there.create_dir(BUCKET)
    fs.copy_files(str(tree), f"{BUCKET}/runs", destination_filesystem=there)
    try:
        yield address, faults
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def url(store: tuple[str, Faults], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    told = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "word", "EC2_METADATA_DISABLED": "true"}
    for name, value in (told | {"ENDPOINT_URL_S3": store[0]}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    remote._store.cache_clear()
    yield f"s3://{BUCKET}/runs"
    store[1].on = False
    remote._store.cache_clear()


def document(source: object, folder: Path) -> dict[str, Any]:
    loglens.analyze(source).to_json(folder / "report.json")
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_the_same_report_as_from_the_disk(url: str, tree: Path, tmp_path: Path) -> None:
    assert document(url, tmp_path) == document(tree, tmp_path)


def test_a_store_that_fails_loses_nothing_but_what_is_gone(
    url: str, store: tuple[str, Faults], tree: Path, tmp_path: Path
) -> None:
    near = document(tree, tmp_path)
    _, faults = store
    faults.on = True
    far = document(url, tmp_path)
    failed = {found[0] for path in faults.asked if (found := ONCE_500.search(path))}
    slow = {found[0] for path in faults.asked if (found := ONCE_SLOW.search(path))}
    assert (len(failed), len(slow)) == (RUNS // 10, RUNS // 100)
    gone = GONE.rstrip("/")
    assert [run["run"] for run in far["runs"]] == [run["run"] for run in near["runs"] if run["run"] != gone]
    assert far["runs"] == [run for run in near["runs"] if run["run"] != gone]
    told = [problem for problem in far["problems"] if problem not in near["problems"]]
    assert [(p["path"].partition("/")[0], p["kind"]) for p in told] == [(gone, "unreadable")]
    assert "no longer there" in told[0]["message"]

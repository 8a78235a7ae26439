"""Object stores as places: everything that pyarrow's filesystems open by a URL."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

from loglens.errors import LoglensError
from loglens.sources.packing import Damage, Stream
from loglens.sources.places import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loglens.sources.base import LogFile

T = TypeVar("T")

SCHEMES = ("s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")
_URL = re.compile(r"([a-z][a-z0-9+.-]+)://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"\w+=[^&=]*(&\w+=[^&=]*)*")
_WAITS = (0.2, 1.0)  # seconds before a second and a third try
_FIRST, _STEP = 64 << 10, 8 << 20  # bytes asked for at first, and then
_FETCHED = 8 << 20  # objects up to this size are fetched side by side
_THREADS = 16
# what the libraries say: what people are told. None of these goes away by another try.
_TOLD = {
    "NO_SUCH_BUCKET|NoSuchBucket": "no such bucket",
    "ACCESS_DENIED|AccessDenied|Forbidden|PERMISSION_DENIED|AuthorizationFailure": (
        "access denied: check the credentials"
    ),
    "Failed to get token|Could not create a OAuth2": "no credentials found, or no server that takes them",
    "INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_SIGNATURE|EXPIRED_TOKEN|UNAUTHENTICATED|Unauthorized": (
        "the credentials are not accepted"
    ),
    "Could not resolve host": "no such server, or no network",
    "Could not connect|onnection refused": "no connection to the server",  # the libraries have tried again themselves
    "libjvm|libhdfs": "HDFS needs a Java runtime and Hadoop's libhdfs (JAVA_HOME, HADOOP_HOME, CLASSPATH)",
    "RESOURCE_NOT_FOUND|NO_SUCH_KEY|No such file|does not exist|NOT_FOUND": "no longer there",
}
_TRANSIENT = {
    "NETWORK_CONNECTION|connect": "the connection to the server breaks",
    "SLOW_DOWN|SlowDown|THROTTLING|REQUEST_TIMEOUT|timed? ?out": "the server does not keep up",
    "INTERNAL_FAILURE|SERVICE_UNAVAILABLE|InternalError": "the server fails",
}


@dataclass(frozen=True, slots=True)
class Remote:
    """The files below a folder of an object store. `url` opens the store, `folder` is a path in it."""

    url: str
    folder: str

    def members(self) -> Iterator[Member]:
        """All files below the folder, by name. OSError when they cannot be listed."""
        from pyarrow.fs import FileSelector

        infos = _tried(lambda: _store(self.url)[0].get_file_info(FileSelector(self.folder, recursive=True)))
        start = len(self.folder.rstrip("/")) + 1
        found = (Member(info.path, info.path[start:], info.size or 0) for info in infos if info.is_file)
        yield from sorted(found, key=lambda member: member.name)

    def open(self, path: str) -> Stream:
        """The bytes of an object. OSError when it cannot be opened."""
        file = _tried(lambda: _store(self.url)[0].open_input_file(path))
        return Stream(_chunks(file))


@dataclass(frozen=True, eq=False, slots=True)
class Held:
    """One object that has been fetched, or why it could not be."""

    found: bytes | Damage | OSError

    def members(self) -> Iterator[Member]:
        """Nothing is listed here."""
        return iter(())

    def open(self, path: str) -> Stream:  # noqa: ARG002 (there is only one)
        """Its bytes."""
        if isinstance(self.found, OSError):
            raise self.found
        return Stream(iter((self.found,)))


@dataclass(frozen=True, slots=True)
class Located:
    """What a URL leads to: a file of this size, or a folder (None)."""

    url: str
    path: str
    size: int | None


def is_url(path: str) -> bool:
    """Whether a path names a store, or something else with `://` that is no file."""
    return _URL.match(path) is not None and not path.lower().startswith("file://")


def without_secrets(path: str) -> str:
    """The URL as it may be shown: without keys and passwords. Other paths as they are."""
    found = _URL.match(path)
    if not found:
        return path
    secret = re.sub(r"^[^@]*:[^@]*@", "***@", found[2])
    return f"{found[1]}://{secret}{_split(found[3])[0]}"


def locate(url: str) -> Located:
    """Look a URL up. LoglensError when it leads nowhere."""
    found = _URL.match(url)
    if not found or found[1].lower() not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise LoglensError(f"{_named(url)}: cannot be opened: a path, file:// or one of {known}")
    scheme, authority, rest = found[1].lower(), found[2], found[3]
    path, query = _split(rest)
    if not authority and scheme not in ("hdfs", "viewfs"):
        raise LoglensError(f"{_named(url)}: no bucket named")
    store = f"{scheme}://{authority}/{_options(scheme, query)}"
    try:
        files, base = _store(store)
        whole = "/".join(part for part in (base.rstrip("/"), path.strip("/")) if part or base.startswith("/"))
        info = _tried(lambda: files.get_file_info(whole or base))
        if not (info.is_file or info.type.name == "Directory"):
            missing = _tried(lambda: files.get_file_info(base.rstrip("/"))).type.name == "NotFound" if base else False
            raise LoglensError(f"{_named(url)}: {'no such bucket' if missing else 'no such file or folder'}")
    except OSError as error:
        raise LoglensError(f"{_named(url)}: {error.args[-1]}") from None
    return Located(store, info.path, info.size if info.is_file else None)


def fetched(files: Sequence[LogFile]) -> list[LogFile]:
    """The files, small ones of stores already fetched: many at a time, for each takes its time to answer."""
    wanted = [i for i, file in enumerate(files) if isinstance(file.place, Remote) and file.size <= _FETCHED]
    out = list(files)
    if wanted:
        with ThreadPoolExecutor(min(_THREADS, len(wanted))) as pool:
            for i, held in zip(wanted, pool.map(_held, [files[i] for i in wanted]), strict=True):
                out[i] = replace(files[i], place=held)
    return out


def _held(file: LogFile) -> Held:
    assert isinstance(file.place, Remote)
    try:
        stream = file.place.open(file.path)
        data = stream.read()
    except OSError as error:
        return Held(error)
    return Held(data if stream.fault is None else stream.fault)


@lru_cache(maxsize=8)
def _store(url: str) -> tuple[Any, str]:
    """The filesystem, and the path of the URL in it."""
    from pyarrow.fs import FileSystem

    return _tried(lambda: FileSystem.from_uri(url))  # type: ignore[no-any-return]


def _chunks(file: Any) -> Iterator[bytes]:
    try:
        with file:
            size, place = _tried(file.size), 0
            while place < size:
                wanted = min(size - place, _STEP if place else _FIRST)
                data = _tried(partial(file.read_at, wanted, place))
                if not data:
                    raise Damage("truncated", f"the object ends at byte {place} of {size}", place)
                place += len(data)
                yield data
    except Damage:
        raise
    except OSError as error:
        raise Damage("unreadable", f"cannot be read: {error.args[-1]}") from None


def _tried(step: Callable[[], T]) -> T:
    """What a step gives, after up to three tries. OSError with one line for people."""
    from pyarrow import ArrowException

    for wait in (*_WAITS, None):
        try:
            return step()
        except (OSError, ArrowException, ValueError, MemoryError) as error:
            message, final = _reason(error)
            if wait is None or final:
                raise OSError(message) from None
        time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _reason(error: BaseException) -> tuple[str, bool]:
    """What went wrong in a line, and whether another try is of no use."""
    text = " ".join(str(error).split())
    for table, final in ((_TOLD, True), (_TRANSIENT, False)):
        for words, message in table.items():
            if re.search(words, text):
                return message, final
    return text[:200] or type(error).__name__, isinstance(error, ValueError)


def _split(rest: str) -> tuple[str, str]:
    """Path and options; a `?` may also be part of a name."""
    path, mark, query = rest.rpartition("?")
    return (path, query) if mark and _QUERY.fullmatch(query) else (rest, "")


def _options(scheme: str, query: str) -> str:
    """The options of the URL, with the endpoint that the environment names."""
    added: dict[str, str] = {}
    if scheme == "s3" and "endpoint_override" not in query:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
            added = {"endpoint_override": parts.netloc, "scheme": parts.scheme}
            if "region" not in query:
                added["region"] = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    if scheme in ("gs", "gcs") and "retry_limit_seconds" not in query:
        added["retry_limit_seconds"] = "2"  # of each step; all is tried up to three times
    return "".join(f"{'&' if i else '?'}{part}" for i, part in enumerate(filter(None, (query, urlencode(added)))))


def _named(url: str) -> str:
    from loglens.sources.paths import shown

    return shown(without_secrets(url))

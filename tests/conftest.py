"""What all tests share: the collection of other people's logs, a browser, and golden files."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# examples differ in cost, and machines in load: neither says anything about the code
settings.register_profile("loglens", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loglens")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing")


def _missing(what: str) -> NoReturn:
    """Skip with the reason; in CI nothing may be missing, so fail there."""
    if os.environ.get("LOGLENS_CI") == "1":
        pytest.fail(f"{what} (LOGLENS_CI=1 allows no skip)")
    pytest.skip(what)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Folder with real/ and labelled/ logs and their labels.jsonl, named by LOGLENS_CORPUS."""
    place = os.environ.get("LOGLENS_CORPUS")
    if not place:
        _missing("LOGLENS_CORPUS is not set: no collection of real logs to test on")
    if not (Path(place) / "real" / "labels.jsonl").is_file():
        _missing(f"LOGLENS_CORPUS={place} has no real/labels.jsonl")
    return Path(place)


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of a Chromium, for tests that open a page."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or _missing("no Chromium found: pages cannot be opened")


@pytest.fixture
def installed() -> Callable[[str], None]:
    """Skip (in CI: fail) where a library is missing that a test trains with."""

    def check(library: str) -> None:
        if find_spec(library) is None:
            _missing(f"{library} is not installed: no logs of its own making")

    return check


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare text with a golden file, byte for byte; `--update-golden` writes the file instead."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.is_file(), f"{path} is missing: run pytest --update-golden"
        assert text == path.read_bytes().decode(), f"differs from {path}; if that is right: pytest --update-golden"

    return check

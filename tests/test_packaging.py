"""What is installed is whole: the wheel and the source archive hold what they need, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import loglens
from loglens.resources import resource_dir

ROOT = Path(__file__).parents[1]
EXTRAS = ("png", "dask", "ray")  # of the package itself; the others are for those who work on it


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both archives, built by the back end itself: no network, no other environment."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", out], cwd=ROOT, check=True, capture_output=True)
    return out


def names(archive: Path) -> set[str]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return set(wheel.namelist())
    with tarfile.open(archive) as source:
        return {name.partition("/")[2] for name in source.getnames()}


def test_the_wheel_holds_package_rules_and_templates_only(dist: Path) -> None:
    found = names(next(dist.glob("*.whl")))
    for folder in ("rules", "templates"):
        files = {f"loglens/{folder}/{p.relative_to(ROOT / folder).as_posix()}" for p in (ROOT / folder).rglob("*.*")}
        assert {name for name in files if "__pycache__" not in name and not name.endswith(".py")} <= found
    assert {"loglens/py.typed", "loglens/sources/roles.yaml", "loglens/reporters/report.schema.json"} <= found
    assert {name.split("/")[0] for name in found} == {"loglens", f"loglens-{loglens.__version__}.dist-info"}
    assert not [name for name in found if name.endswith(".pyc")]


def test_the_source_archive_holds_tests_and_samples(dist: Path) -> None:
    found = names(next(dist.glob("*.tar.gz")))
    samples = {p.relative_to(ROOT).as_posix() for p in (ROOT / "sample_logs").glob("*/*.*") if p.suffix != ".pyc"}
    assert samples <= found
    assert not [name for name in found if name.endswith(".pyc")]
    assert {"tests/conftest.py", "docs/architecture.md", "CHANGELOG.md", "README.md", "LICENSE"} <= found


def test_the_installed_wheel_works_without_the_checkout(dist: Path, tmp_path: Path) -> None:
    """Unpacked alone on the path: rules, templates and schema must come from inside of it."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    code = "import sys; sys.path.insert(0, 'site'); import loglens.cli as cli; print(cli.__file__);"
    args = ["analyze", str(ROOT / "sample_logs"), "-o", "r.html", "-o", "r.json", "-o", "r.md", "-q"]
    command = [sys.executable, "-c", f"{code} sys.exit(cli.run({args!r}))"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[0].startswith(str(tmp_path))
    assert (tmp_path / "r.html").is_file()


@pytest.mark.parametrize("name", ["rules", "templates"])
def test_resources_are_found_in_a_checkout(name: str) -> None:
    assert any(resource_dir(name).iterdir())


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == loglens.__version__


def test_every_import_is_declared() -> None:
    """Whatever the package imports is its own, the standard library's, or a dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    declared = {re.split(r"[<>=!~ \[]", line)[0].replace("-", "_").lower() for line in lines}
    declared = {"yaml" if name == "pyyaml" else name for name in declared}
    pattern = re.compile(r"^\s*(?:from|import) ([a-zA-Z_0-9]+)", re.MULTILINE)
    imported = {m for p in (ROOT / "loglens").rglob("*.py") for m in pattern.findall(p.read_text(encoding="utf-8"))}
    foreign = imported - sys.stdlib_module_names - {"loglens"}
    assert foreign - declared - {"markupsafe", "google"} == set()

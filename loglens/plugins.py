"""What others add: kernels of a module named on the command line; readers, kernels, reporters of installed packages.

An installed package adds them by entry points, which nobody but whoever installs packages can set: no file beside a log
and no settings file can make loglens run code.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_ADDED: set[str] = set()  # modules whose kernels are known in this process


def add_kernels(name: str) -> None:
    """Add the dict `KERNELS` of a module (dotted name or .py file) to the kernels that rules may use.

    Never called for anything but an explicit `--kernels`: importing a module runs it.
    """
    _take_kernels(f"--kernels {name}", getattr(_module(name), "KERNELS", None))
    _ADDED.add(name)


def _take_kernels(origin: str, theirs: Any) -> None:
    from loglens.kernels import ELEMENTWISE, KERNELS, Kernel

    if not isinstance(theirs, dict) or not all(
        isinstance(name, str) and isinstance(k, Kernel) for name, k in theirs.items()
    ):
        raise LoglensError(f"{origin}: needs a dict KERNELS of name: loglens.kernels.kernel(signature, function)")
    for kernel in theirs:
        if kernel in KERNELS or kernel in ELEMENTWISE:
            raise LoglensError(f"{origin}: a kernel '{kernel}' exists already; choose another name")
    KERNELS.update(theirs)


@cache
def add_installed_kernels() -> None:
    """Take the kernels of installed packages (entry points `loglens.kernels`, each a dict as for `--kernels`)."""
    for origin, _, theirs in _installed("loglens.kernels"):
        _take_kernels(origin, theirs)


@cache
def add_installed_readers() -> None:
    """Take the formats of installed packages (entry points `loglens.readers`, each a `loglens.sources.Format`)."""
    from loglens.sources.formats import FORMATS, Format

    for origin, name, form in _installed("loglens.readers"):
        if not isinstance(form, Format):
            raise LoglensError(f"{origin}: needs a loglens.sources.Format, not {type(form).__name__}")
        if name in FORMATS:
            raise LoglensError(f"{origin}: a format '{name}' exists already; choose another name")
        FORMATS[name] = form


@cache
def add_installed_reporters() -> None:
    """Take the formats of installed packages (entry points `loglens.reporters`, each a `loglens.reporters.Format`)."""
    from loglens.reporters import FORMATS, Format

    for origin, name, form in _installed("loglens.reporters"):
        if not isinstance(form, Format):
            raise LoglensError(f"{origin}: needs a loglens.reporters.Format, not {type(form).__name__}")
        if name in FORMATS:
            raise LoglensError(f"{origin}: a format '{name}' exists already; choose another name")
        FORMATS[name] = form


def _installed(group: str) -> list[tuple[str, str, Any]]:
    """(whence, name, object) of each entry point, by name. LoglensError names a package that cannot be loaded."""
    from importlib import metadata  # a tenth of a second, which `loglens --help` need not wait for

    found = []
    for point in sorted(metadata.entry_points(group=group), key=lambda point: point.name):
        origin = f"package {point.dist.name if point.dist else '?'}, {group} '{point.name}'"
        with _theirs(f"{origin}: cannot be loaded"):
            found.append((origin, point.name, point.load()))
    return found


def have_kernels(name: str) -> None:
    """As `add_kernels`, once in a process."""
    if name not in _ADDED:
        add_kernels(name)


def _module(name: str) -> ModuleType:
    if name.startswith("."):
        raise LoglensError(f"--kernels {name}: name a module (package.module) or a file (PATH.py)")
    with _theirs(f"--kernels {name}: cannot be imported"):
        return _from_file(Path(name)) if name.endswith(".py") else import_module(name)


@contextmanager
def _theirs(what: str) -> Iterator[None]:
    """Whatever the code of others raises while it is loaded, an exit too, is their fault and told as that."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        said = " ".join(str(error).split())
        plain = isinstance(error, ImportError | SyntaxError | OSError) and said
        told = said if plain else f"{type(error).__name__}: {said}".rstrip(": ")
        raise LoglensError(f"{what}: {told}") from error


def _from_file(path: Path) -> ModuleType:
    spec = util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no such file: {path}")
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

"""Kernels of one's own, from a Python module named on the command line."""

from __future__ import annotations

import sys
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING

from loglens.errors import LoglensError

if TYPE_CHECKING:
    from types import ModuleType


_ADDED: set[str] = set()  # modules whose kernels are known in this process


def add_kernels(name: str) -> None:
    """Add the dict `KERNELS` of a module (dotted name or .py file) to the kernels that rules may use.

    Never called for anything but an explicit `--kernels`: importing a module runs it.
    """
    from loglens.kernels import ELEMENTWISE, KERNELS, Kernel

    theirs = getattr(_module(name), "KERNELS", None)
    if not isinstance(theirs, dict) or not all(isinstance(k, Kernel) for k in theirs.values()):
        raise LoglensError(
            f"--kernels {name}: needs a dict KERNELS of name: loglens.kernels.kernel(signature, function)"
        )
    for kernel in theirs:
        if kernel in KERNELS or kernel in ELEMENTWISE:
            raise LoglensError(f"--kernels {name}: a kernel '{kernel}' exists already; choose another name")
    KERNELS.update(theirs)
    _ADDED.add(name)


def have_kernels(name: str) -> None:
    """As `add_kernels`, once in a process."""
    if name not in _ADDED:
        add_kernels(name)


def _module(name: str) -> ModuleType:
    try:
        return _from_file(Path(name)) if name.endswith(".py") else import_module(name)
    except (ImportError, OSError, SyntaxError, ValueError) as error:
        raise LoglensError(f"--kernels {name}: cannot be imported: {error}") from None


def _from_file(path: Path) -> ModuleType:
    spec = util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no such file: {path}")
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

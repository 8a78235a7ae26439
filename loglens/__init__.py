"""Offline analyzer of training logs: what went wrong, in which run, from which step on, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loglens.api import analyze, read
    from loglens.errors import LoglensError
    from loglens.model import Logs
    from loglens.report import Report

__version__ = "0.1.0"
__all__ = ["LoglensError", "Logs", "Report", "__version__", "analyze", "read"]

_HOMES = {
    "analyze": "loglens.api",
    "read": "loglens.api",
    "Logs": "loglens.model",
    "LoglensError": "loglens.errors",
    "Report": "loglens.report",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `loglens --help` must not pay for Polars."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'loglens' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names too, imported or not, so that they complete."""
    return sorted({*globals(), *__all__})

"""Where `rules/` and `templates/` lie: inside an installed package, beside it in a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource_dir(name: str) -> Path:
    """Path of the top-level folder `name` ("rules" or "templates") in editable, wheel and sdist installs."""
    package = Path(str(files("loglens")))
    inside = package / name
    return inside if inside.is_dir() else package.parent / name

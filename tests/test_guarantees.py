"""What the documents promise is shown by tests that exist, and every dependency has its reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
TABLES = {"SECURITY.md": "| threat |", "docs/scale.md": "| fault |"}
EXTRAS = ("png", "dask", "ray")


def rows(page: str) -> list[str]:
    """The rows of the table whose head begins as TABLES says."""
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text[text.index(TABLES[page]) :].partition("\n\n")[0]
    return table.splitlines()[2:]


@pytest.mark.parametrize("page", TABLES)
def test_every_row_names_a_test_that_exists(page: str) -> None:
    found = rows(page)
    assert len(found) > 15
    for row in found:
        named = SHOWN.search(row)
        assert named, row
        text = (ROOT / named[1]).read_text(encoding="utf-8")
        assert re.search(rf"^def {named[2]}\(", text, re.MULTILINE), row


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    names = {re.split(r"[<>=!~ \[]", line)[0] for line in wanted}
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([\w-]+)` \|", text.partition("## Dependencies")[2], re.MULTILINE)
    assert set(told) == names
    assert len(told) == len(names)

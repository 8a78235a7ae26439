"""docs/roles.md says what roles.yaml says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loglens.sources.names import load_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from loglens.sources.roletable import Quantity

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"
TABLE = load_table()


def _table(head: str, rows: Iterable[Iterable[str]]) -> str:
    lines = [head, re.sub(r"[^|]+", "---", head), *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines)


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{w}`" for w in words)


def _bag(bag: frozenset[str]) -> str:
    return " ".join(sorted(bag))


def _role(q: Quantity) -> str:
    also = {1: " (a loss where nothing else is)"}.get(min(q.stands_in, 1), "")
    return f"`{'<split>/' if q.split else ''}{q.role}{':<layer>' if q.rest == 'layer' else ''}`{also}"


def _splits() -> Iterator[list[str]]:
    for split in ("train", "val", "test"):
        edges = [w for w, s in TABLE.edge_split_of.items() if s == split]
        yield [f"`{split}`", _words(w for w, s in TABLE.split_of.items() if s == split), _words(edges)]


def _blocks() -> dict[str, str]:
    quantities = (
        [_role(q), _words(map(_bag, q.any)), _words(sorted(q.unless)), q.direction or ""] for q in TABLE.quantities
    )
    losses = ([f"`{r}`", *(_words(sorted(s[k])) for k in ("words", "letters"))] for r, s in TABLE.loss_roles.items())
    histograms = ([f"`{role}`", _words(sorted(words))] for role, words in TABLE.histograms)
    return {
        "splits": _table("| split | words | only first or last in a name |", _splits()),
        "quantities": _table("| role | named by | not with | better |", quantities),
        "losses": _table("| role | words | in such a run also |", losses),
        "histograms": _table("| role | words |", histograms),
    }


def test_page_holds_the_table(golden: Callable[[Path, str], None]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, block in _blocks().items():
        page, found = re.subn(
            f"<!-- {name} -->.*?<!-- end -->", f"<!-- {name} -->\n{block}\n<!-- end -->", page, flags=re.S
        )
        assert found == 1, f"the page has no place for {name}"
    golden(PAGE, page)


@pytest.mark.parametrize("name", ["val_loss", "train/valid_loss", "my/trainloss", "gradnorm", "eval_squad_loss"])
def test_names_the_page_speaks_of_have_a_role(name: str) -> None:
    from loglens.sources.names import SeriesName, assign_roles

    assert assign_roles([SeriesName(name, "", "log.csv", "csv", 9)], TABLE)[0].role

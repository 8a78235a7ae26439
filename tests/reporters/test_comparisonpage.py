"""The page of a comparison: whole, closed in itself, and safe from the names that it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from loglens.compare import compare
from loglens.reporters.comparisonpage import EACH, as_html
from loglens.reporters.explore import policy_hash
from loglens.reporters.templating import own_file

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</style><script>alert(1)</script> {{ 7*7 }} \u202egnp"
VOID = {"meta", "rect", "line", "path", "br"}


def log(folder: Path, end: float, seed: int, tag: str = "val/loss", lost: int = 99) -> Path:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = [(i, end + 2 * np.exp(-i / 8) + rng.normal(0, 0.01)) for i in range(60)]
    text = "".join(f"{i},{'nan' if i >= lost else v}\n" for i, v in rows)
    (folder / "metrics.csv").write_text(f"step,{tag}\n{text}", encoding="utf-8")
    return folder


class Page(HTMLParser):
    """Elements of a page; fails on those that are closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def closed(text: str) -> Page:
    """The page, which asks for nothing, runs nothing and allows its own style alone."""
    found = Page(text)
    names = {name for name, _ in found.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "form", "base", "foreignobject"}
    assert not [key for _, attrs in found.tags for key in attrs if key.startswith("on") or key in ("style", "src")]
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"] for _, attrs in found.tags if "href" in attrs} <= {f"#{each}" for each in ids}
    (policy,) = [a["content"] for n, a in found.tags if n == "meta" and a.get("http-equiv")]
    own = policy_hash(own_file("style.css", None))
    assert policy == f"default-src 'none'; style-src '{own}'; base-uri 'none'; form-action 'none'"
    return found


def test_one_beside_one(tmp_path: Path) -> None:
    text = as_html(compare(log(tmp_path / "a", 0.3, 1), log(tmp_path / "b", 0.9, 2)))
    closed(text)
    assert text.count('class="chart"') == 1
    assert 'class="c-band"' not in text
    assert re.search(r"<h1>Worse: val/loss 0\.\d+ → 0\.\d+", text)


def test_a_group_is_a_band_behind_the_candidate(tmp_path: Path) -> None:
    for seed in range(3):
        log(tmp_path / "main" / f"seed-{seed}", 0.3, seed)
    text = as_html(compare(tmp_path / "main", log(tmp_path / "b", 0.3, 9, lost=50)))
    closed(text)
    assert text.count('class="c-band"') == 1
    assert "median of 3 baseline runs" in text
    assert ">NaN</text>" in text  # what was lost is marked on the candidate's curve
    assert "New findings" in text


def test_names_stay_names(tmp_path: Path) -> None:
    sides = log(tmp_path / "a", 0.3, 1, HOSTILE), log(tmp_path / f"b{HOSTILE.replace('/', '_')}", 0.9, 2, HOSTILE)
    text = as_html(compare(*sides, roles={"*alert*": "val/loss"}))
    closed(text)
    assert "&lt;script&gt;alert(1)" in text
    assert 'class="chart"' in text
    assert "{{ 7*7 }}" in text
    assert "\u202e" not in text
    assert "⟨U+202E⟩" in text


@pytest.mark.parametrize("runs", [0, 45])
def test_none_and_many(tmp_path: Path, runs: int) -> None:
    log(tmp_path / "a" / "other", 0.3, 1)
    log(tmp_path / "a" / "one more", 0.3, 1)
    for number in range(runs):
        log(tmp_path / "b" / f"run-{number}", 0.3 + 0.6 * (number == 44), number)
    if runs:
        text = as_html(compare(tmp_path / "a", tmp_path / "b", pair="group"))
        assert "Further runs" in text
        assert "run-44" in text.partition('id="others"')[0]  # the worst comes first
        assert 0 < text.count('class="chart"') <= 24 + EACH
    else:
        text = as_html(compare(tmp_path / "a", log(tmp_path / "b", 1, 1), pair="name"))
        assert "Nothing to compare" in text
    closed(text)


def test_it_asks_for_nothing_in_a_browser(tmp_path: Path, browser: str) -> None:
    sync = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "page.html"
    sides = log(tmp_path / "a", 0.3, 1, HOSTILE), log(tmp_path / "b", 0.9, 2, HOSTILE)
    path.write_text(as_html(compare(*sides, roles={"*alert*": "val/loss"})), encoding="utf-8")
    trouble: list[str] = []
    with sync.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page(viewport={"width": 380, "height": 900})
        page.on("request", lambda request: request.url == path.as_uri() or trouble.append(request.url))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        assert page.locator("svg.chart").first.bounding_box()["height"] > 150
        opened.close()
    assert trouble == []

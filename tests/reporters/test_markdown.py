"""The Markdown report, read by a parser of GitHub's dialect."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import cmarkgfm
import pytest
import samples
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from loglens.errors import LoglensError
from loglens.model import Problem
from loglens.report import Report
from loglens.reporters import clean, page, png, render, write_report
from loglens.reporters.markdown import COMMENT, cut, pictures

if TYPE_CHECKING:
    from pathlib import Path

    from markdown_it.token import Token

# elements that the template asks for
OURS = {
    "code", "span", "details", "summary", "sub", "h1", "h2", "p", "strong", "ul", "li", "em",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


@cache
def parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def flat(text: str) -> list[Token]:
    return [inner for token in parser().parse(text) for inner in (token, *(token.children or ()))]


def crowd(runs: int) -> Report:
    base = samples.reports()["diverged"].runs[0]
    problems = tuple(
        Problem(f"f{i}/{'x' * 200}.csv", "corrupt", "no number: " + "<&|" * 150, line=i) for i in range(500)
    )
    return Report(tuple(replace(base, run=f"run-{i:05}|{'<' * 40}") for i in range(runs)), problems=problems)


@pytest.mark.parametrize("name", samples.reports())
def test_every_row_of_a_table_has_as_many_cells_as_its_head(name: str) -> None:
    tokens = parser().parse(render(samples.reports()[name], "markdown"))
    head = 0
    counts: list[int] = []
    for token in tokens:
        if token.type == "thead_open":
            head = 0
        head += token.type == "th_open"
        counts += [0] if token.type == "tr_open" else []
        if token.type in ("th_open", "td_open"):
            counts[-1] += 1
        if token.type == "tr_close":
            assert counts[-1] == head
    assert counts or name == "empty"


class Shown(HTMLParser):
    """Elements and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


NAMES = ("https://evil.example/x", "a www.evil.example b", "me@evil.example", "mailto:me@evil.example", "xmpp:a@b.org")


def test_hostile_names_make_no_elements_links_or_pictures() -> None:
    base = samples.reports()["diverged"].runs[0]
    more = tuple(replace(base, run=name, headline=name) for name in NAMES)
    report = replace(samples.hostile(), runs=(*samples.hostile().runs, *more))
    shown = Shown(cmarkgfm.github_flavored_markdown_to_html(render(report, "markdown"), Options.CMARK_OPT_UNSAFE))
    assert shown.tags <= OURS
    assert all(name in shown.words for name in NAMES)


@given(st.text(max_size=60))
def test_no_name_is_more_than_its_characters(name: str) -> None:
    for written in (page.escape_markdown(clean.name(name)), page._code(name)):
        shown = Shown(
            cmarkgfm.github_flavored_markdown_to_html(f"| x |\n| --- |\n| {written} |\n", Options.CMARK_OPT_UNSAFE)
        )
        assert shown.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code", "span"}
        assert "".join(shown.words.split()) == "x" + "".join(clean.name(name).split())


def test_pictures_have_the_sentence_and_the_numbers_stand_beside_them() -> None:
    report = samples.reports()["diverged"]
    text = render(report, "markdown", pictures="r_files")
    shown = [t for t in flat(text) if t.type == "image"]
    assert [str(t.attrs["src"]).rpartition("/")[2] for t in shown] == list(pictures(report))
    for token in shown:
        assert token.content in [f.message for f in report.runs[0].findings]
    assert "| 70.2 |" in text


@pytest.mark.parametrize("runs", [1, 40, 1500])
def test_it_fits_a_comment_worst_first_with_a_note(runs: int) -> None:
    report = crowd(runs)
    text = render(report, "markdown", pictures="x")
    assert len(text.encode()) <= COMMENT
    assert "exploding-gradient" in text
    assert ("Shortened to fit" in text) == (len(render(report, "markdown", pictures="x", limit=1 << 30)) > len(text))
    assert text.count("<details") == text.count("</details>")


def test_what_no_room_is_enough_for_is_cut_between_lines() -> None:
    text = "".join(f"{i} ééé\n" for i in range(1000))
    short = cut(text, 500)
    assert len(short.encode()) <= 500
    assert text.startswith(short[: short.index("\n\n*The rest")])
    assert len(render(crowd(3), "markdown", limit=2000).encode()) <= 2000


def test_fewer_are_told_on_demand() -> None:
    report = samples.reports()["few"]
    headings = [len(re.findall("^## ", render(report, "markdown", top=top), re.MULTILINE)) for top in (0, 1, 3)]
    assert headings == sorted(set(headings))


def test_pictures_can_be_png(tmp_path: Path) -> None:
    target, folder = tmp_path / "report.md", tmp_path / "report_files"
    write_report(samples.reports()["diverged"], "markdown", target)
    write_report(samples.reports()["diverged"], "markdown", target, png=True)
    files = sorted(folder.iterdir())
    assert len(files) == 3
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert f"](report_files/{file.name})" in target.read_text()
    write_report(samples.reports()["healthy"], "markdown", target)
    assert list(folder.iterdir()) == []


def test_no_fonts_no_pictures_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_family", lambda: None)
    with pytest.raises(LoglensError, match="no font was found"):
        png.to_png("<svg/>")


def test_words_are_drawn_in_a_font_that_is_there() -> None:
    words, blank = png._PROBE.format(png._LETTERS), png._PROBE.format("")
    assert png.to_png(words) != png.to_png(blank)

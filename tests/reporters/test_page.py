from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.report import Report
from loglens.reporters import markdown, page, render

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
VOID = {"meta", "br", "link", "img", "input", "hr", "wbr"}
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


class Page(HTMLParser):
    """Elements, ids and links of a page; fails on elements that are closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


@pytest.mark.parametrize(("name", "form", "ending"), [("diverged", "html", "html"), ("few", "markdown", "md")])
def test_pages_are_as_agreed(name: str, form: str, ending: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}.{ending}", render(samples.reports()[name], form, interactive=False))


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("name", samples.reports())
def test_pages_are_well_formed_and_closed_in_themselves(name: str, interactive: bool) -> None:
    text = render(samples.reports()[name], "html", interactive=interactive)
    found = Page(text)
    elements = {tag for tag, _ in found.tags}
    assert not elements & {"img", "iframe", "object", "embed", "link", "form", "base", "foreignobject"}
    assert ("script" in elements) == interactive
    assert not [key for _, attrs in found.tags for key in attrs if key.startswith("on") or key in ("style", "src")]
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    assert set(found.values("href")) <= {f"#{i}" for i in ids}
    assert not HIDDEN.search(re.sub(r"<script.*?</script>", "", text, flags=re.S))


@pytest.mark.parametrize("name", samples.reports())
def test_pictures_have_names_and_descriptions(name: str) -> None:
    for svg in re.findall(r'<svg[^>]*role="img".*?</svg>', render(samples.reports()[name], "html"), re.S):
        assert re.search(r"<title>[^<]+</title>", svg)


def test_without_a_script_the_policy_allows_our_style_alone() -> None:
    text = render(samples.reports()["few"], "html", interactive=False)
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style
    hashed = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"' in text


def test_findings_can_be_linked_to() -> None:
    ids = Page(render(samples.sweep(), "html")).values("id")
    assert {"sweep-lr-3e-2.exploding-gradient", "sweep-lr-3e-2.nonfinite-loss", "sweep-lr-6e-5-seed0.widening-gap"} <= {
        *ids
    }


def test_the_first_screen_tells_cause_cost_and_remedy() -> None:
    first = render(samples.sweep(), "html").split('id="findings"')[0]
    for said in (
        "1 of 40 runs failed, 6 are suspect.", "rose 70-fold from step 31,500 on", "from step 31,500",
        "40 % of the run",
        "step 30,000", "Clip the gradient norm at about 2", "39 of 41 files read whole", "33 healthy", "97 %",
    ):  # fmt: skip
        assert said in first


def test_everything_found_and_everything_missed_is_on_the_page() -> None:
    report = samples.sweep()
    text = render(report, "html")
    for holder in (*report.runs, *report.groups):
        assert all(page.escape(f.message) in text for f in holder.findings)
    assert all(page.escape(p.message) in text for p in report.problems)
    assert all(page.escape(n.reason) in text for r in report.runs for n in r.not_checked)
    assert text.count('<tr id="run-') == 40


def test_the_table_of_runs_has_few_columns_trouble_first() -> None:
    rare = [samples.healthy(f"r{i}", i, {"only": "x"} if i < 2 else {"lr": f"{i}e-3", "depth": "3"}) for i in range(8)]
    heads = re.findall(r"<th [^>]*>([^<]*)</th>", render(Report(tuple(rare)), "html").split('id="runs"')[1])
    assert heads[:4] == ["verdict", "run", "trouble", "from"]
    table = render(Report(tuple(rare)), "html").split('id="runs"')[1].split("</thead>")[0]
    assert ("<bdi>lr</bdi>" in table, "<bdi>only</bdi>" in table) == (True, False)


def test_a_last_value_that_is_no_number_is_shown_as_such() -> None:
    row = render(samples.sweep(), "html").split('<tr id="run-sweep-lr-3e-2"')[1].split("</tr>")[0]
    assert "NaN" in row


def test_only_so_many_charts_are_drawn() -> None:
    report = samples.sweep()
    charts = [render(report, "html", top=top).count('class="chart"') for top in (0, 3, 24)]
    assert charts == [0, 3 + 1, 15 + 1]  # and the chart across runs


def test_runs_beyond_the_limits_are_named_or_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ROWS", 6)
    monkeypatch.setattr(page, "ENTRIES", 4)
    text = render(samples.sweep(), "html")
    found = Page(text)
    assert set(found.values("href")) <= {f"#{i}" for i in found.values("id")}
    assert text.count('<tr id="run-') == 6
    assert "And 34 more runs, none worse than these" in text
    assert "2 more runs in a sentence each" in text
    assert '<li id="sweep-lr-36e-5-seed0.widening-gap"><bdi>sweep/lr-36e-5-seed0</bdi>: val_loss rose from' in text
    assert "in 6 of 40 runs" in text


@pytest.mark.parametrize("name", samples.reports())
def test_picture_files_are_plain_svg(name: str) -> None:
    for file, text in markdown.pictures(samples.reports()[name], 24).items():
        assert re.fullmatch(r"[A-Za-z0-9_-]+-[0-9a-f]{8}\.svg", file)
        root = ElementTree.fromstring(text)
        used = {element.tag.split("}")[1] for element in root.iter()}
        assert used <= {"svg", "g", "title", "desc", "rect", "line", "path", "text", "tspan", "circle"}
        assert not [
            e for e in root.iter() for key in e.attrib if key == "style" or key.startswith("on") or "href" in key
        ]


@pytest.mark.parametrize("name", samples.reports())
def test_tables_of_the_markdown_hold_together(name: str) -> None:
    cells = 0
    for line in render(samples.reports()[name], "markdown", pictures="x_files").splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        cells = cells or line.count("|")
        assert line.count("|") == cells


@settings(deadline=None)
@given(st.text(max_size=60))
def test_escaped_text_has_no_sign_that_means_something(text: str) -> None:
    safe = str(page.escape_markdown(text))
    bare = re.sub(r"&#\d+;|<span>\$</span>|<!-- -->", "", safe)
    assert not re.search(r"[\\`*\[\]|~<>$]", bare)
    assert not re.search(r"[@#](?!<!-- -->)", safe.replace("&#", "&"))


def test_mentions_links_mathematics_and_emphasis_stay_text() -> None:
    safe = str(page.escape_markdown("@octocat #1 https://x.org $x^2$ :tada: snake_case_name _em_ **b** a|b <b>"))
    assert safe == (
        "@<!-- -->octocat #<!-- -->1 https:<!-- -->//x.org <span>$</span>x^2<span>$</span> :<!-- -->tada: "
        "snake_case_name &#95;em&#95; &#42;&#42;b&#42;&#42; a&#124;b &#60;b&#62;"
    )


def test_pictures_in_markdown_say_what_they_show() -> None:
    text = render(samples.reports()["diverged"], "markdown", pictures="r_files")
    assert re.findall(r"(?m)^!\[(.*?)\]\(r_files/[\w-]+\.svg\)$", text)[2] == (
        "train/loss is NaN from step 49,500 to the end."
    )
    assert text.count("\n## 🔴 error: ") == 3
    assert "![" not in render(samples.reports()["diverged"], "markdown")


def test_hostile_names_stay_names_in_markdown() -> None:
    text = render(samples.hostile(), "markdown", pictures="hostile_files")
    assert not HIDDEN.search(text)
    assert "<script" not in text
    assert "<img" not in text
    assert "](javascript" not in text
    assert not re.search(r"(?m)^#+ heading", text)

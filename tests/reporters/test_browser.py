"""The page in a real browser: what it asks for, runs, shows and lets people do."""

from __future__ import annotations

import importlib.util
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import samples

from loglens.report import Report
from loglens.reporters import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# what Jenkins sends with the files of a job (hudson.model.DirectoryBrowserSupport.CSP)
JENKINS = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';"
NEEDED = ("playwright", "plotly", "axe_playwright_python")


@pytest.fixture(scope="module")
def chromium(browser: str) -> Iterator[Browser]:
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        reason = f"{', '.join(missing)} not installed: pages cannot be tried"
        pytest.fail(reason) if os.environ.get("LOGLENS_CI") == "1" else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every sample as a page."""
    folder = tmp_path_factory.mktemp("pages")
    for name, report in samples.reports().items():
        report.to_html(folder / f"{name}.html")
    return folder


@contextmanager
def shown(chromium: Browser, path: Path, **options: Any) -> Iterator[Page]:
    """A page from its file; fails when it asks for anything else, complains, or opens a dialog."""
    context = chromium.new_context(viewport={"width": options.pop("width", 1280), "height": 900}, **options)
    page = context.new_page()
    trouble: list[str] = []
    page.on("request", lambda request: request.url == path.as_uri() or trouble.append(f"asked for {request.url}"))
    page.on("console", lambda message: trouble.append(f"said {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"raised {error}"))
    page.on("dialog", lambda dialog: (trouble.append(f"opened {dialog.message}"), dialog.dismiss()))
    page.goto(path.as_uri())
    yield page
    assert trouble == []
    context.close()


def look_closer(page: Page, number: int = 0) -> None:
    """Open a run from the table, or the one there is."""
    buttons = page.locator("#runs .open, #curves .closer button")
    before = page.locator(".hint").count()
    buttons.nth(number).click()
    page.wait_for_function("n => document.querySelectorAll('.hint').length === n", arg=before + 1)


@pytest.mark.parametrize("name", samples.reports())
def test_a_page_works_from_its_file_and_asks_for_nothing(name: str, chromium: Browser, written: Path) -> None:
    with shown(chromium, written / f"{name}.html") as page:
        page.wait_for_selector("html[data-ready=yes]")
        report = samples.reports()[name]
        page.evaluate("for (const d of document.querySelectorAll('#more-runs')) d.open = true")
        openers = sum(bool(run.curves) for run in report.runs)
        page.wait_for_function(
            "n => document.querySelectorAll('#runs .open, #curves .closer button').length === n", arg=openers
        )
        if openers:
            look_closer(page)
            assert page.locator(".plot .main-svg").first.bounding_box()["height"] > 150
            page.get_by_role("button", name="Close", exact=True).click()
            assert page.locator(".plot").count() == 0


def test_without_scripts_everything_is_there_and_nothing_is_dead(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "sweep.html", java_script_enabled=False) as page:
        assert page.locator("button, input, select").count() == 0
        text = page.locator("body").text_content() or ""
        report = samples.reports()["sweep"]
        assert all(run.run in text for run in report.runs)
        assert all(f.message in text for run in report.runs for f in run.findings)
        page.get_by_text("33 healthy runs").click()
        assert page.locator("#more-runs tbody tr").last.is_visible()


def test_what_jenkins_lets_through_can_be_read(chromium: Browser, written: Path) -> None:
    address = "http://jenkins.test/report.html"
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    body = (written / "sweep.html").read_text()
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": JENKINS}
    page.route("**/*", lambda route: route.fulfill(body=body, headers=headers))
    page.goto(address)
    assert page.evaluate("getComputedStyle(document.querySelector('.loglens')).maxWidth") == "none"  # no style got in
    assert page.locator("button").count() == 0
    chart = page.locator("svg.chart").first
    assert chart.bounding_box()["height"] > 200
    line = chart.locator("path").first
    assert line.evaluate("e => [getComputedStyle(e).stroke, getComputedStyle(e).fill]") == ["rgb(47, 109, 181)", "none"]
    assert page.locator("table").first.evaluate("e => getComputedStyle(e.rows[2].cells[0]).borderTopWidth") == "1px"
    assert page.get_by_text("rose 70-fold from step 31,500").first.is_visible()
    assert page.evaluate("document.body.innerText").count("AAAA") == 0  # the packed curves are not shown as text
    context.close()


@pytest.mark.parametrize("trick", [
    "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s)",
    "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.owned = 1\">')",
    "document.body.insertAdjacentHTML('beforeend', '<a id=go href=\"javascript:window.owned=1\">x</a>'); "
    "document.getElementById('go').click()",
    "const f = document.createElement('iframe'); f.srcdoc = '<script>parent.owned=1</script>'; document.body.append(f)",
])  # fmt: skip
def test_the_policy_stops_what_might_get_in(trick: str, chromium: Browser, written: Path) -> None:
    """The control: with the policy put aside each trick works."""
    owned = []
    for bypass in (True, False):
        context = chromium.new_context(bypass_csp=bypass)
        page = context.new_page()
        page.goto((written / "few.html").as_uri())
        page.evaluate(f"() => {{ {trick} }}")
        page.wait_for_timeout(500)
        owned.append(page.evaluate("window.owned"))
        context.close()
    assert owned == [1, None]


def test_hostile_names_stay_names(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "hostile.html") as page:
        report = samples.hostile()
        for number in range(len(report.runs)):
            look_closer(page, number)
        assert page.evaluate("typeof window.alert.called") == "undefined"
        text = page.locator("body").text_content() or ""
        for told in (
            "</script><script>alert(1)</script>",
            "evil⟨U+202E⟩gnp.exe⟨U+2066⟩",
            "esc␛[31mred␇␀nul",
            "{{ 7*7 }}",
        ):
            assert told in text
        inside = " ".join(page.locator(".plot .legendtext").all_text_contents())
        assert "<img src=x onerror=alert(1)>" in inside
        assert "evil⟨U+202E⟩gnp.exe" in inside
        assert page.locator(".plot a, .plot img").count() == 0


def rows(page: Page, column: int) -> list[str]:
    return page.eval_on_selector_all(
        "#table-of-runs > tbody > tr:not([hidden])",
        f"rows => rows.map(r => [...r.cells].at({column}).textContent.trim())",
    )


def test_the_table_sorts_searches_and_filters(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "sweep.html") as page:
        table = page.locator("#table-of-runs")
        table.get_by_role("button", name="run", exact=True).click()
        names = rows(page, 1)
        assert len(names) == 40
        assert names[:4] == ["sweep/lr-1e-5-seed1", "sweep/lr-2e-5-seed2", "sweep/lr-3e-2", "sweep/lr-3e-5-seed0"]
        assert table.locator("[aria-sort]").get_attribute("aria-sort") == "ascending"
        spent = table.get_by_role("button", name="spent after")
        spent.click()
        spent.click()
        shares = [int(cell.split()[0]) for cell in rows(page, -2) if cell != "–"]
        assert shares == sorted(shares, reverse=True)
        assert len(shares) == 7
        page.get_by_label("healthy").uncheck()
        assert {*rows(page, 0)} == {"failed", "suspect"}
        page.get_by_role("searchbox").fill("lr-3 SEED0")
        assert sorted(rows(page, 1)) == ["sweep/lr-30e-5-seed0", "sweep/lr-36e-5-seed0"]
        assert page.locator(".tools output").inner_text() == "2 of 40 runs"


def test_a_run_is_explored(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "diverged.html") as page:
        look_closer(page)
        plot = "document.querySelector('.plot')"
        panels = page.evaluate(f"{plot}.data.map(t => [t.name, t.yaxis, t.xaxis])")
        assert {name for name, y, _ in panels if y == "y"} >= {"train/loss", "eval/loss"}
        assert {x for _, _, x in panels} == {"x"}
        assert page.evaluate(f"{plot}.layout.shapes.filter(s => s.type === 'line').map(s => s.x0)") == [
            31500, 32550, 49500,
        ]  # fmt: skip
        box = page.locator(".plot").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 120)
        page.wait_for_selector(".plot .hovertext")
        told = " ".join(page.locator(".plot .hovertext").all_text_contents())
        assert re.search(r"train/loss ?0\.\d+", told)
        page.get_by_role("checkbox", name="train/loss").check()
        assert page.evaluate(f"{plot}.layout.yaxis.type") == "log"
        lines = len(panels)
        page.get_by_label("Smoothing").fill("0.9")
        page.wait_for_function(f"n => {plot}.data.length > n", arg=lines)
        page.get_by_role("button", name="error: Diverging loss, step 32,550").click()
        low, high = page.evaluate(f"{plot}.layout.xaxis.range")
        assert low < 32550 < high < 52425
        page.get_by_role("button", name="Whole run").click()
        assert page.evaluate(f"{plot}.layout.xaxis.range[1]") >= 52425
        lost = page.evaluate(f"{plot}.data.filter(t => t.mode === 'markers').map(t => t.text)")
        assert {kind for part in lost for kind in part} == {"NaN", "∞"}


def test_everything_can_be_reached_and_done_by_keyboard(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "few.html") as page:
        wanted = page.evaluate(
            """() => [...document.querySelectorAll('a[href], button, summary, input, .scroll')]
            .filter(e => e.checkVisibility() && !e.disabled).map((e, i) => { e.dataset.stop = i; return i; })"""
        )
        reached = set()
        for _ in range(len(wanted) + 5):
            page.keyboard.press("Tab")
            stop = page.evaluate("document.activeElement.dataset.stop")
            if stop is not None:
                reached.add(int(stop))
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert reached == set(wanted)
        page.locator("#runs .open").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".hint")
        page.get_by_role("button", name="Close", exact=True).focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.className") == "open"


def test_a_link_to_what_is_folded_opens_it(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "sweep.html") as page:
        page.evaluate("location.hash = 'sweep-lr-36e-5-seed0.widening-gap'")
        page.wait_for_function("document.getElementById('sweep-lr-36e-5-seed0.widening-gap').checkVisibility()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "width"), [("diverged", 1280), ("healthy", 380), ("sweep", 1600), ("sweep", 380), ("hostile", 380)]
)
def test_axe_finds_nothing_serious(name: str, width: int, scheme: str, chromium: Browser, tmp_path: Path) -> None:
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    path = tmp_path / "page.html"
    samples.reports()[name].to_html(path)
    with shown(chromium, path, width=width, color_scheme=scheme, bypass_csp=True) as page:
        look_closer(page)
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        told = [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found]
        assert [t for t in told if t[1] in ("serious", "critical")] == []


@pytest.mark.parametrize("name", ["diverged", "sweep", "hostile", "empty"])
@pytest.mark.parametrize("width", [380, 1600])
def test_nothing_hangs_over_the_edge(name: str, width: int, chromium: Browser, written: Path) -> None:
    with shown(chromium, written / f"{name}.html", width=width) as page:
        if page.locator("#runs .open, #curves .closer button").count():
            look_closer(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_prints(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "few.html") as page:
        data = page.pdf(format="A4")
        assert data.startswith(b"%PDF")
        page.emulate_media(media="print")
        assert not page.locator(".tools").first.is_visible()
        assert page.locator("svg.chart").first.is_visible()


def test_a_theme_that_changes_is_followed_by_what_is_open(chromium: Browser, written: Path) -> None:
    with shown(chromium, written / "few.html", color_scheme="light") as page:
        look_closer(page)
        colour = "document.querySelector('.plot').data[0].line.color"
        before = page.evaluate(colour)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"c => {colour} !== c", arg=before)


def test_the_same_report_is_the_same_page() -> None:
    assert render(samples.reports()["sweep"], "html") == render(samples.reports()["sweep"], "html")


def test_many_runs_say_what_may_be_opened(chromium: Browser, tmp_path: Path) -> None:
    runs = tuple(samples.healthy(f"run-{i:02d}", i) for i in range(60))
    path = tmp_path / "many.html"
    Report(runs, version="1").to_html(path)
    with shown(chromium, path) as page:
        page.get_by_role("searchbox").fill("run-57")
        page.get_by_role("button", name="Look closer at run-57").click()
        page.wait_for_selector(".hint")
        assert "run-57" in (page.locator(".plot").get_attribute("aria-label") or "")

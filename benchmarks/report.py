"""How large the HTML report is and how fast it opens, beside plain Plotly pages of the same charts.

    python benchmarks/report.py                 everything: 12 runs of 6 charts, 1,000 runs of 4
    python benchmarks/report.py --runs 100      a smaller tree in the place of the 1,000
    python benchmarks/report.py --repeats 5

Needs Chromium, and `playwright` and `plotly`, which the `dev` extra installs. Two pages are built beside ours: all 72
charts drawn at once, as `plotly.io.to_html` writes them one after the other; 300 runs of 4 charts drawn as they are
scrolled to. A page counts as painted when its charts are in the document and one more frame has gone by; it is ready
when its script has run. Pages are opened in turn, each in a fresh browser context; the figure is the median. What
matters is the ratio: load meets both.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report_logs import training, tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
# the time of the frame after the one in which so many elements were there; set up before anything of the page runs
WATCH = """(() => { const look = () => document.querySelectorAll(%s).length >= %d
    ? requestAnimationFrame(() => { window.paintedAt = performance.now(); }) : requestAnimationFrame(look);
    requestAnimationFrame(look); })()"""


@dataclass(frozen=True)
class Built:
    """Our page of a tree, and the seconds of processor time that its steps took."""

    path: Path
    read: float
    judged: float
    rendered: float


def build(logs: Path, target: Path) -> Built:
    """Read, judge and render; polars and the rules are loaded before the clock runs."""
    import loglens
    from loglens.reporters import render

    marks = [time.process_time()]
    read = loglens.read(str(logs))
    marks.append(time.process_time())
    report = loglens.analyze(read)
    marks.append(time.process_time())
    text = render(report, "html")
    marks.append(time.process_time())
    target.write_text(text, encoding="utf-8")
    return Built(target, *(b - a for a, b in pairwise(marks)))


def figures(runs: int, wide: bool) -> list[dict[str, Any]]:
    """The charts of so many runs as Plotly figures, 700 points each: plain dicts, the fastest way."""
    drawn = []
    for run in range(runs):
        for tag, (steps, values) in training(run, 700, wide=wide).items():
            trace = {"x": steps.tolist(), "y": [float(f"{v:.4g}") for v in values], "type": "scatter", "name": tag}
            drawn.append({"data": [trace], "layout": {"height": 260, "title": {"text": f"run-{run:04d} {tag}"}}})
    return drawn


def library() -> str:
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def eager(charts: list[dict[str, Any]], target: Path) -> None:
    """Every chart drawn when the page is opened."""
    draw = "figures.forEach((f, i) => Plotly.newPlot('c' + i, f.data, f.layout)); window.drawn = true;"
    _plotly_page(charts, draw, target)


def lazy(charts: list[dict[str, Any]], target: Path) -> None:
    """A chart is drawn when it comes into view."""
    draw = """const seen = new IntersectionObserver(es => es.forEach(e => { if (!e.isIntersecting) return;
        seen.unobserve(e.target); const f = figures[+e.target.id.slice(1)];
        Plotly.newPlot(e.target, f.data, f.layout); window.drawn = true; }));
        document.querySelectorAll('.chart').forEach(node => seen.observe(node));"""
    _plotly_page(charts, draw, target)


def _plotly_page(charts: list[dict[str, Any]], draw: str, target: Path) -> None:
    places = "".join(f'<div class="chart" id="c{i}" style="height:260px"></div>' for i in range(len(charts)))
    data = json.dumps(charts, separators=(",", ":"))
    script = f"<script>{library()}</script><script>const figures = {data};{draw}</script>"
    target.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{places}{script}</body>", encoding="utf-8")


@dataclass(frozen=True)
class Case:
    """A page, which elements are its charts and how many there must be, and what marks it as ready for its reader."""

    path: Path
    charts: str
    count: int
    ready: str
    then: Callable[[Page], list[float]] | None = None


def opened(browser: Browser, case: Case) -> list[float]:
    """Milliseconds to painted charts, to ready and drawn, then what `then` measures, in a fresh context."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH % (json.dumps(case.charts), case.count))
    page.goto(case.path.as_uri(), wait_until="load", timeout=300_000)
    page.wait_for_selector(case.ready, state="attached", timeout=300_000)
    ready = float(page.evaluate(PAINTED))
    page.wait_for_function("() => window.paintedAt !== undefined", timeout=300_000)
    times = [float(page.evaluate("window.paintedAt")), ready]
    times += case.then(page) if case.then else []
    context.close()
    return times


def explored(page: Page) -> list[float]:
    """Milliseconds until the first run is drawn for a closer look, and until the second one is."""
    times = []
    for number in (0, 1):
        page.evaluate("window.began = performance.now()")
        page.locator("#runs .open").nth(number).click()
        page.locator(".hint").nth(number).wait_for(state="attached", timeout=60_000)
        times.append(float(page.evaluate(PAINTED)) - float(page.evaluate("window.began")))
    return times


def medians(rounds: list[list[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def measure(browser: Browser, pages: dict[str, Case], repeats: int) -> dict[str, list[float]]:
    """Each page opened in turn, `repeats` times, after one round that nobody counts."""
    rounds: dict[str, list[list[float]]] = {name: [] for name in pages}
    for number in range(repeats + 1):
        for name, case in pages.items():
            times = opened(browser, case)
            if number:
                rounds[name].append(times)
    return {name: medians(each) for name, each in rounds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        sys.exit("no Chromium found")
    with tempfile.TemporaryDirectory(prefix="loglens-bench-") as made, sync_playwright() as driver:
        work = Path(made)
        tree(work / "few", 12, wide=True)
        tree(work / "many", options.runs)
        build(work / "few", work / "warm.html")  # imports
        few, many = build(work / "few", work / "few.html"), build(work / "many", work / "many.html")
        eager(figures(12, wide=True), work / "eager.html")
        lazy(figures(300, wide=False), work / "lazy.html")
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        ready, ours = "html[data-ready=yes]", "svg.chart"
        pages = {
            "ours, 12 runs": Case(few.path, ours, charts_in(few.path), ready, explored),
            "Plotly, 72 charts at once": Case(work / "eager.html", ".main-svg:first-child", 72, "#c71 .main-svg"),
            f"ours, {options.runs:,} runs": Case(many.path, ours, charts_in(many.path), ready, explored),
            "Plotly, 300 runs as scrolled to": Case(work / "lazy.html", ".main-svg:first-child", 3, "#c2 .main-svg"),
        }
        times = measure(browser, pages, options.repeats)
        browser.close()
        report(pages, times, few, many)


def charts_in(path: Path) -> int:
    return path.read_text(encoding="utf-8").count('class="chart"')


def report(pages: dict[str, Case], times: dict[str, list[float]], few: Built, many: Built) -> None:
    print(f"{'page':34}{'size':>10}{'painted':>10}{'ready':>10}{'first run':>11}{'next run':>10}")
    for name, case in pages.items():
        shown = [f"{t / 1000:.2f} s" for t in times[name]] + ["–", "–"]
        size = f"{case.path.stat().st_size / 1e6:.1f} MB"
        print(f"{name:34}{size:>10}{shown[0]:>10}{shown[1]:>10}{shown[2]:>11}{shown[3]:>10}")
    small, at_once, large, scrolled = (times[name] for name in pages)
    print(f"\n12 runs: painted within {small[0] / at_once[0]:.3f} × of all charts at once (goal 0.1), ", end="")
    print(f"ready within {small[1] / at_once[1]:.3f} ×")
    print(f"large tree: painted within {large[0] / scrolled[0]:.3f} × of 300 runs as scrolled to (goal 0.35), ", end="")
    print(f"ready within {large[1] / scrolled[1]:.3f} ×")
    for name, built in (("12 runs", few), ("the large tree", many)):
        share = built.rendered / built.read
        goal = " (goal below 1)" if built is many else ""
        print(
            f"{name}: {built.read:.2f} s of processor time to read, {built.judged:.2f} s to judge, "
            f"{built.rendered:.2f} s to render: {share:.2f} × of reading{goal}"
        )


if __name__ == "__main__":
    main()

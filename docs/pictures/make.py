"""Make the pictures in the documentation from the sample logs.

    python docs/pictures/make.py

Needs Chromium and `playwright`, which the `dev` extra installs.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "sample_logs"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH, HEIGHT = 1200, 860


def main() -> None:
    """Write report.png: the first screen of the report of a training that diverged."""
    from playwright.sync_api import sync_playwright

    import loglens

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        sys.exit("no Chromium found")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as driver:
        page_file = Path(made) / "report.html"
        loglens.analyze(SAMPLES / "diverging").to_html(page_file)
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(page_file.as_uri())
        page.screenshot(path=HERE / "report.png")
        browser.close()


if __name__ == "__main__":
    main()

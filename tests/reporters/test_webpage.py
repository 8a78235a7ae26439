from __future__ import annotations

import re
from base64 import b64decode, b64encode
from gzip import decompress
from hashlib import sha256

import pytest
import samples

from loglens.reporters import explore, render


def hashed(text: bytes) -> str:
    return f"'sha256-{b64encode(sha256(text).digest()).decode()}'"


def test_the_policy_names_the_two_scripts_and_nothing_else() -> None:
    if explore.library() is None:
        pytest.skip("plotly is not installed")
    text = render(samples.reports()["few"], "html")
    (own,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    (packed,) = re.findall(r'<script type="text/plain" id="plotly">(.*?)</script>', text, re.S)
    scripts = f"script-src {hashed(own.encode())} {hashed(decompress(b64decode(packed)))}"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; {scripts}; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"' in text


def test_without_the_library_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "library", lambda: None)
    text = render(samples.reports()["few"], "html")
    assert "Runs cannot be opened to look closer: the package plotly is not installed." in text
    assert 'type="text/plain"' not in text
    assert len(text) < 400_000


def test_one_run_has_curves_and_no_table_of_runs() -> None:
    text = render(samples.reports()["diverged"], "html", interactive=False)
    assert ('<section id="runs">' in text, '<section id="groups">' in text) == (False, False)
    drawn = text.split('<section id="curves">')[1].split("</section>")[0]
    assert all(tag in drawn for tag in samples.diverged().curves)


def test_runs_beside_each_other_are_told_in_words_too() -> None:
    text = render(samples.sweep(), "html", interactive=False)
    beside = text.split('<section id="groups">')[1]
    assert "The band holds the middle 80 % of 33 runs in Loss/train" in beside
    assert "lr explains 81 % of the final val_loss" in beside


def test_no_curves_no_library() -> None:
    text = render(samples.reports()["empty"], "html")
    assert len(text) < 100_000

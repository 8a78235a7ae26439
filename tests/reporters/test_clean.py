from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loglens.reporters import clean

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain äöü 学習 🙂", "plain äöü 学習 🙂"),
        ("esc\x1b[31m", "esc␛[31m"),
        ("nul\x00", "nul␀"),
        ("line\nbreak\t", "line␊break␉"),
        ("\u202eevil\u2066", "⟨U+202E⟩evil⟨U+2066⟩"),
        ("c1\x9b del\x7f", "c1⟨U+009B⟩ del⟨U+007F⟩"),
        ("lone\udce9", "lone⟨U+DCE9⟩"),
        ("\ufeffbom \u2028 \uffff \U0001ffff", "⟨U+FEFF⟩bom ⟨U+2028⟩ ⟨U+FFFF⟩ ⟨U+1FFFF⟩"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
    ],
)
def test_what_hides_is_shown(raw: str, shown: str) -> None:
    assert clean.visible(raw) == shown


@settings(deadline=None)
@given(ANY, st.integers(10, 60))
def test_what_is_shown_is_safe_and_short(raw: str, limit: int) -> None:
    shown = clean.visible(raw, limit)
    assert len(shown) <= limit
    assert clean.visible(shown, limit) == shown
    shown.encode("utf-8")


def test_long_names_keep_both_ends() -> None:
    shown = clean.name("head/" + "x" * 5_000_000 + "/tail")
    assert (len(shown), shown[:5], shown[-5:]) == (60, "head/", "/tail")
    assert clean.name("") == "(no name)"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 s"), (0.42, "0.42 s"), (12.3, "12 s"), (59.0, "59 s"), (210.0, "3.5 min"), (4320.0, "1.2 h"),
        (41230.0, "11 h"), (100_000.0, "28 h"), (270_000.0, "3.1 d"), (None, "–"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, shown: str) -> None:
    assert clean.duration(seconds) == shown


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        (0.00032, "3.2e-4"), (32550, "32,550"), (32550.0, "32,550"), (0.1 + 0.2, "0.3"), (1.0, "1"), (True, "yes"),
        (False, "no"), (None, "–"), (float("inf"), "∞"), (float("nan"), "NaN"), ("a\x00b", "a␀b"),
        (12345678, "12,345,678"),
    ],
)  # fmt: skip
def test_evidence(thing: float | str | None, shown: str) -> None:
    assert clean.value(thing) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(812, "812 B"), (1234567, "1.2 MB"), (54_000, "54 kB"), (3 * 10**9, "3 GB")]
)
def test_sizes(number: int, shown: str) -> None:
    assert clean.size(number) == shown


def test_moments_are_in_utc_or_none() -> None:
    assert clean.moment(1735689600.9) == "2025-01-01 00:00:00 UTC"
    assert [clean.moment(t) for t in (None, -1.0, 0.0, 1e18, float("nan"), float("inf"))] == [None] * 6


@settings(deadline=None)
@given(st.lists(ANY, unique=True, max_size=8))
def test_slugs_are_unique_and_plain(names: list[str]) -> None:
    slugs = clean.slugs(names)
    assert len(set(slugs.values())) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", slug) for slug in slugs.values())


def test_slugs_of_ordinary_names_can_be_guessed() -> None:
    assert clean.slugs(["sweep/lr-3e-2", "run-0007"]) == {"sweep/lr-3e-2": "sweep-lr-3e-2", "run-0007": "run-0007"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.0001", "1e-4"), ("0.30000000000000004", "0.3"), ("1e-05", "1e-5"), ("2.", "2"), ("128", "128"),
        ("12345678", "12345678"), ("adamw", "adamw"), ("1e999", "1e999"), ("1.2.3", "1.2.3"), ("–", "–"),
        ("a\x00", "a␀"),
    ],
)  # fmt: skip
def test_settings(text: str, shown: str) -> None:
    assert clean.setting(text) == shown


@pytest.mark.parametrize(("text", "wide"), [("abc", 3), ("学習", 4), ("e\u0301", 1), ("▁█", 2)])
def test_columns(text: str, wide: int) -> None:
    assert clean.columns(text) == wide


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the loss", "The loss"),
        ("lr is 0", "lr is 0"),
        ("on resuming, set it", "On resuming, set it"),
        ("e.g. a", "e.g. a"),
        ("clip(x) it", "clip(x) it"),
        ("grad_norm rose", "grad_norm rose"),
        ("", ""),
    ],
)
def test_sentences(text: str, shown: str) -> None:
    assert clean.sentence(text) == shown

"""Patterns of users: what they fit, what is wrong with them, and that none of them can hang."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.cli import run
from loglens.config import load_config
from loglens.errors import ConfigError
from loglens.patterns import compiled, fault_of
from loglens.sources.names import SeriesName, assign_roles, load_table


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*/score", ["a/b/score"], ["score", "a/score2"]),
        ("re:head_[0-9]+/loss", ["head_12/loss"], ["head_/loss", "my head_1/loss", "head_1/loss2"]),
        ("re:(?i)a|b", ["A", "b"], ["ab", "xA"]),
        ("re:.*ä.*", ["größe ä"], ["a"]),
        ("re:.+", ["\udcff"], [""]),
        ("[r]e:x", ["re:x"], ["x"]),
    ],
)
def test_patterns(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    made = pickle.loads(pickle.dumps(compiled(pattern)))  # as other processes get it
    assert [name for name in fits + fits_not if made.match(name)] == fits


@pytest.mark.parametrize("pattern", ["re:", "re:(", "re:a{2000}{2000}", r"re:(a)\1", "re:(?=a)"])
def test_what_is_no_expression(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"."):
        compiled(pattern)
    with pytest.raises(ConfigError, match="roles: "):
        load_table({pattern: "val/loss"})
    path = tmp_path / "loglens.toml"
    path.write_text(f"[roles]\n'x' = 'val/loss'\n'{pattern}' = 'val/loss'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"loglens\.toml:3: .* is no regular expression: "):
        load_config(path)


@pytest.mark.parametrize("pattern", ["re:(a+)+b", "re:(a|a)*b", "re:(.*a){20}b", "*a" * 24 + "b"])
def test_no_pattern_blows_up(pattern: str) -> None:
    assert not compiled(pattern).match("a" * 5000)  # with backtracking this would not end


@given(st.text(max_size=12), st.text(max_size=12))
def test_anything_is_a_pattern_or_a_fault(pattern: str, name: str) -> None:
    if not fault_of(f"re:{pattern}"):
        compiled(f"re:{pattern}").match(name)


def test_a_role_by_expression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = SeriesName("head_3/nll_x", "", "metrics.csv", "csv", 9)
    (role,) = assign_roles([odd], load_table({r"re:head_\d/nll_.": "val/loss"}))
    assert (role.role, role.reason) == ("val/loss", r"your pattern 're:head_\d/nll_.'")
    monkeypatch.chdir(tmp_path)
    Path("loglens.toml").write_text("[roles]\n're:zeta.' = 'train/loss'\n", encoding="utf-8")
    Path("log.csv").write_text("step,zeta1\n" + "".join(f"{i},{2 / (i + 1)}\n" for i in range(40)), encoding="utf-8")
    assert run(["inspect", "log.csv"]) == 0
    assert "train/loss" in capsys.readouterr().out

"""Levels beside values of the log are remarked on, what compares like with like is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from loglens import cli
from loglens.kernels import signatures
from loglens.remarks import DISTANCES, LOGGED, PLACES, SHARES, WHOLE
from loglens.rulefile import read_rule
from loglens.ruleset import builtin_rules, check_files

GOOD = (Path(__file__).parent / "rules" / "good.yaml").read_text("utf-8")


def remarks(condition: str) -> list[tuple[int, str]]:
    text = GOOD.replace("norm_high: ", f"late: tail(loss)\n  norm_high: {condition} and ").replace(
        "evidence: [last]\n", ""
    )
    rule, mistakes = read_rule(text, "good.yaml", signatures())
    assert rule is not None, mistakes
    return [(m.col, m.message) for m in rule.remarks]


@pytest.mark.parametrize(
    ("condition", "col", "level", "other"),
    [
        ("tail(loss) > 1.5", 14, "tail(loss)", "1.5"),
        ("2 < late", 14, "late", "2"),
        ("late > limit", 14, "late", "limit"),
        ("last_value(loss) > best(loss)", 14, "best(loss)", "last_value(loss)"),
        ("maximum(loss - late) > 1".replace("maximum(loss - late)", "number(loss - late < 0.1)"), 21, "late", "loss"),
        ("tail(loss) < 0.5 * head(loss)", 27, "head(loss)", "0.5"),
        ("tail(loss) + noise(loss) > 3", 14, "tail(loss) + noise(loss)", "3"),
    ],
)
def test_levels_taken_for_values(condition: str, col: int, level: str, other: str) -> None:
    ((at, message),) = remarks(condition)
    assert at == col
    assert message.startswith(f"'norm_high': `{level}` is a level")
    assert f"beside `{other}`" in message


@pytest.mark.parametrize(
    "condition",
    [
        "tail(loss) > head(loss) + delta(loss, 0.1)",
        "head(loss) - late < 3 * noise(loss)",
        "natural(loss, late) > 1.5",
        "last_value(loss) > 3",
        "exp(late) > 2",
        "late - best(loss) > 0.1",
        "number(loss > natural(loss, late)) > 3",
        "noise(loss) > 0.2",
        "trailing_blocks(blocks(loss) > late) > 3",
    ],
)
def test_like_beside_like(condition: str) -> None:
    assert remarks(condition) == []


def test_the_tables_name_kernels_that_exist() -> None:
    known = signatures()
    assert (PLACES | DISTANCES | LOGGED).issubset(known)
    assert all(known[name].params[place] == "number" for name, place in [*WHOLE, *SHARES])


def test_rules_that_come_with_loglens_have_no_remarks() -> None:
    rules = check_files([builtin_rules()], signatures(), pytest.fail)
    assert [(rule.id, m) for rule in rules for m in rule.remarks] == []


def test_a_warning_is_said_and_fails_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text(GOOD.replace("when: last > limit", "when: last > limit and tail(loss) > 1"))
    assert cli.run(["rules", "check", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path / 'good.yaml'}:12:24: warning: 'when': `tail(loss)` is a level")
    assert said.err == "1 rule is sound, 0 mistakes, 1 warning\n"

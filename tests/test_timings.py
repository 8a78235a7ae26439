"""What `-v` says about time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batches import batch

from loglens import cli, timings
from loglens.engine import judge
from loglens.ruleset import load_rules
from loglens.timings import Clock, timed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_rules_are_timed_only_when_asked() -> None:
    rules = load_rules().rules
    assert timed(rules, None) is rules
    seen: dict[str, float] = {}
    judge(batch([{"train/loss": [1.0, 2.0, 3.0]}]), rules, lambda rule, seconds: seen.update({rule: seconds}))
    assert set(seen) == {rule.id for rule in rules}
    assert all(seconds >= 0 for seconds in seen.values())


def test_time_is_counted_where_it_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 3.0, 6.0, 10.0, 15.0, 21.0])
    monkeypatch.setattr(timings, "perf_counter", lambda: next(times))
    clock = Clock()
    assert list(clock.during("read", "ab", then="judge")) == ["a", "b"]
    clock.lap("render")
    assert clock.stages == {"read": 1.0 + 3.0 + 5.0, "judge": 2.0 + 4.0, "render": 6.0}


def test_slow_rules_come_first_and_quick_ones_together() -> None:
    clock = Clock()
    for name, seconds in (("quick", 0.001), ("slow", 0.5), ("slower", 0.5), ("quick", 0.001), ("slower", 0.5)):
        clock.rule(name, seconds)
    assert clock.lines()[1:] == [
        "rules 1.50 s; what several rules need counts for the first of them:",
        "  slower 1.000 s",
        "  slow 0.500 s",
        "  the other 1 0.002 s",
    ]


def test_the_command_line_tells_it_on_stderr_and_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50)))
    assert cli.run(["analyze", str(log), "--no-config"]) == 0
    assert "time:" not in capsys.readouterr().err
    assert cli.run(["analyze", str(log), "--no-config", "-v"]) == 0
    said = capsys.readouterr()
    assert "time:" not in said.out
    assert "flat-loss" in said.err.partition("time: load rules ")[2]

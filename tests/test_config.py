"""Finding, checking and showing configuration."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.config import LARGEST, VARIABLES, Config, Override, find_config, from_environment, load_config, to_toml
from loglens.configcheck import KEYS
from loglens.errors import ConfigError

ROOT = Path(__file__).parents[1]

WHOLE = """
select = ["flat-loss", "zero-loss"]
ignore = ["zero-loss"]
rule-files = ["mine"]
fail-on = "warning"
exclude = ["old/*"]
[roles]
"my/objective*" = "train/loss"
[rules.flat-loss]
drop = 0.05
"""


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_every_key_arrives(tmp_path: Path) -> None:
    path = write(tmp_path / "loglens.toml", WHOLE)
    assert load_config(path) == Config(
        path=str(path),
        select=("flat-loss", "zero-loss"),
        ignore=("zero-loss",),
        rule_files=(str(tmp_path / "mine"),),
        fail_on="warning",
        exclude=("old/*",),
        roles={"my/objective*": "train/loss"},
        parameters={"flat-loss": {"drop": 0.05}},
    )


@pytest.mark.parametrize(
    ("files", "start", "expected"),
    [
        ({"loglens.toml": ""}, "a/b", "loglens.toml"),
        ({"loglens.toml": "", "a/loglens.toml": ""}, "a/b", "a/loglens.toml"),
        ({"pyproject.toml": "[tool.loglens]", "loglens.toml": ""}, ".", "loglens.toml"),
        ({"pyproject.toml": "[tool.loglens]"}, "a", "pyproject.toml"),
        ({"a/pyproject.toml": "[tool.other]\nname = 'loglens'", "loglens.toml": ""}, "a", "loglens.toml"),
    ],
)
def test_the_nearest_file_upward_counts(tmp_path: Path, files: dict[str, str], start: str, expected: str) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    (tmp_path / start).mkdir(parents=True, exist_ok=True)
    assert find_config((tmp_path / start).resolve()) == (tmp_path / expected).resolve()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("select = []\nfail_on = 'never'", 2, "unknown key 'fail_on'; did you mean 'fail-on'?"),
        ("# selekt = 1\nselekt = []", 2, "did you mean 'select'?"),
        ("\n\nignore = 'flat-loss'", 3, 'did you mean ["flat-loss"]?'),
        ("select = [1]", 1, "must be a list of strings"),
        ("fail-on = 'fatal'", 1, "must be error, warning, info or never, not 'fatal'"),
        ("rules = ['mine']", 1, "rule-files"),
        ("[rules]\nflat-loss = 3", 2, "must be a table of parameters"),
        ("[rules.flat-loss]\n\ndrop = 'big'", 3, "parameter 'drop' of 'flat-loss' must be a number"),
        ("[rules]\nflat-loss.drop = true", 2, "must be a number"),
        ("[rules]\nflat-loss.drop = nan", 2, "must be a finite number"),
        ("[rules]\nflat-loss.drop = -inf", 2, "must be a finite number"),
        ("[rules]\nflat-loss.drop = " + "9" * 400, 2, "must be a finite number"),
        ("roles = 3", 1, "must be a table"),
        ("[roles]\n'a*' = 3", 2, "the role of 'a*'"),
        ("[roles]\n'a*' = 'train/los'", 2, "did you mean 'train/loss'?"),
        ("hparams = 3", 1, "'hparams' must be a table"),
        ("[hparams]\nnum_classes = [3]", 2, "'num_classes' must be a number or a text"),
        ("require = ['val/los']", 1, "no role 'val/los'; did you mean 'val/loss'?"),
        ("min-runs = -1", 1, "'min-runs' must be a whole number of runs, not -1"),
        ("fail-above = true", 1, "'fail-above' must be a whole number of runs"),
        ("[override]\nruns = 'a'", 1, "must be tables [[override]]"),
        ("[[override]]\nfail-on = 'never'", 1, "'override' needs runs"),
        ("[[override]]\nruns = 'a'\nfail-on = 'no'", 3, "must be error, warning, info or never"),
        ("[[override]]\nruns = 'a'\nignor = 'no'", 3, "unknown key 'ignor' in 'override'; did you mean 'ignore'?"),
        ("suppress = 3", 1, "must be tables [[suppress]]"),
        ("[[suppress]]\nrule = 'a'\nreason = 'b'\n[[suppress]]\nrule = 'a'\nreason = ' '", 6, "needs a reason"),
        ("[[suppress]]\nrule = 'a'\nreason = 'b'\nruns = 3", 4, "'runs' must be a glob or a list"),
        ("[[suppress]]\nrule = 'a'\nreason = 'b'\nexpires = 3", 4, "'expires' must be a date"),
        ("[[suppress]]\nrule = 'a'\nreason = 'b'\nexpire = 3", 4, "unknown key 'expire' in 'suppress'; did you mean"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = write(tmp_path / "loglens.toml", text)
    assert refusal(path).startswith(f"{path}:{line}: ")
    assert words in refusal(path)


def test_lines_in_pyproject_are_those_of_the_table(tmp_path: Path) -> None:
    path = write(tmp_path / "pyproject.toml", "[tool.other]\nbogus = 1\n[tool.loglens]\nbogus = 1\n")
    assert refusal(path).startswith(f"{path}:4: unknown key 'bogus'; known are select, ")


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    assert len(refusal(write(tmp_path / "loglens.toml", "a = 1\nb = 2\nselect = 3")).splitlines()) == 3


def test_unknown_rules_parameters_and_roles_come_with_the_other_mistakes(tmp_path: Path) -> None:
    text = 'selekt = []\nignore = ["flat-los"]\n[rules.flat-loss]\nnope = 1\n[roles]\n"x" = "y"\n'
    path = write(tmp_path / "loglens.toml", text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, rules=())
    lines = sorted(str(caught.value).splitlines())
    assert [line[len(str(path)) : len(str(path)) + 3] for line in lines] == [":1:", ":2:", ":4:", ":6:"]
    assert "did you mean 'flat-loss'?" in lines[1]
    assert "has no parameter 'nope'; it has " in lines[2]


def test_no_line_is_better_than_a_wrong_one(tmp_path: Path) -> None:
    text = 'select = ["""\nbogus = 1\n"""]\nbogus = 2\n'
    assert refusal(write(tmp_path / "loglens.toml", text)).startswith(f"{tmp_path / 'loglens.toml'}: unknown key")


@pytest.mark.parametrize("text", [b"select = [", b"\xff\xfe", b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000])
def test_what_is_not_toml_is_one_line(tmp_path: Path, text: bytes) -> None:
    message = refusal(write(tmp_path / "loglens.toml", text))
    assert "loglens.toml: not " in message
    assert "\n" not in message


def test_a_file_without_end_is_no_settings_file(tmp_path: Path) -> None:
    assert "larger than 4 MB" in refusal(write(tmp_path / "loglens.toml", "#" * (LARGEST + 1)))


def test_a_missing_file_and_a_missing_table(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "loglens.toml")
    assert "no table [tool.loglens]" in refusal(write(tmp_path / "pyproject.toml", "[project]\nname = 'loglens'"))


texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.lists(texts, max_size=3).map(tuple)


@given(names, st.dictionaries(texts, texts, max_size=3), st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_shown_can_be_read_back(words: tuple[str, ...], roles: dict[str, str], number: float) -> None:
    shown = tomllib.loads(
        to_toml(Config(None, words, fail_on="info", roles=roles, parameters={"flat-loss": {"x": number}}))
    )
    assert shown["select"] == list(words)
    assert shown["fail-on"] == "info"
    assert shown.get("roles", {}) == roles
    assert shown["rules"] == {"flat-loss": {"x": number}}


GATE = """
require = ["val/loss"]
min-runs = 3
fail-above = 2
[[override]]
runs = ["debug/*", "tmp"]
fail-on = "never"
[[override]]
runs = "ablation/*"
ignore = "widening-gap"
"""


def test_settings_of_the_gate_arrive_and_can_be_read_back(tmp_path: Path) -> None:
    config = load_config(write(tmp_path / "loglens.toml", GATE), rules=())
    assert (config.require, config.min_runs, config.fail_above) == (("val/loss",), 3, 2)
    assert config.override == (
        Override(("debug/*", "tmp"), "never"),
        Override(("ablation/*",), "", ("widening-gap",)),
    )
    again = load_config(write(tmp_path / "again" / "loglens.toml", to_toml(config)), rules=())
    assert (again.override, again.require, again.min_runs) == (config.override, config.require, config.min_runs)


def test_rules_of_overrides_and_suppressions_must_exist(tmp_path: Path) -> None:
    text = "[[override]]\nruns = 'a'\nignore = ['flat-los']\n[[suppress]]\nrule = 'nope-*'\nreason = 'x'"
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path / "loglens.toml", text), rules=())
    first, second = str(caught.value).splitlines()
    assert first.endswith("loglens.toml:3: no rule 'flat-los'; did you mean 'flat-loss'?")
    assert ":5: no rule 'nope-*'" in second


def test_variables_win_over_the_file_and_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "loglens.toml", "fail-on = 'info'\nmin-runs = 2")
    told = {"LOGLENS_FAIL_ON": "warning", "LOGLENS_SELECT": "flat-loss, zero-loss", "LOGLENS_REQUIRE": ""}
    config = from_environment(load_config(path), told)
    assert (config.fail_on, config.select, config.min_runs) == ("warning", ("flat-loss", "zero-loss"), 2)
    lines = to_toml(config).splitlines()
    assert 'fail-on = "warning"  # LOGLENS_FAIL_ON' in lines
    assert f"min-runs = 2  # {path}:2" in lines
    assert "ignore = []  # default" in lines


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOGLENS_FAIL_ON", "fatal"),
        ("LOGLENS_MIN_RUNS", "-1"),
        ("LOGLENS_FAIL_ABOVE", "many"),
        ("LOGLENS_REQUIRE", "x"),
    ],
)
def test_a_mistake_in_a_variable_names_it(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: "):
        from_environment(Config(), {name: value})


def test_every_key_and_variable_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in (*KEYS, *VARIABLES) if f"`{name}`" not in page and f"[{name}" not in page] == []

"""Files of settings: what they say, and what is refused."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loglens.sources.configs import MAX_BYTES, NotSettingsError, is_settings, settings_in

YAML = """\
lr: 1e-3
model:
  name: resnet
  dims: [1, 2.5, x]
  empty: {}
flag: True
nothing: ~
quoted: "1e-3"
seed: 007
date: 2020-01-01
"""


def test_yaml() -> None:
    assert settings_in(YAML.encode(), "config.yaml") == {
        "lr": "0.001",
        "model/name": "resnet",
        "model/dims": '[1, 2.5, "x"]',
        "model/empty": "{}",
        "flag": "true",
        "nothing": "null",
        "quoted": "1e-3",
        "seed": "007",
        "date": "2020-01-01",
    }


def test_json() -> None:
    text = '\ufeff{"lr": 1e-3, "model": {"layers": [1, 2]}, "flag": true, "none": null, "nan": NaN}'
    assert settings_in(text.encode(), "args.JSON") == {
        "lr": "0.001",
        "model/layers": "[1, 2]",
        "flag": "true",
        "none": "null",
        "nan": "NaN",
    }


def test_half_characters_are_written_out() -> None:
    assert settings_in(b'{"a\\ud800": "\\udfff", "b": ["\\udfff"]}', "config.json") == {
        "a\\ud800": "\\udfff",
        "b": '["\\udfff"]',
    }


def test_values_that_wandb_describes() -> None:
    text = "wandb_version: 1\n_wandb: {value: {python: 3}}\nlr: {desc: null, value: 0.1}\nopt: {value: {name: adam}}\n"
    assert settings_in(text.replace("wandb_version: 1\n", "").encode(), "config.yaml") == {
        "_wandb/python": "3",
        "lr": "0.1",
        "opt/name": "adam",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2\n", "line 2: not valid YAML"),
        ("a:\n\t- 1\n", "line 2: not valid YAML"),
        ("- 1\n- 2\n", "no mapping"),
        ("just words\n", "no mapping"),
        ("a: " + "[" * 40 + "]" * 40, "nested deeper than 16"),
        ("a: \x01\n", "not valid YAML"),
        ("\n".join(f"a{i}: 1" for i in range(1001)), "more than 1000 values"),
        ("a: 1 #" + "x" * MAX_BYTES, "more than 256 kB"),
    ],
)
def test_refused_yaml(text: str, message: str) -> None:
    with pytest.raises(NotSettingsError, match=message):
        settings_in(text.encode(), "config.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1,\n "b": }', "line 2"),
        (b"[1]", "no mapping"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"", "line 1"),
    ],
)
def test_refused_json(data: bytes, message: str) -> None:
    with pytest.raises(NotSettingsError, match=message):
        settings_in(data, "config.json")


def test_a_laugh_does_not_become_a_billion() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    found = settings_in("\n".join(lines).encode(), "hparams.yaml")
    assert found["a29"] == "[" + ", ".join(['"*a28"'] * 9) + "]"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a: &x 1\nb: *x\n", {"a": "1", "b": "1"}),
        ("d: &d {lr: 1}\nb: {<<: *d, k: 2}\n", {"d/lr": "1", "b/<<": "*d", "b/k": "2"}),
        ("opt: !!python/object:argparse.Namespace\n  lr: 0.1\n", {"opt/lr": "0.1"}),
        ("size: !!python/tuple\n- 3\n- 4\n", {"size": "[3, 4]"}),
        ("lr: 1\nf: !!python/name:os.system ''\nx: !!python/object/apply:os.system ['y']\n", None),
    ],
)
def test_tags_make_nothing_and_anchors_only_plain_values(text: str, values: dict[str, str] | None) -> None:
    found = settings_in(text.encode(), "hparams.yaml")
    assert found == (values or {"lr": "1", "f": "", "x": '["y"]'})


NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(lambda name: name != "value")
TREES = st.recursive(
    st.one_of(st.integers(-(10**9), 10**9), st.booleans(), st.none(), st.floats(-1e6, 1e6)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, TREES, max_size=5))
def test_yaml_and_json_say_the_same(tree: dict[str, object]) -> None:
    told = settings_in(json.dumps(tree).encode(), "a.json")
    assert settings_in(yaml.safe_dump(tree, allow_unicode=True).encode(), "a.yaml") == told


@given(st.binary(max_size=300), st.sampled_from(["a.yaml", "a.json"]))
def test_any_bytes_are_settings_or_refused(data: bytes, name: str) -> None:
    try:
        found = settings_in(data, name)
    except NotSettingsError:
        return
    assert all(isinstance(part, str) for item in found.items() for part in item)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/hparams.yaml", True),
        (".hydra/config.yaml", True),
        ("training_args.json", True),
        ("opt.yml", True),
        ("tokenizer_config.json", False),
        ("config.toml", False),
        ("history.json", False),
    ],
)
def test_names(name: str, expected: bool) -> None:
    assert is_settings(name) == expected

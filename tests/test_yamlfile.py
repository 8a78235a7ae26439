"""YAML with places: every value where it stands, nothing guessed, nothing expanded."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loglens.yamlfile import MAX_DEPTH, Document, Item, Mapping, Scalar, Sequence, _convert, parse


def plain(item: Item | None) -> Any:
    if isinstance(item, Mapping):
        return {key: plain(value) for key, value in item.items.items()}
    if isinstance(item, Sequence):
        return [plain(entry) for entry in item.items]
    return item.value if item else None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("0123", 123),
        ("1e-3", 0.001),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("''", ""),
        ("'1'", "1"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        (".nan", ".nan"),
        ("1e99999", "1e99999"),
        ("1" * 40, float("1" * 40)),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    document = parse(f"key: {text}\n")
    assert document.mistakes == []
    got = plain(document.root)["key"]
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        "key: one two three",
        "key: 'one two three'",
        'key: "one two three"',
        "key: one\n  two\n    three",
        "key: 'one\n  two\n  three'",
        'key: "one\n  two \\\n  three"',
        "key: >\n  one\n  two\n  three\n",
        "key: >-\n    one\n    two three",
        "key: |  # a comment: with two words\n  one\n  two\n  three\n",
        "- [one two three]",
        "{key: one two three}",
        "key: 'it''s one two three'",
        'key: "\\u0041 \\x42 \\t \\"one\\" two three"',
        "key: 'ü € 😀 one two three'",
    ],
)
def test_words_are_found_where_they_stand(text: str) -> None:
    root = parse(text).root
    while not isinstance(root, Scalar):
        assert root is not None
        root = root.items[0] if isinstance(root, Sequence) else next(iter(root.items.values()))
    lines = text.split("\n")
    for word in ("one", "two", "three"):
        line, col = root.place(root.text.index(word))
        assert lines[line - 1][col - 1 :].startswith(word)


class Dumper(yaml.SafeDumper):
    """Without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


scalars = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=12)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@given(documents, st.booleans())
def test_what_pyyaml_writes_is_read_back(value: Any, flow: bool) -> None:
    document = parse(yaml.dump(value, Dumper=Dumper, default_flow_style=flow, width=20))
    assert document.mistakes == []
    assert plain(document.root) == value


@given(st.text(max_size=80) | st.text(alphabet=" \n\t-:[]{}&*!|>'\"%@`#?,ab0\\Uxu", max_size=80))
def test_any_text_gives_a_document_or_mistakes_inside_it(text: str) -> None:
    document = parse(text)
    assert document.root is not None or document.mistakes or not plain_text(text)
    for mistake in document.mistakes:
        assert mistake.line >= 1
        assert mistake.col >= 1


def test_a_lone_surrogate_is_told() -> None:
    assert parse("a: \ud800").mistakes


@given(documents, st.booleans())
def test_both_parsers_of_pyyaml_put_everything_in_the_same_place(value: Any, flow: bool) -> None:
    text = yaml.dump(value, Dumper=Dumper, default_flow_style=flow, width=20)
    slow = Document(None)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None
    root = _convert(node, text, slow.mistakes)
    fast = parse(text)
    assert (places(fast.root), fast.mistakes) == (places(root), slow.mistakes)


def places(item: Item | None) -> Any:
    """Where every value begins, as deep as it goes."""
    if isinstance(item, Mapping):
        return [(item.keys[key], places(value)) for key, value in item.items.items()]
    if isinstance(item, Sequence):
        return [places(entry) for entry in item.items]
    assert item is not None
    return [(item.value, item.line, item.col), *(item.place(i) for i, c in enumerate(item.text) if not c.isspace())]


def plain_text(text: str) -> str:
    """What is left of a text without comments and marks of documents."""
    return "".join(line.partition("#")[0].strip(" \t\ufeff.-") for line in text.splitlines() if line[:1] != "%")


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 5_000])
def test_depth_is_bounded(depth: int) -> None:
    told = [m.message for m in parse("[" * depth + "]" * depth).mistakes]
    assert told == ([f"nested deeper than {MAX_DEPTH} levels"] if depth > MAX_DEPTH else [])


def test_the_last_of_equal_keys_does_not_win() -> None:
    document = parse("a: 1\nb: 2\na: 3\n")
    assert plain(document.root) == {"a": 1, "b": 2}
    assert [(m.line, m.col, m.message) for m in document.mistakes] == [(3, 1, "duplicate key 'a' (first on line 1)")]


def test_keys_keep_their_places() -> None:
    root = parse("a:\n  'b c': 1\n").root
    assert isinstance(root, Mapping)
    inner = root.items["a"]
    assert isinstance(inner, Mapping)
    assert (inner.keys["b c"].line, inner.keys["b c"].col) == (2, 3)

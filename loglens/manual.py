"""The generated parts of `docs/writing-rules.md`: keys, kernels, facts and notation, from where they are defined."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from loglens import notation
from loglens.facts import FACTS
from loglens.kernels import ACROSS, ELEMENTWISE, KERNELS
from loglens.roles import HISTOGRAMS, PARTED, PLAIN, QUANTITIES, SPLITS
from loglens.rulefile import FIELDS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loglens.expr import Signature
    from loglens.kernels import Kernel

_TYPES = {
    "series": "series",
    "number": "number",
    "numbers": "value",
    "points number": "points",
    "points flag": "condition on points",
    "blocks number": "blocks",
    "blocks flag": "condition on blocks",
}
_RESULTS = {
    "number": "a number",
    "flag": "a condition",
    "text": "names of members, for sentences",
    "same": "the same shape",
    "like number": "a number for each point",
    "like flag": "a condition for each point",
    "points number": "a number for each point of the last argument",
    "records number": "a number for each record",
    "records flag": "a condition for each record",
    "blocks number": "a number for each block",
}


def sections() -> dict[str, str]:
    """Generated Markdown, by the name of its marker in the page."""
    return {"keys": keys(), "kernels": kernels(), "facts": facts(), "roles": roles(), "notation": series_notation()}


def fill(page: str) -> str:
    """The page with its generated parts brought up to date."""
    for name, text in sections().items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        page = f"{before}{begin}{text}\n{end}{after}"
    return page


def keys() -> str:
    """Every key of a rule file."""
    rows = [(f"`{key}`", text + (" (required)" if key in REQUIRED else "")) for key, text in FIELDS.items()]
    return table(("key", "what it holds"), rows)


def kernels() -> str:
    """Every kernel: how it is called, what it gives, what it means."""
    entries = {**KERNELS, **ELEMENTWISE, **ACROSS}
    rows = [(f"`{call(name, entry)}`", result(entry.signature), about(entry)) for name, entry in entries.items()]
    return table(("kernel", "gives", "what it is"), rows)


def call(name: str, entry: Kernel) -> str:
    """How a kernel is called: numbers by their names, with defaults, other arguments by their type."""
    signature, several = entry.signature, entry.signature.params.count("series") > 1
    if name in ELEMENTWISE:
        return f"{name}(value, …)" if signature.variadic else f"{name}(value)"
    parts = []
    words = list(inspect.signature(entry.function).parameters)
    for word, param, default in zip(words, signature.params, signature.defaults, strict=False):
        if param == "number":
            parts.append(word + (f"={default:g}" if default is not None else ""))
        else:
            parts.append(f"{word}: series" if several else _TYPES[param])
    return f"{name}({', '.join(parts)})"


def result(signature: Signature) -> str:
    """What a kernel gives."""
    if signature.result == "points number" and len(signature.params) == 1:
        return _RESULTS["like number"]
    return _RESULTS[signature.result]


def about(entry: Kernel) -> str:
    """What a kernel computes: its docstring in one line."""
    return " ".join((entry.function.__doc__ or "").split())


def facts() -> str:
    """What is known of a run besides its series."""
    return table(("name", "what it is"), [(f"`{name}`", text) for name, (text, _) in FACTS.items()])


def roles() -> str:
    """Every role, by what it is about."""
    rows = [(f"of {split}", _named(f"{split}/{q}" for q in QUANTITIES)) for split in SPLITS]
    rows += [("of the run", _named(PLAIN)), ("of layers", _named(f"{base}:*" for base in PARTED))]
    rows += [("of parts of a loss", _named(f"{split}/loss:*" for split in SPLITS)), ("histograms", _named(HISTOGRAMS))]
    return table(("what", "roles"), rows)


def _named(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def series_notation() -> str:
    """The notation of series, as the module that reads it describes it."""
    _, _, words = (notation.__doc__ or "").partition("blanks:\n")
    return f"```\n{words.rstrip()}\n```"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

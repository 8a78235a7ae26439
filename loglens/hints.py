"""What people write who know another language, and what rules have for it."""

from __future__ import annotations

import re

from loglens.wording import suggestion, unreadable

MEANT_OPERATORS = {
    "&&": "and", "||": "or", "AND": "and", "OR": "or", "NOT": "not", "!": "not", "=>": ">=", "=<": "<=", "<>": "!=",
    "=": "==", "===": "==", "?": "a if condition else b", "then": "a if condition else b",
}  # fmt: skip
_OPERATOR = re.compile(r"&&|\|\||={3}|=>|=<|<>|\?|!(?!=)|(?<![<>=!:])=(?!=)|\b(?:AND|OR|NOT|then)\b")
_PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*%(?!\s*[\w.(])")
_PAIRS = {")": "(", "]": "[", "}": "{"}

# names of Python and of statistics → what rules have for them
INSTEAD = {
    "true": "True", "false": "False", "last": "last_value(…)", "first": "first_value(…)", "final": "tail(…)",
    "start": "head(…)", "std": "deviation(…)", "stdev": "deviation(…)", "sd": "deviation(…)", "var": "deviation(…)",
    "mean": "median(…)", "avg": "median(…)", "average": "median(…)", "quantile": "lower_tail(…) or median(…)",
    "percentile": "lower_tail(…) or median(…)", "sum": "number(…), which counts the points of a condition",
    "any": "number(…) > 0", "all": "share(…) == 1", "len": "count(…)", "length": "count(…)", "isnan": "nonfinite(…)",
    "isfinite": "not nonfinite(…)", "diff": "lag(…)", "shift": "lag(…)", "argmax": "step_of_maximum(…)",
    "argmin": "step_of_minimum(…)", "cummax": "running_max(…)", "corr": "rank_correlation(…)",
}  # fmt: skip

# roles by the names that they have elsewhere
ROLE_WORDS = {
    "learning_rate": "lr", "gradient_norm": "grad_norm", "gpu_memory": "memory", "return": "reward",
    "loss": "train/loss", "accuracy": "val/accuracy", "acc": "val/accuracy", "perplexity": "val/perplexity",
}  # fmt: skip


def instead(word: str, known: list[str]) -> str:
    """What to write for a name that rules do not know, as the end of a sentence."""
    return f"; write {INSTEAD[word]}" if word in INSTEAD else suggestion(word, known)


def role_hint(word: str, roles: list[str]) -> str:
    """The role that was meant, as the end of a sentence."""
    plain = word.lower().replace(" ", "_").replace("-", "_")
    return f"; did you mean '{ROLE_WORDS[plain]}'?" if plain in ROLE_WORDS else suggestion(word, roles)


def percent_hint(text: str) -> str:
    """For `5 %` where a number is wanted."""
    match = _PERCENT.fullmatch(text.strip())
    return f"; write {float(match[1]) / 100:g}" if match else ""


def syntax(source: str, at: int) -> tuple[int, str]:
    """Where an expression that cannot be parsed goes wrong, and why; the parser itself gave up at `at`."""
    if (found := _OPERATOR.search(source)) is not None:
        return found.start(), f"'{found[0]}' (write '{MEANT_OPERATORS[found[0]]}') is not part of the rule language"
    if (found := _PERCENT.search(source)) is not None:
        return found.start(), f"'{found[0]}' is not part of the rule language{percent_hint(found[0])}"
    return _unbalanced(source) or (at, unreadable(source[at:]))


def _unbalanced(source: str) -> tuple[int, str] | None:
    left: list[tuple[int, str]] = []
    for at, character in enumerate(source):
        if character in "([{":
            left.append((at, character))
        elif character in _PAIRS:
            if not left or left[-1][1] != _PAIRS[character]:
                return at, f"'{character}' closes nothing"
            left.pop()
    return (left[-1][0], f"'{left[-1][1]}' is never closed") if left else None

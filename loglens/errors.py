"""The one exception people see: a sentence, and the exit code that goes with it."""

from __future__ import annotations


class LoglensError(Exception):
    """The job cannot be done. `str()` is one line: what, where, what to do."""

    exit_code = 2


class RuleError(LoglensError):
    """One or more rule files are faulty; each line of `str()` is `file:line:col: rule: why`."""


class ConfigError(LoglensError):
    """The configuration is faulty; `str()` names file, line and a suggestion."""


class Interrupted(LoglensError):  # noqa: N818 - nothing is wrong
    """Somebody pressed Ctrl-C."""

    exit_code = 130

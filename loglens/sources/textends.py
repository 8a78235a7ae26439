"""The error that a text log ends in: what follows its last record, and what the system says of a job it ended."""

from __future__ import annotations

import re
from collections import deque

LINES = 400  # behind the last record, among which an error is looked for
SHOWN = 160  # characters of it
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
_PREFIX = r"(?:\[?(?:rank|default)?\d*\]?:? ?)?"
_EXCEPTION = re.compile(rf"{_PREFIX}((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit))(?::|$)")
_MEMORY = re.compile(r"\b(?:CUDA|HIP|MPS backend|GPU)\b.{0,20}\bout of memory\b|\bOutOfMemoryError\b|\boom-kill", re.I)
_TRACEBACK = re.compile(r"\bTraceback \(most recent call last\)")
_ENDED = re.compile(
    r"(?:^|: )(?:Killed|Terminated|Segmentation fault|Bus error|Aborted|Illegal instruction)(?:\s*\(core dumped\))?"
    r"(?:\s{2,}.*)?$|\bslurmstepd: error: |\bsrun: error: |\bFatal Python error: |\bOut of memory: Killed process"
    r"|\bDUE TO (?:TIME LIMIT|PREEMPTION|NODE FAILURE)|\b\d+ (?:Killed|Segmentation fault|Bus error)\s+"
)
_DONE = re.compile(
    r"\b(?:training|fit|run|experiment|job)\b.{0,20}\b(?:complete|completed|finished|done|ended successfully)\b", re.I
)


class Ending:
    """Guards the last lines of a text log."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=LINES)

    def line(self, number: int, text: str) -> None:
        """Take a line that holds no record."""
        self._lines.append((number, text))

    def record(self) -> None:
        """The training went on: what was printed before is not its end."""
        self._lines.clear()

    def error(self) -> tuple[int, str] | None:
        """Number and text of the line that says why the job died; None where nothing says so.

        What ran out of memory says more than what follows from it, and a traceback more than the system.
        """
        lines = [(number, _ANSI.sub("", text).strip()) for number, text in self._lines]
        if any(_DONE.search(text) for _, text in lines):
            return None
        traced = any(_TRACEBACK.search(text) for _, text in lines)
        memory = [line for line in lines if _MEMORY.search(line[1])]
        raised = [line for line in lines if traced and _EXCEPTION.match(line[1])]
        ended = [line for line in lines if _ENDED.search(line[1])]
        found = memory[-1:] or raised[-1:] or ended[:1]
        return (found[0][0], " ".join(found[0][1].split())[:SHOWN]) if found else None

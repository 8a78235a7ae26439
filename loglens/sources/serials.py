"""Logs that come as one small file an epoch: `metrics_epoch_0.json`, `metrics_epoch_1.json` …"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from loglens.sources.columns import is_counter
from loglens.sources.places import head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loglens.sources.base import LogFile

LARGEST = 1 << 20  # bytes of one record
_COUNTED = re.compile(r"(.*(?:epoch|step|iteration|iter|round)[-_=]?)0*(\d{1,15})(\.json)", re.IGNORECASE)


def serials(files: Sequence[LogFile]) -> Iterator[list[int]]:
    """Places of the files that differ in the number of an epoch or step only, in the order of that number."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for place, file in enumerate(files):
        folder, _, base = file.plain.rpartition("/")
        if match := _COUNTED.fullmatch(base):
            found[folder, match[1].lower()].append((int(match[2]), place))
    for numbered in found.values():
        if len(numbered) > 1:
            yield [place for _, place in sorted(numbered)]


def single_record(file: LogFile) -> dict[str, object] | None:
    """The one object that a file holds, with the number in its name where it counts nothing itself; else None."""
    if file.size > LARGEST:
        return None
    try:
        record = json.loads(head(file, LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    match = _COUNTED.fullmatch(file.plain.rpartition("/")[2])
    if not isinstance(record, dict) or match is None:
        return None
    if any(map(is_counter, record)):
        return record
    return {"epoch" if "epoch" in match[1].lower() else "step": int(match[2]), **record}

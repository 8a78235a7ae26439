"""Where a training was restarted inside one event file.

A restart begins where a session log says START after data, or where a tag goes back and stays back: its step is below
its highest so far, the tag's next step rises from there without passing that highest, and the step was logged before
or lies eight points back. So a single late record, equal steps, and the small disorder of several writers are no
restarts. The count is one for all tags of the file, and after a restart every tag starts afresh.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

DEPTH = 8


def restarts(tag: np.ndarray, step: np.ndarray, at: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Offsets at which a new segment begins. `tag` codes, `step` and offset `at` of the records of one file in order.

    `starts` are the offsets of session starts.
    """
    forced = np.unique(np.searchsorted(at, starts))
    forced = forced[(forced > 0) & (forced < len(at))]
    if not _goes_back(tag, step):
        return at[forced]
    return at[np.array(_walk(tag, step, set(forced.tolist())), dtype=np.int64)]


def _goes_back(tag: np.ndarray, step: np.ndarray) -> bool:
    """Does the step of any tag ever fall?"""
    if not (np.diff(step) < 0).any():
        return False
    order = np.argsort(tag, kind="stable")
    return bool(((np.diff(step[order]) < 0) & (np.diff(tag[order]) == 0)).any())


def _walk(tag: np.ndarray, step: np.ndarray, forced: set[int]) -> list[int]:
    """Indices of the records that begin a segment."""
    following = _next_step(tag, step)
    tags, steps = tag.tolist(), step.tolist()
    highest: dict[int, list[int]] = {}  # the rising record steps of each tag in this segment
    found: list[int] = []
    back = -1  # first of the records just before that went back without yet being a restart
    for index, (name, now) in enumerate(zip(tags, steps, strict=True)):
        if index in forced:
            highest, back = {}, -1
            found.append(index)
        tops = highest.setdefault(name, [])
        if not tops or now > tops[-1]:
            tops.append(now)
            back = -1
        elif now == tops[-1]:
            back = -1
        elif _is_restart(tops, now, following[index]):
            begin = back if back >= 0 else index
            found.append(begin)
            highest, back = {}, -1
            for early in range(begin, index + 1):
                rising = highest.setdefault(tags[early], [])
                if not rising or steps[early] > rising[-1]:
                    rising.append(steps[early])
        elif back < 0:
            back = index
    return found


def _is_restart(tops: list[int], now: int, following: int | None) -> bool:
    if following is None or not now < following <= tops[-1]:
        return False
    place = bisect_left(tops, now)
    return tops[place] == now or len(tops) - place >= DEPTH


def _next_step(tag: np.ndarray, step: np.ndarray) -> list[int | None]:
    """The next step of the same tag, for each record."""
    order = np.argsort(tag, kind="stable")
    out: list[int | None] = [None] * len(tag)
    ordered = step[order].tolist()
    same = (np.diff(tag[order]) == 0).tolist()
    for place, index in enumerate(order[:-1].tolist()):
        if same[place]:
            out[index] = ordered[place + 1]
    return out

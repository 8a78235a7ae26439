"""The report as GitHub-flavoured Markdown: short enough for a comment, worst first, with pictures beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loglens.reporters.page import entries_of, environment, for_html, for_markdown, view_of
from loglens.reporters.templating import faults_of

if TYPE_CHECKING:
    from pathlib import Path

    from loglens.report import Report

TOP = 8
COMMENT = 65_536  # characters of a comment on GitHub; counted in bytes here, which are never fewer
SUMMARY = 1 << 20  # bytes of a job summary there: what is longer is dropped whole
OWN_PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" class="chart-file"'
CUT = "\n\n*The rest was cut: the limit of this place is reached.*\n"


@dataclass(frozen=True)
class Room:
    """How many of each kind are told: findings in full, then rows of tables."""

    told: int
    table: int = 50
    runs: int = 100
    problems: int = 50
    gaps: int = 20
    groups: int = 50


def _rooms(top: int) -> list[Room]:
    """From generous to scant: what gives way first is what matters least."""
    return [
        Room(top),
        Room(top, 50, 50, 10, 10, 25),
        Room(min(top, 5), 25, 20, 5, 5, 10),
        Room(min(top, 3), 10, 10, 3, 3, 5),
        Room(min(top, 1), 5, 5, 1, 1, 2),
        Room(0, 3, 0, 0, 0, 0),
    ]


def markdown(
    report: Report,
    top: int = TOP,
    pictures: str | None = None,
    png: bool = False,
    template: str | None = None,
    limit: int = COMMENT,
) -> str:
    """GitHub-flavoured Markdown of at most `limit` bytes; `pictures` is the folder of `pictures(report)`."""
    view = view_of(report, top)
    every = entries_of(view)
    beyond = sum(1 + len(chain.effects) for section in view["sections"] for chain in section.named)
    told = [e for e in every if e.chart is not None or not e.run.curves][:top]
    text = ""
    for number, room in enumerate(_rooms(top)):
        with faults_of(template):
            text = (
                environment(for_markdown, template)
                .get_template("report.md")
                .render(
                    **view,
                    folder=pictures,
                    ending="png" if png else "svg",
                    room=room,
                    shortened=number > 0,
                    table=every[: room.table],
                    left_out=max(len(every) - room.table, 0) + beyond,
                    told=told[: room.told],
                )
            )
        text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
        if len(text.encode()) <= limit:
            return text
    return cut(text, limit)


def cut(text: str, limit: int) -> str:
    """The whole lines of `text` that fit into `limit` bytes, with a note."""
    kept = text.encode()[: limit - len(CUT.encode())].decode("utf-8", "ignore")
    return kept.rpartition("\n")[0] + CUT


def pictures(report: Report, top: int = TOP, template: str | None = None) -> dict[str, str]:
    """File name -> SVG of every picture in the Markdown report."""
    with faults_of(template):
        macro = environment(for_html, template).get_template("chart.svg").make_module().file  # type: ignore[attr-defined]
        drawn = [e for e in entries_of(view_of(report, top)) if e.chart is not None]
        return {f"{e.picture}.svg": f"{macro(e.chart)}\n" for e in drawn}


def is_own_picture(path: Path) -> bool:
    """Whether a file is a picture that we wrote."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+-[0-9a-f]{8}\.(svg|png)", path.name):
        return False
    with path.open("rb") as file:
        head = file.read(len(OWN_PICTURE))
    return head == OWN_PICTURE or (path.suffix == ".png" and head.startswith(b"\x89PNG"))

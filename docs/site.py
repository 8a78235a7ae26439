"""Links that leave docs/ work in the repository and lead nowhere on the site: there only their text stays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.resolve()


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs for each page."""
    folder = (HERE / page.file.src_uri).parent

    def inside(match: re.Match[str]) -> str:
        target = (folder / match[2].partition("#")[0]).resolve()
        return match[0] if target.is_relative_to(HERE) else match[1]

    return re.sub(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)\s]+)\)", inside, markdown)

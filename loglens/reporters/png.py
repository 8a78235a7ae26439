"""SVG pictures as PNG, by resvg (`pip install 'loglens[png]'`)."""

from __future__ import annotations

from functools import cache

from loglens.errors import LoglensError

SCALE = 2  # pixels a unit, for dense screens
# where `sans-serif` leads in a picture: resvg asks no system for it
FAMILIES = ("Arial", "Helvetica", "DejaVu Sans", "Liberation Sans", "Noto Sans", "Segoe UI", "Roboto", "Nimbus Sans")
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{}</svg>'
_LETTERS = '<text x="2" y="15" font-family="sans-serif" font-size="14">Ag</text>'


def to_png(svg: str) -> bytes:
    """`svg` as the bytes of a PNG. LoglensError without the library, or where no font is found to write with."""
    family = _family()
    if family is None:
        raise LoglensError("--png: no font was found, the pictures would have no words; install one, DejaVu say")
    return _render(svg, family)


@cache
def _family() -> str | None:
    """The first family that is installed: its letters differ from those that stand in for a family that is none.

    Without any font the words of a picture vanish without an error: then None.
    """
    letters, stand_in = _PROBE.format(_LETTERS), _render(_PROBE.format(_LETTERS), "no such family")
    if found := next((family for family in FAMILIES if _render(letters, family) != stand_in), None):
        return found
    return FAMILIES[0] if stand_in != _render(_PROBE.format(""), FAMILIES[0]) else None


def _render(svg: str, family: str) -> bytes:
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise LoglensError("--png needs the package resvg-py: pip install 'loglens[png]'") from None
    return bytes(svg_to_bytes(svg_string=svg, zoom=SCALE, sans_serif_family=family, font_family=family))

"""Ways to write a report down. A format is a line in `FORMATS` and a module with `render(report, **options) -> str`."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loglens.errors import LoglensError
from loglens.plugins import add_installed_reporters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from loglens.report import Report


@dataclass(frozen=True, slots=True)
class Format:
    """Where a format lives, the endings that mean it, the options its renderer takes.

    `renderer` is `module:function` in here, or the function itself (of another package): `(report, **options) -> str`.
    """

    renderer: str | Callable[..., str]
    endings: tuple[str, ...]
    about: str
    options: tuple[str, ...] = ()
    pictures: str | None = None  # `module:function` giving file name -> SVG, for formats that cannot hold them


FORMATS: dict[str, Format] = {
    "text": Format("text:render", (".txt",), "for a terminal", ("color", "width")),
    "json": Format("records:render", (".json",), "every finding, for programs"),
    "markdown": Format(
        "markdown:markdown",
        (".md", ".markdown"),
        "for a pull request",
        ("top", "pictures", "png", "template", "limit"),
        "markdown:pictures",
    ),
    "html": Format(
        "webpage:html", (".html", ".htm"), "one page that explains everything", ("top", "interactive", "template")
    ),
    "sarif": Format("sarif:render", (".sarif",), "for code scanning, SARIF 2.1.0"),
    "junit": Format("junit:render", (".xml",), "for servers of CI that show tests", ("fail_on",)),
    "github": Format("ci:github", (), "annotations of a GitHub workflow"),
    "gitlab": Format("ci:gitlab", (), "code quality of GitLab"),
}

# Tables for SQL engines: files only, `module:function` in here, (report) -> bytes
TABLES = {"findings": "parquet:findings", "runs": "parquet:runs"}


def render(report: Report, form: str, **options: object) -> str:
    """`report` in the format `form`; options that another format takes are ignored."""
    add_installed_reporters()
    found = _format(form)
    known = {name for each in FORMATS.values() for name in each.options}
    if unknown := sorted(set(options) - known):
        raise TypeError(f"no format has an option {', '.join(unknown)}")
    text: str = _function(found.renderer)(report, **{k: v for k, v in options.items() if k in found.options})
    return text


def write_report(report: Report, form: str, path: str | PathLike[str], **options: object) -> None:
    """Write `report` to `path`, whole or not at all; pictures go into `<stem>_files/` beside it.

    To a pipe or a device (`/dev/stdout`, `/dev/null`) it is written as it is, without pictures.
    LoglensError when the folder is missing or cannot be written to.
    """
    place = Path(path)
    if not place.name or "\0" in place.name:
        raise LoglensError(f"{str(place)!r}: cannot write the report: this names no file")
    try:
        if form in TABLES:
            _write_whole(place, _function(TABLES[form])(report))
            return
        found = _format(form)
        if found.pictures and not _is_special(place):
            draw = {k: v for k, v in options.items() if k in ("top", "template")}
            pictures: dict[str, str] = _function(found.pictures)(report, **draw)
            folder = place.with_name(f"{place.stem}_files")
            _write_pictures(folder, _drawn(pictures, bool(options.get("png"))))
            options = options | {"pictures": folder.name}
        _write_whole(place, render(report, form, **options))
    except OSError as error:
        raise LoglensError(f"{place}: cannot write the report: {_why(place, error)}") from error


def write_text(place: Path, text: str) -> None:
    """Write `text` to `place`, whole or not at all; LoglensError when that cannot be done."""
    try:
        _write_whole(place, text)
    except OSError as error:
        raise LoglensError(f"{place}: cannot be written: {_why(place, error)}") from error


def format_for(path: str) -> tuple[str, str]:
    """(format, path) of an output: said as `json:path`, or by the ending of the path."""
    add_installed_reporters()
    form, colon, rest = path.partition(":")
    if colon and (form in FORMATS or form in TABLES):
        if not rest:
            raise LoglensError(f"{path}: no file after the format; say {form}:FILE")
        return form, rest
    ending = Path(path).suffix.lower()
    for name, each in FORMATS.items():
        if ending in each.endings:
            return name, path
    if ending == ".parquet":
        return _table(path), path
    endings = " ".join(e for each in FORMATS.values() for e in each.endings)
    raise LoglensError(f"{path}: the ending names no format; use one of {endings}, or say FORMAT:{path}")


def _table(path: str) -> str:
    """Which table a `.parquet` file is to hold, by its name: `findings`, `nightly-runs`."""
    for name in TABLES:
        if Path(path).stem.lower().endswith(name):
            return name
    raise LoglensError(f"{path}: which table? say {' or '.join(f'{name}:{path}' for name in TABLES)}")


def _format(form: str) -> Format:
    if form not in FORMATS:
        raise LoglensError(f"unknown format {form!r}; use one of {', '.join(FORMATS)}")
    return FORMATS[form]


def _function(address: str | Callable[..., Any]):  # type: ignore[no-untyped-def]  # each format has its own signature
    if not isinstance(address, str):
        return address
    module, name = address.split(":")
    return getattr(import_module(f"loglens.reporters.{module}"), name)


def _write_whole(place: Path, text: str | bytes) -> None:
    """Write beside the target, then put in its place; the mode is what a plain `open` would have given."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    if _is_special(place):
        place.write_bytes(data)
        return
    place = Path(os.path.realpath(place))  # through a link to the file itself
    handle, temporary = tempfile.mkstemp(prefix=f".{place.name[:40]}.", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(_mode(place))
        Path(temporary).replace(place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _is_special(place: Path) -> bool:
    """Whether something is there that is neither a file nor a folder: putting a file in its place would destroy it."""
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _mode(place: Path) -> int:
    if place.exists():
        return place.stat().st_mode & 0o777
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def _drawn(pictures: Mapping[str, str], png: bool) -> dict[str, bytes]:
    if not png:
        return {name: text.encode() for name, text in pictures.items()}
    from loglens.reporters.png import to_png

    return {f"{Path(name).stem}.png": to_png(text) for name, text in pictures.items()}


def _write_pictures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Write pictures; those of an earlier report that are no longer wanted go, nothing else does."""
    from loglens.reporters.markdown import is_own_picture

    if not folder.parent.is_dir():
        raise FileNotFoundError(2, "No such file or directory")
    if pictures:
        folder.mkdir(exist_ok=True)
    for name, data in pictures.items():
        _write_whole(folder / name, data)
    for old in sorted([*folder.glob("*.svg"), *folder.glob("*.png")]) if folder.is_dir() else ():
        if old.name not in pictures and is_own_picture(old):
            old.unlink()


def _why(place: Path, error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return "the name is too long"
    if not place.parent.is_dir():
        return f"there is no folder {place.parent}"
    if place.is_dir():
        return "it is a folder"
    return error.strerror or str(error)

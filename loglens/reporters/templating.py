"""Templates of one's own in the place of ours: sandboxed, escaped whatever they say, faults named by file:line."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    nodes,
)
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from loglens.errors import LoglensError
from loglens.resources import resource_dir
from loglens.tabular import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEMPLATES = ("report.html", "report.md", "chart.svg")
FILES = (*TEMPLATES, "style.css", "report.js")
_DRAWN = frozenset("MLHVZmlhvz0123456789.,- eE+")
# what an expression of a template may raise when it is rendered
_FAULTS = (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class _Escaping(SandboxedEnvironment):
    """An environment in which no template can turn escaping off."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            raise TemplateSyntaxError("'autoescape' is always on", node.lineno, name, filename)
        for used in tree.find_all(nodes.Filter):
            if used.name == "safe":
                raise TemplateSyntaxError("there is no filter 'safe': all is escaped", used.lineno, name, filename)
        return tree


def new_environment(finish: Callable[[Any], Any], folder: str | None) -> SandboxedEnvironment:
    """Templates of `folder` before ours (`builtin/…` too); every value goes through `finish` and is escaped."""
    ours = FileSystemLoader(resource_dir("templates"))
    loaders = [FileSystemLoader(folder)] if folder else []
    environment = _Escaping(
        loader=ChoiceLoader([*loaders, PrefixLoader({"builtin": ours}), ours]),
        autoescape=True,
        finalize=finish,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    del environment.filters["safe"]
    return environment


def path_data(path: str) -> str:
    """The data of a path, drawn by us from numbers alone, and long: not to be cut. Anything else is a text."""
    return Markup(path) if _DRAWN.issuperset(path) else path


def own_file(name: str, folder: str | None) -> str:
    """The text of a style or script: that of `folder` when it has one, else ours."""
    theirs = Path(folder) / name if folder else None
    place = theirs if theirs is not None and theirs.is_file() else resource_dir("templates") / name
    return place.read_text(encoding="utf-8")


def check_templates(folder: str) -> None:
    """LoglensError, with file and line, when a template of `folder` cannot be used: before any log is read."""
    place = Path(folder)
    if not place.is_dir():
        raise LoglensError(f"--template {visible(folder)}: there is no such folder")
    theirs = [name for name in FILES if (place / name).is_file()]
    if not theirs:
        raise LoglensError(f"--template {visible(folder)}: none of {', '.join(FILES)} is in it")
    environment = new_environment(str, folder)
    # the names of filters are checked when a template is compiled: those of reports are added by `page`
    from loglens.reporters.page import dress

    dress(environment)
    for name in theirs:
        with faults_of(folder):
            if name in TEMPLATES:
                environment.get_template(name)
            else:
                own_file(name, folder)


@contextmanager
def faults_of(folder: str | None) -> Iterator[None]:
    """Turn what a template of `folder` raises into a LoglensError that names file and line."""
    try:
        yield
    except TemplateSyntaxError as error:
        if folder is None:
            raise
        raise LoglensError(f"{visible(error.filename or folder)}:{error.lineno}: {_said(error)}") from error
    except (*_FAULTS, OSError) as error:
        place = _place(error, folder) if folder else None
        if place is None:
            raise
        raise LoglensError(f"{visible(place)}: {_said(error)}") from error


def _place(error: BaseException, folder: str | None) -> str | None:
    """`file:line` of the innermost template of `folder`; the folder for what has no place; None for our own faults."""
    if folder is None:
        return None
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(folder)]
    if own:
        return f"{own[-1].filename}:{own[-1].lineno}"
    return folder if isinstance(error, TemplateError | UnicodeDecodeError | OSError) else None


def _said(error: BaseException) -> str:
    return visible(" ".join(str(error).split()) or type(error).__name__)[:300]

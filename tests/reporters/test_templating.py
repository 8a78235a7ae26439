from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import samples
from markupsafe import Markup

from loglens import cli
from loglens.errors import LoglensError
from loglens.reporters import render, write_report
from loglens.reporters.templating import check_templates, path_data

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "overfitting"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., str]:
    def write(**files: str) -> str:
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return str(tmp_path)

    return write


def test_files_of_the_folder_go_before_ours_and_can_take_them_in(folder: Callable[..., str]) -> None:
    place = folder(report_md='Team vision\n\n{% include "builtin/report.md" %}', style_css="p { color: teal }")
    check_templates(place)
    report = samples.reports()["few"]
    assert render(report, "markdown", template=place) == "Team vision\n\n" + render(report, "markdown")
    page = render(report, "html", template=place)
    assert "<style>p { color: teal }</style>" in page
    assert render(report, "html") != page


def test_pictures_follow_the_folder(folder: Callable[..., str], tmp_path: Path) -> None:
    place = folder(chart_svg='{% macro file(c) %}<svg xmlns="http://www.w3.org/2000/svg"/>{% endmacro %}')
    write_report(samples.reports()["diverged"], "markdown", tmp_path / "out.md", template=place)
    assert {p.read_text() for p in (tmp_path / "out_files").iterdir()} == {
        '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    }


@pytest.mark.parametrize(
    "text",
    [
        "{% for r in report.runs %}{{ r.run }}{% endfor %}",
        "{% for r in report.runs %}{{ r.run|path }}{% endfor %}",
        "{% for r in report.runs %}{{ '<b>%s</b>'|format(r.run) }}{% endfor %}",
        "{% for r in report.runs %}{{ (r.run|e).unescape() }}{% endfor %}",
        "{% set x %}{% for r in report.runs %}{{ r.run }}{% endfor %}{% endset %}{{ x }}",
        "{{ report.runs|map(attribute='run')|join('<br>') }}",
    ],
)
def test_names_are_escaped_whatever_a_template_says(text: str, folder: Callable[..., str]) -> None:
    shown = render(samples.hostile(), "html", template=folder(report_html=text))
    assert "script" in shown
    assert "<script" not in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n{% if %}", 2, "Expected an expression"),
        ("{{ report.version|safe }}", 1, "no filter 'safe'"),
        ("\n\n{% autoescape false %}{{ verdict }}{% endautoescape %}", 3, "'autoescape' is always on"),
        ("{{ verdict|nope }}", 1, "No filter named 'nope'"),
    ],
)
def test_a_fault_that_can_be_seen_is_told_before_anything_is_read(
    text: str, line: int, words: str, folder: Callable[..., str]
) -> None:
    place = folder(report_html=text)
    with pytest.raises(LoglensError) as caught:
        check_templates(place)
    assert str(caught.value).startswith(f"{place}/report.html:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["\n{{ nothing.here }}", "\n{{ 1 // 0 }}", "\n{{ total + 1 }}", "\n{{ ''.__class__.__mro__ }}", "\n{{ report.x }}"],
)
@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_fault_of_rendering_has_a_place(text: str, form: str, folder: Callable[..., str]) -> None:
    place = folder(report_html=text, report_md=text)
    check_templates(place)
    with pytest.raises(LoglensError, match=r"report\.(html|md):2: ") as caught:
        render(samples.reports()["few"], form, template=place)
    assert "\n" not in str(caught.value)


def test_nothing_outside_of_the_folder_can_be_taken_in(folder: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "report.md").write_text('{% include "../secret.txt" %}')
    with pytest.raises(LoglensError, match=r"report\.md:1: "):
        render(samples.reports()["few"], "markdown", template=str(inner))


def test_the_command_line_says_it_in_one_line(
    folder: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder(report_html="{{ total + 1 }}")
    for option, words in ((place, "report.html:1: "), (str(tmp_path / "none"), "no such folder")):
        assert cli.run(["analyze", str(SAMPLE), "--no-config", "-q", "--format", "html", "--template", option]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert words in said.err


def test_an_empty_folder_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(LoglensError, match=r"none of report\.html"):
        check_templates(str(tmp_path))
    (tmp_path / "report.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LoglensError, match="codec can't decode"):
        check_templates(str(tmp_path))


def test_paths_are_numbers_or_escaped() -> None:
    assert path_data("M0 1.5L2,3e-1Z") == "M0 1.5L2,3e-1Z"
    assert not isinstance(path_data('"><script>'), Markup)

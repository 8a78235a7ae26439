from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import samples

from loglens.errors import LoglensError
from loglens.reporters import FORMATS, format_for, render, write_report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a/report.html", ("html", "a/report.html")),
        ("REPORT.HTM", ("html", "REPORT.HTM")),
        ("x.md", ("markdown", "x.md")),
        ("x.json", ("json", "x.json")),
        ("x.txt", ("text", "x.txt")),
        ("json:x.dat", ("json", "x.dat")),
        ("html:-", ("html", "-")),
        ("C:\\runs\\x.html", ("html", "C:\\runs\\x.html")),
    ],
)
def test_format_by_ending_or_by_name(path: str, found: tuple[str, str]) -> None:
    assert format_for(path) == found


@pytest.mark.parametrize("path", ["report", "report.pdf", "json:", "pdf:x"])
def test_other_endings_are_refused_in_one_line(path: str) -> None:
    with pytest.raises(LoglensError) as caught:
        format_for(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", samples.reports())
def test_same_report_same_bytes(form: str, name: str) -> None:
    first, second = samples.reports()[name], samples.reports()[name]
    text = render(first, form)
    assert text == render(second, form)
    assert text.endswith("\n")
    text.encode("utf-8")


def test_options_of_no_format_are_mistakes_and_those_of_another_are_not() -> None:
    report = samples.reports()["empty"]
    assert render(report, "json", color=True, top=3) == render(report, "json")
    with pytest.raises(TypeError, match="colour"):
        render(report, "text", colour=True)
    with pytest.raises(LoglensError, match="unknown format 'pdf'; use one of text, json"):
        render(report, "pdf")


@pytest.mark.parametrize("form", FORMATS)
def test_no_folder_no_report(form: str, tmp_path: Path) -> None:
    target = tmp_path / "gone" / "report.x"
    with pytest.raises(LoglensError, match="there is no folder"):
        write_report(samples.reports()["diverged"], form, target)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(LoglensError, match="No space left on device"):
        write_report(samples.reports()["empty"], "html", target)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("report.html", "old")]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(LoglensError, match="it is a folder"):
        write_report(samples.reports()["empty"], "html", tmp_path)


def test_links_are_followed_and_modes_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_report(samples.reports()["empty"], "json", link)
    assert link.is_symlink()
    assert target.read_text().startswith("{")
    assert target.stat().st_mode & 0o777 == 0o640


def test_pictures_lie_beside_the_markdown_and_old_ones_go(tmp_path: Path) -> None:
    target, folder = tmp_path / "report.md", tmp_path / "report_files"
    write_report(samples.reports()["diverged"], "markdown", target)
    drawn = {p.name for p in folder.iterdir()}
    assert len(drawn) == 3
    assert all(f"](report_files/{name})" in target.read_text() for name in drawn)
    (folder / "mine-0123abcd.svg").write_text("<svg>of somebody else</svg>")
    (folder / "notes.svg").write_text(next(folder.glob("*.svg")).read_text())
    write_report(samples.reports()["healthy"], "markdown", target)
    assert {p.name for p in folder.iterdir()} == {"mine-0123abcd.svg", "notes.svg"}


def test_the_report_object_writes_itself(tmp_path: Path) -> None:
    report = samples.reports()["few"]
    report.to_html(tmp_path / "r.html")
    report.to_markdown(tmp_path / "r.md")
    report.to_json(tmp_path / "r.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json", "r.md", "r_files"]
    assert (tmp_path / "r.html").read_text() == render(report, "html")


def test_a_notebook_gets_the_page_without_scripts() -> None:
    shown = samples.reports()["few"]._repr_html_()
    assert shown == render(samples.reports()["few"], "html", interactive=False)
    assert "<script" not in shown

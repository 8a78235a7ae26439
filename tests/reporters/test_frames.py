from __future__ import annotations

import samples

from loglens.reporters.frames import SCHEMA


def test_one_row_a_finding() -> None:
    report = samples.sweep()
    frame = report.findings
    assert dict(frame.schema) == SCHEMA
    holders = (*report.runs, *report.groups)
    assert frame.height == sum(len(holder.findings) for holder in holders)
    assert frame["caused_by"].null_count() == report.summary.errors + report.summary.warnings + report.summary.infos
    assert frame.row(0)[:3] == ("sweep/lr-3e-2", "exploding-gradient", "error")
    assert frame["run"].null_count() == 1


def test_no_findings_still_have_columns() -> None:
    assert samples.reports()["empty"].findings.columns == list(SCHEMA)


def test_names_that_are_no_text_fit_in() -> None:
    assert "lone\\udce9surrogate\\ud800" in samples.hostile().findings["run"].to_list()

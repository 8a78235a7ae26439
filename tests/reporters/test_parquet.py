"""Tables of findings and runs, read back as an SQL engine reads them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import samples

from loglens.errors import LoglensError
from loglens.reporters import format_for, write_report
from loglens.reporters.clean import utf8
from loglens.reporters.parquet import FINDINGS, RUNS


@pytest.mark.parametrize("name", samples.reports())
def test_every_finding_and_every_run_is_a_row(name: str, tmp_path: Path) -> None:
    report = samples.reports()[name]
    for table in ("findings", "runs"):
        write_report(report, table, tmp_path / f"{table}.parquet")
    found, runs = pl.read_parquet(tmp_path / "findings.parquet"), pl.read_parquet(tmp_path / "runs.parquet")
    assert found.schema == pl.Schema(FINDINGS)
    assert runs.schema == pl.Schema(RUNS)
    held = [(utf8(run.run), f.rule, f.first_step) for run in report.runs for f in run.findings]
    held += [(None, f.rule, f.first_step) for group in report.groups for f in group.findings]  # type: ignore[misc]
    assert found.select("run", "rule", "first_step").rows() == held
    assert runs["verdict"].to_list() == [run.verdict for run in report.runs]
    assert runs["errors"].sum() == sum(f.severity == "error" for run in report.runs for f in run.findings)
    assert [json.loads(text).keys() for text in found["evidence"]] == [
        f.evidence.keys() for holder in (*report.runs, *report.groups) for f in holder.findings
    ]


def test_same_report_same_bytes(tmp_path: Path) -> None:
    report = next(report for report in samples.reports().values() if report.runs)
    for name in ("1", "2"):
        write_report(report, "runs", tmp_path / name)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_sql_reads_them(tmp_path: Path) -> None:
    report = max(samples.reports().values(), key=lambda report: len(report.runs))
    write_report(report, "findings", tmp_path / "findings.parquet")
    frame = pl.scan_parquet(tmp_path / "findings.parquet")
    counts = pl.SQLContext(findings=frame).execute(
        "select rule, count(*) as n from findings where run is not null group by rule order by rule", eager=True
    )
    rules = sorted({f.rule for run in report.runs for f in run.findings})
    assert counts["rule"].to_list() == rules
    assert counts["n"].sum() == sum(len(run.findings) for run in report.runs)


def test_duckdb_reads_them(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    report = max(samples.reports().values(), key=lambda report: len(report.runs))
    write_report(report, "runs", tmp_path / "runs.parquet")
    query = f"select run, hparams, metrics[1].tag from '{tmp_path / 'runs.parquet'}' order by run"
    rows = duckdb.sql(query).fetchall()
    assert [row[0] for row in rows] == sorted(utf8(run.run) for run in report.runs)
    assert [[each["name"] for each in row[1]] for row in rows] == [
        list(run.hparams) for run in sorted(report.runs, key=lambda run: run.run)
    ]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("findings.parquet", ("findings", "findings.parquet")),
        ("out/nightly-runs.parquet", ("runs", "out/nightly-runs.parquet")),
        ("runs:x.bin", ("runs", "x.bin")),
        ("findings:runs.parquet", ("findings", "runs.parquet")),
    ],
)
def test_the_name_says_which_table(path: str, form: tuple[str, str]) -> None:
    assert format_for(path) == form


def test_another_name_is_asked_about() -> None:
    with pytest.raises(LoglensError, match=r"report\.parquet: which table\? say findings:report\.parquet or runs:"):
        format_for("report.parquet")


@pytest.mark.parametrize(("table", "schema"), [("findings", FINDINGS), ("runs", RUNS)])
def test_every_column_is_documented(table: str, schema: dict[str, pl.DataType]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    _, _, told = text.partition(f"\n`{table}.parquet` — ")
    told = told.partition("\n\n")[0]
    assert [name for name in schema if f"`{name}`" not in told] == []

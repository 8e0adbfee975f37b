"""`srnn publish` and `srnn import`: results that come with a repository are read, reported, judged and reused."""

import csv
import json
import os

import pytest

from srnn_bench import Store

RUNS = "docs/results/runs"


@pytest.fixture
def published(srnn, tmp_path):
    """Publish the smoke runs of a table; the store that they come from is kept as `first`."""
    srnn("run", "modcog/figure2a-speed", "--scale", "smoke", "--jobs", "1", "--device", "cpu", "--results", "first")
    code, out, err = srnn("publish", "modcog/figure2a-speed", "--scale", "smoke", "--results", "first")
    assert (code, err) == (0, "")
    assert "modcog-figure2a-speed-smoke.jsonl: 6 of 6 runs" in out
    return tmp_path / RUNS / "modcog-figure2a-speed-smoke.jsonl"


def test_published_results_are_read_by_every_command(srnn, tmp_path, published):
    arguments = ("claims", "modcog/figure2a-speed", "--scale", "smoke", "--json")
    of_lines, of_store = srnn(*arguments, "--results", RUNS), srnn(*arguments, "--results", "first")
    assert of_lines == of_store and json.loads(of_lines[1])
    code, out, err = srnn("report", "--no-figures", "--results", RUNS)
    assert code == 0 and "2 tables; written to report.html" in out and "reading 6 runs from" in err
    assert f"Runs in {RUNS}: 6 done" in srnn("list", "--state", "--results", RUNS)[1]
    assert srnn("export", "flat.csv", "--results", RUNS)[0] == 0
    assert srnn("run", "modcog/figure2a-speed", "--scale", "smoke", "--dry-run", "--results", RUNS)[0] == 0
    assert list(published.parent.iterdir()) == [published], "nothing is written beside the files"


def test_without_names_claims_are_those_of_all_tables_whose_runs_were_published(srnn, published):
    rows = json.loads(srnn("claims", "--json", "--results", RUNS)[1])
    assert {(row["table"], row["scale"]) for row in rows} == {
        ("modcog/figure2a-speed", "smoke"),
        ("modcog/figure2a", "smoke"),  # other readings of the same runs
    }
    shown = srnn("claims", "--results", RUNS)[1]
    assert "[modcog/figure2a-speed, scale smoke]" in shown and "[modcog/figure2a, scale smoke]" in shown
    assert srnn("claims", "--scale", "paper", "--results", RUNS) == (0, "no table was run at scale paper\n", "")
    lines = published.read_text().splitlines(keepends=True)
    published.write_text("".join(lines[:-1]))
    shown = srnn("claims", "--results", RUNS)[1]
    assert "[modcog/figure2a-speed, scale smoke]" in shown and "[modcog/figure2a, scale smoke]" not in shown


def test_what_cannot_be_shown_is_said(srnn, published):
    published.write_text(published.read_text().replace('"table": "modcog/figure2a-speed"', '"table": "modcog/gone"'))
    code, out, err = srnn("claims", "--results", RUNS)
    assert code == 0 and "[modcog/figure2a, scale smoke]" in out
    assert "modcog/gone at scale smoke cannot be shown: table: no table 'modcog/gone'" in err


def test_imported_runs_are_reused(srnn, tmp_path, published):
    code, out, err = srnn("import", str(published))
    assert (code, err) == (0, "")
    assert "6 runs: 6 imported, 0 already there; in results/results.sqlite" in out
    code, out, _ = srnn("run", "modcog/figure2a-speed", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    assert code == 0 and "0 executed, 6 reused" in out
    assert "6 runs: 0 imported, 6 already there" in srnn("import", str(published))[1]


def test_imported_runs_are_reported_and_exported_with_their_table(srnn, tmp_path, published):
    lines = published.read_text().splitlines(keepends=True)
    published.write_text("".join(lines[:-1]))  # a table that is incomplete as well
    srnn("import", str(published))
    code, out, err = srnn("report", "--format", "md")
    assert code == 0 and "1 table; written to" in out and "reading 5 runs from" in err
    assert srnn("export", "flat.csv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "flat.csv").read_text().splitlines()))
    assert rows and {(row["table"], row["scale"]) for row in rows} == {("modcog/figure2a-speed", "smoke")}


def test_a_report_that_shows_nothing_names_what_the_store_has(srnn, published):
    srnn("import", str(published))
    code, out, _ = srnn("report", "moduli/table1")
    said = " ".join(out.split())
    assert code == 0 and "has 6 runs" in said and "can be given modcog/figure2a-speed" in said
    assert "no results" not in said


def test_runs_are_not_executed_into_published_results(srnn, published):
    code, _, err = srnn("run", "modcog/figure2a-speed", "--scale", "smoke", "--results", RUNS)
    assert code == 2 and f"srnn import {RUNS}/*.jsonl" in err.replace("\n", "")
    assert list(published.parent.iterdir()) == [published]


def test_a_wrong_file_is_refused_before_anything_is_written(srnn, tmp_path, published):
    text = published.read_text()
    published.write_text(text.replace('"seed": 1', '"seed": 3', 1))
    code, _, err = srnn("import", str(published))
    assert code == 2 and "expected the key" in err and f"{published}:" in err.replace("\n", "")
    assert not (tmp_path / "results").exists()


def test_stored_results_are_kept(srnn, tmp_path, published):
    srnn("import", str(published))
    store = Store(tmp_path / "results")
    result = next(iter(store))
    store.put(result.model_copy(update={"status": "diverged", "reason": "loss is inf", "stages": ()}))
    assert "5 already there, 1 kept as stored, with other numbers (--replace" in srnn("import", str(published))[1]
    assert "1 replaced, which had other numbers" in srnn("import", str(published), "--replace")[1]
    assert store.get(result.key) == result


def test_results_of_another_user_are_reported_beside_where_one_stands(srnn, tmp_path, published, monkeypatch):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    for command in (("claims",), ("report", "--no-figures"), ("export", "flat.csv"), ("backup", "b.sqlite")):
        tables = ("modcog/figure2a-speed", "--scale", "smoke") if command[0] in ("claims", "report") else ()
        code, _, err = srnn(*command, *tables, "--results", "first")
        assert code == 0 and (not err or command[0] == "report"), err
    assert {path.name for path in tmp_path.iterdir()} == {"first", "docs", "report.html", "flat.csv", "b.sqlite"}
    assert [path.name for path in (tmp_path / "first").iterdir()] == ["results.sqlite"]
    assert srnn("backup", "b.sqlite", "--results", "first")[0] == 2, "a backup replaces nothing"

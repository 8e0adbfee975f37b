"""Published runs and the pages that show them: files fit their tables, generated parts are those of the runs."""

import runpy
import sys
from pathlib import Path

import pytest

from srnn_bench import BenchError, Conditions, Store, Watcher, papers, sweep
from srnn_bench.store import published_files, read_lines
from srnn_bench.tables import publish, published_path

DOCS = Path(__file__).parents[1] / "docs"
RUNS = published_files(DOCS / "results" / "runs")
sys.path.append(str(DOCS / "results"))  # for the modules that the script imports
SCRIPT = runpy.run_path(str(DOCS / "results" / "write_pages.py"))
write_pages, NOT_KEPT = SCRIPT["write_pages"], SCRIPT["NOT_KEPT"]

# of a published table, each with a family of its own
READINGS = ("-hh", "-reference", "-paper", "-before", "-mean", "-noisy")


# --- this repository --------------------------------------------------------------------------------------------------


def test_the_generated_parts_of_the_pages_are_those_of_the_published_runs():
    outdated = [str(page.relative_to(DOCS)) for page in write_pages(DOCS, check=True)]
    assert outdated == [], "run `python docs/results/write_pages.py`"


def test_a_page_of_runs_shows_where_its_values_are_or_that_they_were_not_kept():
    pages = [page for page in DOCS.glob("results/*-quick.md") if page.name != "modcog-components-quick.md"]  # no runs
    assert pages
    for page in pages:
        text = page.read_text()
        listed = page.name == "modcog-quick.md"  # which links to the pages with numbers
        assert listed or "<!-- generated:" in text or NOT_KEPT in text, page


def test_published_runs_are_those_of_their_table():
    for path in RUNS:
        runs = read_lines([path])
        ((name, scale),) = {table for run in runs for table in run.tables}
        table = papers.table(name, scale)
        assert path == published_path(table, path.parent)
        keys = {job.key for job in table.jobs(sorted({*table.seeds, *(run.record.result.seed for run in runs)}))}
        assert {run.record.result.key for run in runs} <= keys, path.name


def test_published_runs_agree_and_are_small():
    read_lines(RUNS)  # raises if two files differ on a run
    assert sum(path.stat().st_size for path in RUNS) <= 12_000_000


# --- the script -------------------------------------------------------------------------------------------------------

PAGE = """# By hand

<!-- generated: modcog/figure2a smoke -->
old
<!-- end -->
between
<!-- generated: modcog/figure2a smoke claims -->
<!-- end -->
<!-- generated: moduli/table2 quick -->
| pasted |
<!-- end -->
at the end
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Runs of a table at scale smoke."""
    store = Store(tmp_path_factory.mktemp("store"))
    jobs = papers.table("modcog/figure2a", "smoke").jobs()
    sweep(jobs, store, conditions=Conditions("cpu"), watcher=Watcher())
    return store


@pytest.fixture
def docs(tmp_path, store) -> Path:
    """Give a folder of documents with the published runs of that table and a page."""
    for folder in ("results", "findings"):
        (tmp_path / folder).mkdir()
    publish(papers.table("modcog/figure2a", "smoke"), store, tmp_path / "results" / "runs")
    (tmp_path / "findings" / "page.md").write_text(PAGE)
    return tmp_path


def parts(text):
    """Return what stands within and what stands outside the comments of a page."""
    pieces = text.replace("<!-- end -->\n", "<!--").split("<!--")
    generated = [piece.split("-->\n", 1)[1] for piece in pieces if piece.startswith(" generated:")]
    return generated, [piece for piece in pieces if not piece.startswith(" generated:")]


def test_generated_parts_are_written_and_the_rest_stays(docs):
    page = docs / "findings" / "page.md"
    assert write_pages(docs, check=True) == [page] and page.read_text() == PAGE
    assert write_pages(docs) == [page]
    (table, claims, pasted), by_hand = parts(page.read_text())
    assert by_hand == parts(PAGE)[1]
    assert "| LM d = 0 | 0." in table and "6 of 6 runs" in table and "old" not in table
    assert "](../results/runs/modcog-figure2a-smoke.jsonl)" in table
    assert claims.startswith("| claim | verdict") and claims in table
    assert pasted == f"{NOT_KEPT}\n\n| pasted |\n"
    assert write_pages(docs) == [], "a second time changes nothing"


def test_a_page_is_out_of_date_once_a_value_changes_and_not_for_a_step_time(docs, store, tmp_path):
    write_pages(docs)
    table, other = papers.table("modcog/figure2a", "smoke"), Store(tmp_path / "other")
    for changes, outdated in (({"step_ms": 7.0}, 0), ({"metrics": None}, 1)):
        for result in store:
            (stage,) = result.stages
            metrics = {name: value / 2 for name, value in stage.metrics.items()}
            changed = {name: metrics if value is None else value for name, value in changes.items()}
            other.put(result.model_copy(update={"stages": (stage.model_copy(update=changed),)}))
        publish(table, other, docs / "results" / "runs")
        assert len(write_pages(docs, check=True)) == outdated


def test_overviews_show_all_tables(docs):
    page = docs / "overviews.md"
    page.write_text("<!-- generated: families -->\n<!-- end -->\n<!-- generated: sensitivity -->\n<!-- end -->\n")
    write_pages(docs)
    (families, sensitivity), _ = parts(page.read_text())
    names = [name for name in papers.table_names() if name.startswith(("modcog/", "moduli/", "spectrum/", "blocks/"))]
    tables = [table for table in (papers.table(name, "quick") for name in names) if table.claims]
    assert [table.name for table in tables if table.name not in families] == []
    assert len(families.splitlines()) - 2 == len(
        {table.family for table in tables if not table.name.endswith(READINGS)}
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in sensitivity.splitlines() if "smoke" in line]
    (row,) = (row for row in rows if row[1] == "autapses suffice")  # at scale smoke nothing is decided
    assert row == ["modcog/figure2a smoke", row[1], "undecided", "", "", "", "", "", "same", "same"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<!-- generated: moduli/table1 -->\n<!-- end -->",
            "expected a table and a scale, or one of families, plan",
        ),
        ("<!-- generated: moduli/table1 quick -->\n", "expected `<!-- generated: TABLE SCALE -->`"),
        ("<!-- generated: moduli/nix quick -->\n<!-- end -->", "no table 'moduli/nix'"),
        ("<!-- generated: moduli/table1 big -->\n<!-- end -->", "scale: expected one of"),
        ("<!-- generated: moduli/table1 quick all -->\n<!-- end -->", "part: expected one of values"),
    ],
)
def test_a_wrong_comment_is_named(docs, text, message):
    (docs / "results" / "wrong.md").write_text(text)
    with pytest.raises(BenchError, match=r"wrong\.md: ") as error:
        write_pages(docs)
    assert message in str(error.value)

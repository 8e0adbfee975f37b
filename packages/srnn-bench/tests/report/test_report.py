"""Summaries and reports: the arithmetic, what is missing, and that nothing is hidden."""

import dataclasses
import io
import re
import statistics
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from rich.console import Console

from srnn_bench import Cell, Conditions, Published, Result, Store, Table, print_report, summarise, write_html
from srnn_bench.report import commands, counts, escape, evidence, ours, section, theirs, write_figures, write_markdown
from srnn_bench.tables import Claim, Judgement, beats
from srnn_bench.training import describe


def result_of(experiment, seed, values, *, status="done", reason=None, packages=None) -> Result:
    """Return a result with the given metric of each stage."""
    environment = describe("adding", Conditions("cpu"))
    if packages:
        environment = environment.model_copy(update={"packages": environment.packages | packages})
    return Result.model_validate(
        {
            "key": experiment.key(seed),
            "experiment": experiment,
            "seed": seed,
            "status": status,
            "reason": reason,
            "stages": [
                {
                    "name": name,
                    "metrics": {"mse": value},
                    "densities": {"w": 0.25 if name == "sparse" else 0.5},
                    "history": [{"loss": value + 1 / epoch, "penalty": 0.0, "density": 0.5} for epoch in (1, 2, 3)],
                    "steps": 6,
                    "step_ms": 2.0 + seed,
                    "peak_memory_mb": 100.0,
                }
                for name, value in values.items()
            ],
            "environment": environment,
            "seconds": 1.0,
        }
    )


@pytest.fixture
def table(tiny) -> Table:
    experiment = tiny()
    return Table(
        name="paper/table",
        scale="smoke",
        title="A title & more",
        source="A paper, Table 0",
        metric="Error",
        unit="units",
        better="lower",
        seeds=(0, 1, 2),
        cells=(
            Cell("sparse", "A", experiment, "sparse", "mse", Published(1.5, 0.25, 5)),
            Cell("lottery", "A", experiment, "lottery", "mse"),
        ),
        remarks=lambda cells: [f"a remark on {len(cells)} cells"],
    )


@pytest.fixture
def store(tmp_path, table) -> Store:
    experiment = table.cells[0].experiment
    store = Store(tmp_path)
    store.put(result_of(experiment, 0, {"sparse": 1.0, "lottery": 2.0}))
    store.put(result_of(experiment, 1, {"sparse": 3.0}, status="diverged", reason="loss is nan <here>"))
    store.put(result_of(experiment, 7, {"sparse": 8.0, "lottery": 5.0}, packages={"srnn-masks": "0.0.1"}))
    return store


def test_the_numbers_of_a_cell(table, store):
    cells = summarise(table, store).cells
    sparse, lottery = cells["sparse", "A"], cells["lottery", "A"]
    assert sparse.values == {0: 1.0, 1: 3.0, 7: 8.0}, "a finished stage counts even when a later one diverged"
    assert (sparse.n, sparse.mean) == (3, 4.0)
    assert sparse.sd == pytest.approx(statistics.stdev([1, 3, 8]))
    assert sparse.population_sd == pytest.approx(statistics.pstdev([1, 3, 8]))
    assert sparse.missing == lottery.missing == 1
    assert lottery.values == {0: 2.0, 7: 5.0}
    assert (sparse.diverged, lottery.diverged, lottery.failed) == (0, 1, 0)
    assert sparse.densities == {"w": 0.25}


def test_a_table_counts_its_runs(table, store):
    summary = summarise(table, store)
    assert (summary.done, summary.wanted) == (3, 4)
    assert list(summary.stale.values()) == ["srnn-masks 0.0.1, now 0.1.0"]


def test_cells_say_what_is_missing(table, store):
    cells = summarise(table, store).cells
    assert ours(cells["sparse", "A"]) == "4.00 ± 3.61 (3), 1 not run"
    assert ours(cells["lottery", "A"]) == "3.50 ± 2.12 (2), 1 diverged, 1 not run"
    assert theirs(Published(1.5, 0.25, 5)) == "1.50 ± 0.25 (5)"
    assert theirs(Published(1.5)) == "1.50"
    assert ours(None) == theirs(None) == ""


def test_one_value_has_no_spread(table, tmp_path):
    store = Store(tmp_path / "one")
    store.put(result_of(table.cells[0].experiment, 0, {"sparse": 1.0}, status="diverged", reason="x"))
    assert ours(summarise(table, store).cells["sparse", "A"]) == "1.00 (1), 2 not run"


def test_runs_are_counted_by_how_they_ended(table, store):
    store.put(result_of(table.cells[0].experiment, 2, {}, status="failed", reason="RuntimeError: bad"))
    summary = summarise(table, store)
    assert counts(summary) == {"done": 2, "diverged": 1, "failed": 1, "not run": 0, "stale": 1}
    assert commands(summary) == ["srnn run paper/table --scale smoke --seeds 0,1,2,7", "srnn report paper/table"]


EXPECTED = [
    "A title & more",
    "4.00 ± 3.61 (3), 1 not run",
    "1.50 ± 0.25 (5)",
    "a remark on 2 cells",
    "1 diverged: loss is nan <here>",
    "1 stale, made by other packages (srnn-masks 0.0.1, now 0.1.0)",
    "25.00 %",
    "3 of 4 runs ended",
]


PLACES = (("sparse", "A"), ("lottery", "A"))
CLAIM = Claim("sparse <first>", 'Sparse beats "lottery" & <all>.', "Section 0", (beats(PLACES[0], over=PLACES[1]),))
JUDGEMENTS = [
    Judgement(
        CLAIM,
        "supported",
        "All is well <so>.",
        dict.fromkeys(PLACES, 3),
        deciding=CLAIM.contrasts[0],
        estimate=-1.25,
        interval=(-2.0, -0.5),
        bootstrap=(-1.9, -0.6),
        effect=2.125,
        p=0.0001,
        p_holm=0.0123,
        rank_p=0.1,
        rank_effect=1.0,
    ),
    Judgement(
        dataclasses.replace(CLAIM, name="second"),
        "undecided",
        "Too few runs.",
        {PLACES[0]: 2, PLACES[1]: 1},
        deciding=dataclasses.replace(CLAIM.contrasts[0], bound=0.5, margin=0.25),
        detectable=7.5,
        diverged=4,
        missing=5,
    ),
    Judgement(dataclasses.replace(CLAIM, name="third"), "contradicted", "It is reversed.", dict.fromkeys(PLACES, 2)),
]
JUDGED = [
    "Claims: 1 supported, 1 contradicted, 1 undecided",
    "supported: sparse <first> (All is well <so>)",
    "undecided: second (Too few runs)",
    "contradicted: third (It is reversed)",
]
NUMBERS = [
    "-1.25 units, 95 % -2.00 to -0.50",
    "95 % -1.90 to -0.60",
    "g = +2.12",
    "0.012 (< 0.001 uncorrected)",
    "P(better) = 1.00, p = 0.100",
    "3 in each cell",
    "A: sparse − lottery",
    "0.5 units",
    "0.25 units",
    "7.50 units (80 % power)",
    "sparse, A: 2; lottery, A: 1; 4 diverged; 5 missing",
]


@pytest.fixture
def judged(table, store, monkeypatch):
    """Give the summary of the table with a claim of each verdict, whatever the statistics say."""
    monkeypatch.setattr("srnn_bench.report._section.judge", lambda summary: JUDGEMENTS)
    claims = tuple(judgement.claim for judgement in JUDGEMENTS)
    return summarise(dataclasses.replace(table, claims=claims), store)


def test_the_terminal_shows_everything(judged):
    console = Console(width=200, record=True, file=io.StringIO())
    print_report([judged], console)
    text = console.export_text()
    for expected in [*EXPECTED, *JUDGED]:
        assert expected in text


class Page(HTMLParser):
    """A strict reader of a page: every element is closed by its own end; text, identifiers and references are kept."""

    VOID = ("meta", "link")

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[SimpleNamespace] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), f"{tag} has an attribute twice"
        self.elements.append(SimpleNamespace(tag=tag, inside=tuple(self.open), attributes=dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert "svg" in self.open, f"<{tag}/> closes itself outside a figure"
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.text += data

    def values(self, *names: str) -> list[str]:
        """Return the values of attributes."""
        return [value for element in self.elements for name, value in element.attributes.items() if name in names]


def words(page: Page) -> str:
    """Return the text of a page with single spaces."""
    return re.sub(r"\s+", " ", page.text)


def test_the_page_shows_everything(judged, tmp_path):
    text = words(Page(write_html([judged], tmp_path / "report.html").read_text()))
    for expected in [*EXPECTED, *NUMBERS]:
        assert expected in text
    for judgement in JUDGEMENTS:
        for said in (judgement.claim.statement, judgement.claim.name, judgement.claim.source, judgement.reason):
            assert said in text
    assert "2 done 1 diverged 0 failed 1 not run 1 stale" in text
    assert "1 supported 1 contradicted 1 undecided" in text
    assert "srnn-masks 0.0.1" in text and "srnn run paper/table --scale smoke --seeds 0,1,2,7" in text


def test_the_page_needs_nothing_beside_it(judged, tmp_path):
    text = write_html([judged], tmp_path / "report.html").read_text()
    page = Page(text)
    assert [reference for reference in page.values("src", "href") if not reference.startswith(("data:", "#"))] == []
    assert set(re.findall(r"https?://[^\"'<> ]*", text)) == {"http://www.w3.org/2000/svg"}
    assert {"script", "img", "iframe", "object"}.isdisjoint(element.tag for element in page.elements)
    assert "@import" not in text and not re.findall(r"url\((?!#)", text)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == ["report.html"]


def test_anchors_and_identifiers_are_there_once(judged, tmp_path):
    other = dataclasses.replace(judged, table=dataclasses.replace(judged.table, scale="quick"))
    page = Page(write_html([judged, other], tmp_path / "report.html").read_text())
    identifiers = page.values("id")
    assert len(set(identifiers)) == len(identifiers)
    links = [held[1:] for held in page.values("href") if held.startswith("#")]
    assert set(links) <= set(identifiers)
    assert {"paper-table-smoke", "paper-table-quick"} <= set(links)
    assert "Claims of all tables: 2 supported 2 contradicted 2 undecided" in words(page)


def test_the_page_has_the_tables_figures(judged, tmp_path):
    page = Page(write_html([judged], tmp_path / "report.html").read_text())
    figures = [element.attributes["aria-label"] for element in page.elements if element.tag == "svg"]
    for start in (
        "Error, ours",
        "Learning curves: sparse, lottery",
        "Error against density: all",
        "Time of a training",
    ):
        assert any(label.startswith(start) for label in figures)
    assert len(figures) == sum(element.tag == "figcaption" for element in page.elements) == 5


def test_the_same_results_give_the_same_page(judged, tmp_path):
    pages = [write_html([judged], tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_markdown_shows_everything(judged, tmp_path):
    drawn = write_figures([judged], tmp_path / "figures")
    text = write_markdown([judged], tmp_path / "report.md", drawn).read_text()
    for expected in [*EXPECTED, *NUMBERS, CLAIM.statement, CLAIM.name, *(found.reason for found in JUDGEMENTS)]:
        assert escape(expected) in text
    assert "2 done, 1 diverged, 0 failed, 1 not run, 1 stale" in text
    assert "### Claims: 1 supported, 1 contradicted, 1 undecided" in text
    assert "srnn-masks 0.0.1" in text and "\nsrnn run paper/table --scale smoke --seeds 0,1,2,7\n" in text
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert sorted(links) == sorted(f"figures/{path.name}" for path in drawn if path.suffix == ".svg")
    assert all((tmp_path / link).exists() for link in links)
    assert "](" not in write_markdown([judged], tmp_path / "plain.md").read_text()


def test_every_line_of_a_markdown_table_has_its_columns(judged, tmp_path):
    text = write_markdown([judged], tmp_path / "report.md").read_text()
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)
    assert len(tables) == 5
    for lines in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines.splitlines()}) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<b> & c", "&lt;b&gt; &amp; c"),
        ("weight_hh_l0", "weight_hh_l0"),
        ("_a_ *b* `c` $d$ ~e~", r"\_a\_ \*b\* \`c\` \$d\$ \~e\~"),
        ("[a](b)", r"\[a\](b)"),
        ("first\nsecond", "first<br>second"),
    ],
)
def test_markdown_is_escaped(text, shown):
    assert escape(text) == shown


def test_evidence_leaves_out_what_could_not_be_computed():
    assert evidence(JUDGEMENTS[2], "units") == {"runs": "2 in each cell"}


def test_claims_are_judged_by_the_runs_at_hand(table, store):
    claimed = summarise(dataclasses.replace(table, claims=(CLAIM,)), store)
    assert section(claimed).verdicts == {"supported": 0, "contradicted": 0, "undecided": 1}, "smoke decides nothing"
    assert section(summarise(table, store)).judgements == ()


def test_an_empty_report_says_what_to_do(tmp_path):
    assert "holds no result" in write_html([], tmp_path / "report.html").read_text()
    assert "holds no result" in write_markdown([], tmp_path / "report.md").read_text()


def test_a_table_asks_for_each_experiment_once_a_seed(table):
    assert [(job.seed, job.experiment) for job in table.jobs()] == [
        (seed, table.cells[0].experiment) for seed in (0, 1, 2)
    ]
    assert [job.seed for job in table.jobs([9])] == [9]


def test_a_result_without_the_metric_of_its_cell_is_named(table, tmp_path):
    store = Store(tmp_path)
    result = result_of(table.cells[0].experiment, 0, {"sparse": 1.0})
    (stage,) = result.stages
    store.put(result.model_copy(update={"stages": (stage.model_copy(update={"metrics": {"error": 1.0}}),)}))
    with pytest.raises(ValueError, match=f"run {result.key}: stage 'sparse' has no metric 'mse', only error"):
        summarise(table, store)


def test_a_store_of_many_other_runs_is_asked_only_for_the_tables_own(table, tiny, tmp_path, monkeypatch):
    store = Store(tmp_path)
    other = tiny(penalties=())
    for seed in range(50):
        store.put(result_of(other, seed, {"sparse": 1.0}))
    mine = result_of(table.cells[0].experiment, 7, {"sparse": 2.0})
    store.put(mine)
    asked = []
    get = store.get
    monkeypatch.setattr(store, "get", lambda key: (asked.append(key), get(key))[1])
    summary = summarise(table, store)
    assert asked == [mine.key]
    assert summary.cells["sparse", "A"].values == {7: 2.0}
    assert list(summary.cells["sparse", "A"].results) == [0, 1, 2, 7]

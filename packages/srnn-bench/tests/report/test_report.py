"""Reports: what a section says of a table, and that terminal, HTML and Markdown leave nothing out."""

import dataclasses
import io
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from rich.console import Console

from srnn_bench import (
    Cell,
    Conditions,
    Published,
    Result,
    Store,
    Table,
    judge,
    print_report,
    section,
    summarise,
    write_html,
)
from srnn_bench.report import write_figures, write_markdown
from srnn_bench.tables import Claim, Contrast, beats
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel

ENVIRONMENT = describe("adding", Conditions("cpu"))
CLAIMS = (
    Claim("sparse <first>", 'A beats "B" & <all>.', "Section 0", (beats(("sparse", "A"), over=("sparse", "B")),)),
    Claim("missing", "C is near A.", "s", (Contrast((("lottery", "C", 1.0), ("lottery", "A", -1.0)), 0.5, 0.25),)),
    Claim("reversed", "B beats A.", "s", (beats(("sparse", "B"), over=("sparse", "A")),)),
    Claim("close", "A beats B again.", "s", (beats(("lottery", "A"), over=("lottery", "B")),)),
)
VERDICTS = ["supported", "undecided", "contradicted", "undecided"]


def result_of(experiment, seed, values, *, status="done", reason=None, packages=None) -> Result:
    """Return a result with the given metric of each stage."""
    environment = ENVIRONMENT.model_copy(update={"packages": ENVIRONMENT.packages | (packages or {})})
    stages = [
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
    ]
    run = {"key": experiment.key(seed), "experiment": experiment, "seed": seed, "status": status, "reason": reason}
    return Result.model_validate(run | {"stages": stages, "environment": environment, "seconds": 1.0})


@pytest.fixture(scope="module")
def table(tiny) -> Table:
    """Three columns of two rows, each column of one experiment."""
    models = {name: SequenceModel(recurrence=ElmanRNN(hidden=size)) for name, size in (("A", 6), ("B", 7), ("C", 8))}
    published = {("sparse", "A"): Published(1.5, 0.25, 5), ("sparse", "B"): Published(1.75)}
    return Table(
        name="paper/table",
        scale="quick",
        title="A title & more",
        source="A paper, Table 0",
        metric="Error",
        unit="units",
        better="lower",
        seeds=tuple(range(10)),
        cells=tuple(
            Cell(stage, column, tiny(model=model), stage, "mse", published.get((stage, column)))
            for column, model in models.items()
            for stage in ("sparse", "lottery")
        ),
        remarks=lambda cells: [f"a remark on {len(cells)} cells"],
        claims=CLAIMS,
    )


@pytest.fixture(scope="module")
def summary(table, tmp_path_factory):
    """All runs of A and B; of C one that is done, a diverged, a failed and a stale one, the others were not run."""
    a, b, c = (table.cells[index].experiment for index in (0, 2, 4))
    store = Store(tmp_path_factory.mktemp("store"))
    for seed in range(10):
        store.put(result_of(a, seed, {"sparse": 1 + 0.01 * seed**1.5, "lottery": 2 + 0.1 * seed}))
        store.put(result_of(b, seed, {"sparse": 2 - 0.02 * seed, "lottery": 2.05 + 0.11 * seed}))
    store.put(result_of(c, 0, {"sparse": 1.0, "lottery": 2.0}))
    store.put(result_of(c, 1, {"sparse": 3.0}, status="diverged", reason="loss is nan <here>"))
    store.put(result_of(c, 2, {}, status="failed", reason="RuntimeError: bad"))
    store.put(result_of(c, 17, {"sparse": 8.0, "lottery": 5.0}, packages={"srnn-masks": "0.0.1"}))
    return summarise(table, store)


EXPECTED = [
    "A title & more",
    "4.00 ± 3.61 (3), 1 failed, 7 not run",
    "3.50 ± 2.12 (2), 1 diverged, 1 failed, 7 not run",
    "1.50 ± 0.25 (5)",
    "a remark on 6 cells",
    "1 diverged: loss is nan <here>",
    "1 failed: RuntimeError: bad",
    "1 stale, produced by other package versions (srnn-masks 0.0.1, now 0.2.0)",
    "25.00 %",
    "23 of 31 runs ended",
]
NUMBERS = [
    "< 0.001 (< 0.001 uncorrected, over 4 claims)",
    "10 in each cell",
    "sparse: A − B",
    "0.5 units",
    "0.25 units",
    "lottery, C: 1; lottery, A: 10; 8 missing",
    "lottery, C: 1 of 2",
]


def numbers_of(judgements) -> list[str]:
    """Return the numbers behind the verdicts as a report shows them."""
    first, _, _, close = judgements
    low, high = first.interval
    return [
        *NUMBERS,
        f"{first.estimate:+.2f} units, 95 % {low:+.2f} to {high:+.2f}",
        "95 % {:+.2f} to {:+.2f}".format(*first.bootstrap),
        f"g = {first.effect:+.2f}",
        f"{close.p_holm:.3f} ({close.p:.3f} uncorrected, over 4 claims)",
        f"P(better) = {close.rank_effect:.2f}, p = {close.rank_p:.3f}",
        f"{close.detectable:.2f} units (80 % power)",
    ]


def test_a_section_shows_our_numbers_and_those_of_the_paper(summary):
    assert section(summary).cells.columns == ("", "A", "B", "C")
    assert section(summary).cells.rows == (
        ("sparse", "1.11 ± 0.09 (10)\npaper 1.50 ± 0.25 (5)", "1.91 ± 0.06 (10)\npaper 1.75", EXPECTED[1]),
        ("lottery", "2.45 ± 0.30 (10)", "2.54 ± 0.33 (10)", EXPECTED[2]),
    )


def test_one_value_has_no_spread_and_a_missing_cell_no_text(table, tmp_path):
    a = table.cells[0].experiment
    store = Store(tmp_path)
    store.put(result_of(a, 0, {"sparse": 1.0}, status="diverged", reason="x"))
    cells = (table.cells[0], table.cells[3])  # sparse A and lottery B
    part = section(summarise(dataclasses.replace(table, cells=cells, seeds=(0, 1, 2), claims=()), store))
    assert part.cells.rows == (
        ("sparse", "1.00 (1), 2 not run\npaper 1.50 ± 0.25 (5)", ""),
        ("lottery", "", "3 not run"),
    )
    assert part.judgements == ()


def test_a_section_counts_runs_by_how_they_ended_and_has_the_commands(summary):
    part = section(summary)
    assert part.counts == {"done": 22, "diverged": 1, "failed": 1, "not run": 7, "stale": 1}
    assert part.verdicts == {"supported (exploratory)": 1, "contradicted (exploratory)": 1, "undecided": 2}
    assert [finding.kind for finding in part.findings] == VERDICTS
    assert part.commands == (
        "srnn run paper/table --scale quick --seeds 0,1,2,3,4,5,6,7,8,9,17",
        "srnn report paper/table --scale quick",
    )


def test_numbers_that_could_not_be_computed_are_left_out(table, tmp_path):
    claims = section(summarise(table, Store(tmp_path))).claims
    assert claims.columns == ("claim", "verdict", "contrast", "runs", "bound", "margin", "reason")
    assert claims.rows[0][2:] == ("sparse: A − B", "0 in each cell; 20 missing", "", "", "no run yet")


def test_the_terminal_shows_everything(summary):
    console = Console(width=240, record=True, file=io.StringIO())
    print_report([section(summary)], console)
    text = console.export_text()
    for expected in EXPECTED:
        assert expected in text
    words = re.sub(r"\s+", " ", text)
    for judgement, verdict in zip(judge(summary), VERDICTS, strict=True):
        mark = "" if verdict == "undecided" else "(exploratory) "
        assert f"{verdict} {judgement.claim.statement} {mark}{judgement.reason}" in words
    assert words.index(judgement.reason) < words.index("1.11 ± 0.09 (10)"), "findings come first"


class Page(HTMLParser):
    """A strict parser of a page: every element has its own end tag; text, identifiers and references are recorded."""

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

    @property
    def words(self) -> str:
        """Text of the page with single spaces."""
        return re.sub(r"\s+", " ", self.text)

    def values(self, *names: str) -> list[str]:
        """Return the values of attributes."""
        return [value for element in self.elements for name, value in element.attributes.items() if name in names]


@pytest.fixture(scope="module")
def html(summary, tmp_path_factory) -> str:
    """Return the page of the table at two scales."""
    folder = tmp_path_factory.mktemp("page")
    other = dataclasses.replace(summary, table=dataclasses.replace(summary.table, scale="paper"))
    text = write_html([section(summary), section(other)], folder / "report.html").read_text()
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    return text


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_page_shows_everything(summary, page):
    for expected in [*EXPECTED, *numbers_of(judge(summary))]:
        assert expected in page.words
    for judgement in judge(summary):
        claim = judgement.claim
        for expected in (claim.statement, f"{claim.name}; {claim.source}", judgement.reason):
            assert expected in page.words
    assert "22 done 1 diverged 1 failed 7 not run 1 stale" in page.words
    assert "Claims: 1 supported (exploratory) 1 contradicted (exploratory) 2 undecided" in page.words
    assert page.words.index("Findings: 2 supported") < page.words.index("Tables") < page.words.index("1.11 ± 0.09")
    assert "srnn-masks 0.0.1" in page.words
    assert "srnn run paper/table --scale quick --seeds 0,1,2,3,4,5,6,7,8,9,17" in page.words


def test_the_same_results_give_the_same_page(summary, tmp_path):
    table = dataclasses.replace(summary.table, cells=summary.table.cells[:1], claims=())
    small = dataclasses.replace(summary, table=table, cells={("sparse", "A"): summary.cells["sparse", "A"]})
    pages = [write_html([section(small)], tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_the_page_is_self_contained(html, page):
    assert [reference for reference in page.values("src", "href") if not reference.startswith(("data:", "#"))] == []
    assert set(re.findall(r"https?://[^\"'<> ]*", html)) == {"http://www.w3.org/2000/svg"}
    assert {"script", "img", "iframe", "object"}.isdisjoint(element.tag for element in page.elements)
    assert "@import" not in html and not re.findall(r"url\((?!#)", html)


def test_anchors_and_identifiers_are_unique(page):
    identifiers = page.values("id")
    assert len(set(identifiers)) == len(identifiers)
    links = {link[1:] for link in page.values("href") if link.startswith("#")}
    assert {"paper-table-quick", "paper-table-paper"} <= links <= set(identifiers)
    assert "Findings: 2 supported (exploratory) 2 contradicted (exploratory) 4 undecided" in page.words


def test_the_page_has_the_figures_of_the_table(page):
    figures = [element.attributes["aria-label"] for element in page.elements if element.tag == "svg"]
    for start in ("Error, ours", "Learning curves", "Error against density", "Time per training"):
        assert sum(label.startswith(start) for label in figures) == 2
    assert len(figures) == sum(element.tag == "figcaption" for element in page.elements) == 2 * 4


def shown(text: str) -> str:
    """Return a text as Markdown has it: its special characters escaped."""
    entities = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([|\[\]])", r"\\\1", entities)


def test_markdown_shows_everything(summary, tmp_path):
    figures = write_figures([section(summary)], tmp_path / "figures")
    text = write_markdown([section(summary)], tmp_path / "report.md", figures).read_text()
    judgements = judge(summary)
    claims = [text for each in judgements for text in (each.claim.statement, each.claim.name, each.reason)]
    for expected in [*EXPECTED, *numbers_of(judgements), *claims]:
        assert shown(expected) in text
    assert "22 done, 1 diverged, 1 failed, 7 not run, 1 stale" in text
    assert "### Claims: 1 supported (exploratory), 1 contradicted (exploratory), 2 undecided" in text
    assert "\nsrnn run paper/table --scale quick --seeds 0,1,2,3,4,5,6,7,8,9,17\n" in text
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert sorted(links) == sorted(f"figures/{path.name}" for path in figures if path.suffix == ".svg")
    assert all((tmp_path / link).exists() for link in links)


def test_every_line_of_a_markdown_table_has_its_columns(summary, tmp_path):
    text = write_markdown([section(summary)], tmp_path / "report.md").read_text()
    assert "](" not in text, "no link without figures"
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)
    assert len(tables) == 5
    for lines in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines.splitlines()}) == 1


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<b> & c", "&lt;b&gt; &amp; c"),
        ("weight_hh_l0", "weight_hh_l0"),
        ("_a_ *b* `c` $d$ ~e~", r"\_a\_ \*b\* \`c\` \$d\$ \~e\~"),
        ("[a](b)", r"\[a\](b)"),
        ("first\nsecond", "first<br>second"),
    ],
)
def test_markdown_is_escaped(table, tmp_path, text, escaped):
    summary = summarise(dataclasses.replace(table, title=text, cells=table.cells[:1], claims=()), Store(tmp_path))
    report = write_markdown([section(summary)], tmp_path / "report.md").read_text()
    assert f"\n## {escaped} \\[paper/table, scale quick\\]\n" in report


def test_an_empty_report_says_what_to_do(tmp_path):
    assert "Nothing to show. Name a table" in write_html([], tmp_path / "report.html").read_text()
    assert "Nothing to show. Name a table" in write_markdown([], tmp_path / "report.md").read_text()


def test_a_table_says_which_runs_were_made_by_an_engine(table, tmp_path):
    store = Store(tmp_path)
    plain, experiment = table.cells[0].experiment, table.cells[2].experiment
    store.put(result_of(plain, 0, {"sparse": 1.0, "lottery": 2.0}))
    other = result_of(experiment, 0, {"sparse": 1.0, "lottery": 2.0})
    stages = tuple(stage.model_copy(update={"engines": ("dense",)}) for stage in other.stages)
    environment = other.environment.model_copy(update={"engine": "auto"})
    store.put(other.model_copy(update={"stages": stages, "environment": environment}))
    part = section(summarise(table, store))
    assert [remark for remark in part.remarks if "engine" in remark] == [
        "1 run by the engine auto; those that ran: dense"
    ]
    place = part.runs.columns.index("ms per step")
    assert {row[1]: row[place] for row in part.runs.rows} == {"A": "2.00", "B": "2.00\ndense"}
    times = next(sheet for sheet in (*part.shown, *part.folded) if sheet.title.startswith("Step times"))
    assert {row[times.columns.index("mean")] for row in times.rows} == {"2.00", "2.00\ndense"}

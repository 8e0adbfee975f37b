"""The section of a study: presets, ranges and claims in texts, no row per draw, and its figures."""

import io
import math
import re

import numpy as np
import pytest
from rich.console import Console
from synthetic_study import COLUMN, COUNTS, fill, study

from srnn_bench import Store, summarise
from srnn_bench.cli import print_plan
from srnn_bench.report import print_claims, print_report, section, write_html, write_markdown
from srnn_bench.tables import Bins, Group, LowerLoss, RankCorrelation, ShareUnstable, StudyClaim

HIGH = Group((), "x", low=0.5)
CLAIMS = (
    StudyClaim("rises", "The loss rises with x.", "Section 1", (RankCorrelation(Group(), "x"),)),
    StudyClaim("unstable", "Large x are unstable.", "Section 2", (ShareUnstable(HIGH, 0.05, "above"),)),
    StudyClaim("lower", "One is lower.", "Section 3", (LowerLoss(Group(("one",)), Group(("other",))),)),
)


@pytest.fixture(scope="module")
def table(tiny):
    return study(tiny, claims=CLAIMS, bins=(Bins("x", (0.25, 0.5), (0.5, None, 0.7)), Bins("y", (0.0,))), floor=0.1)


@pytest.fixture(scope="module")
def store(table, tmp_path_factory):
    x = np.array([draw.features["x"] for draw in table.draws])
    losses = 0.3 + 0.5 * x
    losses[np.argsort(x)[-6:]] = 1.5
    losses[np.argmax(x)] = math.inf
    store = Store(tmp_path_factory.mktemp("store"))
    fill(store, table, losses)
    return store


@pytest.fixture(scope="module")
def part(table, store):
    return section(summarise(table, store))


def printed(print_, *arguments, width=220):
    out = io.StringIO()
    print_(*arguments, Console(file=out, width=width))
    return " ".join(out.getvalue().split())


def test_presets_are_counted(part):
    assert part.cells.columns[:5] == ("preset", "draws", "with a result", "diverged", "unstable")
    assert [row[:3] for row in part.cells.rows] == [(name, str(n), str(n)) for name, n in COUNTS.items()]
    assert sum(int(row[3]) for row in part.cells.rows) == 1 and sum(int(row[4]) for row in part.cells.rows) == 6
    assert part.runs.rows == () and part.folded == ()


def test_ranges_have_counts_means_medians_and_published_numbers(part, table):
    sheet, other = part.shown
    assert sheet.title == "Loss by x (units)" and len(sheet.rows) == 3 * len(COUNTS)
    wanted = ("preset", "draws", "unstable", "mean", "bounded mean", "above the floor", "median", "paper")
    assert sheet.columns == ("x", *wanted)
    rows = [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]
    assert [row["paper"] for row in rows[::2]] == ["0.5", "unstable", "0.7"]
    assert sum(int(row["draws"]) for row in rows) == 40
    for row in rows:
        assert float(row["above the floor"]) == pytest.approx(float(row["bounded mean"]) - 0.1, abs=2e-3)
    high = [row for row in rows if row["x"] == "0.5 or more"]
    assert {row["mean"] for row in high} == {"unstable"}
    assert "paper" not in other.columns and len(other.rows) == 2 * len(COUNTS)


def test_the_caption_says_what_is_unstable_and_what_the_floor_is(part):
    assert "An unstable draw diverged or did not get below 1, the loss of the best constant prediction" in part.caption
    assert "The floor is 0.1 units" in part.caption and "40 of 40 runs ended" in part.caption


def test_the_protocol_is_about_draws(part):
    assert part.protocol[0] == "Planned: judged over 40 draws with seed 3, fixed before the runs."
    assert part.protocol[1] == "A run that diverged, or whose value is 1 units or above, is unstable."
    assert part.protocol[2:] == ("Corrected over the 3 claims of paper/study.",)


def test_claims_are_shown_with_measure_interval_and_unstable_draws(table, store):
    text = printed(print_claims, [summarise(table, store)])
    assert "supported rises" in text and "supported unstable" in text
    assert re.search(r"rank correlation: 0\.9\d+, 95 % 0\.\d+ to 0\.9\d+", text)
    assert re.search(r"unstable draws: all presets, x 0\.5 or more: 6 of \d+", text)
    assert "smallest detectable: " in text and "from the bound (80 % power)" in text, "of the undecided one"
    assert "units;" not in text, "a rank correlation has no unit"


def test_all_formats_show_the_ranges_and_no_run(part, table, tmp_path):
    page = write_html([part], tmp_path / "report.html").read_text()
    markdown = write_markdown([part], tmp_path / "report.md").read_text()
    terminal = printed(print_report, [part])
    for text in (page, markdown, terminal):
        assert "Loss by x (units)" in text and "0.25 to 0.5" in text
        assert f"{table.name} {COLUMN}" not in text and "one 0," not in text, "a run of a draw"


def test_figures_are_one_scatter_plot_per_feature(part):
    names = [drawing.name for drawing in part.drawings]
    assert names == ["paper-study-quick-x", "paper-study-quick-y"]
    (axes,) = part.drawings[0].figure.axes
    assert axes.get_xlabel() == "x" and axes.get_ylabel() == "error above the floor (units)"
    points = [line for line in axes.get_lines() if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in points) == 40
    crosses = [line for line in points if line.get_marker() == "x"]
    heights = [float(y) for line in crosses for y in line.get_ydata()]
    assert heights == pytest.approx([0.9] * 6)
    assert "one 24, other 16" in part.drawings[0].caption


def test_a_study_without_results_has_no_figures(table, tmp_path):
    part = section(summarise(table, Store(tmp_path)))
    assert part.drawings == () and [row[2] for row in part.cells.rows] == ["0", "0"]
    assert {finding.reason for finding in part.findings} == {"no run yet"}


def test_a_plan_shows_what_each_test_can_find(table, store):
    text = printed(print_plan, summarise(table, store), (3,))
    assert "Plan: 40 draws (24 one, 16 other), each run with seed 3." in text
    assert re.search(r"rises loss with x over \(all presets\) 40 0 \+ 0\.5\d", text)
    assert re.search(r"lower loss of \(one\) below loss of \(other\) 24, 16 0\.5 \+ 0\.3\d", text)

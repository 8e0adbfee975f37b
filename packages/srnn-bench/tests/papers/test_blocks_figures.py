"""Figures of arXiv 2509.15057: areas, places of labels, the chosen images, and files made of smoke runs."""

import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from srnn_bench import BenchError, Conditions, Job, Store, Watcher, papers, sweep
from srnn_bench.papers.blocks.figures import FIGURES, curves, sheet_of, spread, weight_space
from srnn_bench.store import PublishedRuns
from srnn_bench.tables import publish
from srnn_masks import Blocks, Densities
from srnn_tasks.anomaly import PIPELINES

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST")

NAMES = ("hx", "hh", "hy", "yx", "yh", "yy")


# --- Parts ---


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 1)), min_size=1, max_size=9))
def test_labels_do_not_overlap_and_are_moved_only_if_needed(labels):
    centres, sizes = zip(*sorted(labels), strict=True)
    places = spread(centres, sizes, low=-10, high=20)
    gaps = [places[i + 1] - places[i] - (sizes[i] + sizes[i + 1]) / 2 for i in range(len(places) - 1)]
    assert all(gap >= -1e-9 for gap in gaps)
    for number, place in enumerate(places):
        touches = any(gap < 1e-9 for gap in gaps[max(number - 1, 0) : number + 1])
        assert touches or place == pytest.approx(centres[number])
    assert sum(places) == pytest.approx(sum(centres)), "labels that touch are moved to both sides alike"


def test_labels_stay_between_the_limits():
    assert spread([0.0, 0.1], [1, 1], low=0, high=5) == pytest.approx([0.5, 1.5])
    assert spread([1.0, 4.9, 5.0], [1, 1, 1], low=0, high=5) == pytest.approx([1.0, 3.5, 4.5])


DENSITIES = Densities(hx=0.5, hh=0.25, yh=0.75)


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [(30, 12, 6), (5, 40, 9)], ids=["wide", "tall"])
def test_areas_are_in_proportion_to_entries_and_to_weights(inputs, hidden, outputs):
    blocks = Blocks(inputs=inputs, hidden=hidden, outputs=outputs, densities=DENSITIES)
    (axes,) = weight_space("name", "title", blocks, shaded="hx").figure.axes
    drawn = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    areas = [patch.get_width() * patch.get_height() for patch in drawn]
    sides = {"x": inputs, "h": hidden, "y": outputs}
    entries = [sides[name[0]] * sides[name[1]] for name in NAMES]
    assert [area / sum(areas[:6]) for area in areas[:6]] == pytest.approx([each / sum(entries) for each in entries])
    for patch, name in zip(drawn, NAMES, strict=False):
        assert patch.get_width() / patch.get_height() == pytest.approx(sides[name[1]] / sides[name[0]])
    present = [0.5 * inputs * hidden, 0.25 * hidden**2, hidden * outputs, inputs * outputs]
    present += [0.75 * outputs * hidden, outputs**2]
    assert [area / sum(areas[6:]) for area in areas[6:]] == pytest.approx([each / sum(present) for each in present])
    colours = [to_hex(patch.get_facecolor()) for patch in drawn]
    assert [name for name, colour in zip(NAMES * 2, colours, strict=True) if colour == colours[0]] == ["hx", "hx"]
    high, wide = (limit[0] + limit[1] for limit in (axes.get_ylim(), axes.get_xlim()))
    assert all(patch.get_x() > 0 and patch.get_x() + patch.get_width() <= wide for patch in drawn)
    assert all(patch.get_y() > 0 and patch.get_y() + patch.get_height() <= high for patch in drawn)


def test_curves_are_means_with_a_band_from_the_least_to_the_greatest():
    runs = {"one": [[(1, 10.0), (2, 30.0)], [(1, 20.0), (2, 50.0)]], "other": [[(1, 5.0), (2, 6.0)]]}
    looks = {"one": {"color": "#d55e00"}, "other": {"color": "#1f83c4"}}
    drawing = curves("name", "title", runs, looks, chance=12.5)
    (axes,) = drawing.figure.axes
    found = {line.get_color(): line.get_ydata() for line in axes.lines}
    assert list(found["#d55e00"]) == [15, 40] and list(found["#1f83c4"]) == [5, 6]
    (band,) = axes.collections
    assert {tuple(each) for each in band.get_paths()[0].vertices} == {(1, 10), (2, 30), (2, 50), (1, 20)}
    assert {text.get_text() for text in axes.texts} == {"one", "other", "chance"}
    assert drawing.caption.endswith("chance, 12.5 %. Runs: one 2, other 1.")


def test_the_contact_sheet_has_each_pipeline_on_the_same_images():
    labels = torch.arange(60, dtype=torch.uint8) % 10
    sheet = sheet_of(labels)
    assert torch.equal(sheet.pipeline, torch.arange(len(PIPELINES))[:, None].expand(-1, 8))
    assert sheet.image.tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]] * len(PIPELINES)
    erased, blurred = (PIPELINES.index(name) for name in ("erase", "blur"))
    assert (sheet.box[erased, :, 2:] > 0).all() and (sheet.sigma[blurred] > 0).all()
    assert len(sheet.box[erased].unique(dim=0)) == 8, "each image has its own draw"
    assert sheet.noise_seed.shape == (8, 8) and len(sheet) == 8


# --- Files ---


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a folder with smoke runs of two networks of each table of curves."""
    folder = tmp_path_factory.mktemp("runs") / "results"
    rows = {"figure1": ("dense", "LSTM"), "figure2": ("eq. 7",), "figure6": ("eq. 7", "proportion 0.9")}
    jobs = [
        Job(cell.experiment, seed, "smoke")
        for name, shown in rows.items()
        for cell in papers.table(f"blocks/{name}", "smoke").cells
        for seed in (0, 1)
        if cell.row in shown
    ]
    sweep(jobs, Store(folder), conditions=Conditions(device="cpu"), watcher=Watcher())
    return folder


@pytest.fixture
def drawn(tmp_path):
    """Return a function that draws a figure at scale smoke and returns its text, if it has one."""

    def draw(name, store=None, suffixes=(".svg", ".png", ".md")):
        paths = papers.figure(f"blocks/{name}").draw(papers.FigureRequest(store, "smoke", tmp_path))
        assert tuple(path.suffix for path in paths) == suffixes and all(path.stat().st_size for path in paths)
        return paths[-1].read_text(encoding="utf-8") if suffixes[-1] == ".md" else ""

    return draw


@NEEDS_DATA
def test_curves_of_the_networks_that_were_run(store, drawn, rows_of):
    found = Store(store)
    head = "right answers at epoch"
    one, two, six = (rows_of(drawn(name, found)) for name in ("figure1", "figure2", "figure6"))
    assert set(one) == {head, "---", "dense (2)", "LSTM (2)"} and one[head] == ["1", "2"]
    assert set(two) == {head, "---", "eq. 7 (2)", "dense (2)", "LSTM (2)"}
    assert set(six) == {head, "---", "0.11 %, eq. 7 (2)", "0.55 %, dense (2)", "90 % (2)"}
    (cell,) = (
        cell
        for cell in papers.table("blocks/figure1", "smoke").cells
        if (cell.row, cell.column) == ("LSTM", "best epoch")
    )
    ends = [found.get(cell.experiment.key(seed)).stage("trained").history[-1].metrics["accuracy"] for seed in (0, 1)]
    assert float(one["LSTM (2)"][-1]) == pytest.approx(50 * sum(ends), rel=0.01)


@NEEDS_DATA
def test_curves_are_drawn_from_published_runs_alike(store, drawn, tmp_path):
    publish(papers.table("blocks/figure1", "smoke"), Store(store), tmp_path / "published")
    assert drawn("figure1", PublishedRuns(tmp_path / "published")) == drawn("figure1", Store(store))


def test_curves_without_runs_are_an_error_with_the_command(tmp_path, drawn):
    with pytest.raises(BenchError, match="srnn run blocks/figure6 --scale smoke"):
        drawn("figure6", Store(tmp_path / "empty"))


PRINTED = {  # h, and the counts of hx, hh, hy, yx, yh, yy that the paper prints in Figures 4 and 5
    "figure4": (144.545, "72,272 20,893 1,445 5,000 289 100"),
    "figure5": (29.778, "74,445 177 60 25,000 298 20"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_counts_are_the_twelve_that_the_paper_prints(name, drawn, rows_of):
    text = drawn(name)
    hidden, counts = PRINTED[name]
    rows = rows_of(text)
    assert " ".join(rows["to hidden units"] + rows["to outputs"]) == counts
    (head,) = (row for row in rows if row.startswith("h = "))
    assert float(head.removeprefix("h = ")) == pytest.approx(hidden, abs=5e-4)


def test_weights_of_the_dense_network(drawn, rows_of):
    rows = rows_of(drawn("figure3"))
    assert rows["to hidden units"] == ["73,449", "863", "294"] and rows["to outputs"] == ["25,000", "294", "100"]


@pytest.mark.parametrize(("name", "largest"), [("figure7-space", "hh"), ("figure9-space", "hx")])
def test_the_largest_block_of_each_task(name, largest, drawn):
    assert f"Largest block: W_{largest}." in drawn(name)


def test_the_tasks_have_the_published_sizes(drawn, rows_of):
    rows = rows_of(drawn("table2", suffixes=(".md",)))
    assert rows["Adroit Hammer, published"] == ["5,000", "200", "46", "26", "dense"] == rows["ours, published size"]
    published, ours = rows["Random Anomaly Detection, published"], rows["ours, scale paper"]
    assert published == ["30,000", "9", "2,500", "10", "none"] and ours == ["30,000", "9 + 1", *published[2:]]


@NEEDS_DATA
def test_the_pipelines_are_drawn(drawn):
    drawn("pipelines", suffixes=(".svg", ".png"))


def test_every_figure_says_what_it_shows_and_needs_tables_that_exist():
    for figure in FIGURES.values():
        assert figure.title.endswith(".")
        assert {f"blocks/{name}" for name in figure.needs} <= set(papers.table_names())

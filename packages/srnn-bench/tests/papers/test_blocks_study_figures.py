"""Figures 7b, 8, 9b and 10 of arXiv 2509.15057 from losses of our choice, at scale smoke."""

import numpy as np
import pytest
from synthetic_study import fill

from srnn_bench import BenchError, Store, papers


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Losses between a third of the constant and the constant, in the unit of the task."""
    store = Store(tmp_path_factory.mktemp("store"))
    for name, factor in (("table3", 1000), ("table4", 1)):
        table = papers.table(f"blocks/{name}", "smoke")
        losses = np.linspace(0.3, 1.0, len(table.draws)) * table.constant / factor
        fill(store, table, losses)
    return store


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("figure7", ["density of W_hh"]),
        ("figure8", ["hidden proportion", "total density"]),
        ("figure9", ["density of W_hx"]),
    ],
)
def test_draws_are_written_as_figure_and_page(store, tmp_path, name, features):
    figure = papers.figure(f"blocks/{name}")
    paths = figure.draw(papers.FigureRequest(store, "smoke", tmp_path))
    assert [path.name for path in paths] == [f"blocks-{name}-smoke.{kind}" for kind in ("svg", "png", "md")]
    drawn, page = paths[0].read_text(), paths[2].read_text()
    for feature in features:
        assert f">{feature}</text>" in drawn and f"| {feature} | preset | draws |" in page
    table = papers.table(f"blocks/{figure.needs[0]}", "smoke")
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if "stratified" in line
    ]
    assert sum(int(row[2]) for row in rows) == len(features) * sum(draw.preset == "stratified" for draw in table.draws)
    assert sum(int(row[3]) for row in rows) == len(features), "the last draw is at the constant"


@pytest.mark.slow  # twenty forests
def test_predictions_are_written_for_all_inputs_and_predictors(store, tmp_path):
    paths = papers.figure("blocks/figure10").draw(papers.FigureRequest(store, "smoke", tmp_path))
    assert [path.name for path in paths] == [f"blocks-figure10-smoke.{kind}" for kind in ("svg", "png", "md")]
    page = paths[2].read_text()
    table = papers.table("blocks/figure10", "smoke")
    for inputs in table.inputs:
        assert all(f"| {inputs} | {predictor} |" in page for predictor in ("forest", "network"))
    assert all(f"| {feature} |" in page for feature in table.inputs["all"]) and len(table.inputs["all"]) == 20
    assert "12 draws, scale smoke" in page


@pytest.mark.parametrize("name", ["figure7", "figure8", "figure9", "figure10"])
def test_without_runs_the_command_is_named(name, tmp_path):
    with pytest.raises(BenchError, match=r"expected runs in .*, got none\. Run `srnn run blocks/\w+ --scale smoke "):
        papers.figure(f"blocks/{name}").draw(papers.FigureRequest(Store(tmp_path / "empty"), "smoke", tmp_path))

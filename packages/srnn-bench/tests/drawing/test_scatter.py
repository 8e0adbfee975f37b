"""Scatter plots of losses: points, marks, medians of ranges, and logarithmic axes."""

import numpy as np
import pytest

from srnn_bench.drawing import Points, file_svg, predictions, scatter


def points(values, marked=None):
    x = np.linspace(0, 1, len(values))
    return Points(x, np.array(values, dtype=float), np.zeros(len(values), bool) if marked is None else marked)


def drawn(values, edges=(0.5,), **fields):
    marked = np.array([value >= 1 for value in values])
    groups = {"x": {"one": points(values, marked), "other": points(values[:1], marked[:1])}}
    known = {"ylabel": "loss", "limit": 1.0, "edges": {"x": edges}}
    return scatter("name", "Title", groups, **known | fields)


def lines(axes, **wanted):
    return [line for line in axes.get_lines() if all(getattr(line, f"get_{k}")() == v for k, v in wanted.items())]


def test_stable_and_unstable_points_have_different_markers():
    (axes,) = drawn([0.2, 0.4, 1.0, 1.0]).figure.axes
    stable = [line for line in lines(axes, linestyle="None") if line.get_marker() != "x"]
    crosses = lines(axes, linestyle="None", marker="x")
    assert [len(line.get_xdata()) for line in stable] == [2, 1]
    assert [len(line.get_xdata()) for line in crosses] == [2, 0]


def test_bars_are_medians_of_the_ranges_over_all_groups():
    (axes,) = drawn([0.2, 0.4, 0.8, 0.9]).figure.axes
    bars = lines(axes, linewidth=1.8)
    assert [float(bar.get_ydata()[0]) for bar in bars] == [pytest.approx(0.2), pytest.approx(0.85)]
    assert [tuple(map(float, bar.get_xdata())) for bar in bars] == [(0, 0.5), (0.5, 1)]


def test_wide_losses_are_logarithmic():
    assert drawn([0.2, 0.9]).figure.axes[0].get_yscale() == "linear"
    assert drawn([0.01, 0.9]).figure.axes[0].get_yscale() == "log"


def test_the_caption_counts_the_points_of_each_group():
    assert "(one 2, other 1)" in drawn([0.2, 0.9]).caption
    assert 'aria-label="Title. One point per draw' in file_svg(drawn([0.2, 0.9]))


def test_predictions_are_drawn_against_the_line_of_equality():
    drawing = predictions(
        "name", "Title", {"forest": points([0.2, 0.6]), "network": points([0.1, 0.5])}, label="loss", r2={"forest": 0.5}
    )
    one, other = drawing.figure.axes
    assert [axes.get_ylabel() for axes in (one, other)] == ["predicted by the forest", "predicted by the network"]
    (line,) = lines(one, linestyle=":")
    assert list(line.get_xdata()) == list(line.get_ydata()) == [0, 1]
    assert "R²: forest 0.50" in drawing.caption

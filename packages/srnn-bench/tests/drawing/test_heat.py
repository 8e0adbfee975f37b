"""Heat maps show the numbers that they are given, and none for a missing one."""

import math

import pytest
import torch

from srnn_bench.drawing import FEW, heat


def drawn(values, rows=("a", "b"), columns=("x", "y", "z")):
    return heat("name", "Title", values, rows, columns, label="share")


def test_cells_show_their_numbers_and_missing_ones_nothing():
    drawing = drawn(torch.tensor([[0.0, 0.25, math.nan], [1.0, 0.5, 0.999]]))
    axes = drawing.figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.00", "0.25", "", "1.00", "0.50", "1.00"]
    assert [text.get_position() for text in axes.texts] == [(x, y) for y in range(2) for x in range(3)]
    (image,) = axes.images
    assert image.get_clim() == (0, 1)
    assert image.get_array().mask.tolist() == [[False, False, True], [False, False, False]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]


def test_many_rows_show_their_names_only():
    rows = [str(number) for number in range(FEW + 1)]
    assert not drawn(torch.zeros(FEW + 1, 3), rows).figure.axes[0].texts


def test_values_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"values: expected shape \(2, 3\), got \(3, 2\)"):
        drawn(torch.zeros(3, 2))

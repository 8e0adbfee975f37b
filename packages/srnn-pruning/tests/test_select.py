"""The exact selection, against a plain sort of python lists."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import srnn_masks
from srnn_pruning import Criterion, prune

SCORES = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 1 + 2**-30]), st.floats(-4, 4, width=16))


class Given(Criterion):
    """Scores that the caller gives as evidence."""

    def scores(self, parameters, *, generator=None, scores=(), **evidence):
        return dict(zip(parameters, scores, strict=True))


@pytest.fixture(scope="module")
def select(pruning_by):
    """A function that prunes a module with these scores and masks until `zeros` entries are absent."""

    def run(scores, present, zeros):
        module = nn.ParameterList([torch.ones(score.shape) for score in scores])
        masks = {str(place): mask for place, mask in enumerate(present) if not mask.all()}
        if masks:
            srnn_masks.apply(module, masks)
        total = sum(score.numel() for score in scores)
        pruned = prune(module, pruning_by(Given(), scope=("*",)), fraction=zeros / total, evidence={"scores": scores})
        return list(pruned.values())

    return run


@st.composite
def problems(draw):
    """A few matrices, many ties among their scores, some entries absent already, and a number of zeros."""
    tensors = []
    for _ in range(draw(st.integers(1, 3))):
        rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        count = rows * columns
        score = torch.tensor(draw(st.lists(SCORES, min_size=count, max_size=count)), dtype=torch.float64)
        mask = torch.tensor(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
        if draw(st.booleans()):
            mask |= True
        dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
        tensors.append((score.to(dtype).reshape(rows, columns), mask.reshape(rows, columns)))
    total = sum(score.numel() for score, _ in tensors)
    return tensors, draw(st.integers(0, total))


def oracle(tensors, zeros):
    """Absent entries first, then by score, then by position; the first `zeros` of the list are removed."""
    entries = [
        (bool(present), float(value), position)
        for position, (value, present) in enumerate(
            pair for score, mask in tensors for pair in zip(score.flatten(), mask.flatten(), strict=True)
        )
    ]
    absent = sum(not present for present, _, _ in entries)
    removed = {position for _, _, position in sorted(entries)[: max(zeros, absent)]}
    return [position not in removed for position in range(len(entries))]


@given(problem=problems())
def test_equals_a_plain_sort_whatever_the_layout_in_memory(select, problem):
    tensors, zeros = problem
    scores, present = [score for score, _ in tensors], [mask for _, mask in tensors]
    for layout in (scores, [score.t().contiguous().t() for score in scores]):
        masks = select(layout, present, zeros)
        assert [mask.shape for mask in masks] == [score.shape for score in scores]
        assert torch.cat([mask.flatten() for mask in masks]).tolist() == oracle(tensors, zeros)


def test_equal_scores_are_removed_in_the_order_of_the_matrices_row_by_row(select):
    first, second = select([torch.ones(2, 2), torch.ones(1, 3)], [torch.ones(2, 2).bool(), torch.ones(1, 3).bool()], 5)
    assert first.tolist() == [[False, False], [False, False]]
    assert second.tolist() == [[False, True, True]]


def test_the_threshold_is_not_rounded_to_the_dtype_of_another_matrix(select):
    scores = [torch.ones(1, 2), torch.tensor([[1 + 2**-30, 1 + 2**-29]], dtype=torch.float64)]
    masks = select(scores, [torch.ones(1, 2, dtype=torch.bool)] * 2, 3)
    assert [mask.tolist() for mask in masks] == [[[False, False]], [[False, True]]]


def test_infinite_scores_are_ranked(select):
    scores = [torch.tensor([[float("inf"), 1.0], [-float("inf"), 2.0]])]
    assert select(scores, [torch.ones(2, 2, dtype=torch.bool)], 3)[0].tolist() == [[True, False], [False, False]]

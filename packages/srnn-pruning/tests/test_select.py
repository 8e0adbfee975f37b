"""The exact choice, against a plain sort of python lists."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from srnn_pruning._select import select

SCORES = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 1 + 2**-30]), st.floats(-4, 4, width=16))


@st.composite
def problems(draw):
    """Some matrices, many ties among their scores, some entries absent already, and a number of zeros."""
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
    """Absent entries first, then by score, then by place; the first `zeros` of the list go."""
    entries = [
        (bool(present), float(value), place)
        for place, (value, present) in enumerate(
            pair for score, mask in tensors for pair in zip(score.flatten(), mask.flatten(), strict=True)
        )
    ]
    absent = sum(not present for present, _, _ in entries)
    gone = {place for _, _, place in sorted(entries)[: max(zeros, absent)]}
    return [place not in gone for place in range(len(entries))]


@given(problems())
def test_equals_a_plain_sort(problem):
    tensors, zeros = problem
    masks = select([score for score, _ in tensors], [mask for _, mask in tensors], zeros)
    assert [mask.shape for mask in masks] == [score.shape for score, _ in tensors]
    assert torch.cat([mask.flatten() for mask in masks]).tolist() == oracle(tensors, zeros)


@given(problems())
def test_layout_in_memory_changes_nothing(problem):
    tensors, zeros = problem
    scores, masks = [score for score, _ in tensors], [mask for _, mask in tensors]
    turned = [tensor.t().contiguous().t() for tensor in scores]
    for a, b in zip(select(scores, masks, zeros), select(turned, masks, zeros), strict=True):
        assert torch.equal(a, b)


def test_equal_scores_go_in_the_order_of_the_matrices_row_by_row():
    scores = [torch.ones(2, 2), torch.ones(1, 3)]
    present = [torch.ones(2, 2, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool)]
    first, second = select(scores, present, 5)
    assert first.tolist() == [[False, False], [False, False]]
    assert second.tolist() == [[False, True, True]]


def test_a_threshold_is_not_rounded_to_the_precision_of_another_matrix():
    scores = [torch.ones(1, 2), torch.tensor([[1 + 2**-30, 1 + 2**-29]], dtype=torch.float64)]
    present = [torch.ones(1, 2, dtype=torch.bool)] * 2
    assert [mask.tolist() for mask in select(scores, present, 3)] == [[[False, False]], [[False, True]]]


def test_infinite_scores_are_ranked():
    scores = [torch.tensor([[float("inf"), 1.0], [-float("inf"), 2.0]])]
    present = [torch.ones(2, 2, dtype=torch.bool)]
    assert select(scores, present, 3)[0].tolist() == [[True, False], [False, False]]

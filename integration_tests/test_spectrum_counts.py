"""Numbers of weights of the networks of arXiv 1912.00120, and how many stay: weights only, without biases."""

import pytest
import torch

from srnn_models import GRU, LSTM, ElmanRNN, PeepholeLSTM
from srnn_pruning import JacobianSpectrum, Magnitude, Pruning, prune

ROWS = 28  # pixels of a row of MNIST
EMBEDDING = 400
# cell, size of the inputs, weights, share that stays, weights that stay
COUNTS = [
    (ElmanRNN(hidden=400), ROWS, 171_200, 0.05, 8_560),
    (LSTM(hidden=400), ROWS, 684_800, 0.05, 34_240),
    (PeepholeLSTM(hidden=400), ROWS, 1_324_800, 0.05, 66_240),
    (GRU(hidden=400), ROWS, 513_600, 0.05, 25_680),
    (GRU(hidden=400), ROWS, 513_600, 0.10, 51_360),
    (GRU(hidden=400), ROWS, 513_600, 0.02, 10_272),
    (GRU(hidden=100), ROWS, 38_400, 0.05, 1_920),
    (GRU(hidden=1600), ROWS, 7_814_400, 0.05, 390_720),
    (LSTM(hidden=2000), EMBEDDING, 19_200_000, 0.05, 960_000),
    (GRU(hidden=800), EMBEDDING, 2_880_000, 0.10, 288_000),
    (GRU(hidden=800), EMBEDDING, 2_880_000, 0.02, 57_600),
    (GRU(hidden=200), EMBEDDING, 360_000, 1.0, 360_000),
    (GRU(hidden=100), EMBEDDING, 150_000, 1.0, 150_000),
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("cell", "inputs", "weights", "density", "kept"), COUNTS)
def test_counts_of_weights_and_of_those_that_stay(cell, inputs, weights, density, kept):
    module = cell.build(inputs, generator=generator())
    small = weights < 600_000
    criterion = JacobianSpectrum() if small else Magnitude()  # the count is the selection's, whatever the scores
    x = torch.randn(4, 2, inputs, generator=generator(1))
    masks = prune(
        module,
        Pruning(sparsity=1 - density, criterion=criterion),
        generator=generator(2),
        evidence={"run": lambda: module(x)},
    )
    assert sum(mask.numel() for mask in masks.values()) == weights
    assert sum(int(mask.sum()) for mask in masks.values()) == kept
    assert all("bias" not in name for name in masks)


def test_published_counts_of_the_gru_in_table_3_are_those_of_the_lstm():
    """68.4k, 34.2k and 13.7k are 10, 5 and 2 % of the LSTM, though the table is about the GRU."""
    assert [round(684_800 * density) for density in (0.1, 0.05, 0.02)] == [68_480, 34_240, 13_696]


def test_input_to_recurrent_ratio_of_the_dense_network():
    shapes = {name: p.shape for name, p in GRU(hidden=400).build(ROWS, generator=generator()).named_parameters()}
    assert shapes["weight_ih"].numel() / shapes["weight_hh"].numel() == 0.07

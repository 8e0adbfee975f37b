"""The figure `spectrum/agreement`: masks of readings of the score, gamma, and the files of a smoke run."""

import itertools
import os

import numpy as np
import pytest
import torch

from srnn_bench import papers
from srnn_bench.papers import FigureRequest
from srnn_bench.papers.spectrum import SIZES, Net
from srnn_bench.papers.spectrum.figures import (
    PAIRS,
    READINGS,
    between_rows,
    kept,
    noise,
    sensitivity,
    shared,
    untrained,
)
from srnn_models import GRU, LSTM, ElmanRNN, Normal
from srnn_pruning import JacobianSpectrum

CELLS = ("RNN", "LSTM", "peephole LSTM", "GRU")

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST")


def built(recurrence):
    """Return a cell in double precision for 3 inputs."""
    return recurrence.build(3, generator=torch.Generator().manual_seed(0)).double()


def draw(batch, seed=1, steps=7):
    """Return inputs (T, B, I) in double precision."""
    return noise(steps, batch, 3, generator=torch.Generator().manual_seed(seed)).double()


def test_gamma_of_a_tanh_rnn_without_biases_has_expectation_zero():
    """A sequence and its negative have opposite gradients of the sum of h, for every weight."""
    module, inputs = built(ElmanRNN(hidden=6, bias=False)), draw(5)
    there, back = sensitivity(module, inputs), sensitivity(module, -inputs)
    assert there.abs().min() > 1e-8  # no gradient is 0 by itself
    torch.testing.assert_close(back, -there, rtol=1e-12, atol=0)
    assert sensitivity(module, torch.cat([inputs, -inputs], dim=1)).abs().max() < 1e-15


@pytest.mark.parametrize("recurrence", [GRU(hidden=6, bias=False), LSTM(hidden=6, bias=False)])
def test_gamma_of_gated_cells_has_another_expectation(recurrence):
    """The gates are not odd functions, so that something is left."""
    module, inputs = built(recurrence), draw(5)
    left = sensitivity(module, torch.cat([inputs, -inputs], dim=1))
    assert left.abs().max() > 1e-6


def test_gamma_agrees_with_finite_differences():
    """Each entry is the derivative of the mean over sequences of the sum of the last h."""
    module, inputs = built(GRU(hidden=4, initialization=Normal(sd=0.5))), draw(300, steps=3)
    found = sensitivity(module, inputs)  # more sequences than are computed at once
    weights = [module.weight_ih, module.weight_hh]

    def mean():
        with torch.no_grad():
            return module(inputs)[0][-1].sum(-1).mean().item()

    expected = []
    for weight in weights:
        for place in itertools.product(*map(range, weight.shape)):
            values = []
            for step in (1e-5, -1e-5):
                with torch.no_grad():
                    weight[place] += step
                    values.append(mean())
                    weight[place] -= step
            expected.append((values[0] - values[1]) / 2e-5)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_the_noise_has_the_standard_deviation_of_the_paper():
    values = noise(20, 50, 28, generator=torch.Generator().manual_seed(0))
    assert values.shape == (20, 50, 28)
    assert values.std().item() == pytest.approx(0.1, rel=0.02)


def test_kept_and_shared():
    one = kept({"a": torch.tensor([[4.0, 1.0]]), "b": torch.tensor([[3.0], [2.0]])}, density=0.5)
    assert one.tolist() == [True, False, True, False]
    other = kept({"a": torch.tensor([[4.0, 1.0]]), "b": torch.tensor([[0.0], [2.0]])}, density=0.5)
    assert (shared(one, other), shared(one, one)) == (50, 100)


def test_variance_between_rows():
    """Equal rows have no variance between them, rows of one value each have no other; zeros do not count."""
    rows = torch.tensor([[1.0], [2.0], [8.0]]).expand(3, 5)
    assert between_rows(rows) == pytest.approx(100)
    assert between_rows(rows.T) == pytest.approx(0, abs=1e-9)
    random = torch.rand(6, 9, generator=torch.Generator().manual_seed(0)) + 0.1
    logs = random.double().log().numpy()
    assert between_rows(random) == pytest.approx(100 * logs.mean(1).var() / logs.var())
    assert between_rows(torch.cat([random, torch.zeros(6, 2)], 1)) == pytest.approx(between_rows(random))


@NEEDS_DATA
@pytest.mark.parametrize("cell", CELLS)
def test_masks_depend_on_what_a_reading_names(cell):
    """The draw changes only what is drawn; the batch changes the score."""
    found = untrained(Net(cell, 12, Normal(sd=0.1)), 0, SIZES["smoke"])
    assert [name.rpartition(".")[2] for name in found.weights][:2] == ["weight_ih", "weight_hh"]
    raw, gamma = READINGS["no division"], READINGS["gamma, as published"]
    assert gamma.criterion == JacobianSpectrum()

    def scores(name):
        return torch.cat([each.flatten() for each in found.scores(READINGS[name]).values()])

    assert torch.equal(scores("gamma, as published"), scores("gamma, as published"))
    assert not torch.equal(scores("gamma, as published"), scores("gamma, another draw"))
    assert not torch.equal(scores("no division"), scores("no division, another batch"))
    assert raw.criterion == JacobianSpectrum(normalization="none")


def test_all_pairs_name_readings():
    assert {name for pair in PAIRS for name in pair} <= READINGS.keys()


@NEEDS_DATA
def test_the_figure_needs_no_runs(tmp_path):
    figure = papers.figure("spectrum/agreement")
    assert not figure.needs
    paths = figure.draw(FigureRequest(None, "smoke", tmp_path))
    assert [path.suffix for path in paths] == [".svg", ".png", ".json", ".md"]
    text = paths[-1].read_text()
    for one, other in PAIRS:
        assert f"| {one} / {other} |" in text
    line = next(line for line in text.splitlines() if line.startswith("| x and -x"))
    rnn, *others = [float(entry.split("±")[0]) for entry in line.strip("|").split("|")[1:]]
    assert rnn < 1e-6 < min(others)
    line = next(line for line in text.splitlines() if line.startswith("| no division / h and c"))
    assert [bool(entry.strip()) for entry in line.strip("|").split("|")[1:]] == [False, True, True, False]

"""The numbers of weights in arXiv 2207.03523 fit a torus only, and stay while a masked network trains.

Those of all its networks are counted in `packages/srnn-bench/tests/papers/test_modcog.py`. Biases do not count.
"""

from types import SimpleNamespace

import pytest
import torch

from srnn_masks import Locality, apply, masks
from srnn_models import LeakyRNN, SequenceModel

OUTPUTS = 17  # fixate, or one of 16 directions
FIGURE_2, TABLE_1 = 1 + 2 * 16 + 20, 1 + 2 * 16 + 84  # inputs: fixation, two rings of 16 units, a rule for each task
WEIGHT = "recurrence.weight_hh"


def masked(inputs, side, radius, periodic=True):
    """A network on a sheet of side x side units connected within the radius."""
    spec = SimpleNamespace(inputs=inputs, outputs=OUTPUTS, start=None, tokens=False)
    model = SequenceModel(recurrence=LeakyRNN(hidden=side**2))
    network = model.build(spec, generator=torch.Generator().manual_seed(0))
    apply(network, {WEIGHT: Locality(sheet=(side, side), radius=radius, periodic=periodic).mask(side**2, side**2)})
    return network


def counts(network):
    """The weights present, (W_hh, all): those that a mask leaves, and all of a matrix without mask; no biases."""
    present = masks(network)
    sizes = {name: int(present[name].sum()) if name in present else p.numel() for name, p in network.named_parameters()}
    return sizes[WEIGHT], sum(size for name, size in sizes.items() if "bias" not in name)


@pytest.mark.parametrize(("radius", "recurrent"), [(6, 254_540), (10, 662_300)])
def test_an_open_sheet_has_other_counts_than_the_paper(radius, recurrent):
    assert counts(masked(TABLE_1, 50, radius, periodic=False)) == (recurrent, recurrent + 2500 * (117 + 17))


def test_the_counts_stay_while_it_trains():
    network = masked(FIGURE_2, 25, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    x = torch.randn(8, 4, FIGURE_2, generator=torch.Generator().manual_seed(1))
    before = network.get_parameter(WEIGHT).detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        network(x)[0].square().mean().backward()
        optimizer.step()
    network(x)
    after, mask = network.get_parameter(WEIGHT).detach(), masks(network)[WEIGHT]
    assert counts(network) == (8_125, 51_875)
    assert not after[~mask].any()
    assert (after != before)[mask].float().mean() > 0.3  # relu leaves some units silent

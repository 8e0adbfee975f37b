"""Weights of the locality-masked networks of arXiv 2207.03523: Figure 2 (20 tasks) and Table 1 (84 tasks).

They are those of the paper on a closed sheet (torus) with self connections, biases not counted.
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
    """A network on a sheet of side x side units that hear each other within the radius."""
    spec = SimpleNamespace(inputs=inputs, outputs=OUTPUTS, start=None, tokens=False)
    model = SequenceModel(recurrence=LeakyRNN(hidden=side**2))
    network = model.build(spec, generator=torch.Generator().manual_seed(0))
    apply(network, {WEIGHT: Locality(sheet=(side, side), radius=radius, periodic=periodic).mask(side**2, side**2)})
    return network


def counts(network):
    """The weights present, (W_hh, all): those that a mask leaves, and all of a matrix without mask; no biases."""
    worn = masks(network)
    sizes = {name: int(worn[name].sum()) if name in worn else p.numel() for name, p in network.named_parameters()}
    return sizes[WEIGHT], sum(size for name, size in sizes.items() if "bias" not in name)


@pytest.mark.parametrize(
    ("inputs", "side", "radius", "recurrent", "weights"),
    [
        (FIGURE_2, 25, 0, 625, 44_375),  # autapses; 4.4e4 in the paper
        (FIGURE_2, 25, 2, 8_125, 51_875),  # 5.2e4
        (FIGURE_2, 25, 4, 30_625, 74_375),  # 7.4e4
        (TABLE_1, 50, 6, 282_500, 617_500),  # 2.82e5, 6.17e5
        (TABLE_1, 50, 10, 792_500, 1_127_500),  # 7.92e5, 1.13e6
    ],
)
def test_weights_of_the_masked_networks(inputs, side, radius, recurrent, weights):
    network = masked(inputs, side, radius)
    assert counts(network) == (recurrent, weights)
    weight = network.get_parameter(WEIGHT)
    assert weight.count_nonzero() <= recurrent
    assert (weight[masks(network)[WEIGHT]] != 0).float().mean() > 0.9999  # a drawn weight is hardly ever 0


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

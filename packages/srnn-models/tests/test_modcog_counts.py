"""Numbers of weights of the dense networks of arXiv 2207.03523, without biases: Figure 2 (20 tasks), Table 1 (84)."""

from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from srnn_models import LeakyRNN, SequenceModel

OUTPUTS = 17  # fixate, or one of 16 directions
FIGURE_2, TABLE_1 = 1 + 2 * 16 + 20, 1 + 2 * 16 + 84  # inputs: fixation, two rings of 16 units, one rule per task


@pytest.mark.parametrize(
    ("inputs", "neurons", "recurrent", "weights"),
    [
        (FIGURE_2, 196, 38_416, 52_136),  # 5.2e4 in the paper
        (FIGURE_2, 256, 65_536, 83_456),  # 8.3e4
        (TABLE_1, 676, 456_976, 547_560),  # 4.57e5, 5.47e5
        (TABLE_1, 2500, 6_250_000, 6_585_000),  # 6.25e6, 6.58e6
    ],
)
def test_weights_of_the_dense_networks(inputs, neurons, recurrent, weights):
    spec = SimpleNamespace(inputs=inputs, outputs=OUTPUTS, start=None, tokens=False)
    g = torch.Generator().manual_seed(0)  # created outside of the fake mode, which would make it fake
    with FakeTensorMode():  # no memory is needed
        network = SequenceModel(recurrence=LeakyRNN(hidden=neurons)).build(spec, generator=g)
    sizes = {name: p.numel() for name, p in network.named_parameters() if "bias" not in name}
    assert sizes["recurrence.weight_hh"] == recurrent
    assert sum(sizes.values()) == weights
    biases = sum(p.numel() for name, p in network.named_parameters() if "bias" in name)
    assert biases == neurons + OUTPUTS

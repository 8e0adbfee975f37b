"""The hidden proportion of modules: closed forms for torch's layers, counted entries under masks."""

import pytest
import torch
from torch import nn

from srnn_masks import Blocks, Densities, MaskError, UniformRandom, apply, hidden_proportion


class Block(nn.Module):
    """A block RNN as a user would write it."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        sizes = {"x": inputs, "h": hidden, "y": outputs}
        for block in ("hx", "hh", "hy", "yx", "yh", "yy"):
            setattr(self, f"weight_{block}", nn.Parameter(torch.randn(sizes[block[0]], sizes[block[1]])))

    def forward(self, inputs):
        return inputs


class Matrix:
    def __init__(self, source):
        self.source = source


class Described(nn.Module):
    """A third party's recurrence that describes its matrices, one of them in a layer of its own."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(3, 5)
        self.kernel = nn.Parameter(torch.randn(5, 5))
        self.weight_hh = nn.Parameter(torch.randn(5, 2))  # reads a projection of the state
        self.weight_hr = nn.Parameter(torch.randn(2, 5))

    def matrices(self):
        sources = {"enter.weight": "input", "kernel": "state", "weight_hh": "state", "weight_hr": "step"}
        return {name: Matrix(source) for name, source in sources.items()}

    def forward(self, inputs):
        return inputs


class Network(nn.Module):
    """A network whose own description also has the read-out."""

    def __init__(self, recurrence):
        super().__init__()
        self.recurrence, self.readout = recurrence, nn.Linear(5, 2)

    def matrices(self):
        return {"readout.weight": Matrix("input")}

    def forward(self, inputs):
        return inputs


# module, weights that read the state, weights that read inputs or outputs
MODULES = {
    "rnn": (lambda: nn.RNN(3, 5), 25, 15),
    "gru": (lambda: nn.GRU(3, 5), 3 * 25, 3 * 15),
    "lstm": (lambda: nn.LSTM(3, 5, bias=False), 4 * 25, 4 * 15),
    "layers": (lambda: nn.GRU(3, 5, num_layers=3), 3 * 3 * 25, 3 * (15 + 2 * 25)),
    "directions": (lambda: nn.LSTM(3, 5, num_layers=2, bidirectional=True), 4 * 4 * 25, 4 * 2 * (15 + 50)),
    "projected": (lambda: nn.LSTM(2500, 11, proj_size=10), 4 * 11 * 10, 4 * 11 * 2500),
    "rnn cell": (lambda: nn.RNNCell(3, 5), 25, 15),
    "gru cell": (lambda: nn.GRUCell(3, 5), 3 * 25, 3 * 15),
    "lstm cell": (lambda: nn.LSTMCell(3, 5), 4 * 25, 4 * 15),
    "block": (lambda: Block(3, 5, 2), 25, 15 + 10),
    "described": (Described, 25 + 10, 15),
    "network": (lambda: Network(Described()), 25 + 10, 15),
    "network of torch": (lambda: Network(nn.GRU(3, 5)), 3 * 25, 3 * 15),
    "two": (lambda: nn.Sequential(nn.Linear(4, 3), nn.RNN(3, 5), nn.RNN(5, 6)), 25 + 36, 15 + 30),
    "shared": (lambda: nn.ModuleList([nn.RNN(3, 5)] * 2), 25, 15),
}


@pytest.mark.parametrize("name", MODULES)
def test_dense(name):
    make, state, inputs = MODULES[name]
    assert hidden_proportion(make()) == state / (state + inputs)


@pytest.mark.parametrize("name", ["gru", "directions", "projected", "block", "described", "network", "two"])
def test_only_present_weights_count(name):
    """A fresh weight is nowhere 0, so that present entries can be counted in the weights."""
    module = MODULES[name][0]()
    g = torch.Generator().manual_seed(0)
    names = [name for name, parameter in module.named_parameters() if parameter.dim() == 2]
    chances = torch.rand(len(names), generator=g).tolist()
    weights = dict(module.named_parameters())
    apply(
        module,
        {n: torch.rand(weights[n].shape, generator=g) < chance for n, chance in zip(names, chances, strict=True)},
    )
    counts = {"state": 0, "other": 0}
    for full in names:
        leaf = full.rpartition(".")[2]
        if leaf.startswith(("weight_hh", "kernel")):
            counts["state"] += int(weights[full].count_nonzero())
        elif leaf.startswith(("weight_ih", "weight_hx", "weight_hy")) or full.endswith("enter.weight"):
            counts["other"] += int(weights[full].count_nonzero())
    assert hidden_proportion(module) == counts["state"] / (counts["state"] + counts["other"])


def test_blocks_and_their_module_agree():
    blocks = Blocks(inputs=50, hidden=20, outputs=4, densities=Densities(hx=0.3, hh=0.5, hy=0.25))
    module = Block(50, 20, 4)
    apply(module, blocks.masks(UniformRandom, generator=torch.Generator().manual_seed(0)))
    assert hidden_proportion(module) == blocks.hidden_proportion


def test_a_weight_that_is_0_by_chance_is_present():
    cell = nn.RNNCell(3, 5)
    nn.init.zeros_(cell.weight_hh)
    assert hidden_proportion(cell) == 25 / 40


def test_parametrized_weights_count():
    cell = nn.utils.parametrizations.weight_norm(nn.GRUCell(3, 5), "weight_hh")
    apply(cell, {"weight_hh": torch.ones(15, 5, dtype=torch.bool).tril()})
    assert hidden_proportion(nn.Sequential(cell)) == 65 / (65 + 45)


def test_refusals():
    with pytest.raises(MaskError, match=r"expected a recurrent layer \(nn.RNN, .*\), got a Linear without any"):
        hidden_proportion(nn.Linear(3, 5))
    cell = nn.RNNCell(3, 5)
    apply(cell, {"weight_ih": torch.zeros(5, 3, dtype=torch.bool), "weight_hh": torch.zeros(5, 5, dtype=torch.bool)})
    with pytest.raises(MaskError, match=r"hidden_proportion: expected a present weight in RNNCell, got none"):
        hidden_proportion(cell)

"""Readers of the weights of torch's layers agree: `recurrences`, `hidden_proportion` and `accelerate`."""

import pytest
import torch
from torch import nn

from srnn_masks import Bernoulli, apply, hidden_proportion, masks, release
from srnn_models import ModelError, accelerate
from srnn_pruning import recurrences

OPTIONS = {
    "one layer": {},
    "no bias": {"bias": False},
    "both ways": {"bidirectional": True},
    "three layers": {"num_layers": 3},
    "two layers, both ways, batch first": {"num_layers": 2, "bidirectional": True, "batch_first": True},
}
KINDS = {"rnn": nn.RNN, "relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
kinds = pytest.mark.parametrize("kind", KINDS)
options = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def masked(kind, options):
    """A layer in which each weight has a mask of another density."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nonlinearity = {"nonlinearity": "relu"} if kind == "relu" else {}
        module = KINDS[kind](3, 10, **nonlinearity, **options).double()
    generator = torch.Generator().manual_seed(0)
    weights = [(name, weight) for name, weight in module.named_parameters() if weight.dim() == 2]
    for number, (name, weight) in enumerate(weights, start=1):
        density = number / (len(weights) + 1)
        apply(module, {name: Bernoulli(density=density).mask(*weight.shape, generator=generator)})
    return module


def names(module, role):
    return [name for cell in recurrences(module).values() for name in cell.weights[role]]


@kinds
@options
def test_which_weights_read_the_state(kind, options):
    module = masked(kind, options)
    recurrent = names(module, "recurrent")
    kept = {name: int(mask.sum()) for name, mask in masks(module).items()}
    assert kept.keys() == {*recurrent, *names(module, "input")}
    assert hidden_proportion(module) == sum(kept[name] for name in recurrent) / sum(kept.values())
    release(module, names(module, "input"))
    accelerate(module, "sparse")
    for name in recurrent:
        mask = release(module, name)
        with pytest.raises(ModelError, match=rf"expected a mask on {name} "):
            accelerate(module, "sparse")
        apply(module, mask)


@kinds
@options
def test_what_the_cells_step_through_is_what_runs(kind, options):
    module = masked(kind, options)
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    outputs, last = accelerate(module, "sparse")(x.transpose(0, 1) if module.batch_first else x)
    outputs = outputs.transpose(0, 1) if module.batch_first else outputs
    last = torch.cat(last, -1) if kind == "lstm" else last  # h and c, as a state of a cell
    cells, ends, below = recurrences(module), [], []
    for key, cell in cells.items():
        state, states = x.new_zeros(2, cell.state_size), []
        for step in x.flip(0) if key.endswith("_reverse") else x:
            state = cell.step(step, state)
            states.append(cell.output(state))
        ends.append(state)
        below.append(torch.stack(states[::-1] if key.endswith("_reverse") else states))
        if len(below) == (2 if module.bidirectional else 1):
            x, below = torch.cat(below, -1), []
    torch.testing.assert_close(outputs, x)
    torch.testing.assert_close(last, torch.stack(ends))
    assert module.acceleration.used == ("sparse",)

"""Small networks to prune, and prunings by criteria of the tests."""

import pytest
import torch
from torch import nn

from srnn_pruning import WEIGHTS, Pruning


class Net(nn.Module):
    """A recurrent layer of torch and a linear readout, weights U(-0.5, 0.5) from a generator."""

    def __init__(self, recurrence=nn.RNN, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            self.recurrence = recurrence(3, 6)
            self.readout = nn.Linear(6, 2)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.5, 0.5, generator=generator)

    def forward(self, inputs):
        return self.readout(self.recurrence(inputs)[0])


@pytest.fixture(scope="session")
def make_net():
    return Net


@pytest.fixture(scope="session")
def train():
    """A function that makes optimizer steps on random data and calls `each()` after every step."""

    def run(net, optimizer, steps=3, seed=0, each=lambda: None):
        generator = torch.Generator().manual_seed(seed)
        for _ in range(steps):
            inputs = torch.randn(5, 4, 3, generator=generator)
            optimizer.zero_grad()
            (net(inputs) - torch.randn(5, 4, 2, generator=generator)).square().mean().backward()
            optimizer.step()
            each()

    return run


@pytest.fixture(scope="session")
def pruning_by():
    """A pruning by a criterion outside the closed family, so without validation."""

    def make(criterion, *, sparsity=0.5, scope=WEIGHTS, ranking="global"):
        return Pruning.model_construct(sparsity=sparsity, criterion=criterion, scope=scope, ranking=ranking)

    return make


@pytest.fixture(autouse=True)
def _global_generator_is_untouched():
    """Every test of this package, so every public function, leaves the state of the global generator unchanged."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)

"""Small networks to prune."""

import pytest
import torch
from torch import nn


class Net(nn.Module):
    """A recurrence of torch and a linear read-out, weights from U(+-0.5) of a generator."""

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
    """A function that makes some optimizer steps on random data and calls `each()` after each of them."""

    def run(net, optimizer, steps=3, seed=0, each=lambda: None):
        generator = torch.Generator().manual_seed(seed)
        for _ in range(steps):
            inputs = torch.randn(5, 4, 3, generator=generator)
            optimizer.zero_grad()
            (net(inputs) - torch.randn(5, 4, 2, generator=generator)).square().mean().backward()
            optimizer.step()
            each()

    return run


@pytest.fixture(autouse=True)
def _global_generator_is_untouched():
    """Every test of this package, so every public function, leaves the global generator as it found it."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)

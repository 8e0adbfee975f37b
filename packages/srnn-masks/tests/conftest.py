"""The zoo that wears masks: `case` runs a test on every module, `optimizer` on every optimizer."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn


class Cell(nn.Module):
    """A third party's cell, called at every step."""

    def __init__(self, inputs, neurons):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(neurons, neurons) / 2)
        self.enter = nn.Parameter(torch.randn(neurons, inputs))

    def forward(self, x, h):  # (B, I), (B, N) -> (B, N)
        return torch.tanh(x @ self.enter.T + h @ self.kernel.T)


class PerStep(nn.Module):
    def __init__(self, inputs=5, neurons=6):
        super().__init__()
        self.cell = Cell(inputs, neurons)
        self.readout = nn.Linear(neurons, 2)

    def forward(self, x):  # (T, B, I) -> (B, O)
        h = x.new_zeros(x.shape[1], self.cell.kernel.shape[0])
        for step in x:
            h = self.cell(step, h)
        return self.readout(h)


class Listed(nn.Module):
    """Weights in a ParameterList, which is never called itself."""

    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList([nn.ParameterDict({"w": nn.Parameter(torch.randn(5, 5))})])
        self.weights = nn.ParameterList([torch.randn(5, 5), torch.randn(5, 5)])

    def forward(self, x):
        for weight in (*self.weights, self.inner[0]["w"]):
            x = torch.tanh(x @ weight.T)
        return x


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(5, 5)
        self.decoder = nn.Linear(5, 5)
        self.decoder.weight = self.encoder.weight

    def forward(self, x):
        return self.decoder(torch.tanh(self.encoder(x)))


@dataclass(frozen=True)
class Case:
    """How to build a module, which of its parameters wear masks, and whether vmap knows its operations."""

    name: str
    make: Any
    glob: str
    vmaps: bool = True

    def build(self, seed=0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.make()

    def names(self, module):
        from fnmatch import fnmatchcase

        return [name for name, p in module.named_parameters() if fnmatchcase(name, self.glob)]

    def masks(self, module, seed=0, density=0.5):
        g = torch.Generator().manual_seed(seed)
        parameters = dict(module.named_parameters())
        return {name: torch.rand(parameters[name].shape, generator=g) < density for name in self.names(module)}

    def signs(self, module, seed=0):
        g = torch.Generator().manual_seed(seed)
        parameters = dict(module.named_parameters())
        columns = {name: parameters[name].shape[1] for name in self.names(module)}
        return {name: torch.randint(2, (cols,), generator=g) * 2.0 - 1.0 for name, cols in columns.items()}

    def inputs(self, seed=0):
        return torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(seed))  # (T, B, I)

    def loss(self, module, seed=0, inputs=None):
        x = self.inputs(seed) if inputs is None else inputs
        out = module(x.to(next(module.parameters()).dtype))
        out = out[0] if isinstance(out, tuple) else out
        return (out - 0.3).square().mean()


CASES = [
    Case("linear", lambda: nn.Linear(5, 6), "weight"),
    Case("rnn", lambda: nn.RNN(5, 6), "*weight_hh*", vmaps=False),
    Case("gru", lambda: nn.GRU(5, 6, 2), "weight_*", vmaps=False),
    Case("lstm", lambda: nn.LSTM(5, 6, bidirectional=True), "*weight_hh*", vmaps=False),
    Case("cell", PerStep, "cell.*"),
    Case("listed", Listed, "*"),
    Case("tied", Tied, "encoder.weight"),
]

matrices = lambda module: [p for p in module.parameters() if p.ndim == 2]  # noqa: E731
OPTIMIZERS = {
    "sgd": lambda m: torch.optim.SGD(m.parameters(), lr=0.1),
    "sgd momentum decay": lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1),
    "sgd nesterov": lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True),
    "sgd fused": lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, fused=True),
    "sgd foreach": lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, foreach=True),
    "adam": lambda m: torch.optim.Adam(m.parameters(), lr=0.05),
    "adam fused": lambda m: torch.optim.Adam(m.parameters(), lr=0.05, amsgrad=True, fused=True),
    "adamw": lambda m: torch.optim.AdamW(m.parameters(), lr=0.05, weight_decay=0.3),
    "adamw fused": lambda m: torch.optim.AdamW(m.parameters(), lr=0.05, fused=True),
    "rmsprop": lambda m: torch.optim.RMSprop(m.parameters(), lr=0.02, momentum=0.9, centered=True),
    "nadam": lambda m: torch.optim.NAdam(m.parameters(), lr=0.05),
    "radam": lambda m: torch.optim.RAdam(m.parameters(), lr=0.05),
    "adagrad": lambda m: torch.optim.Adagrad(m.parameters(), lr=0.05),
    "adadelta": lambda m: torch.optim.Adadelta(m.parameters()),
    "adamax": lambda m: torch.optim.Adamax(m.parameters(), lr=0.05),
    "rprop": lambda m: torch.optim.Rprop(m.parameters(), lr=0.05),
    "adafactor": lambda m: torch.optim.Adafactor(m.parameters(), lr=0.05),
    "muon": lambda m: torch.optim.Muon(matrices(m), lr=0.05),
    "lbfgs": lambda m: torch.optim.LBFGS(m.parameters(), lr=0.1, max_iter=3),
}


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=lambda case: case.name)
    if "optimizer" in metafunc.fixturenames:
        metafunc.parametrize("optimizer", list(OPTIMIZERS.values()), ids=list(OPTIMIZERS))


@pytest.fixture
def zoo():
    return {case.name: case for case in CASES}


@pytest.fixture
def per_step():
    return PerStep


@pytest.fixture
def tied():
    return Tied

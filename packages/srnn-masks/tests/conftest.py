"""Modules to constrain: `case` runs a test on each, `optimizer` on every optimizer, `kinds` on mask, signs and both."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import pytest
import torch
from torch import nn

import srnn_masks


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


def parameters(module):
    return dict(module.named_parameters())


@dataclass(frozen=True)
class Constraints:
    """Masks and signs by parameter name, and what they mean, written as plain loops."""

    masks: dict = field(default_factory=dict)
    signs: dict = field(default_factory=dict)

    @property
    def names(self):
        return self.masks.keys() | self.signs.keys()

    def assert_enforced(self, module, *, gradients=False):
        """Read the tensors themselves: the package gets no chance to repair them first."""
        weights = parameters(module)
        for name, mask in self.masks.items():
            assert not weights[name].detach()[~mask].any(), name
            assert not gradients or weights[name].grad is None or not weights[name].grad[~mask].any(), name
        for name, sign in self.signs.items():
            for column, expected in zip(weights[name].detach().T, sign.tolist(), strict=True):
                assert all(value * expected >= 0 for value in column.tolist()), name

    def assert_equal(self, module):
        """Masks and signs as the package reads them are these (a tied parameter may have been untied)."""
        for ours, theirs in ((self.masks, srnn_masks.masks(module)), (self.signs, srnn_masks.signs(module))):
            assert ours.keys() <= theirs.keys() and bool(ours) == bool(theirs)
            assert all(torch.equal(theirs[name], value.to(theirs[name])) for name, value in ours.items())

    def constrain(self, name, weight):
        """Mask and clamp one tensor, out of place."""
        weight = torch.where(self.masks.get(name, torch.ones_like(weight, dtype=torch.bool)), weight, 0)
        return torch.where(weight * self.signs.get(name, weight.sign()) >= 0, weight, 0)

    def constrain_by_hand(self, module):
        """Zero masked entries and entries of the wrong sign, in place."""
        with torch.no_grad():
            for name in self.names:
                parameters(module)[name].copy_(self.constrain(name, parameters(module)[name]))

    def align_by_hand(self, module):
        """Give each entry the sign of its column, in place."""
        with torch.no_grad():
            for name, sign in self.signs.items():
                parameters(module)[name].copy_(parameters(module)[name].abs() * sign)


@dataclass(frozen=True)
class Case:
    """How to build a module, which of its parameters get masks and signs, and whether vmap supports its operations."""

    name: str
    make: Any
    glob: str
    vmaps: bool = True

    def build(self, seed=0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.make()

    def names(self, module):
        return [name for name in parameters(module) if fnmatchcase(name, self.glob)]

    def masks(self, module, seed=0, density=0.5):
        g = torch.Generator().manual_seed(seed)
        weights = parameters(module)
        return {name: torch.rand(weights[name].shape, generator=g) < density for name in self.names(module)}

    def signs(self, module, seed=0):
        g = torch.Generator().manual_seed(seed)
        columns = {name: parameters(module)[name].shape[1] for name in self.names(module)}
        return {name: torch.randint(2, (cols,), generator=g) * 2.0 - 1.0 for name, cols in columns.items()}

    def constrain(self, module, kinds, seed=0, density=0.5):
        """Apply random "mask" and "signs" in the order of `kinds`, and return them."""
        masks, signs = {}, {}
        for kind in kinds.split():
            if kind == "mask":
                masks = self.masks(module, seed, density)
                srnn_masks.apply(module, masks)
            else:
                signs = self.signs(module, seed)
                srnn_masks.apply_signs(module, signs)
        return Constraints(masks, signs)

    def inputs(self, seed=0):
        return torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(seed))  # (T, B, I)

    def loss(self, module, seed=0, inputs=None):
        x = self.inputs(seed) if inputs is None else inputs
        out = module(x.to(next(module.parameters()).dtype))
        out = out[0] if isinstance(out, tuple) else out
        return (out - 0.3).square().mean()

    def train(self, module, optimizer, *, steps, first=0, before=lambda: None, after=lambda: None):
        """Make optimizer steps on batches `first` and following; call `before` each backward and `after` each step."""
        for seed in range(first, first + steps):

            def closure(seed=seed):
                optimizer.zero_grad()
                before()
                loss = self.loss(module, seed)
                loss.backward()
                return loss

            optimizer.step(closure)
            after()

    def train_by_hand(self, module, optimizer, constraints, *, steps, first=0):
        """The oracle: gradients, weights and, after each step, moments constrained by plain writes."""
        weights = parameters(module)

        def after():
            constraints.constrain_by_hand(module)
            for name, mask in constraints.masks.items():
                for value in optimizer.state.get(weights[name], {}).values():
                    if torch.is_tensor(value) and value.shape == mask.shape:
                        value[~mask] = 0

        handles = [
            weights[name].register_hook(lambda gradient, mask=mask: gradient * mask)
            for name, mask in constraints.masks.items()
        ]
        before = lambda: constraints.constrain_by_hand(module)  # noqa: E731
        before()
        self.train(module, optimizer, steps=steps, first=first, before=before, after=after)
        for handle in handles:
            handle.remove()


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
    if "kinds" in metafunc.fixturenames:
        metafunc.parametrize("kinds", ["mask", "signs", "mask signs"])


@pytest.fixture
def zoo():
    return {case.name: case for case in CASES}


@pytest.fixture
def per_step():
    return PerStep


@pytest.fixture
def tied():
    return Tied


@pytest.fixture
def constraints():
    return Constraints


@pytest.fixture
def assert_same():
    """Assert that two modules have the same weights."""

    def same(one, other):
        for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7, msg=lambda m, name=name: f"{name}: {m}")

    return same

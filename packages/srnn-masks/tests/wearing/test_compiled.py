"""Modules with masks, signs or both under `torch.compile`.

Backend "aot_eager" runs the whole compiler but code generation, on every module; "inductor" adds that on a few.
"""

import os
import shutil

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from srnn_masks import apply, lifted, masks

COMPILERS = [os.environ.get("CXX", "g++"), "g++", "c++", "clang++"]
INDUCTOR = [
    pytest.mark.slow,
    pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="torch's inductor needs a C++ compiler"),
]
pytestmark = pytest.mark.filterwarnings("ignore")  # the compiler's own


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch._dynamo.reset()


def train_compiled(case, kinds, backend, constraints):
    """Train a compiled module and an uncompiled twin, change the constraints on the way, and compare."""
    module, twin = case.build(), case.build()
    current = case.constrain(module, kinds)
    case.constrain(twin, kinds)
    compiled = torch.compile(module, backend=backend, fullgraph=not isinstance(module, nn.RNNBase))
    optimizers = [torch.optim.Adam(m.parameters(), lr=0.05, fused=True) for m in (module, twin)]
    for step in range(4):
        if step == 2:
            second = case.constrain(module, kinds, 1, density=0.8)
            case.constrain(twin, kinds, 1, density=0.8)
            current = constraints(masks(module), second.signs)
        for m, call, optimizer in zip((module, twin), (compiled, twin), optimizers, strict=True):
            optimizer.zero_grad()
            case.loss(call, step).backward()
            current.assert_enforced(m, gradients=True)
            optimizer.step()
            current.assert_enforced(m)
    for a, b in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_compiled_modules_train_constrained(case, kinds, constraints):
    train_compiled(case, kinds, "aot_eager", constraints)


@pytest.mark.parametrize("name", [pytest.param("cell", marks=INDUCTOR), pytest.param("gru", marks=INDUCTOR)])
def test_compiled_modules_train_constrained_with_generated_code(zoo, name, constraints):
    train_compiled(zoo[name], "mask signs", "inductor", constraints)


def test_compiled_modules_with_many_masks_train_masked():
    """Beyond the compiler's limit of eight, hooks run uncompiled, and the masks are enforced all the same."""
    module = nn.LSTM(5, 6, num_layers=3, bidirectional=True)
    apply(module, {name: torch.rand(p.shape) < 0.5 for name, p in module.named_parameters() if p.ndim == 2})
    current = masks(module)
    assert len(current) == 12
    compiled = torch.compile(module, backend="eager")
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1, fused=True)
    for _ in range(2):
        compiled(torch.randn(3, 4, 5))[0].sum().backward()
        optimizer.step()
        for name, mask in current.items():
            weight = module.get_parameter(name)
            assert not weight.detach()[~mask].any() and not weight.grad[~mask].any()


def call_compiled(case, kinds, backend):
    """Compare compiled with uncompiled functional calls: two sets of weights and buffers under vmap, and one alone."""
    module = case.build()
    case.constrain(module, kinds)
    stacked = {name: torch.stack([p.detach() + 0.2, p.detach() - 0.2]) for name, p in module.named_parameters()}
    buffers = {n: torch.stack([b, -b if b.is_floating_point() else ~b]) for n, b in module.named_buffers()}
    x = case.inputs()

    def each(p, b):
        return functional_call(module, (p, b), (x,))

    expected = vmap(each)(stacked, buffers)
    compiled = torch.compile(lambda p, b: vmap(each)(p, b), backend=backend, fullgraph=True)
    torch.testing.assert_close(compiled(stacked, buffers), expected, rtol=1e-4, atol=1e-5)
    one = {name: p[0] for name, p in stacked.items()}
    single = torch.compile(lambda p: functional_call(module, p, (x,)), backend=backend, fullgraph=True)(one)
    torch.testing.assert_close(single, expected[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(expected[0], expected[1])


def test_compiled_functional_calls_are_masked(case):
    if not case.vmaps:
        pytest.skip("torch has no vmap rule for its fused RNNs")
    call_compiled(case, "mask", "aot_eager")


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=INDUCTOR)])
def test_compiled_functional_calls_are_masked_and_signed(zoo, backend):
    call_compiled(zoo["cell"], "mask signs", backend)


@pytest.mark.parametrize("backend", ["eager", pytest.param("inductor", marks=INDUCTOR)])
def test_compiled_optimizer_steps_are_constrained(zoo, backend):
    case = zoo["linear"]
    module = case.build()
    mask = case.constrain(module, "mask").masks["weight"]
    optimizer = torch.optim.Adam(module.parameters(), lr=torch.tensor(0.1))
    step = torch.compile(lambda: optimizer.step(), backend=backend)
    for seed in range(3):
        optimizer.zero_grad()
        with lifted(module):
            case.loss(module, seed).backward()
            step()
        assert not module.weight.detach()[~mask].any()
    assert not optimizer.state[module.weight]["exp_avg"][~mask].all()
    step()
    assert not optimizer.state[module.weight]["exp_avg"][~mask].any()

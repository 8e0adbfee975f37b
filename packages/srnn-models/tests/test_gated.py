"""GRU and LSTM against `nn.GRU` and `nn.LSTM`; the laws of all cells are in `test_cells.py`."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srnn_models import GRU, LSTM

TWINS = {GRU: nn.GRU, LSTM: nn.LSTM}
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def torch_twin(kind, module):
    """Return the module of torch with the same weights."""
    twin = TWINS[kind](module.inputs, module.hidden, bias=module.bias_ih is not None, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            getattr(twin, f"{name}_l0").copy_(parameter)
    return twin


@pytest.fixture(autouse=True)
def keep_global_generator():
    """Restore the global generator, from which torch's constructors draw."""
    with torch.random.fork_rng():
        yield


@settings(max_examples=30)
@given(
    kind=st.sampled_from(list(TWINS)),
    bias=st.booleans(),
    sizes=st.tuples(*[st.integers(1, 6)] * 4),
    given_state=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_equals_torch_forward_and_gradients(kind, bias, sizes, given_state, seed):
    steps, batch, inputs, hidden = sizes
    module = kind(hidden=hidden, bias=bias).build(inputs, generator=generator(seed)).double()
    twin = torch_twin(kind, module)
    x = normal(steps, batch, inputs, seed=seed).requires_grad_()
    parts = [normal(batch, hidden, seed=seed + 1 + n).requires_grad_() for n in range(2 if kind is LSTM else 1)]
    weight = normal(steps, batch, hidden, seed=seed + 3)

    states, state = module(x, torch.cat(parts, dim=1) if given_state else None)
    theirs = tuple(part[None] for part in parts) if given_state else None
    expected, last = twin(x, theirs if kind is LSTM or theirs is None else theirs[0])
    last = torch.cat(last, dim=2)[0] if kind is LSTM else last[0]
    torch.testing.assert_close(states, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=1e-12, atol=1e-12)

    leaves = [x, *(parts if given_state else [])]
    names = [name for name in PARTS if bias or name.startswith("weight")]
    assert [name for name, _ in module.named_parameters()] == names
    ours = torch.autograd.grad(
        (states * weight).sum() + state.square().sum(), leaves + [getattr(module, name) for name in names]
    )
    theirs = torch.autograd.grad(
        (expected * weight).sum() + last.square().sum(), leaves + [getattr(twin, f"{name}_l0") for name in names]
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-10, atol=1e-12)

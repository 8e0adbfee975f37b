"""The Elman module against torch's `nn.RNN`; the laws of all cells are in `test_cells.py`."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srnn_models import ElmanRNN


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def torch_twin(rnn):
    """Return an `nn.RNN` with the same weights; its second bias is zero if the module has one bias."""
    twin = nn.RNN(rnn.inputs, rnn.hidden, nonlinearity=rnn.nonlinearity, bias=rnn.bias is not None, dtype=torch.float64)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(rnn.weight_ih)
        twin.weight_hh_l0.copy_(rnn.weight_hh)
        if rnn.bias is not None:
            twin.bias_ih_l0.copy_(rnn.bias)
            twin.bias_hh_l0.copy_(rnn.bias_hh if rnn.bias_hh is not None else torch.zeros(rnn.hidden))
    return twin


@pytest.fixture(autouse=True)
def keep_global_generator():
    """Restore the global generator, from which `nn.RNN(...)` draws."""
    with torch.random.fork_rng():
        yield


@settings(max_examples=25)
@given(
    nonlinearity=st.sampled_from(["tanh", "relu"]),
    bias=st.sampled_from([False, True, "double"]),
    sizes=st.tuples(*[st.integers(1, 6)] * 4),
    given_state=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_equals_torch_forward_and_gradients(nonlinearity, bias, sizes, given_state, seed):
    steps, batch, inputs, hidden = sizes
    rnn = (
        ElmanRNN(hidden=hidden, nonlinearity=nonlinearity, bias=bias).build(inputs, generator=generator(seed)).double()
    )
    twin = torch_twin(rnn)
    x = normal(steps, batch, inputs, seed=seed).requires_grad_()
    h = normal(batch, hidden, seed=seed + 1).requires_grad_() if given_state else None
    weight = normal(steps, batch, hidden, seed=seed + 2)

    states, state = rnn(x, h)
    expected, last = twin(x, None if h is None else h[None])
    torch.testing.assert_close(states, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state, last[0], rtol=1e-12, atol=1e-12)

    leaves = [x] if h is None else [x, h]
    names = {"weight_ih": "weight_ih_l0", "weight_hh": "weight_hh_l0"}
    names |= {"bias": "bias_ih_l0"} if bias else {}
    names |= {"bias_hh": "bias_hh_l0"} if bias == "double" else {}
    assert [name for name, _ in rnn.named_parameters()] == list(names)
    ours = torch.autograd.grad((states * weight).sum() + state.sum(), leaves + [getattr(rnn, name) for name in names])
    theirs = torch.autograd.grad(
        (expected * weight).sum() + last.sum(),
        leaves + [getattr(twin, name) for name in names.values()],
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-10, atol=1e-12)


def trained(module, parameters, steps=3):
    """Take plain SGD steps on the same data; return the sum of the biases."""
    optimizer = torch.optim.SGD(parameters, lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        (module(normal(6, 4, 3))[0] - normal(6, 4, 7, seed=2)).square().mean().backward()
        optimizer.step()
    return sum(p.detach() for p in parameters if p.dim() == 1)


def test_two_biases_train_as_in_torch_and_move_further_than_one():
    double = ElmanRNN(hidden=7, bias="double").build(3, generator=generator()).double()
    twin = torch_twin(double)
    one = ElmanRNN(hidden=7).build(3, generator=generator()).double()
    with torch.no_grad():
        one.bias.copy_(double.bias + double.bias_hh)  # the same function
        for name in ("weight_ih", "weight_hh"):
            getattr(one, name).copy_(getattr(double, name))
    torch.testing.assert_close(one(normal(6, 4, 3))[0], double(normal(6, 4, 3))[0])
    start = one.bias.detach().clone()

    ours = trained(double, list(double.parameters()))
    torch.testing.assert_close(ours, trained(twin, list(twin.parameters())), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(double.weight_hh, twin.weight_hh_l0, rtol=1e-10, atol=1e-12)
    single = trained(one, list(one.parameters()))
    assert (ours - single).abs().max() > 1e-3
    assert 1.5 < (ours - start).norm() / (single - start).norm() < 2.5

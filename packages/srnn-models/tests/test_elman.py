"""The Elman module against torch's own RNN and against itself, step by step, in windows and stacked by vmap."""

import copy
import math
import pickle

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
    """An `nn.RNN` with the same weights; torch has two biases, the second is zero where ours has one."""
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
    """`nn.RNN(...)` in the oracle draws from the global generator; leave it as it was."""
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


def test_two_biases_are_trained_as_those_of_torch_and_move_further_than_one():
    double = ElmanRNN(hidden=7, bias="double").build(3, generator=generator()).double()
    twin = torch_twin(double)
    one = ElmanRNN(hidden=7).build(3, generator=generator()).double()
    with torch.no_grad():
        one.bias.copy_(double.bias + double.bias_hh)  # the same function
        for name in ("weight_ih", "weight_hh"):
            getattr(one, name).copy_(getattr(double, name))
    torch.testing.assert_close(one(normal(6, 4, 3))[0], double(normal(6, 4, 3))[0])
    begin = one.bias.detach().clone()

    ours = trained(double, list(double.parameters()))
    torch.testing.assert_close(ours, trained(twin, list(twin.parameters())), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(double.weight_hh, twin.weight_hh_l0, rtol=1e-10, atol=1e-12)
    single = trained(one, list(one.parameters()))
    assert (ours - single).abs().max() > 1e-3
    assert 1.5 < (ours - begin).norm() / (single - begin).norm() < 2.5


@pytest.mark.parametrize("bias", [True, "double"])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_steps_and_windows_equal_one_run(nonlinearity, bias):
    rnn = ElmanRNN(hidden=7, nonlinearity=nonlinearity, bias=bias).build(3, generator=generator()).double()
    x = normal(9, 4, 3)
    states, last = rnn(x)

    state = None
    for t in range(9):
        state = rnn.step(x[t], state)
        torch.testing.assert_close(state, states[t], rtol=1e-12, atol=1e-12)

    first, carried = rnn(x[:4])
    second, end = rnn(x[4:], carried)
    torch.testing.assert_close(torch.cat([first, second]), states, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(end, last, rtol=1e-12, atol=1e-12)
    assert torch.equal(states[-1], last)


@pytest.mark.parametrize("shared_inputs", [True, False])
def test_vmap_over_stacked_seeds_equals_the_loop_with_gradients(shared_inputs):
    value = ElmanRNN(hidden=6)
    modules = [value.build(2, generator=generator(seed)).double() for seed in range(4)]
    params, buffers = torch.func.stack_module_state(modules)
    x = normal(5, 3, 2) if shared_inputs else normal(4, 5, 3, 2)
    skeleton = copy.deepcopy(modules[0]).to("meta")

    def loss(params, x):
        states, _ = torch.func.functional_call(skeleton, (params, buffers), (x,))
        return states.square().sum(), states

    mapped = torch.vmap(torch.func.grad(loss, has_aux=True), in_dims=(0, None if shared_inputs else 0))
    gradients, states = mapped(params, x)
    for i, module in enumerate(modules):
        expected, _ = module(x if shared_inputs else x[i])
        torch.testing.assert_close(states[i], expected)
        expected.square().sum().backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(gradients[name][i], parameter.grad)


def test_second_derivatives_and_jacobian():
    rnn = ElmanRNN(hidden=4).build(2, generator=generator()).double()
    x, h = normal(3, 2, 2), normal(2, 4).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda h: rnn(x, h)[1], (h,))
    jacobian = torch.func.jacrev(lambda h: rnn.step(x[0, :1], h[None])[0])(h.detach()[0])
    state = rnn.step(x[0, :1], h.detach()[:1])[0]
    torch.testing.assert_close(jacobian, (1 - state**2)[:, None] * rnn.weight_hh)  # d tanh(W h) / dh


def test_weights_fill_the_stated_range_and_bias_is_there_only_if_asked():
    rnn = ElmanRNN(hidden=64, bias="double").build(32, generator=generator())
    assert [(name, tuple(p.shape)) for name, p in rnn.named_parameters()] == [
        ("weight_ih", (64, 32)),
        ("weight_hh", (64, 64)),
        ("bias", (64,)),
        ("bias_hh", (64,)),
    ]
    assert ElmanRNN(hidden=4).build(2, generator=generator()).bias_hh is None
    for name, parameter in rnn.named_parameters():
        assert parameter.abs().max() <= 1 / 8, name
        assert parameter.abs().max() > 0.9 / 8, name
        assert abs(parameter.mean()) < 4 / 8 / math.sqrt(3 * parameter.numel()), name
    assert ElmanRNN(hidden=4, bias=False).build(2, generator=generator()).bias is None


def test_seed_decides_the_weights_and_reset_draws_new_ones_in_place():
    a, b, c = (ElmanRNN(hidden=5).build(2, generator=generator(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not any(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    before = list(a.parameters())
    a.reset_parameters(generator=generator(1))
    assert all(p is q for p, q in zip(a.parameters(), before, strict=True))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


def test_reset_keeps_the_precision():
    rnn = ElmanRNN(hidden=5).build(2, generator=generator()).double()
    rnn.reset_parameters(generator=generator(3))
    assert {p.dtype for p in rnn.parameters()} == {torch.float64}
    assert (rnn.weight_hh != rnn.weight_hh.float()).any()  # drawn as such, not widened
    assert rnn.weight_hh.abs().max() <= 1 / math.sqrt(5)


def test_module_is_pickled_and_copied():
    rnn = ElmanRNN(hidden=5, nonlinearity="relu").build(2, generator=generator())
    x = torch.ones(3, 2, 2)
    for twin in (pickle.loads(pickle.dumps(rnn)), copy.deepcopy(rnn)):
        assert torch.equal(twin(x)[0], rnn(x)[0])
    assert repr(rnn) == "ElmanModule(2 -> 5, relu, bias=True)"
    assert repr(ElmanRNN(hidden=5, bias="double").build(2, generator=generator())).endswith("tanh, bias=double)")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rnn: rnn(torch.zeros(3, 2)), r"inputs: expected shape \(T, B, 2\) with T >= 1, got \(3, 2\)"),
        (lambda rnn: rnn(torch.zeros(3, 2, 5)), r"got \(3, 2, 5\)"),
        (lambda rnn: rnn(torch.zeros(0, 2, 2)), r"got \(0, 2, 2\)"),
        (lambda rnn: rnn(torch.zeros(3, 4, 2), torch.zeros(4, 6)), r"state: expected shape \(4, 5\), got \(4, 6\)"),
        (lambda rnn: rnn(torch.zeros(3, 4, 2), torch.zeros(5)), r"state: expected shape \(4, 5\), got \(5,\)"),
        (lambda rnn: rnn.step(torch.zeros(4, 2), torch.zeros(1, 5)), r"state: expected shape \(4, 5\), got \(1, 5\)"),
        (lambda rnn: ElmanRNN(hidden=2).build(0, generator=generator()), "inputs: expected a positive size, got 0"),
        (lambda rnn: ElmanRNN(hidden=2).build(1, generator=None), r"generator: expected a torch\.Generator"),
    ],
)
def test_refusals_say_expected_and_got(call, message):
    rnn = ElmanRNN(hidden=5).build(2, generator=generator())
    with pytest.raises(ValueError, match=message):
        call(rnn)


def test_global_generator_is_untouched():
    before = torch.get_rng_state()
    rnn = ElmanRNN(hidden=5).build(2, generator=generator())
    rnn.reset_parameters(generator=generator(1))
    rnn(torch.zeros(3, 2, 2))[0].sum().backward()
    assert torch.equal(torch.get_rng_state(), before)

"""The leaky module against its equation in plain numbers, and against the Elman module.

The laws of all cells are in `test_cells.py`.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srnn_models import ElmanRNN, LeakyRNN

RATES = {"relu": lambda a: max(a, 0.0), "softplus": lambda a: math.log1p(math.exp(a)), "tanh": math.tanh}
SLOPES = {
    "relu": lambda a: float(a > 0),
    "softplus": lambda a: 1 / (1 + math.exp(-a)),
    "tanh": lambda a: 1 / math.cosh(a) ** 2,
}
nonlinearities = pytest.mark.parametrize("nonlinearity", list(RATES))
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")),
]
alphas = pytest.mark.parametrize("alpha", [1.0, 0.2])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def built(seed=0, inputs=3, **fields):
    return LeakyRNN(**{"hidden": 7, **fields}).build(inputs, generator=generator(seed)).double()


def as_written(rnn, alpha, nonlinearity, inputs, state):
    """Return the states (T, B, N) of the equation of section 2.1 of the paper, in plain numbers, product by product."""
    inwards, recurrent = rnn.weight_ih.tolist(), rnn.weight_hh.tolist()
    bias = [0.0] * rnn.hidden if rnn.bias is None else rnn.bias.tolist()
    rows, states = state.tolist(), []
    for x in inputs.tolist():
        new = []
        for b, h in enumerate(rows):
            new.append([])
            for unit in range(rnn.hidden):
                current = bias[unit]
                for source, rate in enumerate(h):
                    current += recurrent[unit][source] * rate
                for channel, value in enumerate(x[b]):
                    current += inwards[unit][channel] * value
                new[b].append((1 - alpha) * h[unit] + alpha * RATES[nonlinearity](current))
        rows = new
        states.append(rows)
    return torch.tensor(states, dtype=torch.float64)


@settings(max_examples=40)
@given(
    alpha=st.sampled_from([1.0, 0.2]) | st.floats(1e-3, 1),
    nonlinearity=st.sampled_from(list(RATES)),
    bias=st.booleans(),
    sizes=st.tuples(*[st.integers(1, 6)] * 4),
    given_state=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_equals_the_equation_as_written(alpha, nonlinearity, bias, sizes, given_state, seed):
    steps, batch, inputs, hidden = sizes
    rnn = built(seed, inputs, hidden=hidden, alpha=alpha, nonlinearity=nonlinearity, bias=bias)
    x = normal(steps, batch, inputs, seed=seed)
    h = normal(batch, hidden, seed=seed + 1) if given_state else None
    states, last = rnn(x, h)
    expected = as_written(rnn, alpha, nonlinearity, x, torch.zeros(batch, hidden) if h is None else h)
    torch.testing.assert_close(states, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(last, expected[-1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.2, 0.03])
@pytest.mark.parametrize("nonlinearity", ["relu", "softplus"])
def test_without_weights_a_unit_relaxes_to_the_rate_of_its_bias(nonlinearity, alpha):
    rnn = built(alpha=alpha, nonlinearity=nonlinearity)
    with torch.no_grad():
        rnn.weight_ih.zero_()
        rnn.weight_hh.zero_()
        rnn.bias.copy_(torch.linspace(-1, 2, 7))
    start = normal(4, 7)
    states, _ = rnn(torch.zeros(12, 4, 3, dtype=torch.float64), start)
    limit = torch.tensor([RATES[nonlinearity](b) for b in rnn.bias.tolist()], dtype=torch.float64)
    decay = (1 - alpha) ** torch.arange(1, 13, dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(states, limit + decay * (start - limit), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_alpha_one_equals_the_elman_network_bit_for_bit(nonlinearity, bias, device):
    values = [kind(hidden=33, nonlinearity=nonlinearity, bias=bias) for kind in (LeakyRNN, ElmanRNN)]
    modules = [value.build(5, generator=generator()).to(device) for value in values]
    x = normal(20, 4, 5).float().to(device)
    results = []
    for module in modules:
        states, last = module(x)
        (states.square().sum() + last.sum()).backward()
        results.append(
            [states, last, module.step(x[0], last), *module.parameters(), *(p.grad for p in module.parameters())]
        )
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*results, strict=True))


def test_only_what_a_fused_elman_loop_computes_runs_with_it():
    fused = [(alpha, kind) for alpha in (1.0, 0.2) for kind in RATES if built(alpha=alpha, nonlinearity=kind).is_elman]
    assert fused == [(1.0, "relu"), (1.0, "tanh")]


@alphas
@nonlinearities
def test_jacobian_of_a_step(nonlinearity, alpha):
    rnn = built(alpha=alpha, nonlinearity=nonlinearity)
    x, h = normal(1, 3), normal(1, 7, seed=2)
    jacobian = torch.func.jacrev(lambda h: rnn.step(x, h[None])[0])(h[0])
    current = rnn.weight_hh @ h[0] + rnn.weight_ih @ x[0] + rnn.bias
    slopes = torch.tensor([SLOPES[nonlinearity](a) for a in current.tolist()], dtype=torch.float64)
    expected = (1 - alpha) * torch.eye(7, dtype=torch.float64) + alpha * slopes[:, None] * rnn.weight_hh
    torch.testing.assert_close(jacobian, expected)


def test_a_slow_leak_is_not_lost_to_bfloat16():
    """Near 1, numbers of bfloat16 are 1/128 apart, far more than a step with alpha = 0.001 moves the state."""
    rnn = LeakyRNN(hidden=2, alpha=0.001).build(1, generator=generator())
    with torch.no_grad():
        for parameter, value in zip(rnn.parameters(), (0.0, 0.0, 2.0), strict=True):
            parameter.fill_(value)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        _, state = rnn(torch.zeros(100, 1, 1), torch.ones(1, 2))
    torch.testing.assert_close(state, torch.full((1, 2), 2 - 0.999**100))


def test_defaults_are_relu_and_alpha_one():
    assert LeakyRNN(hidden=4) == LeakyRNN(hidden=4, alpha=1, nonlinearity="relu", bias=True)


def test_the_gain_multiplies_only_the_recurrent_weights():
    def build(gain):
        return LeakyRNN(hidden=30, gain=gain).build(5, generator=torch.Generator().manual_seed(0))

    plain, small = build(1.0), build(0.25)
    assert torch.equal(small.weight_hh, plain.weight_hh * 0.25)
    assert torch.equal(small.weight_ih, plain.weight_ih) and torch.equal(small.bias, plain.bias)
    small.reset_parameters(generator=torch.Generator().manual_seed(1))
    assert small.weight_hh.abs().max() <= 0.25 / 30**0.5 < small.weight_ih.abs().max()

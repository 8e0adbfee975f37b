"""The leaky module against its equation in plain numbers, against finite differences, the Elman module and itself."""

import copy
import math
import pickle

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
    """Section 2.1 of the paper with plain numbers, unit by unit and product by product: lists (T)(B)(N)."""
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
    goal = torch.tensor([RATES[nonlinearity](b) for b in rnn.bias.tolist()], dtype=torch.float64)
    left = (1 - alpha) ** torch.arange(1, 13, dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(states, goal + left * (start - goal), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_alpha_one_is_the_elman_net_bit_for_bit(nonlinearity, bias, device):
    values = [kind(hidden=33, nonlinearity=nonlinearity, bias=bias) for kind in (LeakyRNN, ElmanRNN)]
    modules = [value.build(5, generator=generator()).to(device) for value in values]
    x = normal(20, 4, 5).float().to(device)
    found = []
    for module in modules:
        states, last = module(x)
        (states.square().sum() + last.sum()).backward()
        found.append(
            [states, last, module.step(x[0], last), *module.parameters(), *(p.grad for p in module.parameters())]
        )
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*found, strict=True))


def test_only_what_a_fused_elman_loop_computes_runs_with_it():
    fused = [(alpha, kind) for alpha in (1.0, 0.2) for kind in RATES if built(alpha=alpha, nonlinearity=kind).is_elman]
    assert fused == [(1.0, "relu"), (1.0, "tanh")]


@alphas
@nonlinearities
def test_gradients_are_those_of_finite_differences(nonlinearity, alpha):
    rnn = built(hidden=4, alpha=alpha, nonlinearity=nonlinearity)
    names, parameters = zip(*rnn.named_parameters(), strict=True)

    def run(x, state, *parameters):
        return torch.func.functional_call(rnn, dict(zip(names, parameters, strict=True)), (x, state))

    leaves = [normal(4, 2, 3).requires_grad_(), normal(2, 4, seed=2).requires_grad_(), *parameters]
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves)


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


@alphas
@nonlinearities
def test_steps_and_windows_equal_one_run(nonlinearity, alpha):
    rnn, x = built(alpha=alpha, nonlinearity=nonlinearity), normal(9, 4, 3)
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


@alphas
@pytest.mark.parametrize("backward", ["within", "after"])
@pytest.mark.parametrize("shared_inputs", [True, False])
def test_vmap_over_stacked_seeds_equals_the_loop_with_gradients(shared_inputs, backward, alpha):
    """`within`: gradients are taken inside of vmap. `after`: of what vmap gave, as the stacked engine does."""
    modules = [built(seed, alpha=alpha) for seed in range(4)]
    params, _ = torch.func.stack_module_state(modules)
    x = normal(5, 2, 3) if shared_inputs else normal(4, 5, 2, 3)
    skeleton = copy.deepcopy(modules[0]).to("meta")

    def loss(params, x):
        states, last = torch.func.functional_call(skeleton, params, (x,))
        return states.square().sum() + last.sum()

    dims = (0, None if shared_inputs else 0)
    if backward == "within":
        gradients = torch.vmap(torch.func.grad(loss), in_dims=dims)(params, x)
    else:
        losses = torch.vmap(loss, in_dims=dims)(params, x)
        gradients = dict(zip(params, torch.autograd.grad(losses.sum(), list(params.values())), strict=True))
    for i, module in enumerate(modules):
        states, last = module(x if shared_inputs else x[i])
        (states.square().sum() + last.sum()).backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(gradients[name][i], parameter.grad)


@alphas
@nonlinearities
def test_autocast_gives_states_that_can_be_carried(nonlinearity, alpha):
    rnn = LeakyRNN(hidden=64, alpha=alpha, nonlinearity=nonlinearity).build(3, generator=generator())
    x = normal(20, 8, 3).float()
    expected, _ = rnn(x)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        first, state = rnn(x[:9])
        second, _ = rnn(x[9:], state)
        stepped = rnn.step(x[9], state)
    torch.testing.assert_close(stepped, second[0])
    found = torch.cat([first, second]).float()
    assert found.isfinite().all()
    assert 0 < (found - expected).norm() < 0.03 * expected.norm()


def test_a_slow_leak_is_not_lost_to_bfloat16():
    """Near 1 numbers of bfloat16 are 1/128 apart, far more than a step of alpha = 0.001 moves the state."""
    rnn = LeakyRNN(hidden=2, alpha=0.001).build(1, generator=generator())
    with torch.no_grad():
        for parameter, value in zip(rnn.parameters(), (0.0, 0.0, 2.0), strict=True):
            parameter.fill_(value)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        _, state = rnn(torch.zeros(100, 1, 1), torch.ones(1, 2))
    torch.testing.assert_close(state, torch.full((1, 2), 2 - 0.999**100))


def test_shapes_and_the_stated_range():
    rnn = LeakyRNN(hidden=64, alpha=0.2).build(32, generator=generator())
    shapes = {"weight_ih": (64, 32), "weight_hh": (64, 64), "bias": (64,)}
    assert {name: tuple(p.shape) for name, p in rnn.named_parameters()} == shapes
    for name, parameter in rnn.named_parameters():
        assert 0.9 / 8 < parameter.abs().max() <= 1 / 8, name
        assert abs(parameter.mean()) < 4 / 8 / math.sqrt(3 * parameter.numel()), name
    without = LeakyRNN(hidden=4, bias=False).build(2, generator=generator())
    assert [name for name, _ in without.named_parameters()] == ["weight_ih", "weight_hh"]
    assert (rnn.inputs, rnn.hidden, rnn.state_size) == (32, 64, LeakyRNN(hidden=64).state_size)


def test_defaults_are_relu_and_no_leak():
    assert LeakyRNN(hidden=4) == LeakyRNN(hidden=4, alpha=1, nonlinearity="relu", bias=True)


def test_seed_decides_the_weights_and_reset_draws_new_ones_in_place():
    a, b, c = (LeakyRNN(hidden=5).build(2, generator=generator(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not any(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    before = list(a.parameters())
    a.reset_parameters(generator=generator(1))
    assert all(p is q for p, q in zip(a.parameters(), before, strict=True))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


def test_module_is_pickled_and_copied():
    rnn, x = built(alpha=0.2, nonlinearity="softplus"), normal(3, 2, 3)
    for twin in (pickle.loads(pickle.dumps(rnn)), copy.deepcopy(rnn)):
        assert torch.equal(twin(x)[0], rnn(x)[0])
    assert repr(rnn) == "LeakyModule(3 -> 7, softplus, alpha=0.2, bias=True)"
    assert repr(built(bias=False)) == "LeakyModule(3 -> 7, relu, alpha=1.0, bias=False)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rnn: rnn(torch.zeros(3, 3)), r"inputs: expected shape \(T, B, 3\) with T >= 1, got \(3, 3\)"),
        (lambda rnn: rnn(torch.zeros(3, 2, 5)), r"got \(3, 2, 5\)"),
        (lambda rnn: rnn(torch.zeros(0, 2, 3)), r"got \(0, 2, 3\)"),
        (lambda rnn: rnn(torch.zeros(3, 4, 3), torch.zeros(4, 6)), r"state: expected shape \(4, 7\), got \(4, 6\)"),
        (lambda rnn: rnn.step(torch.zeros(4, 3), torch.zeros(1, 7)), r"state: expected shape \(4, 7\), got \(1, 7\)"),
        (lambda rnn: LeakyRNN(hidden=2).build(0, generator=generator()), "inputs: expected a positive size, got 0"),
        (lambda rnn: LeakyRNN(hidden=2).build(1, generator=None), r"generator: expected a torch\.Generator"),
    ],
)
def test_refusals_say_expected_and_got(call, message):
    with pytest.raises(ValueError, match=message):
        call(built())


def test_global_generator_is_untouched():
    before = torch.get_rng_state()
    rnn = built(alpha=0.2)
    rnn.reset_parameters(generator=generator(1))
    rnn(normal(3, 2, 3))[0].sum().backward()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_gain_multiplies_new_recurrent_weights_and_nothing_else():
    def build(gain):
        return LeakyRNN(hidden=30, gain=gain).build(5, generator=torch.Generator().manual_seed(0))

    plain, small = build(1.0), build(0.25)
    assert torch.equal(small.weight_hh, plain.weight_hh * 0.25)
    assert torch.equal(small.weight_ih, plain.weight_ih) and torch.equal(small.bias, plain.bias)
    small.reset_parameters(generator=torch.Generator().manual_seed(1))
    assert small.weight_hh.abs().max() <= 0.25 / 30**0.5 < small.weight_ih.abs().max()

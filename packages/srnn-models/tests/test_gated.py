"""GRU and LSTM against torch's own, and against themselves, step by step, in windows and stacked by vmap."""

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srnn_models import GRU, LSTM

TWINS = {GRU: nn.GRU, LSTM: nn.LSTM}
kinds = pytest.mark.parametrize("kind", list(TWINS))
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def built(kind, seed=0, inputs=3, **fields):
    return kind(**{"hidden": 7, **fields}).build(inputs, generator=generator(seed)).double()


def torch_twin(kind, module):
    """The module of torch with the same weights."""
    twin = TWINS[kind](module.inputs, module.hidden, bias=module.bias_ih is not None, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            getattr(twin, f"{name}_l0").copy_(parameter)
    return twin


@pytest.fixture(autouse=True)
def keep_global_generator():
    """The constructors of torch in the oracle draw from the global generator; leave it as it was."""
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
    module = built(kind, seed, inputs, hidden=hidden, bias=bias)
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


@kinds
def test_steps_and_windows_equal_one_run(kind):
    module, x = built(kind), normal(9, 4, 3)
    states, last = module(x)

    state = None
    for t in range(9):
        state = module.step(x[t], state)
        torch.testing.assert_close(module.output(state), states[t], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=1e-12, atol=1e-12)

    first, carried = module(x[:4])
    second, end = module(x[4:], carried)
    torch.testing.assert_close(torch.cat([first, second]), states, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(end, last, rtol=1e-12, atol=1e-12)


@kinds
def test_vmap_over_stacked_seeds_equals_the_loop_with_gradients(kind):
    modules = [built(kind, seed) for seed in range(4)]
    params, _ = torch.func.stack_module_state(modules)
    x, states0 = normal(4, 5, 2, 3), normal(4, 2, modules[0].state_size, seed=2)
    skeleton = copy.deepcopy(modules[0]).to("meta")

    def loss(params, x, state):
        states, last = torch.func.functional_call(skeleton, params, (x, state))
        return states.square().sum() + last.sum(), states

    gradients, states = torch.vmap(torch.func.grad(loss, has_aux=True))(params, x, states0)
    for i, module in enumerate(modules):
        expected, last = module(x[i], states0[i])
        torch.testing.assert_close(states[i], expected)
        (expected.square().sum() + last.sum()).backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(gradients[name][i], parameter.grad)


@kinds
def test_second_derivatives(kind):
    module = built(kind, hidden=3)
    state = normal(2, module.state_size, seed=2).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda state: module(normal(3, 2, 3), state)[1], (state,))


@kinds
def test_autocast_gives_states_that_can_be_carried(kind):
    module = kind(hidden=16).build(3, generator=generator())
    x = normal(6, 4, 3).float()
    expected, _ = module(x)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        first, state = module(x[:3])
        second, _ = module(x[3:], state)
    found = torch.cat([first, second]).float()
    assert found.isfinite().all()
    assert 0 < (found - expected).norm() < 0.03 * expected.norm()


@pytest.mark.parametrize(("kind", "gates"), [(GRU, 3), (LSTM, 4)])
def test_shapes_gates_and_the_stated_range(kind, gates):
    module = kind(hidden=64).build(32, generator=generator())
    assert module.gates == gates
    assert {name: tuple(p.shape) for name, p in module.named_parameters()} == {
        "weight_ih": (gates * 64, 32),
        "weight_hh": (gates * 64, 64),
        "bias_ih": (gates * 64,),
        "bias_hh": (gates * 64,),
    }
    for name, parameter in module.named_parameters():
        assert 0.9 / 8 < parameter.abs().max() <= 1 / 8, name
        assert abs(parameter.mean()) < 4 / 8 / math.sqrt(3 * parameter.numel()), name


@kinds
def test_seed_decides_the_weights_and_reset_draws_new_ones_in_place(kind):
    a, b, c = (built(kind, seed) for seed in (0, 0, 1))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not any(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    a, c = (kind(hidden=7).build(3, generator=generator(seed)) for seed in (0, 1))
    before = list(a.parameters())
    a.reset_parameters(generator=generator(1))
    assert all(p is q for p, q in zip(a.parameters(), before, strict=True))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


@kinds
def test_module_is_pickled_and_copied(kind):
    module, x = built(kind), normal(3, 2, 3)
    for twin in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert torch.equal(twin(x)[0], module(x)[0])
    assert repr(module) == f"{kind.__name__}Module(3 -> 7, bias=True)"


@kinds
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda module: module(torch.zeros(3, 2)), r"inputs: expected shape \(T, B, 3\) with T >= 1, got \(3, 2\)"),
        (lambda module: module(torch.zeros(0, 2, 3)), r"got \(0, 2, 3\)"),
        (lambda module: module(torch.zeros(3, 4, 3), torch.zeros(4, 8)), r"state: expected shape .*, got \(4, 8\)"),
        (lambda module: module.step(torch.zeros(4, 3), torch.zeros(8)), r"state: expected shape .*, got \(8,\)"),
    ],
)
def test_refusals_say_expected_and_got(kind, call, message):
    with pytest.raises(ValueError, match=message):
        call(built(kind))


@kinds
def test_build_refuses_no_inputs_and_no_generator(kind):
    with pytest.raises(ValueError, match="inputs: expected a positive size, got 0"):
        kind(hidden=2).build(0, generator=generator())
    with pytest.raises(ValueError, match=r"generator: expected a torch\.Generator"):
        kind(hidden=2).build(1, generator=None)


@kinds
def test_global_generator_is_untouched(kind):
    before = torch.get_rng_state()
    module = built(kind)
    module.reset_parameters(generator=generator(1))
    module(normal(3, 2, 3))[0].sum().backward()
    assert torch.equal(torch.get_rng_state(), before)

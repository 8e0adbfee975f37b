"""The fused Elman loop against the loop that it replaces: values, gradients, vmap, precision, compiler."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srnn_models import ElmanRNN
from srnn_models.engines import fused_elman, runs_fused

ACTIVATIONS = {"tanh": torch.tanh, "relu": lambda x: x.clamp(min=0)}
nonlinearities = pytest.mark.parametrize("nonlinearity", list(ACTIVATIONS))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def leaves(steps=4, batch=3, hidden=5, seed=1):
    """driven, state and weight, each to be differentiated."""
    shapes = (steps, batch, hidden), (batch, hidden), (hidden, hidden)
    return [normal(*shape, seed=seed + number).requires_grad_() for number, shape in enumerate(shapes)]


def loop(driven, state, weight, nonlinearity):
    """The recurrence as it is written down, row by row of the batch."""
    states = []
    for drive in driven:
        rows = [weight.mv(row) for row in state]
        state = ACTIVATIONS[nonlinearity](drive + torch.stack(rows))
        states.append(state)
    return torch.stack(states), state


def fused(rnn, inputs, state=None):
    """An `ElmanModule` on the CPU, run as it runs on a GPU."""
    state = inputs.new_zeros(inputs.shape[1], rnn.hidden) if state is None else state
    return fused_elman(rnn.drive(inputs), state, rnn.weight_hh, rnn.nonlinearity)


class Fused(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, inputs):
        return fused(self.rnn, inputs)


@settings(max_examples=30)
@given(
    nonlinearity=st.sampled_from(list(ACTIVATIONS)),
    sizes=st.tuples(*[st.integers(1, 6)] * 3),
    read=st.sampled_from(["states", "last", "both"]),
    seed=st.integers(0, 2**31),
)
def test_values_and_gradients_equal_the_loop(nonlinearity, sizes, read, seed):
    given = leaves(*sizes, seed=seed)
    weights = normal(*sizes, seed=seed + 5), normal(*sizes[1:], seed=seed + 6)
    ends = [run(*given, nonlinearity) for run in (fused_elman, loop)]
    for ours, theirs in zip(*ends, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    gradients = []
    for states, last in ends:
        loss = (states * weights[0]).sum() * (read != "last") + (last * weights[1]).sum() * (read != "states")
        gradients.append(torch.autograd.grad(loss, given))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@nonlinearities
def test_gradients_of_first_and_second_order_are_those_of_finite_differences(nonlinearity):
    given = leaves()

    def run(*given):
        return fused_elman(*given, nonlinearity)

    assert torch.autograd.gradcheck(run, given)
    assert torch.autograd.gradgradcheck(run, given)


@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize("bias", [True, False, "double"])
@nonlinearities
def test_a_module_gives_the_same_with_both_loops(nonlinearity, bias, with_state):
    rnn = ElmanRNN(hidden=6, nonlinearity=nonlinearity, bias=bias).build(2, generator=generator()).double()
    x, state = normal(7, 3, 2).requires_grad_(), normal(3, 6, seed=2).requires_grad_() if with_state else None
    sources = [x, *([state] if with_state else []), *rnn.parameters()]
    results = []
    for states, last in (fused(rnn, x, state), rnn(x, state)):
        results.append([states, last, *torch.autograd.grad(states.square().sum() + last.sum(), sources)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_on_the_cpu_a_module_runs_with_the_shared_loop():
    rnn = ElmanRNN(hidden=4).build(2, generator=generator())
    assert not runs_fused(rnn.weight_hh)
    assert "_Elman" not in rnn(torch.ones(3, 2, 2))[0].grad_fn.name()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@nonlinearities
def test_on_a_gpu_a_module_runs_fused_and_equals_the_shared_loop(nonlinearity):
    rnn = ElmanRNN(hidden=6, nonlinearity=nonlinearity).build(2, generator=generator()).double()
    results = []
    for device in ("cpu", "cuda"):
        module = copy.deepcopy(rnn).to(device)
        states, last = module(normal(7, 3, 2).to(device))
        assert ("_Elman" in states.grad_fn.name()) == runs_fused(module.weight_hh) == (device == "cuda")
        gradients = torch.autograd.grad(states.square().sum() + last.sum(), list(module.parameters()))
        results.append([tensor.cpu() for tensor in (states, last, *gradients)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("backward", ["within", "after"])
@pytest.mark.parametrize("shared_inputs", [True, False])
def test_vmap_over_stacked_seeds_equals_the_loop(shared_inputs, backward):
    """`within`: gradients are taken inside of vmap. `after`: of what vmap gave, as the stacked engine does."""
    modules = [Fused(ElmanRNN(hidden=6).build(2, generator=generator(seed)).double()) for seed in range(4)]
    params, _ = torch.func.stack_module_state(modules)
    x = normal(5, 3, 2) if shared_inputs else normal(4, 5, 3, 2)
    skeleton = copy.deepcopy(modules[0]).to("meta")

    def loss(params, x):
        states, last = torch.func.functional_call(skeleton, params, (x,))
        return states.square().sum() + last.sum()

    dims = (0, None if shared_inputs else 0)
    if backward == "within":
        gradients = torch.vmap(torch.func.grad(loss), in_dims=dims)(params, x)
    else:
        losses = torch.vmap(loss, in_dims=dims)(params, x)
        slices = torch.autograd.grad(losses, list(params.values()), torch.ones_like(losses))
        gradients = dict(zip(params, slices, strict=True))
    for i, module in enumerate(modules):
        states, last = module.rnn(x if shared_inputs else x[i])
        (states.square().sum() + last.sum()).backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(gradients[name][i], parameter.grad)


def test_vmap_of_the_backward_and_gradients_of_gradients():
    driven, state, weight = (leaf.detach() for leaf in leaves())

    def loss(run):
        return lambda driven, weight: run(driven, state, weight, "tanh")[0].square().sum()

    ours, theirs = (
        torch.func.jacrev(torch.func.grad(loss(run), argnums=1), argnums=(0, 1))(driven, weight)
        for run in (fused_elman, loop)
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_frozen_weight_gets_no_gradient_and_the_others_theirs(mapped):
    driven, state, weight = leaves()
    weight.requires_grad_(False)

    def run(driven):
        return fused_elman(driven, state, weight, "tanh")[0]

    states = torch.vmap(run)(driven[None])[0] if mapped else run(driven)
    ours = torch.autograd.grad(states.square().sum(), (driven, state))
    theirs = torch.autograd.grad(loop(driven, state, weight, "tanh")[0].square().sum(), (driven, state))
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)


@pytest.mark.parametrize("backward", ["within", "after"])
@nonlinearities
def test_autocast_has_the_types_and_values_of_the_loop(nonlinearity, backward):
    rnn = ElmanRNN(hidden=64, nonlinearity=nonlinearity).build(3, generator=generator())
    x = normal(20, 8, 3).float()
    results = []
    for run in (partial(fused, rnn), rnn):
        rnn.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
            states, last = run(x)
            loss = states.float().square().mean() + last.float().mean()
            if backward == "within":
                loss.backward()
        if backward == "after":
            loss.backward()
        results.append([states, last, *(parameter.grad for parameter in rnn.parameters())])
    for number, (ours, theirs) in enumerate(zip(*results, strict=True)):
        assert ours.dtype is theirs.dtype is (torch.bfloat16 if number < 2 else torch.float32)
        assert (ours - theirs).norm() <= 2**-7 * theirs.norm()  # a rounding of bfloat16 is 2**-9


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's compiler does that
@nonlinearities
def test_it_compiles_as_one_graph(nonlinearity):
    given = leaves()
    compiled = torch.compile(lambda *given: fused_elman(*given, nonlinearity), fullgraph=True, backend="aot_eager")
    ours, theirs = (
        torch.autograd.grad(run(*given)[0].square().sum(), given)
        for run in (compiled, lambda *given: loop(*given, nonlinearity))
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)
    torch.compiler.reset()

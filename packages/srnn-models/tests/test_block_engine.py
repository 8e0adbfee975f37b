"""The own backward pass of block RNNs: results of the loop and of finite differences, and where the loop runs."""

import copy
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srnn_models import BlockRNN, ModelError, Normal, accelerate, decelerate

both = pytest.mark.parametrize("reads", ["before", "after"])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def recurrence(reads, hidden=4, inputs=3, outputs=2):
    """The recurrence in float64, with weights large enough for every block to matter."""
    sds = dict.fromkeys(("hx", "hh", "hy", "yx", "yh", "yy"), Normal(sd=0.5))
    spec = SimpleNamespace(inputs=inputs, outputs=outputs, start=None, tokens=False)
    return BlockRNN(hidden=hidden, reads=reads, **sds).build(spec, generator=generator()).recurrence.double()


def results(module, x, state):
    """States, last state, and the gradients by everything that requires one."""
    states, last = module(x, state)
    scale = torch.linspace(0.5, 2, states.numel(), dtype=states.dtype).view(states.shape)
    given = [each for each in (x, state, *module.parameters()) if each is not None and each.requires_grad]
    loss = (states * scale).sum() + last.square().sum()
    return [states, last, *torch.autograd.grad(loss, given, materialize_grads=True)]


def assert_equal(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-10, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    reads=st.sampled_from(["before", "after"]),
    sizes=st.tuples(*[st.integers(1, 5)] * 5),
    carried=st.booleans(),
    differentiated=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_results_and_gradients_are_those_of_the_loop(reads, sizes, carried, differentiated, seed):
    steps, batch, hidden, inputs, outputs = sizes
    module = recurrence(reads, hidden, inputs, outputs)
    x = normal(steps, batch, inputs, seed=seed).requires_grad_(differentiated)
    state = normal(batch, hidden + outputs, seed=seed + 1).requires_grad_(differentiated) if carried else None
    theirs = results(module, x, state)
    assert_equal(results(accelerate(module, "dense"), x, state), theirs)
    assert module.acceleration.used == ("dense",)


@both
def test_gradients_are_those_of_finite_differences(reads):
    module = accelerate(recurrence(reads), "dense")
    x, state = normal(3, 2, 3).requires_grad_(), normal(2, 6, seed=2).requires_grad_()
    given = (x, state, *module.parameters())
    assert torch.autograd.gradcheck(lambda *_: module(x, state), given)
    assert torch.autograd.gradgradcheck(lambda *_: module(x, state), given)
    assert module.acceleration.used == ("dense",)


@both
def test_frozen_weights_get_no_gradient_and_the_others_theirs(reads):
    module, x = recurrence(reads), normal(4, 3, 3)
    for frozen in module.parameters():
        frozen.requires_grad_(False)
        theirs = results(decelerate(module), x, None)
        assert_equal(results(accelerate(module, "dense"), x, None), theirs)
        frozen.requires_grad_(True)


@both
def test_windows_carry_state_and_gradient(reads):
    module, x = recurrence(reads), normal(6, 2, 3)

    def run():
        first, state = module(x[:2])
        second, last = module(x[2:], state)
        return [first, second, last, *torch.autograd.grad(last.square().sum(), list(module.parameters()))]

    theirs = run()
    accelerate(module, "dense")
    assert_equal(run(), theirs)
    _, last = module(x)
    assert last.untyped_storage().nbytes() == last.numel() * last.element_size()


@both
def test_mapped_gradients_and_functional_calls_are_those_of_the_loop(reads):
    module, x = recurrence(reads), normal(4, 2, 3)
    given = torch.eye(3, dtype=x.dtype).view(3, 3, 1, 1).expand(3, 3, 2, 6)
    parameters = dict(module.named_parameters())

    def run():
        states, _ = module(x)
        mapped = torch.autograd.grad(states[:3], list(parameters.values()), given, is_grads_batched=True)
        halves = {name: each.detach() / 2 for name, each in parameters.items()}
        called = torch.func.functional_call(module, halves, (x,))[0]
        return [*mapped, called, torch.vmap(lambda batch: module(batch)[0])(x[None])]

    theirs = run()
    with pytest.warns(UserWarning, match=r"BlockModule: engine 'dense' runs the loop here: torch.func"):
        accelerate(module, "dense")
        assert_equal(run(), theirs)
    assert module.acceleration.used == ("dense", "loop")


def test_auto_is_dense_and_copies_keep_it():
    module, x = accelerate(recurrence("before")), normal(4, 2, 3)
    before = decelerate(copy.deepcopy(module))(x)[0]
    for each in (module, copy.deepcopy(module)):
        torch.testing.assert_close(each(x)[0], before)
        assert each.acceleration.used == ("dense",)
    assert "BlockModule[auto: dense](3 -> 4 + 2, reads=before)" in repr(module)


def test_steps_and_the_engine_loop_have_the_bits_of_the_loop():
    module, x = recurrence("after"), normal(4, 2, 3)
    states, step = module(x)[0], module.step(x[0])
    assert torch.equal(accelerate(module, "loop")(x)[0], states)
    assert torch.equal(accelerate(module, "dense").step(x[0]), step)
    assert module.acceleration.used == ()


def test_sparse_is_an_error_and_a_subclass_runs_by_the_loop():
    module, x = recurrence("before"), normal(4, 2, 3)
    with pytest.raises(
        ModelError, match="expected a cell with sparse products, got BlockModule; use 'dense' or 'auto'"
    ):
        accelerate(module, "sparse")

    class Doubled(type(module)):
        """It changes the step, which the backward pass of its base would not know."""

        def advance(self, drive, recur, state):
            return tuple(2 * part for part in super().advance(drive, recur, state))

    module.__class__ = Doubled
    states = module(x)[0]
    assert torch.equal(accelerate(module, "dense")(x)[0], states)
    assert module.acceleration.used == ("loop",)

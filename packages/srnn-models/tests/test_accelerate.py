"""`accelerate`: what it sets, what it reads, and where the loop runs instead."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.utils import parametrize, prune

from srnn_models import (
    GRU,
    LSTM,
    ElmanRNN,
    LanguageModel,
    LeakyRNN,
    ModelError,
    PeepholeLSTM,
    SequenceModel,
    accelerate,
    decelerate,
)

CELLS = {
    "elman": ElmanRNN(hidden=6),
    "leaky": LeakyRNN(hidden=6, alpha=0.4, nonlinearity="tanh"),
    "gru": GRU(hidden=6),
    "lstm": LSTM(hidden=6),
}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
named = pytest.mark.parametrize("engine", ["dense", "sparse"])
SPEC = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def random_mask(like, seed=3):
    return torch.rand(like.shape, generator=generator(seed)) < 0.4


def masked(cell, seed=0):
    module = cell.build(3, generator=generator(seed)).double()
    set_mask(module, random_mask(module.weight_hh))
    return module


def set_mask(module, mask):
    with torch.no_grad():
        module.weight_hh.mul_(mask)
    module.register_buffer("weight_hh_mask", mask)


def gradients(module, x, run=None):
    """States, last state and all gradients; that of W_hh at the mask."""
    states, last = (run or module)(x)
    found = torch.autograd.grad(states.sin().sum() + last.square().sum(), list(module.parameters()))
    mask = getattr(module, "weight_hh_mask", None)
    return [states, last, *(g * mask if mask is not None and g.shape == mask.shape else g for g in found)]


def assert_close(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)


def assert_equals_loop(module, engine, x=None):
    """The results of a module are those of the loop, and come from this engine."""
    x = normal(4, 2, 3) if x is None else x
    before = module.acceleration
    module.acceleration = None
    theirs = gradients(module, x)
    module.acceleration = before
    assert_close(gradients(module, x), theirs)
    assert engine in module.acceleration.used


def test_a_built_module_runs_by_the_loop_and_decelerate_gives_it_back():
    module, x = masked(GRU(hidden=6)), normal(4, 2, 3)
    before = module(x)
    assert module.acceleration is None and "Stack" in before[0].grad_fn.name()
    assert decelerate(accelerate(module, "sparse")) is module
    assert "acceleration" not in vars(module)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(module(x), before, strict=True))


@cells
def test_the_engine_loop_has_the_bits_of_the_loop(cell):
    module, x = masked(cell), normal(4, 2, 3)
    before = gradients(module, x)
    after = gradients(accelerate(module, "loop"), x)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(after, before, strict=True))


def test_print_shows_the_engine_and_those_that_ran():
    network = SequenceModel(recurrence=GRU(hidden=300)).build(SPEC, generator=generator())
    assert "GRUModule(3 -> 300" in repr(network)
    accelerate(network)
    assert "GRUModule[auto](3 -> 300" in repr(network)
    network(torch.zeros(2, 2, 3))
    assert "GRUModule[auto: loop](3 -> 300" in repr(network)
    set_mask(network.recurrence, torch.eye(300, dtype=torch.bool).repeat(3, 1))
    network(torch.zeros(2, 2, 3))
    assert "GRUModule[auto: loop, sparse](3 -> 300" in repr(network)


def test_nothing_is_added_to_parameters_buffers_or_state():
    module = masked(LSTM(hidden=6))
    before = [list(module.state_dict()), list(module.named_parameters()), list(module.named_buffers())]
    accelerate(module, "sparse")(normal(4, 2, 3))
    assert [list(module.state_dict()), list(module.named_parameters()), list(module.named_buffers())] == before


@pytest.mark.parametrize("layers", [1, 3])
def test_every_layer_is_set_and_the_read_out_equals_the_loop(layers):
    network = SequenceModel(recurrence=GRU(hidden=6), layers=layers).build(SPEC, generator=generator()).double()
    x = normal(4, 2, 3)
    before = gradients(network, x)
    accelerate(network, "dense")
    assert_close(gradients(network, x), before)
    assert [module.acceleration.used for module in network.modules() if hasattr(module, "weight_hh")] == [
        ("dense",)
    ] * layers
    assert "Stack[" not in repr(network)


def test_a_language_model_equals_the_loop():
    spec = SimpleNamespace(inputs=9, outputs=9, start=None, tokens=True)
    network = LanguageModel(recurrence=LSTM(hidden=6), layers=2).build(spec, generator=generator()).double()
    tokens = torch.randint(9, (5, 3), generator=generator())
    before = gradients(network, tokens)
    assert_close(gradients(accelerate(network, "dense"), tokens), before)


def test_errors():
    with pytest.raises(ModelError, match="expected one of 'auto', 'loop', 'dense', 'sparse', got 'fast'"):
        accelerate(masked(GRU(hidden=6)), "fast")
    with pytest.raises(ModelError, match=r"a recurrence of srnn-models, an nn.RNN, nn.GRU or nn.LSTM .*, got Linear"):
        accelerate(nn.Linear(2, 2))
    with pytest.raises(ModelError, match="GRUModule: engine 'sparse': expected a mask on weight_hh"):
        accelerate(GRU(hidden=6).build(3, generator=generator()), "sparse")
    peephole = masked(PeepholeLSTM(hidden=6))
    with pytest.raises(ModelError, match="own backward pass, got PeepholeLSTMModule"):
        accelerate(peephole, "sparse")
    module = masked(GRU(hidden=6))
    module.weight_hh_mask = module.weight_hh_mask[:6]
    with pytest.raises(ModelError, match=r"weight_hh_mask: expected the shape of weight_hh, \(18, 6\), got \(6, 6\)"):
        accelerate(module, "sparse")
    network = nn.ModuleList([masked(GRU(hidden=6)), peephole])
    with pytest.raises(ModelError):
        accelerate(network, "sparse")
    assert network[0].acceleration is None


def test_a_mask_that_is_removed_later_is_an_error_for_sparse():
    module = accelerate(masked(GRU(hidden=6)), "sparse")
    del module.weight_hh_mask
    with pytest.raises(ModelError, match="expected a mask on weight_hh"):
        module(normal(4, 2, 3))


@pytest.mark.parametrize("engine", ["auto", "dense"])
def test_cells_without_their_own_backward_pass_run_by_the_loop(engine):
    class Doubled(type(ElmanRNN(hidden=6).build(3, generator=generator()))):
        """It changes the step, which the backward pass of its base would not know."""

        def advance(self, drive, recur, state):
            return 2 * super().advance(drive, recur, state)

    for module in (masked(PeepholeLSTM(hidden=6)), Doubled(ElmanRNN(hidden=6), 3, generator=generator()).double()):
        accelerate(module, engine)
        assert_equals_loop(module, "loop")
        assert module.acceleration.used == ("loop",)


@cells
def test_changes_of_mask_and_weight_are_seen(cell):
    module = accelerate(masked(cell), "sparse")
    x = normal(4, 2, 3)
    assert_equals_loop(module, "sparse", x)
    with torch.no_grad():
        module.weight_hh_mask[:, 0] = True
        module.weight_hh[:, 0] = 0.3
    assert_equals_loop(module, "sparse", x)
    set_mask(module, random_mask(module.weight_hh, seed=8))
    assert_equals_loop(module, "sparse", x)
    state = {name: torch.ones_like(tensor) for name, tensor in module.state_dict().items()}
    module.load_state_dict(state)
    assert_equals_loop(module, "sparse", x)
    module.float()
    assert_equals_loop(module, "sparse", x.float())
    assert module.acceleration.used == ("sparse",)


@cells
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_keep_the_engine_and_follow_their_own_mask(cell, copied):
    module = accelerate(masked(cell), "sparse")
    module(normal(4, 2, 3))
    twin = copied(module)
    set_mask(twin, random_mask(twin.weight_hh, seed=8))
    assert_equals_loop(twin, "sparse")
    assert_equals_loop(module, "sparse")
    assert twin.acceleration is not module.acceleration


def test_masks_of_torch_are_read_and_their_original_weight_gets_the_gradient():
    module = LSTM(hidden=6).build(3, generator=generator()).double()
    prune.random_unstructured(module, "weight_hh", 0.6)
    accelerate(module, "sparse")
    assert_equals_loop(module, "sparse")
    prune.random_unstructured(module, "weight_hh", 0.3)
    assert_equals_loop(module, "sparse")


def test_a_parametrized_module_runs_by_the_loop():
    module, x = masked(GRU(hidden=6)), normal(4, 2, 3)
    parametrize.register_parametrization(module, "weight_hh", nn.Tanh())
    before = gradients(module, x)
    assert_close(gradients(accelerate(module, "dense"), x), before)
    assert module.acceleration.used == ("loop",)


ASIDE = "runs the loop here: "
JVP = "ignore:.torch.jit.script. is deprecated:DeprecationWarning"  # forward-mode differentiation calls it


@pytest.mark.filterwarnings(JVP)
@named
def test_functional_calls_and_transforms_run_by_the_loop(engine):
    module, x = masked(GRU(hidden=6)), normal(4, 2, 3)
    params = {name: tensor.detach() for name, tensor in module.named_parameters()}

    def loss(params):
        return torch.func.functional_call(module, params, (x,))[0].sin().sum()

    stacked = {name: torch.stack([tensor, 2 * tensor]) for name, tensor in params.items()}
    tangents = {name: torch.ones_like(tensor) for name, tensor in params.items()}

    def results():
        return [
            loss(params),
            *torch.func.grad(loss)(params).values(),
            torch.vmap(loss)(stacked),
            torch.func.jvp(loss, (params,), (tangents,))[1],
        ]

    before = results()
    accelerate(module, engine)
    with pytest.warns(UserWarning) as warned:
        assert_close(results(), before)
        results()
    assert sorted(str(warning.message) for warning in warned) == [
        f"GRUModule: engine '{engine}' {ASIDE}torch.func",
        f"GRUModule: engine '{engine}' {ASIDE}torch.func.functional_call",
    ]


@pytest.mark.filterwarnings(JVP)
def test_dual_numbers_run_by_the_loop():
    module, x = masked(GRU(hidden=6)), normal(4, 2, 3)

    def tangent():
        with forward_ad.dual_level():
            return forward_ad.unpack_dual(module(forward_ad.make_dual(x, torch.ones_like(x)))[0]).tangent

    before = tangent()
    accelerate(module, "dense")
    with pytest.warns(UserWarning, match=ASIDE + "forward-mode"):
        torch.testing.assert_close(tangent(), before)


def test_other_precisions_run_by_the_loop():
    module, x = masked(GRU(hidden=6)).float(), normal(4, 2, 3).float()
    with torch.autocast("cpu", torch.bfloat16):
        before = module(x)[0]
        accelerate(module, "sparse")
        with pytest.warns(UserWarning, match=ASIDE + "autocast"):
            assert torch.equal(module(x)[0], before)
    with pytest.warns(UserWarning, match=ASIDE + "torch.bfloat16"):
        assert module.bfloat16()(x.bfloat16())[0].dtype is torch.bfloat16


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's compiler does that
@pytest.mark.parametrize("engine", ["auto", "dense", "sparse"])
def test_compiled_and_exported_modules_run_by_the_loop(engine):
    module, x = masked(GRU(hidden=6)), normal(4, 2, 3)
    before = module(x)[0]
    accelerate(module, engine)
    torch.testing.assert_close(torch.compile(module, fullgraph=True, backend="aot_eager")(x)[0], before)
    torch.testing.assert_close(torch.export.export(module, (x,)).module()(x)[0], before)
    torch.compiler.reset()


def test_a_meta_device():
    module = accelerate(masked(GRU(hidden=6))).to("meta")
    assert module(normal(4, 2, 3).to("meta"))[0].shape == (4, 2, 6)


def test_outputs_of_a_network_can_be_viewed_in_another_shape():
    network = SequenceModel(recurrence=GRU(hidden=6)).build(SPEC, generator=generator()).double()
    expected = network(normal(4, 2, 3))[0].view(-1, 2)
    torch.testing.assert_close(accelerate(network, "dense")(normal(4, 2, 3))[0].view(-1, 2), expected)


def test_auto_says_nothing():
    module = accelerate(masked(GRU(hidden=6)))
    torch.vmap(lambda x: module(x)[0])(normal(2, 4, 2, 3))
    assert module.acceleration.used == ("loop",)


@cells
def test_gradients_mapped_over_the_batch_equal_the_loop(cell):
    module, x = masked(cell), normal(4, 2, 3)

    def mapped():
        states, _ = module(x)
        given = torch.eye(3, dtype=states.dtype).view(3, 3, 1, 1).expand(3, 3, 2, 6)
        return torch.autograd.grad(states[:3], list(module.parameters()), given, is_grads_batched=True)

    before = mapped()
    accelerate(module, "dense")
    assert_close(mapped(), before)


@cells
def test_hooks_see_a_gradient_once_in_second_derivatives_too(cell):
    module, x = accelerate(masked(cell), "dense"), normal(4, 2, 3)
    seen = []
    module.weight_hh.register_hook(lambda gradient: seen.append(1) or 2 * gradient)
    for create_graph in (False, True):
        seen.clear()
        torch.autograd.grad(module(x)[0].sum(), module.weight_hh, create_graph=create_graph)
        assert len(seen) == 1


@cells
def test_dense_gradients_are_asked_for_after_the_forward_pass(cell):
    module, x = masked(cell), normal(4, 2, 3)
    (dense,) = torch.autograd.grad(module(x)[0].sin().sum(), module.weight_hh)
    loss = accelerate(module, "sparse")(x)[0].sin().sum()
    module.weight_hh_mask.lifted = True
    torch.testing.assert_close(torch.autograd.grad(loss, module.weight_hh)[0], dense)
    assert dense[~module.weight_hh_mask].any()


@cells
def test_single_steps_run_by_the_loop_and_see_every_write(cell):
    module, x = masked(cell), normal(2, 3)
    state = normal(2, module.state_size)
    twin = accelerate(copy.deepcopy(module), "sparse")
    for factor in (1.0, 0.5):
        for each in (module, twin):
            each.weight_hh.data.mul_(factor)  # a write that torch does not count
        with torch.no_grad():
            assert torch.equal(twin.step(x, state), module.step(x, state))
    assert twin.acceleration.used == ()


@cells
def test_steps_with_gradients_are_those_of_the_loop(cell):
    module, x = accelerate(masked(cell), "sparse"), normal(2, 3)
    state = normal(2, module.state_size).requires_grad_()
    jacobian = torch.autograd.functional.jacobian(lambda state: module.step(x, state), state, create_graph=True)
    (second,) = torch.autograd.grad(jacobian.square().sum(), module.weight_hh)
    assert second[~module.weight_hh_mask].any()
    assert module.acceleration.used == ()


def test_the_last_state_has_memory_of_its_own():
    _, last = accelerate(masked(GRU(hidden=6)), "sparse")(normal(50, 2, 3))
    assert last.untyped_storage().nbytes() == last.numel() * last.element_size()


def test_inference_mode():
    module, x = masked(GRU(hidden=6)), normal(4, 2, 3)
    before = module(x)[0].detach()
    with torch.inference_mode():
        torch.testing.assert_close(accelerate(module, "sparse")(x)[0], before)
        twin = accelerate(masked(GRU(hidden=6)), "sparse")
        for _ in range(2):
            torch.testing.assert_close(twin(x)[0], before)
            twin.weight_hh_mask.copy_(twin.weight_hh_mask)

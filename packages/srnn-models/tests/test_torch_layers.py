"""`accelerate` on `nn.RNN`, `nn.GRU` and `nn.LSTM`: what it sets, and where torch's own forward pass runs instead."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.rnn import pack_sequence

from srnn_models import (
    GRU,
    AcceleratedGRU,
    AcceleratedLSTM,
    AcceleratedRNN,
    ModelError,
    accelerate,
    decelerate,
)

LAYERS = {nn.RNN: AcceleratedRNN, nn.GRU: AcceleratedGRU, nn.LSTM: AcceleratedLSTM}
layers = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
named = pytest.mark.parametrize("engine", ["dense", "sparse"])
ASIDE = "runs torch's own forward pass here: "


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def built(layer, *sizes, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return layer(*(sizes or (3, 6)), **options).double()


def masked(layer, *sizes, density=0.4, **options):
    """A layer with a mask on each W_hh, as srnn-masks keeps it."""
    module = built(layer, *sizes, **options)
    for name, weight in list(module.named_parameters()):
        if "weight_hh" in name:
            mask = torch.rand(weight.shape, generator=generator(3)) < density
            weight.data.mul_(mask)
            module.register_buffer(f"{name}_mask", mask)
    return module


def parts(result):
    output, last = result
    return [output, *(last if isinstance(last, tuple) else (last,))]


def gradients(module, x):
    """Results and all gradients; those of a W_hh at its mask."""
    found = parts(module(x))
    loss = sum(each.sin().sum() for each in found)
    return [*found, *at_masks(module, torch.autograd.grad(loss, list(module.parameters())))]


def at_masks(module, gradients):
    """Gradients by all parameters, those of a W_hh at its mask."""
    names = [name.removesuffix("_orig") for name, _ in module.named_parameters()]
    return [each * getattr(module, f"{name}_mask", 1) for name, each in zip(names, gradients, strict=True)]


def assert_close(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)


def assert_equals_torch(module, engine, x=None):
    """The results of a module are those of torch, and come from this engine."""
    x = normal(4, 2, 3) if x is None else x
    theirs = gradients(decelerate(copy.deepcopy(module)), x)
    assert_close(gradients(module, x), theirs)
    assert module.acceleration.used == (engine,)


@layers
def test_the_module_stays_the_same_object_with_the_same_contents(layer):
    module = masked(layer)
    hook = module.register_forward_hook(lambda module, args, output: None)
    before = [dict(module.named_parameters()), dict(module.named_buffers()), list(module.state_dict()), hook.id]
    assert accelerate(module, "sparse") is module
    module(normal(4, 2, 3))
    assert type(module) is LAYERS[layer] and isinstance(module, layer)
    after = [dict(module.named_parameters()), dict(module.named_buffers()), list(module.state_dict())]
    assert [each.keys() for each in before[:2]] == [each.keys() for each in after[:2]]
    assert all(after[0][name] is parameter for name, parameter in before[0].items())
    assert after[2] == before[2] and hook.id in module._forward_hooks
    assert decelerate(module) is module
    assert type(module) is layer and "acceleration" not in vars(module)


@layers
def test_print_shows_the_engine_and_those_that_ran(layer):
    module, name = masked(layer, 3, 1000, density=0.05), layer.__name__
    assert repr(accelerate(module)) == f"{name}[auto](3, 1000)"
    module(normal(2, 2, 3))
    assert repr(module) == f"{name}[auto: sparse](3, 1000)"
    module(pack_sequence([normal(2, 3), normal(1, 3)]))
    assert repr(module) == f"{name}[auto: sparse, loop](3, 1000)"
    assert repr(decelerate(module)) == f"{name}(3, 1000)"


@layers
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 3), (1, 1, 3)])
def test_results_have_the_memory_layout_of_torch(layer, options, shape):
    module = masked(layer, **options)
    theirs = parts(module(normal(*shape)))
    ours = parts(accelerate(module, "sparse")(normal(*shape)))
    assert [each.stride() for each in ours] == [each.stride() for each in theirs]
    assert_close(ours, theirs)


@layers
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_keep_the_engine_and_follow_their_own_mask(layer, copied):
    module = accelerate(masked(layer), "sparse")
    module(normal(4, 2, 3))
    twin = copied(module)
    with torch.no_grad():
        twin.weight_hh_l0_mask[:, 0] = True
        twin.weight_hh_l0[:, 0] = 0.3
    assert_equals_torch(twin, "sparse")
    assert_equals_torch(module, "sparse")
    assert twin.acceleration is not module.acceleration


@layers
def test_changes_of_mask_weight_and_dtype_are_seen(layer):
    module = accelerate(masked(layer), "sparse")
    assert_equals_torch(module, "sparse")
    with torch.no_grad():
        module.weight_hh_l0_mask[:, 0] = True
        module.weight_hh_l0[:, 0] = 0.3
    assert_equals_torch(module, "sparse")
    module.load_state_dict({name: torch.ones_like(tensor) / 3 for name, tensor in module.state_dict().items()})
    assert_equals_torch(module, "sparse")
    module.weight_hh_l0 = nn.Parameter(module.weight_hh_l0.detach() / 2)
    assert_equals_torch(module, "sparse")
    assert_equals_torch(module.float(), "sparse", normal(4, 2, 3).float())


@layers
def test_masks_of_torch_are_read_and_their_original_weight_gets_the_gradient(layer):
    module = built(layer)
    prune.random_unstructured(module, "weight_hh_l0", 0.6)
    accelerate(module, "sparse")
    assert_equals_torch_pruned(module)
    prune.random_unstructured(module, "weight_hh_l0", 0.3)
    assert_equals_torch_pruned(module)


def assert_equals_torch_pruned(module):
    """A pruned module has a weight that is no leaf, so it cannot be copied."""
    x, acceleration = normal(4, 2, 3), module.acceleration
    ours = gradients(module, x)
    theirs = gradients(decelerate(module), x)
    accelerate(module, "sparse").acceleration = acceleration
    assert_close(ours, theirs)
    assert acceleration.used == ("sparse",)


def test_layers_and_directions_run_by_their_own_engines():
    module = masked(nn.GRU, 3, 300, 2, bidirectional=True, density=0.05)
    del module.weight_hh_l0_reverse_mask, module.weight_hh_l1_mask
    theirs = gradients(module, normal(3, 2, 3))
    accelerate(module)
    assert_close(gradients(module, normal(3, 2, 3)), theirs)
    assert module.acceleration.used == ("sparse", "loop")


@layers
def test_auto_leaves_what_would_not_gain_to_torch(layer):
    for module in (
        built(layer),  # few neurons
        masked(layer, 3, 255, density=0.05),
        masked(layer, 3, 512, density=0.3),  # too dense a mask
        built(layer, 3, 300),
    ):
        before = module(normal(2, 5, 3))
        after = accelerate(module)(normal(2, 5, 3))
        assert module.acceleration.used == ("loop",)
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(parts(after), parts(before), strict=True))


@pytest.mark.parametrize(("layer", "engine"), [(nn.RNN, "dense"), (nn.GRU, "dense"), (nn.LSTM, "loop")])
def test_auto_on_wide_layers_without_mask(layer, engine):
    module = accelerate(built(layer, 3, 512))
    module(normal(2, 2, 3))
    assert module.acceleration.used == (engine,)


@layers
def test_the_engine_loop_has_the_bits_of_torch(layer):
    module = masked(layer)
    before = gradients(module, normal(4, 2, 3))
    after = gradients(accelerate(module, "loop"), normal(4, 2, 3))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(after, before, strict=True))


@layers
def test_packed_sequences_and_dropout_run_torchs_own_pass(layer):
    module, packed = masked(layer, 3, 6, 2, dropout=0.5).eval(), pack_sequence([normal(4, 3), normal(2, 3)])
    before = module(packed)
    accelerate(module, "sparse")
    with pytest.warns(UserWarning, match=ASIDE + "PackedSequence"):
        after = module(packed)
    assert torch.equal(after[0].data, before[0].data) and torch.equal(parts(after)[1], parts(before)[1])
    assert module.acceleration.used == ("loop",)
    module(normal(4, 2, 3))
    assert module.acceleration.used == ("loop", "sparse")
    with pytest.warns(UserWarning, match=ASIDE + "dropout between layers"):
        assert not torch.equal(module.train()(normal(4, 2, 3))[0], module(normal(4, 2, 3))[0])


def test_a_projection_runs_torchs_own_pass_and_is_an_error_for_sparse():
    module = masked(nn.LSTM, 3, 6, proj_size=2)
    before = module(normal(4, 2, 3))
    with pytest.raises(ModelError, match="expected proj_size 0, got LSTM with 2"):
        accelerate(module, "sparse")
    assert type(module) is nn.LSTM
    accelerate(module, "dense")
    with pytest.warns(UserWarning, match=ASIDE + "proj_size"):
        assert torch.equal(module(normal(4, 2, 3))[0], before[0])


def test_errors():
    with pytest.raises(ModelError, match="LSTM: engine 'sparse': expected a mask on weight_hh_l1_reverse"):
        module = masked(nn.LSTM, 3, 6, 2, bidirectional=True)
        del module.weight_hh_l1_reverse_mask
        accelerate(module, "sparse")
    assert type(module) is nn.LSTM
    module = masked(nn.GRU)
    module.weight_hh_l0_mask = module.weight_hh_l0_mask[:6]
    with pytest.raises(ModelError, match=r"GRU: weight_hh_l0_mask: expected the shape of weight_hh_l0, \(18, 6\)"):
        accelerate(module)(normal(4, 2, 3))
    module = accelerate(masked(nn.GRU), "sparse")
    del module.weight_hh_l0_mask
    with pytest.raises(ModelError, match="GRU: engine 'sparse': expected a mask on weight_hh_l0"):
        module(normal(4, 2, 3))


@layers
def test_wrong_arguments_raise_the_errors_of_torch(layer):
    module = masked(layer)
    state = torch.zeros(1, 3, 6, dtype=torch.float64)
    wrong = [
        (normal(4, 2, 5),),
        (normal(4, 2, 3, 1),),
        (normal(0, 2, 3),),
        (normal(4, 2, 3), (state, state) if layer is nn.LSTM else state),
        (normal(4, 2, 3), state[:, :2] if layer is nn.LSTM else (state[:, :2],)),
    ]
    for arguments in wrong:
        messages = []
        for each in (module, accelerate(copy.deepcopy(module), "sparse")):
            with pytest.raises((RuntimeError, ValueError, AttributeError, IndexError)) as error:
                each(*arguments)
            messages.append(str(error.value))
        assert messages[0] == messages[1]
    empty = accelerate(module, "sparse")(normal(4, 0, 3))[0]
    assert empty.shape == (4, 0, 6)


class Doubled(nn.GRU):
    """It changes what a forward pass computes."""

    def forward(self, input, hx=None):
        output, last = super().forward(input, hx)
        return 2 * output, last


def test_subclasses_and_parametrized_modules_are_left_alone_and_listed():
    model = nn.ModuleDict({"own": Doubled(3, 6), "normed": nn.LSTM(3, 6), "plain": nn.GRU(3, 6)}).double()
    parametrizations.weight_norm(model["normed"], "weight_hh_l0")
    kinds = {name: type(module) for name, module in model.items()}
    with pytest.warns(UserWarning, match=r"left alone, .*: own \(Doubled\), normed \(ParametrizedLSTM\)$"):
        accelerate(model)
    assert type(model["own"]) is kinds["own"] and type(model["normed"]) is kinds["normed"]
    assert type(model["plain"]) is AcceleratedGRU
    with pytest.raises(ModelError, match=r"got ModuleDict with own \(Doubled\)"):
        accelerate(nn.ModuleDict({"own": Doubled(3, 6)}))


def test_a_module_that_is_parametrized_later_runs_torchs_own_pass():
    module, x = built(nn.GRU), normal(4, 2, 3)
    parametrizations.weight_norm(module, "weight_hh_l0")
    before = module(x)[0]
    torch.nn.utils.parametrize.remove_parametrizations(module, "weight_hh_l0")
    parametrizations.weight_norm(accelerate(module, "dense"), "weight_hh_l0")
    with pytest.warns(UserWarning, match=ASIDE + "parametrization"):
        torch.testing.assert_close(module(x)[0], before)
    assert module.acceleration.used == ("loop",)
    torch.nn.utils.parametrize.remove_parametrizations(module, "weight_hh_l0")
    assert type(module) is AcceleratedGRU
    assert type(decelerate(module)) is nn.GRU


def test_both_kinds_of_recurrences_in_one_model():
    model = nn.ModuleList([GRU(hidden=6).build(3, generator=generator()), nn.GRU(3, 6)])
    accelerate(model, "dense")
    assert [module.acceleration.engine for module in model] == ["dense", "dense"]
    decelerate(model)
    assert [hasattr(module, "acceleration") and module.acceleration for module in model] == [None, False]


@layers
def test_functional_calls_run_torchs_own_pass(layer):
    module, x = masked(layer), normal(4, 2, 3)
    twice = {name: 2 * tensor.detach() for name, tensor in module.named_parameters()}
    before = torch.func.functional_call(module, twice, (x,))[0]
    accelerate(module, "sparse")
    with pytest.warns(UserWarning, match=ASIDE + "torch.func.functional_call"):
        assert torch.equal(torch.func.functional_call(module, twice, (x,))[0], before)
    module(x)
    assert module.acceleration.used == ("loop", "sparse")


@layers
def test_replicas_of_data_parallel_run_torchs_own_pass(layer):
    module = accelerate(masked(layer), "sparse")
    replica = module._replicate_for_data_parallel()
    for name, parameter in module.named_parameters():  # as torch does, per device
        setattr(replica, name, parameter.detach().clone())
    with pytest.warns(UserWarning, match=ASIDE + "DataParallel"):
        replica(normal(4, 2, 3))


def test_other_precisions_run_torchs_own_pass():
    module, x = masked(nn.GRU).float(), normal(4, 2, 3).float()
    with torch.autocast("cpu", torch.bfloat16):
        before = module(x)[0]
        accelerate(module, "sparse")
        with pytest.warns(UserWarning, match=ASIDE + "autocast"):
            assert torch.equal(module(x)[0], before)
    with pytest.warns(UserWarning, match=ASIDE + "torch.bfloat16"):
        assert module.bfloat16()(x.bfloat16())[0].dtype is torch.bfloat16


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compilers and torch.jit
@pytest.mark.filterwarnings("ignore:.*assigned during export:UserWarning")  # of torch's own layers as well
@layers
def test_compiled_exported_and_scripted_modules(layer):
    module, x = masked(layer), normal(4, 2, 3)
    before = module(x)[0]
    accelerate(module, "sparse")
    torch.testing.assert_close(torch.compile(module, backend="aot_eager")(x)[0], before)
    torch.testing.assert_close(torch.export.export(module, (x,)).module()(x)[0], before)
    assert module.acceleration.used == ("loop",)
    scripted = torch.jit.script(nn.Sequential(module))  # torch cannot call a scripted layer itself
    torch.testing.assert_close(scripted(x)[0], before)
    assert type(module) is layer
    torch.compiler.reset()


@layers
@named
def test_second_derivatives_are_those_of_torch(layer, engine):
    module, x = masked(layer, 3, 4, 2, bidirectional=True), normal(3, 2, 3)

    def second():
        parameters = list(module.parameters())
        (first,) = torch.autograd.grad(parts(module(x))[0].sin().sum(), module.weight_hh_l0, create_graph=True)
        return at_masks(module, torch.autograd.grad(first.square().sum(), parameters, materialize_grads=True))

    theirs = second()
    accelerate(module, engine)
    assert_close(second(), theirs)


@layers
def test_gradients_mapped_over_the_batch_equal_torch(layer):
    module, x = masked(layer), normal(4, 2, 3)

    def mapped():
        states = module(x)[0]
        given = torch.eye(3, dtype=states.dtype).view(3, 3, 1, 1).expand(3, 3, 2, 6)
        return torch.autograd.grad(states[:3], list(module.parameters()), given, is_grads_batched=True)

    before = mapped()
    accelerate(module, "dense")
    assert_close(mapped(), before)


@layers
@named
def test_gradients_are_those_of_finite_differences(layer, engine):
    module = accelerate(masked(layer, 2, 2, bidirectional=True), engine)
    x = normal(2, 2, 2).requires_grad_()
    state = normal(2, 2, 2, seed=2).requires_grad_()
    states = (state, normal(2, 2, 2, seed=4).requires_grad_()) if layer is nn.LSTM else state

    def call(x, *_):
        return tuple(parts(module(x, states)))

    given = states if isinstance(states, tuple) else (states,)
    assert torch.autograd.gradcheck(call, (x, *given, *module.parameters()))
    assert module.acceleration.used == (engine,)


@layers
def test_dense_gradients_are_asked_for_after_the_forward_pass(layer):
    module, x = masked(layer), normal(4, 2, 3)
    (dense,) = torch.autograd.grad(module(x)[0].sin().sum(), module.weight_hh_l0)
    loss = accelerate(module, "sparse")(x)[0].sin().sum()
    module.weight_hh_l0_mask.lifted = True
    torch.testing.assert_close(torch.autograd.grad(loss, module.weight_hh_l0)[0], dense)
    assert dense[~module.weight_hh_l0_mask].any()


def test_inference_mode():
    module, x = masked(nn.LSTM), normal(4, 2, 3)
    before = module(x)[0].detach()
    with torch.inference_mode():
        torch.testing.assert_close(accelerate(module, "sparse")(x)[0], before)
        twin = accelerate(masked(nn.LSTM), "sparse")
        for _ in range(2):
            torch.testing.assert_close(twin(x)[0], before)

"""Every mixture of states and modules with and without masks and signs."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import remove_parametrizations

from srnn_masks import MaskError, apply, load_masked, masks, signs

KINDS = ["", "mask", "signs", "mask signs"]


def parameters(module):
    return dict(module.named_parameters())


@pytest.mark.parametrize(("of_state", "of_module"), list(itertools.product(KINDS, KINDS)))
def test_any_state_loads_into_any_module(case, of_state, of_module, constraints):
    source, module = case.build(0), case.build(1)
    theirs = case.constrain(source, of_state, seed=0)
    own = case.constrain(module, of_module, seed=1)
    load_masked(module, source.state_dict())
    now = constraints(theirs.masks or own.masks, theirs.signs or own.signs)
    now.assert_equal(module)
    for name, weight in source.named_parameters():
        assert torch.equal(parameters(module)[name], now.constrain(name, weight.detach()))
    case.train(module, torch.optim.Adam(module.parameters()), steps=2)
    now.assert_enforced(module, gradients=True)


def test_masks_on_other_parameters_stay():
    source, module = nn.GRU(3, 4), nn.GRU(3, 4)
    ours, theirs = torch.rand(12, 4) < 0.5, torch.rand(12, 3) < 0.5
    apply(module, {"weight_hh_l0": ours})
    apply(source, {"weight_ih_l0": theirs})
    load_masked(module, source.state_dict())
    assert torch.equal(masks(module)["weight_hh_l0"], ours) and torch.equal(masks(module)["weight_ih_l0"], theirs)


def test_buffers_of_the_module_that_are_named_like_masks_are_loaded_as_such():
    def build(value):
        module = nn.Linear(3, 3)
        module.register_buffer("bias_mask", torch.full((3,), value))
        return module

    module = build(0.0)
    load_masked(module, build(2.0).state_dict())
    assert torch.equal(module.bias_mask, torch.full((3,), 2.0)) and masks(module) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_mask": torch.ones(2, 2, dtype=torch.bool)}, r"'weight': expected shape \(3, 3\), got \(2, 2\)"),
        ({"weight_mask": torch.ones(3, 3)}, r"'weight': expected dtype torch.bool, got torch.float32"),
        ({"weight_signs": torch.zeros(3)}, r"'weight': expected \+1 and -1 only, got 0.0"),
        ({"weights": torch.zeros(3)}, r"got missing \[\] and unexpected \['weights'\]"),
        ({"weights_mask": torch.zeros(3)}, r"got missing \[\] and unexpected \['weights_mask'\]"),
        ({"bias": torch.zeros(4)}, r"'bias': expected shape \(3,\), got \(4,\)"),
        ({"bias": None}, r"got missing \['bias'\] and unexpected \[\]"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    source, module = nn.Linear(3, 3), nn.Linear(3, 3)
    apply(source, {"weight": torch.eye(3, dtype=torch.bool)})
    state = {key: value for key, value in {**source.state_dict(), **change}.items() if value is not None}
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(MaskError, match=f"load_masked: .*{message}"):
        load_masked(module, state)
    assert masks(module) == {} and signs(module) == {}
    assert module.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def masked_linear():
    module = nn.Linear(3, 3)
    apply(module, {"weight": torch.eye(3, dtype=torch.bool)})
    return module


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_the_prefix_of_a_wrapper_is_refused_with_the_call_that_strips_it(prefix):
    source, module = masked_linear(), nn.Linear(3, 3)
    state = {prefix + key: value for key, value in source.state_dict().items()}
    with pytest.raises(MaskError, match=rf"call .*consume_prefix_in_state_dict_if_present\(state, '{prefix}'\) first"):
        load_masked(module, state)
    consume_prefix_in_state_dict_if_present(state, prefix)
    load_masked(module, state)
    assert torch.equal(masks(module)["weight"], masks(source)["weight"])


def test_the_state_of_a_parametrized_module_is_refused_with_the_call_that_makes_it_plain():
    source, module = weight_norm(masked_linear()), nn.Linear(3, 3)
    with pytest.raises(MaskError, match=r"call torch\.nn\.utils\.parametrize\.remove_parametrizations on it before"):
        load_masked(module, source.state_dict())
    remove_parametrizations(source, "weight")
    load_masked(module, source.state_dict())
    assert torch.equal(masks(module)["weight"], masks(source)["weight"])
    assert torch.equal(module.weight, source.weight)
    with pytest.raises(MaskError, match="load it first, and parametrize the module afterwards"):
        load_masked(weight_norm(nn.Linear(3, 3)), source.state_dict())


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_state_of_the_older_weight_norm_is_refused_in_words():
    with pytest.raises(MaskError, match=r"call torch\.nn\.utils\.remove_weight_norm on it before"):
        load_masked(nn.Linear(3, 3), nn.utils.weight_norm(masked_linear()).state_dict())

"""What modules with masks print, what they save, and what torch.jit.script says."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from srnn_masks import Dale, Dense, MaskError, UniformRandom, apply, apply_signs, masks, release, replace, signs

EYE = torch.eye(4, dtype=torch.bool)


def test_a_module_prints_the_densities_of_its_masks():
    module = nn.Linear(4, 4)
    plain = repr(module)
    apply(module, {"weight": EYE})
    shown = "Linear(in_features=4, out_features=4, bias=True, weight: density 0.25)"
    assert repr(module) == shown
    assert repr(nn.Sequential(module)).splitlines()[1].strip() == f"(0): {shown}"
    other = copy.deepcopy(module)
    assert repr(pickle.loads(pickle.dumps(module))) == shown
    apply_signs(other, {"weight": torch.ones(4)})
    apply(other, {"weight": torch.zeros(4, 4, dtype=torch.bool)})
    assert repr(other) == shown.replace("density 0.25", "density 0 and signs")
    assert repr(module) == shown
    release(module)
    assert repr(module) == plain
    assert repr(nn.Linear(4, 4)) == plain


def test_masks_without_values_and_signs_alone_are_shown():
    module = nn.GRU(4, 4)
    apply_signs(module, {"weight_ih_l0": torch.ones(4)})
    assert repr(module) == "GRU(4, 4, weight_ih_l0: signs)"
    empty = nn.ParameterList([torch.zeros(0, 3)])
    apply(empty, {"0": torch.zeros(0, 3, dtype=torch.bool)})
    assert "0: mask" in repr(empty)
    without_data = nn.Linear(4, 4, device="meta")
    apply(without_data, {"weight": EYE})
    assert "weight: mask" in repr(without_data)


@pytest.mark.parametrize("through_data", [True, False])
def test_a_state_after_a_write_by_hand_is_constrained(case, kinds, through_data):
    module = case.build()
    constraints = case.constrain(module, kinds)
    with torch.no_grad():
        for parameter in module.parameters():
            written = torch.linspace(-1, 1.1, parameter.numel()).reshape(parameter.shape)
            (parameter.data if through_data else parameter).copy_(written)
    expected = {name: constraints.constrain(name, p.detach().clone()) for name, p in module.named_parameters()}
    state = module.state_dict()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def test_a_state_between_forward_and_backward_is_no_write(case, kinds):
    module = case.build()
    case.constrain(module, kinds)
    loss = case.loss(module)
    module.state_dict()
    loss.backward()


def test_masks_and_signs_may_be_arrays(case):
    module, other = case.build(), case.build()
    current = case.constrain(module, "mask signs")
    apply(other, {name: mask.numpy()[:, ::-1][:, ::-1] for name, mask in current.masks.items()})
    apply_signs(other, {name: sign.double().numpy() for name, sign in current.signs.items()})
    current.assert_equal(other)


@pytest.mark.parametrize("dtype", ["uint8", "int64", ">i2", "float16", "float64", "longdouble"])
def test_an_array_of_0_and_1_is_a_mask_and_one_of_integers_has_signs(dtype):
    module = nn.Linear(4, 4)
    apply(module, {"weight": np.eye(4, dtype=dtype)})
    assert torch.equal(masks(module)["weight"], EYE)
    sign = np.array([1, 1, 1, 1] if dtype == "uint8" else [1, -1, -1, 1], dtype)
    apply_signs(module, {"weight": sign})
    assert signs(module)["weight"].tolist() == sign.tolist()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([1, -1, 2, 1]), r"signs of 'weight': expected \+1 and -1 only, got 2.0"),
        (np.array([True] * 4), r"signs of 'weight': expected an array of numbers, \+1 and -1; got bool"),
    ],
)
def test_arrays_that_are_no_signs_are_refused(array, message):
    with pytest.raises(MaskError, match=message):
        apply_signs(nn.Linear(4, 4), {"weight": array})


def test_a_pattern_in_place_of_its_mask_is_answered_with_the_call():
    module = nn.GRU(2, 4)
    with pytest.raises(MaskError, match=r"got the pattern UniformRandom; pass its \.mask\(12, 4\), with gates=3"):
        apply(module, {"weight_hh_l0": UniformRandom(density=0.5)})
    with pytest.raises(MaskError, match=r"got the pattern Dense; pass its \.mask\(rows, cols\), with gates=3"):
        replace(module, {"bias_hh_l0": Dense()})
    with pytest.raises(MaskError, match=r"got the value Dale; pass its \.signs\(cols\)"):
        apply_signs(module, {"weight_hh_l0": Dale()})


def test_an_array_is_copied():
    module, mask = nn.Linear(4, 4), np.eye(4, dtype=bool)
    mask.flags.writeable = False
    apply(module, {"weight": mask})
    mask.flags.writeable = True
    mask[:] = False
    assert torch.equal(masks(module)["weight"], EYE)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (2 * np.eye(4), "mask of 'weight': expected a bool array or one of 0 and 1; got float64 with other values"),
        (-np.eye(4, dtype=np.int8), "expected a bool array or one of 0 and 1; got int8 with other values"),
        (np.full((4, 4), np.nan), "expected a bool array or one of 0 and 1; got float64 with other values"),
        (np.eye(4, dtype=complex), "expected a bool array or one of 0 and 1; got complex128$"),
        (np.eye(3, dtype=bool), r"expected shape \(4, 4\), got \(3, 3\)"),
        (np.full((4, 4), "x"), "expected a bool array or one of 0 and 1; got <U1$"),
    ],
)
def test_arrays_that_are_no_masks_are_refused(array, message):
    with pytest.raises(MaskError, match=message):
        apply(nn.Linear(4, 4), {"weight": array})


def test_a_weight_that_attention_reads_by_itself_is_masked():
    """MultiheadAttention never calls its out_proj."""
    module = nn.MultiheadAttention(4, 2)
    apply(module, {"out_proj.weight": EYE})
    with torch.no_grad():
        module.out_proj.weight.fill_(1)
    x = torch.randn(3, 1, 4)
    module(x, x, x)
    assert torch.equal(module.out_proj.weight.detach() != 0, EYE)
    release(module, "out_proj.*")
    assert not module._forward_pre_hooks and not list(module.buffers())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_scripting_is_refused_in_words():
    for module, name in ((nn.GRU(3, 4), "weight_hh_l0"), (nn.Linear(4, 4), "weight")):
        apply(module, {name: torch.rand(getattr(module, name).shape) < 0.5})
        with pytest.raises(MaskError, match=rf"torch.jit.script: parameter '{name}': expected a module without masks"):
            torch.jit.script(module)
        release(module)
        torch.jit.script(module)


def test_averages_of_buffers_copy_the_masks(case, kinds, constraints):
    """The recipe of the README: `use_buffers=True` averages buffers too, which torch cannot do with bool ones."""

    def average(averaged, current, count):
        return averaged + (current - averaged) / (count + 1) if averaged.is_floating_point() else current

    module = case.build()
    case.constrain(module, kinds, density=0.9)
    ema = AveragedModel(module, avg_fn=average, use_buffers=True)
    weights = []
    for seed in range(3):
        case.train(module, torch.optim.Adam(module.parameters(), lr=0.05), steps=1, first=seed)
        if "mask" in kinds:
            apply(module, case.masks(module, seed + 1, density=0.8))
        ema.update_parameters(module)
        weights.append({name: p.detach().clone() for name, p in module.named_parameters()})
    now = constraints(masks(module), signs(module))
    state = ema.state_dict()
    case.loss(ema)
    now.assert_enforced(ema.module)
    now.assert_equal(ema.module)
    for name in weights[0]:
        mean = torch.stack([each[name] for each in weights]).mean(0)
        torch.testing.assert_close(state[f"module.{name}"], now.constrain(name, mean))

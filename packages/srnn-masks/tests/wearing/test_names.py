"""Names, globs and ties: which parameters get masks and signs, and what is refused."""

import math

import pytest
import torch
from torch import nn

from srnn_masks import MaskError, apply, apply_signs, masks, release, replace, signs

EYE = torch.eye(6, dtype=torch.bool)


def test_globs_of_masks_match_full_names():
    module = nn.GRU(6, 6, 2)
    mask = torch.rand(18, 6) < 0.5
    apply(module, {"weight_hh_l?": mask})
    assert list(masks(module)) == ["weight_hh_l0", "weight_hh_l1"]
    apply(module, {"weight_[!h]*": ~mask, "weight_hh_l0": ~mask})
    assert not masks(module)["weight_hh_l0"].any()
    assert torch.equal(masks(module)["weight_hh_l1"], mask)
    assert torch.equal(masks(module)["weight_ih_l1"], ~mask)
    assert release(module, "*ih*").keys() == {"weight_ih_l0", "weight_ih_l1"}
    assert release(module, ["weight_hh_l1"]).keys() == {"weight_hh_l1"}
    assert list(masks(module)) == ["weight_hh_l0"]


REFUSED_MASKS = [
    (
        {"weight_hx_l0": EYE},
        r"'weight_hx_l0' matches no parameter; did you mean .*'weight_hh_l0'.*: weight_ih_l0, weight_hh_l0, b",
    ),
    ({"*whh*": EYE}, r"'\*whh\*' matches no parameter; .*parameters: weight_ih_l0"),
    ({"weight_hh_l0": EYE}, r"'weight_hh_l0': expected shape \(18, 6\), got \(6, 6\)"),
    ({"weight_hh_l0": torch.ones(6, dtype=torch.bool)}, r"'weight_hh_l0': expected shape \(18, 6\), got \(6,\)"),
    ({"weight_*": torch.ones(18, 6, dtype=torch.bool)}, r"'weight_ih_l0': expected shape \(18, 2\), got \(18, 6\)"),
    ({"weight_hh_l0": torch.ones(18, 6)}, r"'weight_hh_l0': expected dtype torch.bool, got torch.float32"),
    (
        {"weight_hh_l0": torch.ones(18, 6, dtype=torch.bool).to_sparse()},
        r"expected a dense tensor .*got torch.sparse_coo",
    ),
    ({"weight_hh_l0": torch.ones(18, 6, dtype=torch.uint8)}, r"expected dtype torch.bool, got torch.uint8"),
    ({"weight_hh_l0": [[True]]}, r"'weight_hh_l0': expected a torch.Tensor of dtype torch.bool, got <class 'list'>"),
    (
        {"weight_hh*": torch.ones(18, 6, dtype=torch.bool), "*hh_l0": torch.eye(18, 6, dtype=torch.bool)},
        r"'weight_hh_l0': expected one mask, got different ones from 'weight_hh\*' and '\*hh_l0'",
    ),
]


@pytest.mark.parametrize(("new", "message"), REFUSED_MASKS)
@pytest.mark.parametrize("verb", [apply, replace])
def test_masks_that_do_not_fit_are_refused_and_change_nothing(new, message, verb):
    module = nn.GRU(2, 6, bias="*hh_l0" not in new)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    good = {"weight_ih_l0": torch.zeros(18, 2, dtype=torch.bool)}
    with pytest.raises(MaskError, match=rf"{verb.__name__}: .*{message}"):
        verb(module, {**good, **new})
    assert masks(module) == {}
    assert not module._forward_pre_hooks and not module._buffers
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())


def test_equal_masks_from_two_keys_are_one():
    module = nn.GRU(2, 6, bias=False)
    mask = torch.eye(18, 6, dtype=torch.bool)
    apply(module, {"weight_hh*": mask, "*hh_l0": mask.clone()})
    assert torch.equal(masks(module)["weight_hh_l0"], mask)


@pytest.mark.parametrize("name", ["encoder.weight", "decoder.weight", "*.weight"])
def test_tied_parameters_have_one_mask(tied, name):
    module = tied()
    mask = torch.eye(5, dtype=torch.bool)
    apply(module, {name: mask})
    assert module.encoder.weight is module.decoder.weight
    assert masks(module).keys() == {"encoder.weight"}
    assert torch.equal(module.decoder.weight_mask, mask)
    apply(module.decoder, {"weight": torch.zeros_like(mask)})  # through one of its places only
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(torch.ones(5)).sum().backward()
    optimizer.step()
    assert not module.encoder.weight.any() and not masks(module)["encoder.weight"].any()
    release(module, name)
    assert masks(module) == {} and not list(module.buffers())


def test_tied_parameters_with_two_masks_are_refused(tied):
    ones = torch.ones(5, 5, dtype=torch.bool)
    with pytest.raises(
        MaskError, match=r"tied: 'encoder.weight', 'decoder.weight'\): expected one mask, got different"
    ):
        apply(tied(), {"encoder.weight": ones, "decoder.weight": torch.eye(5, dtype=torch.bool)})
    apply(tied(), {"encoder.weight": ones, "decoder.weight": ones.clone()})


def test_a_module_in_two_places_has_one_record():
    layer = nn.Linear(6, 6)
    module = nn.Sequential(layer, nn.Tanh(), layer)
    apply(module, {"2.weight": EYE})
    assert list(masks(module)) == ["0.weight"] and len(layer._forward_pre_hooks) == 1
    release(module, "2.weight")
    assert not layer._forward_pre_hooks


def test_masks_are_copies():
    module, mask = nn.Linear(6, 6), EYE.clone()
    apply(module, {"weight": mask})
    mask.fill_(True)
    masks(module)["weight"].fill_(True)
    assert torch.equal(masks(module)["weight"], EYE)


def test_an_attribute_of_the_same_name_is_refused():
    module = nn.Sequential(nn.Linear(6, 6))
    module[0].weight_mask = "taken"
    with pytest.raises(MaskError, match=r"'0.weight': expected a free name weight_mask for the buffer on its Linear"):
        apply(module, {"0.weight": EYE})


def test_lazy_parameters_are_refused():
    module = nn.LazyLinear(6)
    with pytest.raises(MaskError, match=r"'weight': expected a shape, got a lazy parameter"):
        apply(module, {"weight": EYE})


def test_a_module_without_parameters_is_refused():
    with pytest.raises(MaskError, match=r"'weight' matches no parameter; parameters: none"):
        apply(nn.Tanh(), {"weight": EYE})


def test_a_new_parameter_of_another_shape_is_an_error():
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    module.weight = nn.Parameter(torch.ones(3, 6))
    with pytest.raises(MaskError, match=r"'weight': expected the shape of its mask, \(6, 6\), got \(3, 6\)"):
        module(torch.ones(6))


def test_release_of_an_unmasked_parameter_is_refused():
    module = nn.GRU(6, 6)
    apply(module, {"weight_hh_l0": torch.ones(18, 6, dtype=torch.bool)})
    with pytest.raises(MaskError, match=r"release: 'weight_ih_l0' matches no masked parameter; .*weight_hh_l0"):
        release(module, "weight_ih_l0")


def test_globs_of_signs_match_full_names_and_signs_are_copies():
    module, sign = nn.GRU(6, 6, 2), torch.tensor([1.0, 1, 1, -1, -1, 1])
    apply_signs(module, {"weight_hh_l?": sign})
    sign.neg_()
    signs(module)["weight_hh_l0"].neg_()
    assert list(signs(module)) == ["weight_hh_l0", "weight_hh_l1"]
    assert signs(module)["weight_hh_l0"].tolist() == [1, 1, 1, -1, -1, 1]
    apply_signs(module, {"weight_hh_l0": -torch.ones(6)})
    assert signs(module)["weight_hh_l0"].sum() == -6 and signs(module)["weight_hh_l1"].sum() == 2


SIX = torch.ones(6)
REFUSED_SIGNS = [
    ({"weight_hx_l0": SIX}, r"'weight_hx_l0' matches no parameter; did you mean .*'weight_hh_l0'.*"),
    ({"*whh*": SIX}, r"'\*whh\*' matches no parameter; .*parameters: weight_ih_l0"),
    ({"weight_hh_l0": torch.ones(18)}, r"signs of 'weight_hh_l0': expected shape \(6,\), .*got \(18,\)"),
    ({"weight_hh_l0": torch.ones(18, 6)}, r"signs of 'weight_hh_l0': expected shape \(6,\), .*got \(18, 6\)"),
    ({"weight_*": SIX}, r"signs of 'weight_ih_l0': expected shape \(2,\), .*got \(6,\)"),
    ({"bias_hh_l0": torch.ones(18)}, r"'bias_hh_l0': expected a float matrix .*got shape \(18,\) of torch.float32"),
    ({"weight_hh_l0": SIX.bool()}, r"'weight_hh_l0': expected a dense float tensor of \+1 and -1, got torch.bool"),
    ({"weight_hh_l0": SIX.long()}, r"expected a dense float tensor of \+1 and -1, got torch.int64"),
    ({"weight_hh_l0": SIX.to_sparse()}, r"expected a dense float tensor .*got torch.float32, torch.sparse_coo"),
    ({"weight_hh_l0": [1.0]}, r"'weight_hh_l0': expected a float torch.Tensor of \+1 and -1, got <class 'list'>"),
    ({"weight_hh_l0": torch.tensor([1.0, -1, 0, 1, 1, 1])}, r"'weight_hh_l0': expected \+1 and -1 only, got 0.0"),
    ({"weight_hh_l0": torch.tensor([1.0, -1, math.nan, 1, 1, 1])}, r"expected \+1 and -1 only, got nan"),
    (
        {"weight_hh*": SIX, "*t_hh_l0": -SIX},
        r"'weight_hh_l0': expected one set of signs, got different ones from 'weight_hh\*' and '\*t_hh_l0'",
    ),
]


@pytest.mark.parametrize(("new", "message"), REFUSED_SIGNS)
def test_signs_that_do_not_fit_are_refused_and_change_nothing(new, message):
    module = nn.GRU(2, 6)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    with pytest.raises(MaskError, match=rf"apply_signs: .*{message}"):
        apply_signs(module, {"weight_ih_l0": torch.ones(2), **new})
    assert signs(module) == {}
    assert not module._forward_pre_hooks and not module._buffers
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())


def test_parameters_that_cannot_have_signs_are_refused():
    with pytest.raises(MaskError, match=r"'weight': expected a shape, got a lazy parameter"):
        apply_signs(nn.LazyLinear(6), {"weight": SIX})
    module = nn.Linear(6, 6)
    module.register_parameter("code", nn.Parameter(torch.ones(3, 6, dtype=torch.int64), requires_grad=False))
    with pytest.raises(MaskError, match=r"'code': expected a float matrix .* torch.int64"):
        apply_signs(module, {"code": SIX})
    module.weight_signs = "taken"
    with pytest.raises(MaskError, match=r"'weight': expected a free name weight_signs for the buffer on its Linear"):
        apply_signs(module, {"weight": SIX})
    del module.weight_signs
    apply_signs(module, {"weight": SIX})
    module.weight = nn.Parameter(torch.ones(6, 3))
    with pytest.raises(MaskError, match=r"'weight': expected shape \(rows, 6\) to fit its signs, got \(6, 3\)"):
        module(torch.ones(6))


@pytest.mark.parametrize("name", ["encoder.weight", "decoder.weight", "*.weight"])
def test_tied_parameters_have_the_same_signs(tied, name):
    module, sign = tied(), torch.tensor([1.0, 1, -1, 1, -1])
    apply_signs(module, {name: sign})
    assert signs(module).keys() == {"encoder.weight"}
    assert torch.equal(module.decoder.weight_signs, sign) and torch.equal(module.encoder.weight_signs, sign)
    size = module.encoder.weight.detach().abs()
    apply_signs(module, {name: -sign})  # at all places at once
    assert torch.equal(module.encoder.weight, -sign * size)
    apply_signs(module.decoder, {"weight": -sign})
    with pytest.raises(
        MaskError, match=r"'weight' is tied to a parameter outside this Linear: expected the same signs as there"
    ):
        apply_signs(module.decoder, {"weight": sign})
    assert torch.equal(module.encoder.weight, -sign * size)
    release(module, name)
    assert signs(module) == {} and not list(module.buffers())


def test_tied_parameters_with_two_signs_are_refused(tied):
    ones = torch.ones(5)
    with pytest.raises(MaskError, match=r"tied: 'encoder.weight', 'decoder.weight'\): expected one set of s"):
        apply_signs(tied(), {"encoder.weight": ones, "decoder.weight": -ones})
    apply_signs(tied(), {"encoder.weight": ones, "decoder.weight": ones.double()})

"""Cases that simpler ways of masking get wrong."""

import pytest
import torch
from torch import nn

from srnn_masks import apply, apply_signs, enforce, release

EYE = torch.eye(6, dtype=torch.bool)


@pytest.mark.parametrize("fused", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad])
def test_fused_optimizers_that_do_not_raise_the_version_are_followed(fused):
    """The version counter may not move: the step hook must not depend on it."""
    module = nn.Linear(6, 6)
    sign = torch.tensor([1.0, -1, 1, -1, 1, -1])
    mask = EYE | EYE.roll(1, 0)
    apply(module, {"weight": mask})
    apply_signs(module, {"weight": sign})
    optimizer = fused(module.parameters(), lr=10.0, fused=True)
    for slope in (1.0, -1.0, 1.0):
        module.weight.grad = torch.full((6, 6), slope)  # dense, bypassing the gradient hook
        optimizer.step()
        weight = module.weight.detach()
        assert not weight[~mask].any() and (weight * sign >= 0).all()
        assert weight[mask & (sign * slope < 0)].all()  # these moved away from 0


def test_a_mask_applied_between_forward_and_backward_is_an_error_not_a_wrong_gradient(per_step):
    module = per_step()
    loss = module(torch.randn(3, 4, 5)).sum()
    apply(module, {"cell.kernel": EYE})
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_gradient_masks_alone_would_fail_with_moments():
    module = nn.Linear(6, 6)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    module(torch.ones(6)).sum().backward()
    optimizer.step()
    apply(module, {"weight": EYE})
    optimizer.zero_grad()
    module(torch.ones(6)).sum().backward()
    assert not module.weight.grad[~EYE].any()  # but its moments would move it
    optimizer.step()
    assert not module.weight.detach()[~EYE].any()


def test_muon_mixes_masked_entries_back_in_and_is_corrected():
    module, plain = nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)
    apply(module, {"weight": EYE.roll(1, 0) | EYE})
    plain.weight = nn.Parameter(module.weight.detach().clone())
    for m in (module, plain):
        x = torch.arange(36.0).reshape(6, 6).sin()
        (m(x) ** 2).sum().backward()
        m.weight.grad *= EYE.roll(1, 0) | EYE
        torch.optim.Muon(m.parameters(), lr=0.1).step()
    assert plain.weight.detach()[~(EYE.roll(1, 0) | EYE)].any()
    assert not module.weight.detach()[~(EYE.roll(1, 0) | EYE)].any()


def test_nan_at_a_masked_entry_stays_visible():
    """0 * NaN is NaN: divergence checks on gradients, their norm or weights must see it."""
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    (module(torch.full((6,), float("nan"))).sum()).backward()
    assert module.weight.grad[~EYE].isnan().all()
    assert torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0).isnan()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    assert module.weight.detach()[~EYE].isnan().any()
    enforce(module)  # clears exactly
    assert not module.weight.detach()[~EYE].any()


def test_a_mask_applied_to_diverged_weights_clears_them():
    module = nn.Linear(6, 6)
    nn.init.constant_(module.weight, float("nan"))
    apply(module, {"weight": EYE})
    assert not module.weight.detach()[~EYE].any() and module.weight.detach()[EYE].isnan().all()


def test_a_write_through_data_needs_enforce():
    """Such a write does not raise the version: the documented limit."""
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    module.weight.data.fill_(1)
    module(torch.zeros(6))
    assert module.weight.detach()[~EYE].all()
    enforce(module)
    assert torch.equal(module.weight.detach() != 0, EYE)


def test_hooks_of_the_parameter_and_module_are_kept():
    module, seen = nn.Linear(6, 6), []
    module.weight.register_hook(lambda gradient: seen.append("gradient"))
    module.register_forward_pre_hook(lambda m, args: seen.append("before"))
    module.register_forward_hook(lambda m, args, out: seen.append("after"))
    apply(module, {"weight": EYE})
    module(torch.zeros(6)).sum().backward()
    release(module)
    module(torch.zeros(6)).sum().backward()
    assert seen == ["before", "after", "gradient"] * 2


def test_double_backward_goes_through_the_mask():
    module = nn.Linear(6, 6)
    apply(module, {"weight": EYE})
    loss = module(torch.ones(6)).pow(3).sum()
    (slope,) = torch.autograd.grad(loss, module.weight, create_graph=True)
    assert not slope.detach()[~EYE].any()
    slope.square().sum().backward()
    assert module.weight.grad[EYE].all() and not module.weight.grad[~EYE].any()


def test_accumulated_and_checkpointed_gradients_are_masked(per_step):
    module = per_step()
    apply(module, {"cell.kernel": EYE})
    x = torch.randn(3, 4, 5)
    module(x).sum().backward()
    once = module.cell.kernel.grad.clone()
    torch.utils.checkpoint.checkpoint(module, x, use_reentrant=False).sum().backward()
    torch.testing.assert_close(module.cell.kernel.grad, 2 * once)
    assert not once[~EYE].any() and once[EYE].all()


def test_nan_of_a_signed_weight_stays_visible():
    module = nn.Linear(6, 6)
    apply_signs(module, {"weight": torch.ones(6)})
    module(torch.full((6,), float("nan"))).sum().backward()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    module(torch.zeros(6))
    enforce(module)
    assert module.weight.detach().isnan().all()

"""Signs of columns: applied, aligned, clamped and released."""

import pytest
import torch
from torch import nn

from srnn_masks import Dale, MaskError, align_signs, apply, apply_signs, enforce, masks, release, signs


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_weights_keep_their_magnitude_when_signs_are_applied(case, constraints):
    module, plain = case.build(), case.build()
    current = case.constrain(module, "signs")
    current.align_by_hand(plain)
    assert all(torch.equal(p, plain.get_parameter(name)) for name, p in module.named_parameters())
    assert signs(module).keys() == current.signs.keys() and not masks(module)
    current.assert_equal(module)
    assert all(torch.equal(module.get_buffer(f"{name}_signs"), sign) for name, sign in current.signs.items())
    opposite = constraints({}, {name: -sign for name, sign in current.signs.items()})
    apply_signs(module, opposite.signs)  # replaces the first
    assert all(torch.equal(module.get_parameter(name), -plain.get_parameter(name)) for name in current.signs)
    opposite.assert_equal(module)


def test_an_entry_stops_at_zero_and_returns():
    """Five steps of 0.25 down from 1, four of 0.25 up: the fifth would cross 0, and the return starts at 0."""
    module = nn.Linear(2, 1, bias=False)
    nn.init.ones_(module.weight)
    apply_signs(module, {"weight": torch.tensor([1.0, -1.0])})
    optimizer = torch.optim.SGD(module.parameters(), lr=0.25)
    path = []
    for slope in (1, 1, 1, 1, 1, -1, -1):
        module.weight.grad = torch.tensor([[slope, -slope]]).float()
        optimizer.step()
        path.append(module.weight.detach().flatten().tolist())
    assert path == [[x, -x] for x in (0.75, 0.5, 0.25, 0, 0, 0.25, 0.5)]


def test_signs_apply_to_the_rows_of_all_gates():
    module = nn.GRU(5, 6)
    sign = Dale(excitatory=0.5).signs(6, generator=seeded())
    apply_signs(module, {"weight_hh_l0": sign})
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    for seed in range(3):
        module(torch.randn(3, 4, 5, generator=seeded(seed)))[0].sum().backward()
        optimizer.step()
    gates = module.weight_hh_l0.detach().reshape(3, 6, 6)
    assert (gates * sign >= 0).all() and gates.flatten(1).any(dim=1).all()


def test_released_weights_cross_zero_again():
    module = nn.Linear(2, 1, bias=False)
    nn.init.ones_(module.weight)
    apply_signs(module, {"weight": torch.ones(2)})
    assert release(module, "weight") == {}
    module.weight.grad = torch.full((1, 2), 3.0)
    torch.optim.SGD(module.parameters(), lr=1.0).step()
    assert torch.equal(module.weight.detach(), torch.full((1, 2), -2.0))
    apply_signs(module, {"weight": torch.ones(2)})
    with pytest.raises(MaskError, match=r"release: 'bias' matches no masked or signed parameter; .*: weight"):
        release(module, "bias")


def test_reinitialized_weights_are_aligned_or_clamped():
    sign = torch.tensor([1.0, -1, 1, -1, 1])
    aligned, clamped, both = (nn.Linear(5, 6) for _ in range(3))
    mask = torch.rand(6, 5, generator=seeded()) < 0.5
    apply(both, {"weight": mask})
    for module in (aligned, clamped, both):
        apply_signs(module, {"weight": sign})
    with torch.no_grad():
        for module in (aligned, clamped, both):
            module.weight.copy_(torch.linspace(-1, 1, 30).reshape(6, 5))
    drawn = torch.linspace(-1, 1, 30).reshape(6, 5)
    align_signs(aligned)
    enforce(clamped)
    align_signs(both)
    assert torch.equal(aligned.weight.detach(), drawn.abs() * sign)
    assert torch.equal(clamped.weight.detach(), torch.where(drawn * sign > 0, drawn, 0))
    assert torch.equal(both.weight.detach(), drawn.abs() * sign * mask)
    aligned(torch.zeros(5))
    assert torch.equal(aligned.weight.detach(), drawn.abs() * sign)
    plain = nn.Linear(5, 6)
    before = plain.weight.detach().clone()
    apply(plain, {"weight": torch.ones(6, 5, dtype=torch.bool)})
    align_signs(plain)  # no signs, no change
    assert torch.equal(plain.weight.detach(), before)

"""Balance of excitation and inhibition, against plain loops."""

import math

import pytest
import torch

from srnn_masks import Dale, Locality, MaskError, apply, apply_signs, balance_signs, signs


def signed(rows=30, cols=25, excitatory=0.8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    layer = torch.nn.utils.skip_init(torch.nn.Linear, cols, rows, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.uniform_(-1, 1, generator=generator)
    apply_signs(layer, {"weight": Dale(excitatory=excitatory).signs(cols, generator=generator)})
    return layer


def balanced_by_hand(row):
    """Bisect the factor of the inhibitory entries until the sum is 0, then scale to the old norm."""
    low, high = 0.0, 1e6
    for _ in range(200):
        factor = (low + high) / 2
        total = math.fsum(w if w > 0 else factor * w for w in row)
        low, high = (factor, high) if total > 0 else (low, factor)
    new = [w if w > 0 else factor * w for w in row]
    scale = math.sqrt(math.fsum(w * w for w in row) / math.fsum(w * w for w in new))
    return [scale * w for w in new]


def test_each_row_gets_sum_zero_and_keeps_its_norm():
    layer = signed()
    rows = layer.weight.tolist()
    balance_signs(layer)
    expected = torch.tensor([balanced_by_hand(row) for row in rows], dtype=torch.float64)
    torch.testing.assert_close(layer.weight.detach(), expected, rtol=1e-9, atol=1e-12)
    assert (layer.weight.detach() * signs(layer)["weight"] >= 0).all()


def test_a_mask_stays_and_a_second_call_changes_nothing():
    layer = signed(rows=25)
    mask = Locality(sheet=(5, 5), radius=2).mask(25, 25)
    apply(layer, {"weight": mask})
    balance_signs(layer, "weight")
    once = layer.weight.detach().clone()
    assert torch.equal(once != 0, mask)
    balance_signs(layer)
    torch.testing.assert_close(layer.weight.detach(), once)


@pytest.mark.parametrize("excitatory", [0.0, 1.0])
def test_a_row_of_one_sign_stays_as_it_is(excitatory):
    layer = signed(excitatory=excitatory)
    before = layer.weight.detach().clone()
    balance_signs(layer)
    assert torch.equal(layer.weight.detach(), before)


def test_it_removes_the_large_eigenvalue_of_the_mean():
    """With 80 % excitation the mean sets the gain; after balancing, the gain is that of a random matrix."""
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.utils.skip_init(torch.nn.Linear, 400, 400, bias=False)
    with torch.no_grad():
        layer.weight.uniform_(-0.05, 0.05, generator=generator)
    apply_signs(layer, {"weight": Dale().signs(400, generator=generator)})
    before = torch.linalg.eigvals(layer.weight.detach()).abs().max()
    balance_signs(layer)
    after = torch.linalg.eigvals(layer.weight.detach()).abs().max()
    assert before > 5 and after < 1


def test_a_name_without_signs_is_refused():
    with pytest.raises(MaskError, match=r"balance_signs.*bias"):
        balance_signs(signed(), "bias")

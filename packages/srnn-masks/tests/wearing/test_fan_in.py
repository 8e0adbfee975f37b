"""Fan-in correction against a plain loop, and against the gain of random matrices."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from srnn_masks import (
    Bernoulli,
    Dale,
    Dense,
    FixedInDegree,
    Locality,
    MaskError,
    UniformRandom,
    apply,
    apply_signs,
    correct_fan_in,
    masks,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def masked(mask, seed=0):
    """A masked linear layer with entries of variance 1 / cols."""
    rows, cols = mask.shape
    module = torch.nn.utils.skip_init(nn.Linear, cols, rows, bias=False)
    nn.init.normal_(module.weight, std=cols**-0.5, generator=seeded(seed))
    apply(module, {"weight": mask})
    return module


@given(rows=st.integers(1, 9), cols=st.integers(1, 9), density=st.floats(0, 1), seed=st.integers(0, 99))
def test_each_row_against_a_plain_loop(rows, cols, density, seed):
    mask = Bernoulli(density=density).mask(rows, cols, generator=seeded(seed))
    module = masked(mask)
    before = module.weight.detach().tolist()
    correct_fan_in(module)
    for old, new, mask_row in zip(before, module.weight.detach().tolist(), mask.tolist(), strict=True):
        for x, y, present in zip(old, new, mask_row, strict=True):
            assert y == pytest.approx(x * math.sqrt(cols / mask_row.count(True)) if present else 0, rel=1e-6)


# pattern, gates
PATTERNS = [
    (Locality(sheet=(20, 20), radius=0), 1),
    (Locality(sheet=(20, 20), radius=4), 1),
    (Locality(sheet=(20, 20), radius=4, periodic=False), 3),
    (FixedInDegree(degree=49), 3),
    (UniformRandom(density=0.1), 1),
    (Bernoulli(density=0.1), 4),
    (Dense(), 3),
]


@pytest.mark.parametrize(("pattern", "gates"), PATTERNS, ids=str)
def test_rows_have_the_norm_of_dense_ones(pattern, gates):
    """The squared norm of a row with k entries is on average k / cols before, with relative variance 2 / k, and 1
    after: six standard errors.
    """
    mask = pattern.mask(gates * 400, 400, gates=gates, generator=seeded())
    module = masked(mask)
    for expected in (mask.double().mean(), torch.tensor(1.0).double()):
        squares = module.weight.detach().double().square().sum(dim=1)
        relative = float(squares.mean() / expected)
        assert abs(relative - 1) < 6 * math.sqrt(2 / int(mask.sum()) * (mask.sum(dim=1).max() / mask.sum(dim=1).min()))
        correct_fan_in(module)


@pytest.mark.parametrize("degree", [40, 200])
def test_the_spectral_radius_is_restored(degree):
    """The circular law: radius g for entries of variance g^2 / N, g sqrt(density) under a mask."""
    module = masked(FixedInDegree(degree=degree).mask(400, 400, generator=seeded()))
    radius = lambda: float(torch.linalg.eigvals(module.weight.detach()).abs().max())  # noqa: E731
    shrunk = radius()
    assert shrunk == pytest.approx(math.sqrt(degree / 400), rel=0.1)
    correct_fan_in(module)
    assert radius() == pytest.approx(1, rel=0.1)
    assert radius() == pytest.approx(shrunk / math.sqrt(degree / 400), rel=1e-4)  # rows are all alike


def test_rows_without_entries_stay_zero():
    module = masked(torch.tensor([[False, False], [True, False]]))
    correct_fan_in(module)
    assert module.weight.detach()[0].tolist() == [0, 0] and module.weight.detach()[1, 0] != 0


def test_names_globs_and_ties_select_each_weight_once(tied):
    module = nn.GRU(6, 6, 2)
    apply(module, {"weight_hh*": torch.eye(6, dtype=torch.bool).repeat(3, 1)})
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    correct_fan_in(module, "weight_hh_l0", "weight_hh_l[0]")
    for name, p in module.named_parameters():
        factor = math.sqrt(6) if name == "weight_hh_l0" else 1
        torch.testing.assert_close(p.detach(), before[name] * factor)
    correct_fan_in(module)
    torch.testing.assert_close(module.weight_hh_l1.detach(), before["weight_hh_l1"] * math.sqrt(6))
    torch.testing.assert_close(module.weight_hh_l0.detach(), before["weight_hh_l0"] * 6)
    module = tied()
    apply(module, {"decoder.weight": torch.eye(5, dtype=torch.bool)})
    size = module.encoder.weight.detach().clone()
    correct_fan_in(module, "decoder.weight", "encoder.weight")
    torch.testing.assert_close(module.decoder.weight.detach(), size * math.sqrt(5))


def test_more_dimensions_have_the_fan_in_of_all_but_the_first():
    module = nn.Conv1d(3, 4, 2)
    mask = torch.zeros(4, 3, 2, dtype=torch.bool)
    mask[:, 0] = mask[0, 1, 0] = True
    apply(module, {"weight": mask})
    before = module.weight.detach().clone()
    correct_fan_in(module)
    torch.testing.assert_close(module.weight.detach()[0], before[0] * math.sqrt(6 / 3))
    torch.testing.assert_close(module.weight.detach()[1:], before[1:] * math.sqrt(6 / 2))


def test_signs_and_masks_and_the_parameter_stay():
    module = masked(FixedInDegree(degree=4).mask(20, 20, generator=seeded()))
    sign = Dale().signs(20, generator=seeded())
    apply_signs(module, {"weight": sign})
    weight, address = module.weight, module.weight.data_ptr()
    before = weight.detach().clone()
    correct_fan_in(module, "weight")
    module(torch.zeros(20)).sum().backward()
    torch.testing.assert_close(module.weight.detach(), before * math.sqrt(20 / 4))
    assert module.weight is weight and weight.data_ptr() == address and weight.requires_grad
    assert masks(module)["weight"].sum() == 80


def test_unmasked_parameters_are_refused_and_nothing_changes():
    module = nn.GRU(6, 6)
    correct_fan_in(module)  # no mask, nothing to do
    apply(module, {"weight_hh_l0": torch.eye(6, dtype=torch.bool).repeat(3, 1)})
    apply_signs(module, {"weight_ih_l0": torch.ones(6)})
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    for name in ("weight_ih_l0", "*ih*", "weight"):
        with pytest.raises(
            MaskError, match=rf"correct_fan_in: '{name.replace('*', '.')}' matches no masked parame.*hh"
        ):
            correct_fan_in(module, "weight_hh_l0", name)
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())
    apply(module, {"bias_hh_l0": torch.ones(18, dtype=torch.bool)})
    with pytest.raises(MaskError, match=r"parameter 'bias_hh_l0': expected rows and columns, got shape \(18,\)"):
        correct_fan_in(module)
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())

"""Masks on weights of every dtype, and on weights whose gradients are sparse."""

import pytest
import torch
from torch import nn

from srnn_masks import MaskError, apply, apply_signs, enforce, lifted, masks, release, replace

EYE = torch.eye(4, dtype=torch.bool)
FLOAT8 = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
OTHERS = [torch.complex64, torch.int8, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def holder(dtype):
    """A module with one weight of ones."""
    module = nn.Module()
    data = torch.ones(4, 4).to(dtype)
    module.weight = nn.Parameter(data, requires_grad=dtype.is_floating_point or dtype.is_complex)
    return module


def values(module):
    weight = module.weight.detach()
    return weight.to(torch.complex128 if weight.is_complex() else torch.float64)


@pytest.mark.parametrize("dtype", [*FLOATS, *FLOAT8, *OTHERS], ids=str)
def test_weights_of_any_dtype_are_masked(dtype):
    module = holder(dtype)
    apply(module, {"weight": EYE})
    assert torch.equal(values(module) != 0, EYE)
    with torch.no_grad():
        module.weight.copy_(torch.ones(4, 4).to(dtype))
    module.state_dict()
    assert torch.equal(values(module) != 0, EYE)
    module.weight.data.copy_(torch.ones(4, 4).to(dtype))  # which torch does not count
    module.state_dict()
    assert torch.equal(values(module) != 0, EYE)
    module.weight.data.copy_(torch.ones(4, 4).to(dtype))
    enforce(module)
    assert torch.equal(values(module) != 0, EYE) and (values(module)[EYE] == 1).all()


@pytest.mark.parametrize("dtype", [*FLOATS, *FLOAT8], ids=str)
def test_masked_modules_are_converted(dtype):
    module = nn.Linear(4, 4)
    apply(module, {"weight": EYE})
    module.to(dtype)
    with torch.no_grad():
        module.weight.copy_(torch.ones(4, 4).to(dtype))
    assert torch.equal(masks(module)["weight"], EYE) and torch.equal(values(module) != 0, EYE)


def test_a_dtype_without_zero_is_refused():
    with pytest.raises(MaskError, match=r"'weight': expected a dense tensor of a dtype that can hold 0, got .*e8m0fnu"):
        apply(holder(torch.float8_e8m0fnu), {"weight": EYE})
    module = nn.Linear(4, 4)
    apply(module, {"weight": EYE})
    module.to(torch.float8_e8m0fnu)
    with pytest.raises(MaskError, match=r"'weight': expected a dtype that can hold 0, got torch.float8_e8m0fnu"):
        enforce(module)


@pytest.mark.parametrize("dtype", [*FLOAT8, *OTHERS], ids=str)
def test_signs_need_a_dtype_that_can_be_clamped(dtype):
    with pytest.raises(MaskError, match=r"'weight': expected a float matrix \(rows, cols\), got .* torch\."):
        apply_signs(holder(dtype), {"weight": torch.ones(4)})


def test_signed_modules_are_not_converted_to_float8():
    module = nn.Linear(4, 4)
    apply_signs(module, {"weight": torch.ones(4)})
    module.to(torch.float8_e5m2)
    with pytest.raises(MaskError, match=r"'weight': expected a floating-point dtype of 16 bits or more for its signs"):
        enforce(module)


def test_a_sparse_weight_is_refused():
    module = nn.Module()
    module.weight = nn.Parameter(torch.eye(4).to_sparse())
    with pytest.raises(MaskError, match=r"'weight': expected a dense tensor .*torch.sparse_coo"):
        apply(module, {"weight": EYE})


def embedding():
    """An embedding after a backward that visits row 1 twice, so that its sparse gradient is not coalesced."""
    module = nn.Embedding(6, 4, sparse=True)
    module(torch.tensor([1, 2, 1])).sum().backward()
    assert module.weight.grad.layout is torch.sparse_coo and not module.weight.grad.is_coalesced()
    return module


@pytest.mark.parametrize("verb", [apply, replace])
def test_an_existing_sparse_gradient_is_masked(verb):
    module, mask = embedding(), torch.rand(6, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    dense = module.weight.grad.to_dense()
    verb(module, {"weight": mask})
    assert torch.equal(module.weight.grad.to_dense(), dense * mask)
    module.weight.grad = (torch.ones(6, 4)).to_sparse(1)
    enforce(module)
    assert torch.equal(module.weight.grad.to_dense(), mask.float())


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # Adagrad's own
@pytest.mark.parametrize(
    "method", [torch.optim.SparseAdam, torch.optim.Adagrad, torch.optim.SGD], ids=lambda each: each.__name__
)
def test_sparse_gradients_train_masked(method):
    module, mask = embedding(), torch.rand(6, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    apply(module, {"weight": mask})
    steps = method(module.parameters(), lr=0.1)
    before = module.weight.detach().clone()
    for words in ([1, 2, 1], [2, 3]):
        steps.zero_grad()
        module(torch.tensor(words)).square().sum().backward()
        assert module.weight.grad.layout is torch.sparse_coo
        assert not module.weight.grad.to_dense()[~mask].any() and module.weight.grad.to_dense()[mask].any()
        steps.step()
        assert not module.weight.detach()[~mask].any()
    assert (module.weight.detach() != before)[mask].any()
    with lifted(module):
        module(torch.tensor([1])).sum().backward()
        assert module.weight.grad.to_dense()[1].all()
    assert not module.weight.grad.to_dense()[~mask].any()


def test_nan_in_a_sparse_gradient_stays_visible():
    module = nn.Embedding(6, 4, sparse=True)
    apply(module, {"weight": torch.zeros(6, 4, dtype=torch.bool)})
    (module(torch.tensor([1])) * torch.nan).sum().backward()
    assert module.weight.grad.to_dense()[1].isnan().all()
    release(module)

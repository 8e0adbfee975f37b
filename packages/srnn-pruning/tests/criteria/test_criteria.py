"""Criteria: shapes, values, randomness."""

import math

import pytest
import torch

from srnn_pruning import Criterion, Magnitude, Pruning, PruningError, Random, prune


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("criterion", [Magnitude(), Random()], ids=lambda criterion: criterion.kind)
def test_scores_have_the_shape_of_the_parameters_and_no_gradient(criterion):
    parameters = {"a": torch.nn.Parameter(torch.ones(2, 3)), "b": torch.ones(4, 1, 2)}
    scores = criterion.scores(parameters, generator=generator(), loss=None, module=None)  # evidence that it ignores
    assert {name: score.shape for name, score in scores.items()} == {"a": (2, 3), "b": (4, 1, 2)}
    assert not any(score.requires_grad for score in scores.values())


def test_magnitude_is_the_absolute_value_in_its_own_memory():
    weight = torch.tensor([[-2.0, 0.0, 1.5]])
    score = Magnitude().scores({"w": weight})["w"]
    assert score.tolist() == [[2.0, 0.0, 1.5]]
    assert score.data_ptr() != weight.data_ptr()


def test_random_needs_a_generator_and_is_reproducible(make_net):
    with pytest.raises(PruningError, match=r"generator: Random draws at random, expected a torch\.Generator, got None"):
        Random().scores({"w": torch.ones(2, 2)})
    with pytest.raises(PruningError, match="generator: Random draws at random"):
        prune(make_net(), Pruning(sparsity=0, criterion=Random()))
    a, b, c = (Random().scores({"w": torch.ones(9, 9)}, generator=generator(seed))["w"] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_random_removes_every_entry_equally_often_in_one_shot_and_in_two():
    """400 draws of 8 of 20 entries, 20 matrices per module, whatever the size of the weights; 5 standard errors."""
    pruning = Pruning(sparsity=0.4, criterion=Random(), ranking="per_matrix")
    g = generator(1)
    for fractions in ([0.4], [0.2, 0.4]):
        removed = torch.zeros(4, 5)
        for _ in range(20):
            layers = torch.nn.Sequential(*[torch.nn.utils.skip_init(torch.nn.Linear, 5, 4) for _ in range(20)])
            for layer in layers:
                layer.weight.data = torch.arange(20.0).reshape(4, 5)
            for fraction in fractions:
                masks = prune(layers, pruning, fraction=fraction, generator=g)
            removed += sum(~mask for mask in masks.values())
        assert removed.sum() == 400 * 8
        error = math.sqrt(400 * 0.4 * 0.6)
        assert (removed - 160).abs().max() < 5 * error
        assert 0.4 < (removed - 160).square().mean().sqrt() / error < 1.6  # and not suspiciously even


class LossSensitivity(Criterion):
    """A criterion in the manner of SNIP: it needs evidence, and no other criterion changes for it."""

    def scores(self, parameters, *, generator=None, module=None, loss=None, **evidence):
        assert list(module.parameters()) == list(parameters.values())
        gradients = torch.autograd.grad(loss(), list(parameters.values()))
        return {name: (p * g).abs().detach() for (name, p), g in zip(parameters.items(), gradients, strict=True)}


def test_a_criterion_can_take_evidence(pruning_by):
    layer = torch.nn.utils.skip_init(torch.nn.Linear, 2, 1, bias=False)
    layer.weight.data = torch.tensor([[1.0, 10.0]])
    loss = lambda: layer(torch.tensor([[1.0, 0.01]])).sum()  # noqa: E731
    masks = prune(layer, pruning_by(LossSensitivity()), evidence={"loss": loss})
    assert masks["weight"].tolist() == [[True, False]]


SMALL = [[-3.0, 1.0], [2.0, -4.0]]
DTYPES = [
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float16,
    torch.bfloat16,
    torch.complex64,
    torch.int8,
    torch.int64,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_weights_of_any_dtype_are_pruned_by_magnitude(dtype):
    module = torch.nn.Module()
    weight = torch.tensor(SMALL).to(dtype)
    module.weight = torch.nn.Parameter(weight, requires_grad=dtype.is_floating_point or dtype.is_complex)
    assert prune(module, Pruning(sparsity=0.5))["weight"].tolist() == [[True, False], [False, True]]
    assert module.weight.detach().to(torch.complex64).abs().tolist() == [[3, 0], [0, 4]]


def test_the_smallest_integer_is_large():
    """Its absolute value does not exist in its own dtype."""
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(torch.tensor([[-128, 3]], dtype=torch.int8), requires_grad=False)
    assert prune(module, Pruning(sparsity=0.5))["weight"].tolist() == [[True, False]]


@pytest.mark.parametrize("criterion", [Magnitude(), Random()], ids=lambda criterion: criterion.kind)
def test_matrices_with_sparse_gradients_are_all_pruned(criterion):
    with torch.random.fork_rng():
        module = torch.nn.Sequential(torch.nn.Embedding(10, 4, sparse=True), torch.nn.Linear(4, 4))
    module(torch.tensor([1, 2])).sum().backward()
    masks = prune(module, Pruning(sparsity=0.5, criterion=criterion, ranking="per_matrix"), generator=generator())
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"0.weight": 20, "1.weight": 8}
    assert not module[0].weight.grad.to_dense()[~masks["0.weight"]].any()

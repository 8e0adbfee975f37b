"""Sparse blocks of a `BlockRNN`: masks of srnn-masks on the six weights of srnn-models, trained by srnn-bench."""

import pytest
import torch
from torch import nn

from srnn_bench import Experiment, Masked, Stage, Training
from srnn_bench.training import Member, Single, Stacked, Trainer, assemble
from srnn_masks import Bernoulli, UniformRandom, masks
from srnn_models import BlockRNN
from srnn_tasks import Adding

CPU = torch.device("cpu")
STAGE = Stage(name="only", training=Training(epochs=2, batches=5, batch_size=8, learning_rate=1e-2))
UNIFORM, TUNED = (0.2,) * 6, (0.2, 1, 1, 0.2, 0.2, 1)
BLOCKS = ("hx", "hh", "hy", "yx", "yh", "yy")


def experiment(densities, pattern=UniformRandom, **fields):
    """Return an experiment with one mask per block that is not dense."""
    sparse = {block: density for block, density in zip(BLOCKS, densities, strict=True) if density < 1}
    return Experiment(
        task=Adding(steps=6, held_out=50),
        model=BlockRNN(hidden=20, **fields),
        masks=tuple(
            Masked(parameter=f"recurrence.weight_{block}", pattern=pattern(density=density))
            for block, density in sparse.items()
        ),
        stages=(STAGE,),
    )


def trained(value, seeds=(0,)):
    members = [Member(assemble(value, seed, CPU)) for seed in seeds]
    parts = [member.parts for member in members]
    Trainer(members, Stacked(parts, CPU) if len(parts) > 1 else Single(parts, CPU), device=CPU).train()
    return [each.model for each in parts]


@pytest.mark.parametrize("seeds", [(0,), (0, 1)], ids=["single", "stacked"])
@pytest.mark.parametrize("densities", [UNIFORM, TUNED], ids=["uniform", "tuned"])
def test_each_block_keeps_its_own_number_of_weights(densities, seeds):
    for network in trained(experiment(densities), seeds):
        for block, density in zip(BLOCKS, densities, strict=True):
            weight = network.recurrence.get_parameter(f"weight_{block}")
            assert int(weight.count_nonzero()) == round(density * weight.numel()), block
        assert network.recurrence.bias.all(), "the bias is dense"


def test_without_recurrence_and_feedback_it_is_a_perceptron_of_each_step_also_after_training():
    value = experiment((1, 0, 0, 0, 1, 0), Bernoulli, reads="after")
    before = assemble(value, 0, CPU).model
    (after,) = trained(value)
    x = torch.randn(6, 4, 2, generator=torch.Generator().manual_seed(1))
    for network in (before, after):
        module = network.recurrence
        perceptron = nn.Sequential(
            nn.utils.skip_init(nn.Linear, 2, 20), nn.ReLU(), nn.utils.skip_init(nn.Linear, 20, 1)
        )
        with torch.no_grad():
            for target, source in zip(
                perceptron.parameters(),
                (module.weight_hx, module.bias[:20], module.weight_yh, module.bias[20:]),
                strict=True,
            ):
                target.copy_(source)
        torch.testing.assert_close(network(x)[0], perceptron(x))
        assert not any(mask.any() for mask in masks(network).values())
    assert not torch.equal(before.recurrence.weight_hx, after.recurrence.weight_hx)


def test_masked_zeros_are_multiplied_as_they_are():
    """A mask changes no equation: the same network with zeros written by hand gives the same bits."""
    value = experiment(UNIFORM, Bernoulli)
    network = assemble(value, 3, CPU).model
    x = torch.randn(6, 4, 2, generator=torch.Generator().manual_seed(1))
    hand = assemble(value.model_copy(update={"masks": ()}), 3, CPU).model
    with torch.no_grad():
        for name, mask in masks(network).items():
            hand.get_parameter(name).mul_(mask)
    assert torch.equal(network(x)[0], hand(x)[0])

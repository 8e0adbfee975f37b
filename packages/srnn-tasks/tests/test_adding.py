"""Reference numbers of the adding problem in arXiv 2406.06290, and the definition of the task."""

import pytest
import torch

from srnn_tasks import Adding, AddingSource


def opened(**fields: object) -> AddingSource:
    return Adding(**fields).open(device="cpu", generator=torch.Generator().manual_seed(0))


def draw(source: AddingSource, size: int, seed: int = 1):
    return next(source.batches(size, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_answer_1_scores_one_sixth(split) -> None:
    assert opened().baseline(split=split)["mse"] == pytest.approx(1 / 6, abs=0.008)


def test_the_target_is_the_sum_of_the_two_marked_values() -> None:
    batch = draw(opened(steps=9), 500)
    values, markers = batch.inputs.unbind(-1)
    assert set(markers.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(markers.sum(0), torch.full((500,), 2.0))
    assert values.min() >= 0
    assert values.max() <= 1
    for b in range(500):
        marked = [values[t, b].item() for t in range(9) if markers[t, b] == 1]
        assert batch.targets[-1, b, 0].item() == pytest.approx(sum(marked), abs=1e-6)


def test_only_the_last_step_counts() -> None:
    source = opened(steps=9)
    batch = draw(source, 20)
    assert torch.equal(batch.weight.sum(0), torch.ones(20))
    assert torch.equal(batch.weight[-1], torch.ones(20))
    outputs = torch.zeros(9, 20, 1)
    expected = batch.targets[-1].square().mean()
    torch.testing.assert_close(source.loss(outputs, batch), expected)
    outputs[:-1] = 100.0
    torch.testing.assert_close(source.loss(outputs, batch), expected)


def test_every_pair_of_steps_is_marked_equally_often() -> None:
    count = 60_000
    markers = draw(opened(steps=5), count).inputs[..., 1]  # (T, B)
    pairs = torch.einsum("sb,tb->st", markers, markers)
    upper = pairs[torch.triu_indices(5, 5, 1).unbind()]
    chi_square = ((upper - count / 10) ** 2 / (count / 10)).sum().item()
    assert upper.sum() == count
    assert chi_square < 27.9  # 9 degrees of freedom, p = 0.001


def test_values_are_uniform() -> None:
    values = draw(opened(), 4000).inputs[..., 0]
    assert values.mean().item() == pytest.approx(0.5, abs=0.004)  # sd of the mean .0006
    assert values.var().item() == pytest.approx(1 / 12, rel=0.02)


def test_two_steps_mark_both() -> None:
    assert torch.equal(draw(opened(steps=2), 10).inputs[..., 1], torch.ones(2, 10))


def test_held_out_sequences_are_fixed_and_apart() -> None:
    def collect(split, seed: int) -> torch.Tensor:
        source = opened(steps=5, held_out=2300)
        return torch.cat(
            [batch.inputs for batch in source.held_out(split, generator=torch.Generator().manual_seed(seed))], 1
        )

    test, validation = collect("test", 1), collect("validation", 1)
    assert test.shape == validation.shape == (5, 2300, 2)
    assert torch.equal(test, collect("test", 2))
    assert not torch.isin(test[..., 0], validation[..., 0]).float().mean() > 0.01
    assert len(test[0, :, 0].unique()) > 2290
    other = opened(steps=5, held_out=2300, held_out_seed=1)
    assert not torch.equal(test[:, :1000], next(iter(other.held_out("test", generator=torch.Generator()))).inputs)


@pytest.mark.parametrize(("size", "batches"), [(32, 313), (10_000, 1), (10_001, 1), (1, 10_000)])
def test_an_epoch_is_10000_sequences(size: int, batches: int) -> None:
    assert opened().epoch_batches(size) == batches

"""The state of a pruner: a run that is interrupted continues as if it had not been."""

import io

import pytest
import torch

import srnn_masks
from srnn_pruning import Pruner, Pruning, PruningError, Random

PRUNING = Pruning(sparsity=0.9, criterion=Random())


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("interrupted", [0, 1, 3])
def test_an_interrupted_run_continues(make_net, interrupted):
    through, first, second = make_net(), make_net(), make_net()
    pruner = Pruner(through, PRUNING, epochs=5, generator=generator())
    for _ in range(5):
        pruner.step()
    assert pruner.epoch == 5
    pruner = Pruner(first, PRUNING, epochs=5, generator=generator())
    for epoch in range(1, interrupted + 1):
        pruner.step(epoch)
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "pruner": pruner.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    srnn_masks.load_masked(second, state["model"])
    pruner = Pruner(second, PRUNING, epochs=5, generator=torch.Generator().manual_seed(1))
    pruner.load_state_dict(state["pruner"])
    assert pruner.epoch == interrupted
    for _ in range(interrupted, 5):
        pruner.step()
    expected = srnn_masks.masks(through)
    assert srnn_masks.masks(second).keys() == expected.keys()
    assert all(torch.equal(mask, expected[name]) for name, mask in srnn_masks.masks(second).items())


def test_a_pruner_without_a_generator_has_a_state_too(make_net):
    pruner = Pruner(make_net(), Pruning(sparsity=0.9), epochs=5)
    pruner.step(2)
    assert pruner.state_dict() == {
        "epoch": 2,
        "generator": None,
        "epochs": 5,
        "pruning": Pruning(sparsity=0.9).model_dump_json(),
    }
    other = Pruner(make_net(), Pruning(sparsity=0.9), epochs=5)
    other.load_state_dict(pruner.state_dict())
    assert other.epoch == 2


def test_a_refused_step_does_not_count(make_net):
    pruner = Pruner(make_net(), Pruning(sparsity=0.9), epochs=1)
    pruner.step()
    with pytest.raises(PruningError, match="epoch: expected one of 1 to 1, got 2"):
        pruner.step()
    assert pruner.epoch == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 6}, "expected an epoch of 0 to 5, got 6"),
        ({"generator": None}, "expected the state of a generator, got no state"),
        ({"masks": {}}, "expected the keys epoch, epochs, generator, pruning, got .*'masks'"),
        ({"epochs": 6}, "expected epochs of this pruner, 5, got 6"),
        ({"pruning": Pruning(sparsity=0.5).model_dump_json()}, 'expected pruning .*"sparsity":0.9.*got .*:0.5'),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(make_net, change, message):
    pruner = Pruner(make_net(), PRUNING, epochs=5, generator=generator())
    before = pruner.generator.get_state()
    with pytest.raises(PruningError, match=f"load_state_dict: {message}"):
        pruner.load_state_dict({**pruner.state_dict(), "epoch": 1, **change})
    assert pruner.epoch == 0 and torch.equal(pruner.generator.get_state(), before)
    plain = Pruner(make_net(), Pruning(sparsity=0.9), epochs=5)
    with pytest.raises(PruningError, match="expected no state of a generator, got the state"):
        plain.load_state_dict({**plain.state_dict(), "generator": before})


def test_the_state_of_another_run_is_refused(make_net):
    state = Pruner(make_net(), PRUNING, epochs=5, generator=generator()).state_dict()
    longer = Pruner(make_net(), PRUNING, epochs=8, generator=generator())
    with pytest.raises(PruningError, match="load_state_dict: expected epochs of this pruner, 8, got 5"):
        longer.load_state_dict(state)
    sparser = Pruner(make_net(), Pruning(sparsity=0.95, criterion=Random()), epochs=5, generator=generator())
    with pytest.raises(
        PruningError, match=r'expected pruning of this pruner, .*"sparsity":0.95.*got .*"sparsity":0.9,'
    ):
        sparser.load_state_dict(state)

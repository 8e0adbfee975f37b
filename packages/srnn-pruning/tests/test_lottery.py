"""The lottery: the same masks, new or original weights, and zeros that stay zero."""

import copy

import pytest
import torch
from torch import nn

import srnn_masks
from srnn_pruning import Pruner, Pruning, PruningError, prune, reinitialize, rewind, snapshot

RECURRENCES = pytest.mark.parametrize("recurrence", [nn.RNN, nn.GRU, nn.LSTM])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Own(nn.Module):
    """A module with `reset_parameters(generator=)`, which draws weights between 10 and 11."""

    def __init__(self, size=4):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size, size))

    def reset_parameters(self, *, generator):
        with torch.no_grad():
            self.weight.uniform_(10, 11, generator=generator)


def draws_are_the_same(call):
    """Return whether `call` leaves the state of the global generator unchanged."""
    before = torch.get_rng_state()
    call()
    return torch.equal(torch.get_rng_state(), before)


@RECURRENCES
def test_lottery_trains_new_weights_under_the_masks_of_the_first_run(make_net, train, recurrence):
    net = make_net(recurrence)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    pruner = Pruner(net, Pruning(sparsity=0.7), epochs=3)
    for epoch in (1, 2, 3):
        masks = pruner.step(epoch)
        train(net, optimizer, seed=epoch)
    first = snapshot(net)

    reinitialize(net, generator=generator(5))

    def assert_pruned():
        for name, mask in masks.items():
            assert not net.get_parameter(name)[~mask].any()
        current = srnn_masks.masks(net)  # after the weights, because reading masks enforces them
        assert all(torch.equal(current[name], mask) if name in current else mask.all() for name, mask in masks.items())

    assert_pruned()
    for name, parameter in net.named_parameters():
        mask = masks.get(name, torch.ones_like(parameter, dtype=torch.bool))
        assert (parameter[mask] != first[name][mask]).all(), name
    train(net, torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01), steps=5, each=assert_pruned)
    assert all(torch.equal(net.get_parameter(name) != 0, mask) for name, mask in masks.items())


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(9, 4),
        lambda: nn.RNN(3, 5),
        lambda: nn.GRU(3, 5, num_layers=2),
        lambda: nn.LSTM(3, 5),
        lambda: nn.Embedding(7, 3),
        lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2)),
    ],
)
def test_modules_of_torch_get_their_own_initialisation_from_the_generator(make):
    with torch.random.fork_rng():
        module = make()
    for parameter in module.parameters():
        parameter.data.fill_(99)
    twin, other = copy.deepcopy(module), copy.deepcopy(module)
    assert draws_are_the_same(lambda: reinitialize(module, generator=generator(1)))
    reinitialize(twin, generator=generator(1))
    reinitialize(other, generator=generator(2))
    assert all(torch.equal(p, q) for p, q in zip(module.parameters(), twin.parameters(), strict=True))
    assert any(not torch.equal(p, q) for p, q in zip(module.parameters(), other.parameters(), strict=True))
    assert all(p.abs().max() < 5 for p in module.parameters())
    if isinstance(module, nn.GRU):
        assert all(0.9 * 5**-0.5 < p.abs().max() <= 5**-0.5 for p in module.parameters() if p.numel() > 60)


def test_a_generator_is_required():
    with pytest.raises(PruningError, match=r"generator: expected a torch\.Generator to draw the weights fr"):
        reinitialize(Own(), generator=None)


def test_every_submodule_draws_its_own_weights():
    net = nn.Sequential(nn.utils.skip_init(nn.Linear, 4, 4), nn.utils.skip_init(nn.Linear, 4, 4), Own(), Own())
    reinitialize(net, generator=generator())
    assert not torch.equal(net[0].weight, net[1].weight)
    assert not torch.equal(net[2].weight, net[3].weight)
    assert net[2].weight.min() >= 10


def test_the_seed_of_the_global_generator_does_not_matter():
    results = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net = nn.utils.skip_init(nn.Linear, 4, 4)
            reinitialize(net, generator=generator())
        results.append(net.weight)
    assert torch.equal(*results)


def test_masks_stay_enforced_and_shared_submodules_stay_shared():
    own = Own()
    net = nn.Sequential(own, own)
    mask = torch.eye(4, dtype=torch.bool)
    srnn_masks.apply(net, {"0.weight": mask})
    reinitialize(net, generator=generator())
    assert net[0] is net[1]
    assert torch.equal(own.weight != 0, mask)
    assert own.weight[mask].min() >= 10


def test_the_outer_reset_comes_last():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = Own()

        def reset_parameters(self, *, generator):
            with torch.no_grad():
                self.part.weight.mul_(100)

    net = Scaled()
    reinitialize(net, generator=generator())
    assert net.part.weight.min() >= 1000


def test_a_submodule_without_reset_is_named_before_anything_changes():
    class Raw(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(2))

    net = nn.Sequential(Own(), nn.ModuleDict({"raw": Raw()}))
    with pytest.raises(PruningError, match=r"reset_parameters on 1\.raw \(Raw\), which owns \['gain'\], got none"):
        reinitialize(net, generator=generator())
    assert not net[0].weight.any()
    with pytest.raises(PruningError, match=r"on the module \(Raw\)"):
        reinitialize(Raw(), generator=generator())


def test_rewind_restores_the_original_weights_under_the_current_masks(make_net, train):
    net = make_net()
    original = snapshot(net)
    untouched = copy.deepcopy(original)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, optimizer)
    masks = prune(net, Pruning(sparsity=0.6))
    train(net, optimizer)
    parameters = dict(net.named_parameters())
    rewind(net, original)
    for name, parameter in net.named_parameters():
        assert parameter is parameters[name]
        assert torch.equal(parameter, original[name] * masks.get(name, True))
        assert torch.equal(original[name], untouched[name])
    current = srnn_masks.masks(net)
    assert all(torch.equal(current[name], mask) for name, mask in masks.items() if name in current)
    train(net, torch.optim.Adam(net.parameters(), lr=0.01))
    assert all(not net.get_parameter(name)[~mask].any() for name, mask in masks.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda original: original.pop("readout.bias"), r"got missing \['readout.bias'\] and unknown \[\]"),
        (lambda original: original.update(extra=torch.ones(1)), r"got missing \[\] and unknown \['extra'\]"),
        (
            lambda original: original.update({"readout.weight": torch.ones(6, 2)}),
            r"expected readout.weight of shape \(2, 6\), got \(6, 2\)",
        ),
    ],
)
def test_rewind_refuses_other_weights_before_anything_changes(make_net, change, message):
    net, original = make_net(seed=0), snapshot(make_net(seed=1))
    before = snapshot(net)
    change(original)
    with pytest.raises(PruningError, match=message):
        rewind(net, original)
    assert all(torch.equal(parameter, before[name]) for name, parameter in net.named_parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_generators_of_cpu_and_gpu_are_untouched(make_net):
    net = make_net(nn.GRU).cuda()
    masks = prune(net, Pruning(sparsity=0.5))
    before = torch.cuda.get_rng_state()
    reinitialize(net, generator=generator())
    first = snapshot(net)
    reinitialize(net, generator=generator())
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert all(torch.equal(parameter, first[name]) for name, parameter in net.named_parameters())
    assert all(torch.equal(net.get_parameter(name) != 0, mask) for name, mask in masks.items())

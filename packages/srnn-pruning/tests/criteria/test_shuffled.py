"""The shuffled control keeps as many weights per gate of each matrix as its base, elsewhere."""

import pytest
import torch
from torch import nn

import srnn_masks
from srnn_pruning import SNIP, JacobianSpectrum, Magnitude, Pruning, PruningError, Random, Shuffled, prune

GATES = {nn.RNN: 1, nn.GRU: 3, nn.LSTM: 4}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def masks(make_net, layer, criterion, *, before=False, equal=False, seed=0, ranking="global"):
    net = make_net(layer)
    inputs = torch.randn(4, 3, 3, generator=generator(1))
    if equal:
        for parameter in net.parameters():
            parameter.data.fill_(0.5)
    if before:
        rows = len(net.recurrence.weight_hh_l0)
        local = torch.rand(rows, 6, generator=generator(2)) < 0.6
        srnn_masks.apply(net, {"recurrence.weight_hh_l0": local})
    pruning = Pruning(sparsity=0.7, criterion=criterion, ranking=ranking)
    return prune(net, pruning, generator=generator(seed), evidence={"loss": lambda: net(inputs).square().mean()})


def counts(found, layer):
    return {
        name: [int(part.sum()) for part in mask.chunk(GATES[layer] if name.startswith("rec") else 1)]
        for name, mask in found.items()
    }


@pytest.mark.parametrize("layer", GATES, ids=lambda layer: layer.__name__)
@pytest.mark.parametrize("base", [Magnitude(), SNIP()], ids=lambda base: base.kind)
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("ranking", ["global", "per_matrix", "per_gate"])
def test_the_counts_are_those_of_the_base_at_other_places(make_net, layer, base, before, ranking):
    expected = masks(make_net, layer, base, before=before, ranking=ranking)
    found = masks(make_net, layer, Shuffled(base=base), before=before, ranking=ranking)
    assert counts(found, layer) == counts(expected, layer)
    assert any(not torch.equal(mask, expected[name]) for name, mask in found.items())
    other = masks(make_net, layer, Shuffled(base=base), before=before, seed=1, ranking=ranking)
    assert any(not torch.equal(mask, other[name]) for name, mask in found.items())


def test_equal_scores_keep_the_counts_too(make_net):
    expected = masks(make_net, nn.GRU, Magnitude(), equal=True)
    assert counts(masks(make_net, nn.GRU, Shuffled(base=Magnitude()), equal=True), nn.GRU) == counts(expected, nn.GRU)


def test_the_base_draws_first(make_net):
    """The counts are those of the base with the same generator, though both draw."""
    expected = masks(make_net, nn.LSTM, Random(), seed=4)
    assert counts(masks(make_net, nn.LSTM, Shuffled(base=Random()), seed=4), nn.LSTM) == counts(expected, nn.LSTM)


def test_it_wants_what_the_base_wants_and_always_draws(make_net):
    assert Shuffled(base=Magnitude()).wants == ()
    assert Shuffled(base=JacobianSpectrum()).wants == ("run",)
    assert Shuffled(base=Magnitude()).draws
    net = make_net()
    with pytest.raises(PruningError, match="generator: Shuffled draws at random"):
        prune(net, Pruning(sparsity=0.5, criterion=Shuffled(base=Magnitude())))
    with pytest.raises(PruningError, match="evidence: Shuffled needs 'loss'"):
        prune(net, Pruning(sparsity=0.5, criterion=Shuffled(base=SNIP())), generator=generator())
    with pytest.raises(PruningError, match="module: expected the module that the parameters belong to, got None"):
        Shuffled(base=Magnitude()).scores({"w": torch.ones(2, 2)}, generator=generator())


def test_gates_need_a_recurrence():
    layer = nn.utils.skip_init(nn.Linear, 2, 2)
    with pytest.raises(PruningError, match="Linear: expected a recurrent layer"):
        prune(layer, Pruning(sparsity=0.5, criterion=Shuffled(base=Magnitude())), generator=generator())

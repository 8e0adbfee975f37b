"""Recurrent weights as edges, with the patterns of srnn-masks, the penalties of srnn-manifolds and srnn-pruning."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import srnn_masks
from srnn_manifolds import Moduli
from srnn_masks import Bernoulli, FixedInDegree, Locality, UniformRandom, hidden_proportion
from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, ModelError, SequenceModel, to_dense, to_edges
from srnn_pruning import (
    JacobianSpectrum,
    Pruner,
    Pruning,
    PruningError,
    Random,
    densities,
    one_shot,
    prune,
    recurrences,
    summarize,
)

SPEC = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
CELLS = {
    "elman": ElmanRNN(hidden=9),
    "leaky": LeakyRNN(hidden=9, alpha=0.3, nonlinearity="tanh"),
    "gru": GRU(hidden=9),
    "lstm": LSTM(hidden=9),
}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
HH, VALUES = "recurrence.weight_hh", "recurrence.weight_hh.values"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def masked(cell):
    """A network in float64 whose W_hh has a mask, and the mask by name."""
    network = SequenceModel(recurrence=cell).build(SPEC, generator=generator()).double()
    rows, columns = network.recurrence.weight_hh.shape
    mask = UniformRandom(density=0.3).mask(rows, columns, gates=rows // columns, generator=generator(1))
    srnn_masks.apply(network, {HH: mask})
    return network, mask


def by_edges(cell):
    """A network with a mask, and the same by the edges of the mask."""
    network, mask = masked(cell)
    edges = copy.deepcopy(network)
    to_edges(edges, srnn_masks.release(edges, "*weight_hh"))
    return network, edges, mask


def loss(network, seed=1):
    outputs, last = network(torch.randn(5, 4, 3, generator=generator(seed), dtype=torch.float64))
    return outputs.sin().square().sum() + last.square().sum()


def train(network, optimizer, steps):
    for seed in range(steps):
        optimizer.zero_grad()
        loss(network, seed).backward()
        optimizer.step()


@pytest.mark.parametrize(
    "pattern",
    [
        Locality(sheet=(3, 3), radius=1),
        Locality(sheet=(3, 3), radius=1, periodic=False),
        FixedInDegree(degree=2),
        UniformRandom(density=0.3),
        Bernoulli(density=0.3),
        srnn_masks.Dense(),
    ],
    ids=lambda pattern: pattern.kind,
)
@cells
def test_a_network_is_built_with_the_indices_of_every_pattern(cell, pattern):
    gates = recurrences(masked(cell)[0])["recurrence"].gates
    indices = pattern.indices(9 * len(gates), 9, gates=len(gates), generator=generator())
    module = cell.build(3, generator=generator(), edges=indices)
    assert torch.equal(module.weight_hh.indices, indices)
    mask = pattern.mask(9 * len(gates), 9, gates=len(gates), generator=generator())
    assert torch.equal(to_dense(module)["weight_hh"], mask)


@cells
def test_a_network_is_trained_with_masks_by_edges_and_with_masks_again(cell):
    network, mask = masked(cell)
    twin = copy.deepcopy(network)
    ours, theirs = (torch.optim.AdamW(each.parameters(), lr=0.02) for each in (network, twin))
    for _ in range(3):
        train(twin, theirs, 2)
    train(network, ours, 2)
    with pytest.raises(ModelError, match="expected no mask applied, got a buffer weight_hh_mask"):
        to_edges(network, {HH: mask}, ours)
    to_edges(network, srnn_masks.release(network, "*weight_hh"), ours)
    train(network, ours, 2)
    srnn_masks.apply(network, to_dense(network, ours))
    train(network, ours, 2)
    state = network.state_dict()
    for name, expected in twin.state_dict().items():
        torch.testing.assert_close(state[name], expected, rtol=1e-9, atol=1e-11)


@cells
def test_densities_count_edges(cell):
    network, edges, _ = by_edges(cell)
    expected = densities(network)
    assert densities(edges) == {**{name: share for name, share in expected.items() if name != HH}, VALUES: expected[HH]}
    assert densities(edges, ["*weight_hh*"]) == {VALUES: expected[HH]}
    assert hidden_proportion(edges) == hidden_proportion(network)


@cells
def test_pruning_refuses_edges_by_name_and_prunes_other_weights(cell):
    _, edges, _ = by_edges(cell)
    before = edges.recurrence.weight_hh.values.detach().clone()
    count = len(before)
    for call in (
        lambda: prune(edges, Pruning(sparsity=0.9)),
        lambda: prune(edges, Pruning(sparsity=0.9, scope=("*weight_hh*",), ranking="per_gate")),
        lambda: Pruner(edges, Pruning(sparsity=0.9), epochs=2),
        lambda: one_shot(edges, Random(), density=0.1),
        lambda: one_shot(edges, Random(), density=0.1, scope="*"),
        lambda: summarize(edges),
    ):
        with pytest.raises(PruningError, match=rf"{VALUES}: expected a dense weight, got the values of {count} edges"):
            call()
    assert torch.equal(edges.recurrence.weight_hh.values, before)
    prune(edges, Pruning(sparsity=0.5, scope=("readout.weight",)))
    assert densities(edges)["readout.weight"] == 0.5


@cells
def test_scores_of_the_jacobian_spectrum_are_those_of_the_masked_weight(cell):
    network, edges, mask = by_edges(cell)
    scores = [
        JacobianSpectrum().scores(
            {name: each.get_parameter(name)}, generator=generator(), module=each, run=lambda each=each: loss(each)
        )[name]
        for each, name in ((network, HH), (edges, VALUES))
    ]
    torch.testing.assert_close(scores[1], scores[0][mask])


@cells
def test_the_penalty_of_edges_is_that_of_the_masked_weight(cell):
    network, edges, mask = by_edges(cell)
    gates = len(mask) // 9
    dense = Moduli().build(9, gates=gates, generator=generator(5))
    sparse = Moduli().build_edges(edges.recurrence.weight_hh.indices, 9, gates=gates, generator=generator(5))
    theirs = loss(network) + 0.1 * dense(network.recurrence.weight_hh)
    ours = loss(edges) + 0.1 * sparse(edges.recurrence.weight_hh.values)
    torch.testing.assert_close(ours, theirs)
    theirs.backward()
    ours.backward()
    torch.testing.assert_close(edges.recurrence.weight_hh.values.grad, network.recurrence.weight_hh.grad[mask])


class Sizes(TorchDispatchMode):
    """Notes the largest number of entries in the memory of a tensor; a sparse one consists of dense ones."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        results = result if isinstance(result, tuple | list) else [result]
        tensors = [each for each in results if isinstance(each, torch.Tensor)]
        sizes = [each.untyped_storage().nbytes() // each.itemsize for each in tensors if each.layout is torch.strided]
        self.largest = max([self.largest, *sizes])
        return result


@pytest.mark.parametrize("side", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_a_sheet_of_neurons_trains_is_saved_and_loaded_without_a_matrix(side, tmp_path):
    neurons = side * side
    with Sizes() as sizes:
        indices = Locality(sheet=(side, side), radius=6).indices(neurons, neurons)
        cell = ElmanRNN(hidden=neurons)
        module = cell.build(2, generator=generator(), edges=indices)
        penalty = Moduli().build_edges(indices, neurons, generator=generator())
        adam = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        inputs = torch.randn(10, 4, 2, generator=generator(1))
        losses = []
        for _ in range(3):
            adam.zero_grad()
            states, _ = module(inputs)
            total = (states - 0.5).square().mean() + penalty(module.weight_hh.values)
            total.backward()
            adam.step()
            losses.append(total.item())
        torch.save(module.state_dict(), tmp_path / "module.pt")
        loaded = cell.build(2, generator=generator(9), edges=indices)
        loaded.load_state_dict(torch.load(tmp_path / "module.pt"))
        with torch.no_grad():
            assert torch.equal(loaded(inputs)[0], module(inputs)[0])
    assert losses[2] < losses[1] < losses[0]
    assert indices.numel() <= sizes.largest < neurons * neurons // 4

"""Rankings: exact counts overall, in each matrix, or in each gate."""

import pytest
import torch
from torch import nn

from srnn_pruning import Criterion, Magnitude, Pruner, Pruning, PruningError, prune

LAYERS = {
    "rnn": (nn.RNN, {}, 1),
    "gru": (nn.GRU, {}, 3),
    "lstm": (nn.LSTM, {}, 4),
    "deep": (nn.LSTM, {"num_layers": 2, "bidirectional": True, "proj_size": 3}, 4),
}


class Net(nn.Module):
    def __init__(self, kind, options):
        super().__init__()
        with torch.random.fork_rng():
            self.rnn = kind(5, 7, **options)
            self.readout = nn.Linear(7, 3)
        draws = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data.normal_(generator=draws)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("sparsity", [0.0, 0.33, 0.5, 0.95, 1.0])
def test_per_gate_counts_within_each_gate_of_each_matrix(layer, sparsity):
    kind, options, gates = LAYERS[layer]
    net = Net(kind, options)
    weights = {name: p.detach().clone() for name, p in net.named_parameters() if p.dim() > 1}
    masks = prune(net, Pruning(sparsity=sparsity, ranking="per_gate"))
    assert list(masks) == list(weights)
    for name, mask in masks.items():
        blocks = gates if "_ih_" in name or "_hh_" in name else 1  # projections and the readout have no gates
        for part, weight in zip(mask.chunk(blocks), weights[name].chunk(blocks), strict=True):
            assert int((~part).sum()) == round(sparsity * part.numel())
            if part.any() and not part.all():
                assert weight[part].abs().min() >= weight[~part].abs().max()


@pytest.mark.parametrize("ranking", ["global", "per_matrix", "per_gate"])
def test_equal_scores_leave_exactly_as_many(ranking):
    net = Net(nn.GRU, {})
    for parameter in net.parameters():
        parameter.data.fill_(1)
    masks = prune(net, Pruning(sparsity=0.9, ranking=ranking))
    sizes = {name: mask.numel() for name, mask in masks.items()}
    absent = {name: int((~mask).sum()) for name, mask in masks.items()}
    if ranking == "global":
        assert sum(absent.values()) == round(0.9 * sum(sizes.values()))
    elif ranking == "per_matrix":
        assert absent == {name: round(0.9 * size) for name, size in sizes.items()}
    else:
        gates = {"rnn.weight_ih_l0": 3, "rnn.weight_hh_l0": 3, "readout.weight": 1}
        assert absent == {name: gates[name] * round(0.9 * size / gates[name]) for name, size in sizes.items()}


def test_masks_shrink_gate_by_gate_along_a_schedule():
    net = Net(nn.GRU, {})
    pruner = Pruner(net, Pruning(sparsity=0.9, ranking="per_gate"), epochs=4)
    before = None
    for epoch in range(1, 5):
        masks = pruner.step()
        for name in ("rnn.weight_ih_l0", "rnn.weight_hh_l0"):
            for part in masks[name].chunk(3):
                assert int((~part).sum()) == round((epoch - 1) / 3 * 0.9 * part.numel())
        assert before is None or not any((masks[name] & ~before[name]).any() for name in masks)
        before = masks


class Recorder(Criterion):
    """Keeps what it is offered."""

    def scores(self, parameters, *, generator=None, seen=None, **evidence):
        seen.append(evidence)
        return Magnitude().scores(parameters)


def test_a_criterion_is_offered_the_fraction_and_the_groups(pruning_by):
    net, seen = Net(nn.GRU, {}), []
    sizes = {"rnn.weight_ih_l0": 21, "rnn.weight_hh_l0": 21, "readout.weight": 3}
    for ranking in ("global", "per_matrix", "per_gate"):
        prune(net, pruning_by(Recorder(), ranking=ranking), fraction=0.2 + 0.1 * len(seen), evidence={"seen": seen})
    assert [evidence["fraction"] for evidence in seen] == [0.2, pytest.approx(0.3), 0.4]
    assert all(evidence["module"] is net for evidence in seen)
    everything, matrices, gates = (evidence["groups"] for evidence in seen)
    assert everything == [{name: slice(0, size) for name, size in sizes.items()}]
    assert matrices == [{name: slice(0, size)} for name, size in sizes.items()]
    assert gates == [{name: slice(7 * gate, 7 * gate + 7)} for name in list(sizes)[:2] for gate in range(3)] + [
        {"readout.weight": slice(0, 3)}
    ]


def test_gates_need_a_recurrence():
    layer = nn.utils.skip_init(nn.Linear, 2, 2)
    for refused in (
        lambda: prune(layer, Pruning(sparsity=0.5, ranking="per_gate")),
        lambda: Pruner(layer, Pruning(sparsity=0.5, ranking="per_gate"), epochs=3),
    ):
        with pytest.raises(PruningError, match="Linear: expected a recurrent layer"):
            refused()

"""One-shot pruning of the networks of srnn-models: the pair of srnn-pruning and srnn-models."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cross_entropy

from srnn_models import GRU, LSTM, BlockRNN, ElmanRNN, PeepholeLSTM, ProjectedLSTM, SequenceModel
from srnn_pruning import SNIP, JacobianSpectrum, Pruned, one_shot

SPEC = SimpleNamespace(inputs=5, outputs=3, start=None, tokens=False)
CELLS = [
    (ElmanRNN, {"weight_ih": 1, "weight_hh": 1}),
    (GRU, {"weight_ih": 3, "weight_hh": 3}),
    (LSTM, {"weight_ih": 4, "weight_hh": 4}),
    (PeepholeLSTM, {"weight_ih": 4, "weight_hh": 4, "weight_ch": 4}),
]
MODELS = [
    (BlockRNN, dict.fromkeys(["weight_hx", "weight_yx", "weight_hh", "weight_hy", "weight_yh", "weight_yy"], 1)),
    (ProjectedLSTM, {"weight_ih": 4, "weight_hh": 4, "weight_hr": 1}),
]
CASES = [(*cell, layers) for cell in CELLS for layers in (1, 2)] + [(*model, 1) for model in MODELS]


def built(kind, layers, seed):
    cells = [cell for cell, _ in CELLS]
    value = SequenceModel(recurrence=kind(hidden=8), layers=layers) if kind in cells else kind(hidden=8)
    return value.build(SPEC, generator=torch.Generator().manual_seed(seed))


@pytest.mark.filterwarnings("ignore::srnn_pruning.PruningWarning")
@pytest.mark.parametrize(("cell", "gates", "layers"), CASES, ids=lambda each: getattr(each, "__name__", ""))
def test_a_network_is_pruned_saved_loaded_and_trained_on(cell, gates, layers, tmp_path):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(7, 6, 5, generator=generator), torch.randint(3, (6,), generator=generator)  # (T, B, I), (B,)
    network = built(cell, layers, seed=1)

    def loss(network=network):
        return cross_entropy(network(x)[0][-1], y)

    for criterion, ranking in ((JacobianSpectrum(), "per_matrix"), (SNIP(), "per_gate")):
        network = built(cell, layers, seed=1)
        pruned = one_shot(network, criterion, density=0.25, loss=lambda n=network: loss(n), ranking=ranking)
        rows = pruned.summary.rows
        assert len(rows) == layers * sum(1 + (count if count > 1 else 0) for count in gates.values())
        matrices = [row for row in rows if not row.gate]
        assert sorted(row.name for row in matrices) == sorted(pruned.masks)
        assert [row.name.rpartition(".")[2] for row in matrices] == list(gates) * layers
        for row in rows if ranking == "per_gate" else matrices:
            rows_of, columns = row.shape
            assert row.kept == rows_of * columns - round(0.75 * rows_of * columns)
        assert len(pruned.summary.recurrences) == layers

        pruned.save(tmp_path / "masks.safetensors")
        fresh = built(cell, layers, seed=2)
        Pruned.load(tmp_path / "masks.safetensors").apply(fresh)
        optimizer = torch.optim.SGD(fresh.parameters(), lr=0.1, momentum=0.9)
        for _ in range(10):
            optimizer.zero_grad()
            loss(fresh).backward()
            optimizer.step()
        for name, mask in pruned.masks.items():
            weight = fresh.get_parameter(name)
            assert (weight[~mask] == 0).all() and (weight[mask] != 0).all()

"""Whole runs on each available device: masks, penalty, pruning, lottery, metrics."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from srnn_bench import Conditions, papers, run
from srnn_models import GRU, LSTM, BlockRNN, ElmanRNN, PeepholeLSTM, ProjectedLSTM, SequenceModel
from srnn_pruning import SNIP, GraSP, JacobianSpectrum, chi

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "cell",
    [cell for cell in papers.table("moduli/table1", "smoke").cells if cell.row == "90% sparse"],
    ids=lambda cell: cell.column,
)
def test_a_sparse_run_and_its_lottery_work_on_the_device(device, cell):
    before = torch.random.get_rng_state()
    result = run(cell.experiment, seed=0, conditions=Conditions(device))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert result.status == "done", result.reason
    sparse, lottery = result.stages
    assert sparse.densities == lottery.densities
    sizes = {"encoder": 16 * 32, "recurrence.weight_ih": 16 * 2, "recurrence.weight_hh": 16 * 16, "readout": 16 * 32}
    present = sum(share * sizes[name.removesuffix(".weight")] for name, share in sparse.densities.items())
    assert round(present) == sum(sizes.values()) - round(0.9 * sum(sizes.values()))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("modcog/table1", "LM d = 2"),
        ("modcog/table1", "L1 1e-4"),
        ("modcog/dale", "LM d = 2, Dale"),
        ("modcog/legacy", "LM d = 2, legacy"),
        ("modcog/composition", "LM d = 2, rules parts"),
    ],
)
def test_cognitive_tasks_train_on_the_device(device, table, row):
    cells = [cell for cell in papers.table(table, "smoke").cells if cell.row == row]
    result = run(cells[0].experiment, seed=0, conditions=Conditions(device))
    assert result.status == "done", result.reason
    (trained,) = result.stages
    assert 0 <= trained.metrics["decision_accuracy"] <= 1 and trained.metrics["loss"] < 10
    if row.startswith("LM"):
        assert trained.densities["recurrence.weight_hh"] == 13 / 25


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_cuda_and_cpu_start_from_the_same_weights_and_masks():
    experiment = papers.table("moduli/table1", "smoke").cells[0].experiment
    ends = {device: run(experiment, seed=0, conditions=Conditions(device)) for device in ("cpu", "cuda")}
    losses = [end.stages[0].history[0].loss for end in ends.values()]
    assert losses[0] == pytest.approx(losses[1], rel=0.05), "the same weights; batches are drawn on the device"


CRITERIA = [SNIP(), GraSP(), GraSP(normalization="gamma"), JacobianSpectrum(), JacobianSpectrum(normalization="rms")]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("criterion", CRITERIA, ids=str)
@pytest.mark.parametrize(
    "model",
    [
        *[SequenceModel(recurrence=cell(hidden=7)) for cell in (ElmanRNN, GRU, LSTM, PeepholeLSTM)],
        BlockRNN(hidden=7),
        ProjectedLSTM(hidden=7),
    ],
    ids=lambda model: getattr(model, "recurrence", model).kind,
)
def test_scores_are_those_of_the_cpu_in_float64(device, criterion, model):
    spec = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
    inputs = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def scores(where):
        network = model.build(spec, generator=torch.Generator().manual_seed(0))
        network = network.to(where, torch.float64)
        weights = {name: weight for name, weight in network.named_parameters() if name.startswith("recurrence.weight")}

        def loss():
            return network(inputs.to(where))[0].square().mean()

        generator = torch.Generator().manual_seed(2)
        found = criterion.scores(weights, module=network, loss=loss, run=loss, generator=generator)
        return found, chi(network, partial(network, inputs.to(where)))

    (expected, expected_chi), (found, found_chi) = scores("cpu"), scores(device)
    assert found_chi == pytest.approx(expected_chi)
    for name, score in found.items():
        assert score.device.type == device
        torch.testing.assert_close(score.cpu(), expected[name], rtol=1e-6, atol=0)

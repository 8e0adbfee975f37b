"""`srnn_masks.hidden_proportion` reads the cells and networks of srnn-models, with and without masks."""

from types import SimpleNamespace

import pytest
import torch

from srnn_masks import UniformRandom, apply, hidden_proportion
from srnn_models import (
    GRU,
    LSTM,
    BlockRNN,
    ElmanRNN,
    LanguageModel,
    LeakyRNN,
    PathIntegrator,
    PeepholeLSTM,
    ProjectedLSTM,
    SequenceModel,
    Stack,
)

I, N, O = 3, 5, 2  # noqa: E741
CELLS = {  # gates, matrices that read the state
    "elman": (ElmanRNN(hidden=N), 1, 1),
    "leaky": (LeakyRNN(hidden=N, alpha=0.2), 1, 1),
    "gru": (GRU(hidden=N), 3, 1),
    "lstm": (LSTM(hidden=N), 4, 1),
    "peephole": (PeepholeLSTM(hidden=N), 4, 2),
}
SPEC = SimpleNamespace(inputs=I, outputs=O, start=None, tokens=False)
MODELS = {
    "sequence": (SequenceModel(recurrence=GRU(hidden=N)), SPEC),
    "path integrator": (
        PathIntegrator(recurrence=GRU(hidden=N)),
        SimpleNamespace(inputs=I, outputs=O, start=4, tokens=False),
    ),
    "language": (
        LanguageModel(recurrence=GRU(hidden=N), embedding=I),
        SimpleNamespace(inputs=7, outputs=7, start=None, tokens=True),
    ),
}


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("name", CELLS)
def test_cells(name):
    value, gates, matrices = CELLS[name]
    cell = value.build(I, generator=generator())
    assert hidden_proportion(cell) == matrices * N / (matrices * N + I)
    mask = UniformRandom(density=0.4).mask(gates * N, N, generator=generator())  # 2 N entries per gate
    apply(cell, {"weight_hh": mask})
    state = gates * N * (2 + (matrices - 1) * N)
    assert hidden_proportion(cell) == state / (state + gates * N * I)


def test_layers():
    stack = Stack(PeepholeLSTM(hidden=N), I, 3, generator=generator())
    assert hidden_proportion(stack) == 3 * 2 * N / (3 * 2 * N + I + 2 * N)
    apply(stack, {"layers.1.weight_hh": torch.zeros(4 * N, N, dtype=torch.bool)})
    assert hidden_proportion(stack) == 5 * N / (5 * N + I + 2 * N)


def test_networks_whose_outputs_are_part_of_their_state():
    block = BlockRNN(hidden=N).build(SPEC, generator=generator())
    assert hidden_proportion(block) == N / (I + N + O), "outputs are not hidden units"
    apply(block, {"recurrence.weight_hx": torch.zeros(N, I, dtype=torch.bool)})
    assert hidden_proportion(block) == N / (N + O)
    projected = ProjectedLSTM(hidden=N).build(SPEC, generator=generator())
    assert hidden_proportion(projected) == O / (I + O), "of each gate"


@pytest.mark.parametrize("name", MODELS)
def test_networks_without_their_read_outs(name):
    value, spec = MODELS[name]
    network = value.build(spec, generator=generator())
    assert hidden_proportion(network) == N / (N + I)
    apply(network, {"recurrence.*weight_ih": UniformRandom(density=1 / 3).mask(3 * N, I, generator=generator())})
    assert hidden_proportion(network) == N / (N + I / 3)

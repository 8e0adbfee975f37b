"""`srnn_tasks.step_model` on the networks of srnn-models: the outputs of `Network.step` and of the whole sequence."""

import pytest
import torch

from srnn_masks import UniformRandom, apply, maskable
from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, PeepholeLSTM, SequenceModel
from srnn_tasks import TaskSpec, step_model
from srnn_tasks.contract import Metric

CELLS = {
    "elman": ElmanRNN(hidden=8),
    "leaky": LeakyRNN(hidden=8, alpha=0.2),
    "gru": GRU(hidden=8),
    "lstm": LSTM(hidden=8),
    "peephole": PeepholeLSTM(hidden=8),
}
SPEC = TaskSpec(inputs=3, outputs=2, loss="mean_squared_error", metrics=(Metric(name="mse", better="lower"),))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_carrying_the_state_is_replaying_the_history(name, layers, masked):
    generator = torch.Generator().manual_seed(0)
    network = SequenceModel(recurrence=CELLS[name], layers=layers).build(SPEC, generator=generator)
    if masked:
        sizes = {key: weight.shape for key, weight in maskable(network).items() if weight.dim() == 2}
        pattern = UniformRandom(density=0.5)
        apply(network, {key: pattern.mask(*size, generator=generator) for key, size in sizes.items()})
    inputs = torch.randn(12, 4, 3, generator=generator)  # (T, B, I)
    replayed, _ = network(inputs)  # (T, B, O)
    carried = stepped = None
    for x, expected in zip(inputs, replayed, strict=True):
        outputs, carried = step_model(network, x, carried, outputs=2)
        torch.testing.assert_close(outputs, expected)
        outputs, stepped = network.step(x, stepped)
        torch.testing.assert_close(outputs, expected)

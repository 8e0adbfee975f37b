"""Networks and inference modules in `torch.export` and ONNX: the batch is dynamic, the number of time steps fixed."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.export import Dim

from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, SequenceModel, compact

BATCH = Dim("batch")
RECURRENCES = {
    "elman": ElmanRNN(hidden=8),
    "leaky": LeakyRNN(hidden=8, alpha=0.5),
    "gru": GRU(hidden=8),
    "lstm": LSTM(hidden=8),
}
CASES = [*RECURRENCES, *(f"compact {name}" for name in RECURRENCES)]


def network(case):
    """Return a network whose recurrent weights are mostly 0, compact or not."""
    spec = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
    generator = torch.Generator().manual_seed(0)
    made = SequenceModel(recurrence=RECURRENCES[case.removeprefix("compact ")]).build(spec, generator=generator).eval()
    with torch.no_grad():
        made.recurrence.weight_hh.mul_(torch.rand(made.recurrence.weight_hh.shape, generator=generator) < 0.2)
    if not case.startswith("compact"):
        return made
    small = compact(made)
    small(torch.zeros(1, 1, 3))  # makes products that cannot be exported
    return small


class Step(nn.Module):
    """One time step as a module."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, input, state):
        return self.network.step(input, state)


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def size(case):
    return RECURRENCES[case.removeprefix("compact ")].state_size


def cases(case):
    """Return a sequence and a step: the module, inputs to export with, the dimension of the batch in each input."""
    made = network(case)
    yield made, (draw(2, 2, 3),), (1,)
    yield Step(made), (draw(2, 3), draw(2, size(case))), (0, 0)


def others(inputs, places, batch):
    """Return inputs of another batch size."""
    return tuple(
        draw(*[batch if place == dim else length for dim, length in enumerate(tensor.shape)])
        for tensor, place in zip(inputs, places, strict=True)
    )


def shapes(places):
    return tuple({place: BATCH} for place in places)


@pytest.mark.parametrize("case", CASES)
def test_export_gives_the_same_outputs_for_every_batch_size(case):
    for module, inputs, places in cases(case):
        exported = torch.export.export(module, inputs, dynamic_shapes=shapes(places)).module()
        for batch in (2, 5):
            given = others(inputs, places, batch)
            for found, expected in zip(exported(*given), module(*given), strict=True):
                torch.testing.assert_close(found, expected)


@pytest.mark.filterwarnings("ignore")  # of torch.onnx and its dependencies
@pytest.mark.parametrize("case", CASES)
def test_onnxruntime_agrees(case):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    onnxruntime = pytest.importorskip("onnxruntime")
    for module, inputs, places in cases(case):
        program = torch.onnx.export(module, inputs, dynamo=True, dynamic_shapes=shapes(places), verbose=False)
        session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
        names = [each.name for each in session.get_inputs()]
        for batch in (1, 5):
            given = others(inputs, places, batch)
            found = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, given, strict=True)})
            for one, expected in zip(found, module(*given), strict=True):
                torch.testing.assert_close(torch.from_numpy(one), expected.detach(), rtol=0, atol=1e-6)


def test_a_compiled_inference_module_needs_no_csr_tensor():
    small = network("compact gru").recurrence
    compiled = torch.compile(small, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(draw(3, 2, 3))[0], small(draw(3, 2, 3))[0])

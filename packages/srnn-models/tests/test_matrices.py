"""The descriptions of weight matrices, including an LSTM with projection, whose shapes and names mislead."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional

from srnn_models import (
    GRU,
    LSTM,
    ElmanRNN,
    LanguageModel,
    LeakyRNN,
    Matrix,
    Network,
    PathIntegrator,
    Recurrence,
    SequenceModel,
    Stack,
)

GATES = {ElmanRNN: 1, LeakyRNN: 1, GRU: 3, LSTM: 4}


class Projected(Recurrence):
    """A cell of the user, an LSTM with projection (arXiv 1402.1128): two products with the state per step."""

    def __init__(self, inputs, cells, projections, *, generator):
        super().__init__()
        self.inputs, self.hidden, self.state_sizes = inputs, projections, (projections, cells)
        self.weight_ih = nn.Parameter(torch.randn(4 * cells, inputs, generator=generator, dtype=torch.float64))
        self.weight_hh = nn.Parameter(torch.randn(4 * cells, projections, generator=generator, dtype=torch.float64))
        self.weight_hr = nn.Parameter(torch.randn(projections, cells, generator=generator, dtype=torch.float64))

    def drive(self, inputs):
        return functional.linear(inputs, self.weight_ih)

    def advance(self, drive, recur, state):
        h, c = state  # (B, P), (B, N)
        i, f, g, o = recur("weight_hh", h, drive).chunk(4, dim=-1)  # (B, N) each
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return recur("weight_hr", o.sigmoid() * c.tanh()), c

    def output(self, state):
        return self.split(state)[0]

    def matrices(self):
        return {
            "weight_ih": Matrix(gates=4),
            "weight_hh": Matrix(gates=4, source="state"),
            "weight_hr": Matrix(source="step"),
        }


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def spec(start=None, tokens=False):
    return SimpleNamespace(inputs=2, outputs=3, start=start, tokens=tokens)


@pytest.mark.parametrize(("kind", "gates"), GATES.items())
def test_a_layer_describes_its_matrices(kind, gates):
    module = kind(hidden=5).build(2, generator=generator())
    assert module.matrices() == {"weight_ih": Matrix(gates=gates), "weight_hh": Matrix(gates=gates, recurrent=True)}
    assert [module.get_parameter(name).shape for name in module.matrices()] == [(gates * 5, 2), (gates * 5, 5)]
    stack = Stack(kind(hidden=5), 2, 3, generator=generator())
    assert stack.matrices() == {
        f"layers.{layer}.{name}": matrix for layer in range(3) for name, matrix in module.matrices().items()
    }


@pytest.mark.parametrize(
    ("model", "task", "expected"),
    [
        (
            SequenceModel(recurrence=GRU(hidden=5)),
            spec(),
            {
                "recurrence.weight_ih": Matrix(gates=3),
                "recurrence.weight_hh": Matrix(gates=3, recurrent=True),
                "readout.weight": Matrix(gates=1, recurrent=False),
            },
        ),
        (
            PathIntegrator(recurrence=ElmanRNN(hidden=5)),
            spec(start=7),
            {
                "encoder.weight": Matrix(),
                "recurrence.weight_ih": Matrix(),
                "recurrence.weight_hh": Matrix(recurrent=True),
                "readout.weight": Matrix(),
            },
        ),
        (
            LanguageModel(recurrence=LSTM(hidden=5), layers=1),
            spec(tokens=True),
            {
                "embedding.weight": Matrix(),
                "recurrence.layers.0.weight_ih": Matrix(gates=4),
                "recurrence.layers.0.weight_hh": Matrix(gates=4, recurrent=True),
                "readout.weight": Matrix(),
            },
        ),
    ],
    ids=lambda case: getattr(case, "kind", None),
)
def test_a_network_describes_every_matrix_in_the_order_of_its_parameters(model, task, expected):
    network = model.build(task, generator=generator())
    assert list(network.matrices().items()) == list(expected.items())
    assert set(network.matrices()) == {name for name, p in network.named_parameters() if p.dim() == 2}
    assert model.hidden == network.hidden == network.recurrence.hidden == 5
    assert "hidden" not in model.model_dump(exclude={"recurrence"})


def test_the_columns_of_a_recurrent_matrix_are_read_from_the_state():
    assert Matrix(3, recurrent=True) == Matrix(3, recurrent=True, source="state") != Matrix(3, source="state")
    assert Matrix() == Matrix(gates=1, recurrent=False, source="input", offset=0)


@pytest.fixture
def projected():
    return Projected(3, 6, 4, generator=generator())


def torch_twin(module):
    with torch.random.fork_rng():
        twin = nn.LSTM(3, 6, proj_size=4, bias=False, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            getattr(twin, f"{name}_l0").copy_(parameter)
    return twin


def test_gates_without_names_have_numbers(projected):
    assert projected.gate_names == ("0", "1", "2", "3")
    assert Stack(GRU(hidden=5), 2, 3, generator=generator()).gate_names == ("r", "z", "n")


@pytest.mark.parametrize("carried", [False, True])
def test_a_cell_of_two_products_and_two_parts_is_written_in_four_methods(projected, carried):
    twin = torch_twin(projected)
    x, state = normal(5, 2, 3), normal(2, 10, seed=2) if carried else None
    states, last = projected(x, state)
    expected, ends = twin(x, tuple(part[None] for part in state.split((4, 6), dim=1)) if carried else None)
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(last, torch.cat(ends, dim=2)[0])
    ours, theirs = (
        torch.autograd.grad(h.square().sum(), list(module.parameters()))
        for h, module in ((states, projected), (expected, twin))
    )
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their)
    for number, input in enumerate(x):
        state = projected.step(input, state)
        torch.testing.assert_close(projected.output(state), states[number])
    torch.testing.assert_close(state, last)


def test_a_network_describes_a_cell_of_the_user_and_any_readout(projected):
    class Mine(Network):
        def __init__(self):
            super().__init__()
            self.recurrence = projected
            self.readout = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)).double()

        def initial(self, start, state):
            return state

    network = Mine()
    assert network.matrices() == {
        "recurrence.weight_ih": Matrix(gates=4, recurrent=False),
        "recurrence.weight_hh": Matrix(gates=4, recurrent=False, source="state"),  # its columns are the P projections
        "recurrence.weight_hr": Matrix(gates=1, recurrent=False, source="step"),
        "readout.0.weight": Matrix(gates=1, recurrent=False),
        "readout.2.weight": Matrix(gates=1, recurrent=False),
    }
    outputs, state = network(normal(5, 2, 3))
    assert outputs.shape == (5, 2, 1) and state.shape == (2, projected.state_size) == (2, 10)
    torch.testing.assert_close(network.step(normal(5, 2, 3)[0])[0], outputs[0])

"""Which recurrences are found in a module, under which keys, with which names of weights, and what is refused."""

import pytest
import torch
from torch import nn

from srnn_pruning import PruningError, recurrences


class Own(nn.Module):
    """A recurrence of another package: h' = W h + V x, without a base class."""

    def __init__(self, inputs=3, hidden=2):
        super().__init__()
        self.inputs, self.hidden, self.state_size, self.gate_names = inputs, hidden, hidden, ("h",)
        self.into = nn.Parameter(torch.ones(hidden, inputs))
        self.across = nn.Parameter(torch.ones(hidden, hidden))

    def forward(self, inputs, state):
        for x in inputs:
            state = self.step(x, state)
        return None, state

    def step(self, input, state):
        return state @ self.across.T + input @ self.into.T

    def output(self, state):
        return state

    def matrices(self):
        return {"into": _Matrix("input"), "across": _Matrix("state")}


class _Matrix:
    def __init__(self, source, offset=0):
        self.source, self.offset = source, offset


class Chain(Own):
    """A container that offers all of the Protocol, but raises where its gates are asked for."""

    def __init__(self):
        nn.Module.__init__(self)
        self.inputs, self.hidden, self.state_size = 3, 2, 4
        self.layers = nn.ModuleList([Own(), Own(2)])

    @property
    def gate_names(self):
        raise NotImplementedError


def build(kind, *args, **kwargs):
    with torch.random.fork_rng():
        return kind(*args, **kwargs)


def test_layers_of_torch_are_found_by_path_layer_and_direction():
    net = nn.ModuleDict({
        "readout": build(nn.Linear, 5, 2),
        "encoder": build(nn.LSTM, 3, 5, num_layers=2, bidirectional=True, proj_size=4),
        "decoder": nn.ModuleList([build(nn.GRUCell, 3, 5), build(nn.RNN, 3, 5)]),
    })  # fmt: skip
    cells = recurrences(net)
    assert list(cells) == [
        "encoder.l0",
        "encoder.l0_reverse",
        "encoder.l1",
        "encoder.l1_reverse",
        "decoder.0",
        "decoder.1.l0",
    ]
    for name in (name for cell in cells.values() for names in cell.weights.values() for name in names):
        assert net.get_parameter(name).dim() == 2
    assert cells["encoder.l1_reverse"].weights == {
        "input": ("encoder.weight_ih_l1_reverse",),
        "recurrent": ("encoder.weight_hh_l1_reverse",),
        "projection": ("encoder.weight_hr_l1_reverse",),
    }
    assert cells["decoder.0"].weights == {"input": ("decoder.0.weight_ih",), "recurrent": ("decoder.0.weight_hh",)}
    sizes = {key: (cell.inputs, cell.hidden, cell.state_size) for key, cell in cells.items()}
    assert sizes["encoder.l0"] == (3, 4, 9) and sizes["encoder.l1"] == (8, 4, 9)
    assert sizes["decoder.0"] == sizes["decoder.1.l0"] == (3, 5, 5)
    assert [cells[key].gates for key in ("encoder.l0", "decoder.0", "decoder.1.l0")] == [
        ("i", "f", "g", "o"),
        ("r", "z", "n"),
        ("h",),
    ]


def test_the_module_itself_may_be_the_recurrence():
    assert recurrences(build(nn.GRU, 2, 3))["l0"].weights["recurrent"] == ("weight_hh_l0",)
    assert recurrences(build(nn.GRUCell, 2, 3))[""].weights["recurrent"] == ("weight_hh",)
    assert recurrences(Own())[""].weights == {"input": ("into",), "recurrent": ("across",)}


def test_a_module_that_offers_the_protocol_is_found_without_a_base_class():
    net = nn.ModuleDict({"own": Own()})
    cell = recurrences(net)["own"]
    assert (cell.inputs, cell.hidden, cell.state_size, cell.gates) == (3, 2, 2, ("h",))
    assert cell.weights == {"input": ("own.into",), "recurrent": ("own.across",)}
    assert torch.equal(cell.step(torch.ones(1, 3), torch.ones(1, 2)), torch.full((1, 2), 5.0))


def with_matrices(**matrices):
    """Return an `Own` that describes its matrices by these sources and offsets."""
    own = Own()
    own.matrices = lambda: {name: _Matrix(*each) for name, each in matrices.items()}
    for name in matrices.keys() - {"into", "across"}:
        own.register_parameter(name, nn.Parameter(torch.ones(2, 2)))
    return own


def test_the_source_of_a_matrix_decides_its_role_and_offsets_are_kept():
    own = with_matrices(across=("state", 1), out=("step",), into=("input", 2), other=("state",))
    cell = recurrences(nn.ModuleDict({"own": own}))["own"]
    assert cell.weights == {
        "input": ("own.into",),
        "recurrent": ("own.across", "own.other"),
        "projection": ("own.out",),
    }
    assert cell.offsets == {"own.across": 1, "own.into": 2}
    assert recurrences(Own())[""].offsets == {}


def test_an_unknown_source_is_refused_by_name():
    with pytest.raises(PruningError, match="into: expected a source of 'input', 'state', 'step', got 'token'"):
        recurrences(with_matrices(into=("token",)))


def test_containers_stand_for_their_recurrences():
    assert list(recurrences(nn.ModuleDict({"chain": Chain()}))) == ["chain.layers.0", "chain.layers.1"]


def test_a_module_used_twice_is_found_once():
    rnn = build(nn.RNN, 2, 2)
    assert list(recurrences(nn.ModuleDict({"first": rnn, "second": rnn}))) == ["first.l0"]


def test_a_module_without_recurrence_is_refused():
    with pytest.raises(PruningError, match=r"Sequential: expected a recurrent layer .* got none in 2 modules"):
        recurrences(nn.Sequential(build(nn.Linear, 2, 2)))


@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "weight_hr_l1"])
def test_a_parametrized_weight_is_refused_by_name(name):
    net = nn.ModuleDict({"rnn": build(nn.LSTM, 2, 3, num_layers=2, proj_size=2)})
    with torch.random.fork_rng():
        nn.utils.parametrizations.weight_norm(net["rnn"], name)
    with pytest.raises(PruningError, match=rf"^rnn\.{name}: expected a parameter, got a weight that .*LSTM computes"):
        recurrences(net)


@pytest.mark.parametrize("old", [nn.utils.weight_norm, nn.utils.spectral_norm])
def test_weights_of_the_older_norms_are_refused_by_name(old):
    cell = build(nn.GRUCell, 2, 3)
    with torch.random.fork_rng(), pytest.warns() if old is nn.utils.weight_norm else torch.enable_grad():
        old(cell, "weight_hh")
    with pytest.raises(PruningError, match=r"^weight_hh: expected a parameter"):
        recurrences(cell)


def test_a_parametrized_bias_is_no_obstacle():
    cell = build(nn.RNNCell, 2, 3)
    nn.utils.parametrize.register_parametrization(cell, "bias_hh", nn.ReLU())
    with torch.no_grad():
        cell.parametrizations.bias_hh.original.fill_(-1)
    x, h = torch.ones(1, 2), torch.zeros(1, 3)
    torch.testing.assert_close(recurrences(cell)[""].step(x, h), cell(x, h))


def test_a_matrix_that_is_not_there_is_refused_by_name():
    own = Own()
    own.matrices = lambda: {"weight": _Matrix("state")}
    with pytest.raises(PruningError, match=r"^own\.weight: expected a parameter, got no such attribute of Own"):
        recurrences(nn.ModuleDict({"own": own}))

"""Inference modules against the modules that they replace."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize, prune, spectral_norm, weight_norm
from torch.nn.utils.rnn import pack_sequence

from srnn_models import (
    GRU,
    LSTM,
    CompactLayers,
    CompactRecurrence,
    ElmanRNN,
    LeakyRNN,
    ModelError,
    PeepholeLSTM,
    SequenceModel,
    Stack,
    accelerate,
    compact,
    load_compact,
    save_compact,
)

OWN = {
    "elman": ElmanRNN(hidden=12),
    "elman, relu": ElmanRNN(hidden=12, nonlinearity="relu", bias=False),
    "elman, two biases": ElmanRNN(hidden=12, bias="double"),
    "leaky": LeakyRNN(hidden=12, alpha=0.3, nonlinearity="softplus"),
    "leaky, alpha 1": LeakyRNN(hidden=12),
    "gru": GRU(hidden=12),
    "gru, no bias": GRU(hidden=12, bias=False),
    "lstm": LSTM(hidden=12),
    "lstm, no bias": LSTM(hidden=12, bias=False),
}
LAYERS = {"rnn": (nn.RNN, {}), "relu": (nn.RNN, {"nonlinearity": "relu"}), "gru": (nn.GRU, {}), "lstm": (nn.LSTM, {})}
OPTIONS = {
    "one": {},
    "no bias": {"bias": False},
    "batch first": {"batch_first": True},
    "layers": {"num_layers": 3, "dropout": 0.5},
    "both": {"num_layers": 2, "bidirectional": True, "batch_first": True},
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def sparse(module, density=0.15):
    """Set most weights to 0, in double precision; return the module, without dropout."""
    drawn = generator()
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if "weight" in name and "embedding" not in name:
                weight.mul_(torch.rand(weight.shape, generator=drawn) < density)
    return module.double().eval()


def own(name, density=0.15):
    return sparse(OWN[name].build(3, generator=generator()), density)


def layers(name, options, density=0.15):
    kind, extra = LAYERS[name]
    torch.manual_seed(0)
    return sparse(kind(3, 12, **extra, **options), density)


def draw(*shape):
    return torch.randn(shape, generator=generator(1), dtype=torch.float64)


# --- our recurrences --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("density", [0, 0.15, 1])
@pytest.mark.parametrize("name", OWN)
def test_a_recurrence_gives_the_same_outputs_and_states(name, density, batch):
    module = own(name, density)
    small = compact(module)
    assert isinstance(small, CompactRecurrence) and list(small.parameters()) == []
    inputs = draw(6, batch, 3)
    expected, state = module(inputs)
    outputs, found = small(inputs)
    torch.testing.assert_close(outputs, expected.detach())
    torch.testing.assert_close(found, state.detach())
    again, last = small(inputs, found)
    torch.testing.assert_close(again, module(inputs, state)[0].detach())
    one = small.step(inputs[0], found)
    torch.testing.assert_close(one, module.step(inputs[0], state).detach())
    torch.testing.assert_close(small.output(one), module.output(one))
    torch.testing.assert_close(small.step(inputs[0]), module.step(inputs[0]).detach())
    assert not outputs.requires_grad and not last.requires_grad and small.state_size == module.state_size


def test_a_stack_keeps_its_layers():
    stack = sparse(Stack(GRU(hidden=12), 3, 2, generator=generator()))
    small = compact(stack)
    inputs = draw(5, 2, 3)
    torch.testing.assert_close(small(inputs)[0], stack(inputs)[0].detach())
    state = small.step(inputs[0])
    torch.testing.assert_close(state, stack.step(inputs[0]).detach())
    assert isinstance(small.layers[1], CompactRecurrence) and not isinstance(stack.layers[1], CompactRecurrence)


@pytest.mark.parametrize("name", ["elman", "leaky", "gru, no bias", "lstm"])
def test_networks_of_edges(name, tmp_path):
    masked = own(name, density=0.4)
    rows, columns = masked.weight_hh.shape
    edges = (torch.rand(rows, columns, generator=generator(2)) < 0.1).nonzero().T
    module = OWN[name].build(3, generator=generator(), edges=edges).double()
    with torch.no_grad():
        module.weight_hh.values[0] = 0
    small = compact(module)
    assert len(small.cells[0].weight_hh.values) == edges.shape[1] - 1
    inputs = draw(6, 4, 3)
    expected, state = module(inputs)
    close(small(inputs), (expected, state))
    close(small.step(inputs[0], state.detach()), module.step(inputs[0], state))
    save_compact(small, tmp_path / "edges.safetensors")
    model = nn.Sequential(module)
    save_compact(compact(model), tmp_path / "model.safetensors")
    for loaded in (
        load_compact(tmp_path / "edges.safetensors"),
        load_compact(tmp_path / "model.safetensors", into=model)[0],
    ):
        close(loaded(inputs), small(inputs))


# --- torch's ----------------------------------------------------------------------------------------------------------


def close(found, expected):
    pairs = zip(*(each if isinstance(each, tuple) else (each,) for each in (found, expected)), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other.detach())


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_torch_give_the_same_outputs_and_states(name, options):
    module = layers(name, OPTIONS[options])
    small = compact(module)
    for inputs in (draw(5, 5, 3), draw(5, 1, 3), draw(5, 3), draw(1, 5, 3)):
        outputs, state = module(inputs)
        found, last = small(inputs)
        close(found, outputs)
        close(last, state)
        close(small(inputs, last)[0], module(inputs, state)[0])
    assert (small.hidden_size, small.num_layers) == (module.hidden_size, module.num_layers)
    small.flatten_parameters()


@pytest.mark.parametrize("name", LAYERS)
def test_accelerated_layers(name):
    module = layers(name, {"num_layers": 2})
    small, inputs = compact(accelerate(copy.deepcopy(module), "dense")), draw(5, 4, 3)
    assert isinstance(small, CompactLayers)
    close(small(inputs)[0], module(inputs)[0])


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("name", LAYERS)
def test_steps_of_torch_layers_are_the_sequence(name, batch):
    module = layers(name, {"num_layers": 2})
    small, inputs, state = compact(module), draw(4, batch, 3), None
    outputs = []
    for input in inputs:
        output, state = small.step(input, state)
        outputs.append(output)
    expected, last = module(inputs)
    close(torch.stack(outputs), expected)
    close(state, last)


def test_outputs_are_contiguous_and_own_their_memory():
    small = compact(layers("rnn", {}))
    outputs, state = small(draw(4, 3, 3))
    assert outputs.is_contiguous()
    output, state = small.step(draw(1, 3), state[:, :1].contiguous())
    kept = state.clone()
    output.zero_()
    assert torch.equal(state, kept)


def test_calls_that_do_not_fit_are_refused():
    both, lstm = compact(layers("gru", OPTIONS["both"])), compact(layers("lstm", {}))
    with pytest.raises(ModelError, match="got bidirectional layers"):
        both.step(draw(2, 3))
    with pytest.raises(ModelError, match="got a PackedSequence"):
        both(pack_sequence([draw(2, 3)]))
    with pytest.raises(ModelError, match=r"inputs: expected shape \(T, B, 3\)"):
        lstm(draw(2, 2, 4))
    with pytest.raises(ModelError, match=r"input: expected shape \(B, 3\), got \(2, 4\)"):
        lstm.step(draw(2, 4))
    with pytest.raises(ModelError, match="state: expected 2 tensors, got 1"):
        lstm(draw(2, 2, 3), draw(1, 2, 12))
    with pytest.raises(ModelError, match=r"state: expected shape \(1, 2, 12\)"):
        lstm(draw(2, 2, 3), (draw(1, 3, 12), draw(1, 3, 12)))
    with pytest.raises(ModelError, match=r"state: expected shape \(2, 12\)"):
        compact(own("gru")).step(draw(2, 3), draw(1, 12))


# --- what is kept -----------------------------------------------------------------------------------------------------


def entries(small):
    return {name: buffer.numel() for name, buffer in small.named_buffers() if name.endswith("values")}


def test_exactly_the_nonzero_entries_are_kept():
    module = layers("gru", {})
    with torch.no_grad():
        module.weight_hh_l0[0, 0] = 1e-300
    small = compact(module)
    assert entries(small) == {
        "cells.0.weight_ih.values": int((module.weight_ih_l0 != 0).sum()),
        "cells.0.weight_hh.values": int((module.weight_hh_l0 != 0).sum()),
    }
    assert entries(compact(layers("gru", {}, density=0.6))) == {}, "dense matrices stay dense"


def test_pruned_weights_count_as_the_next_forward_pass_has_them():
    module = layers("gru", {}, density=1)
    model = nn.ModuleDict({"rnn": module, "out": nn.Linear(12, 2).double()})
    prune.random_unstructured(module, "weight_hh_l0", 0.9)
    prune.random_unstructured(module, "bias_hh_l0", 0.5)
    prune.l1_unstructured(model["out"], "weight", 0.5)
    model["out"](module(draw(3, 2, 3))[0])
    with torch.no_grad():
        module.weight_hh_l0_orig.mul_(2)  # the attribute weight_hh_l0 is the product of before
    small = compact(model)
    inputs = draw(5, 2, 3)
    close(small["rnn"](inputs)[0], module(inputs)[0])
    close(small["out"](small["rnn"](inputs)[0]), model["out"](module(inputs)[0]))
    assert entries(small["rnn"]) == {"cells.0.weight_hh.values": int(module.weight_hh_l0_mask.sum())}


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("normalize", [weight_norm, spectral_norm])
def test_hooks_that_compute_a_weight_count_as_in_the_next_forward_pass(normalize):
    module = layers("gru", {}, density=1)
    normalize(module, "weight_hh_l0").train()
    x = draw(5, 2, 3)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(x)[0].square().sum().backward()
    optimizer.step()
    module.eval()
    small = compact(module)
    torch.testing.assert_close(small(x)[0], module(x)[0])


@pytest.mark.parametrize("density", [0.15, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype, density, tmp_path):
    module = layers("gru", {}, density).to(dtype)
    x = draw(5, 2, 3).to(dtype)
    expected = module(x)[0]
    save_compact(compact(module), tmp_path / "half")
    for small in (compact(module), compact(module.double()).to(dtype), load_compact(tmp_path / "half")):
        torch.testing.assert_close(small(x)[0], expected, rtol=0.05, atol=0.02)


def test_states_may_come_in_a_list():
    module = layers("lstm", {})
    x, (h, c) = draw(5, 2, 3), (draw(1, 2, 12), draw(1, 2, 12))
    torch.testing.assert_close(compact(module)(x, [h, c])[0], module(x, (h, c))[0])


def test_a_mask_buffer_beside_a_weight_counts():
    module = own("lstm", density=1)
    mask = torch.rand(48, 12, generator=generator()) < 0.1
    module.register_buffer("weight_hh_mask", mask)
    with torch.no_grad():
        module.weight_hh[~mask] = float("nan")
    small = compact(module)
    assert entries(small) == {"cells.0.weight_hh.values": int(mask.sum())}
    assert small(draw(3, 2, 3))[0].isfinite().all()


class Tenth(nn.Module):
    """Every tenth entry of a weight."""

    def forward(self, weight):
        mask = torch.zeros_like(weight)
        mask.view(-1)[::10] = 1
        return weight * mask


@pytest.mark.parametrize(
    "module",
    [layers("gru", {}, density=1), accelerate(layers("gru", {}, density=1)), own("elman", density=1)],
    ids=["torch", "accelerated", "own"],
)
def test_parametrised_weights_are_those_of_the_parametrisation(module):
    name = "weight_hh_l0" if isinstance(module, nn.GRU) else "weight_hh"
    parametrize.register_parametrization(module, name, Tenth())
    small = compact(module)
    inputs = draw(4, 2, 3)
    close(small(inputs)[0], module(inputs)[0])
    assert len(entries(small)) == 1


# --- models -----------------------------------------------------------------------------------------------------------


class Model(nn.Module):
    """A model of a user: one GRU under two names, and an embedding that is the decoder."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 3)
        self.rnn = nn.GRU(3, 12, batch_first=True)
        self.same = self.rnn
        self.map = nn.Linear(12, 3)
        self.decoder = nn.Linear(3, 7, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, tokens):
        outputs, state = self.rnn(self.embedding(tokens))
        return self.decoder(self.map(self.same(self.embedding(tokens), state)[0] + outputs))


def test_a_model_is_copied_with_its_recurrences_replaced():
    torch.manual_seed(0)
    model = Model()
    sparse(model.rnn)
    model.double()
    tokens = torch.randint(7, (2, 5))
    expected = model(tokens)
    small = compact(model)
    close(small(tokens), expected)
    assert small.rnn is small.same and small.decoder.weight is small.embedding.weight
    assert type(model.rnn) is nn.GRU and small.map.weight is not model.map.weight
    with torch.no_grad():
        model.rnn.bias_hh_l0.add_(1)
        model.map.weight.add_(1)
    close(small(tokens), expected)


def test_a_copy_a_pickle_and_another_dtype_go_on():
    small, inputs = compact(layers("gru", {}).float()), draw(4, 1, 3).float()
    expected = small(inputs)[0]  # makes what the products need
    for other in (copy.deepcopy(small), pickle.loads(pickle.dumps(small))):
        assert torch.equal(other(inputs)[0], expected)
    torch.testing.assert_close(copy.deepcopy(small).double()(inputs.double())[0].float(), expected)
    other = compact(layers("gru", {}).float())
    other(inputs)
    state = {name: 0 * tensor if "bias" in name else tensor for name, tensor in small.state_dict().items()}
    other.load_state_dict(state)
    assert not torch.equal(other(inputs)[0], expected)
    other.load_state_dict(small.state_dict())
    assert torch.equal(other(inputs)[0], expected)


class Own(nn.GRU):
    """A class of a user."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(2, 2), "expected a model with a recurrence, got Linear"),
        (nn.Sequential(nn.LSTM(3, 4, proj_size=2)), r"compact: 0: expected .*, got LSTM\(proj_size=2\)"),
        (Own(2, 3), "compact: the model: expected .*, got Own"),
        (PeepholeLSTM(hidden=4).build(2, generator=generator()), "got PeepholeLSTMModule"),
    ],
)
def test_what_cannot_be_replaced_is_named(model, message):
    with pytest.raises(ModelError, match=message):
        compact(model)


def test_a_network_runs_and_steps():
    spec = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
    for count in (1, 2):
        network = SequenceModel(recurrence=LSTM(hidden=12), layers=count).build(spec, generator=generator())
        sparse(network)
        small, inputs = compact(network), draw(5, 2, 3)
        outputs, state = small(inputs)
        close(outputs, network(inputs)[0])
        close(small.step(inputs[0], state), network.step(inputs[0], state))
        assert set(small.matrices()) == {"readout.weight"}
    assert isinstance(compact(layers("gru", {})), CompactLayers)


@pytest.mark.parametrize("module", [layers("lstm", {"num_layers": 2}), own("lstm")], ids=["torch", "own"])
def test_no_gradients_are_recorded_even_for_inputs_that_require_them(module):
    small, inputs = compact(module), draw(3, 2, 3).requires_grad_()
    state = module(inputs)[1]  # which requires gradients
    close(small(inputs, state)[0], module(inputs, state)[0])
    assert not small(inputs, state)[0].requires_grad
    found = small.step(inputs[0], state)
    assert not (found[0] if isinstance(found, tuple) else found).requires_grad

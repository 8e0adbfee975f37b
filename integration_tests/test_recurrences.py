"""The cells of srnn-models offer what `srnn_pruning.recurrences` and `sequences` need, alone and inside networks."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from srnn_models import (
    GRU,
    LSTM,
    BlockRNN,
    ElmanRNN,
    LanguageModel,
    LeakyRNN,
    Normal,
    PathIntegrator,
    PeepholeLSTM,
    ProjectedLSTM,
    SequenceModel,
    Stack,
)
from srnn_pruning import JacobianSpectrum, chi, recurrences, sequences

# torch compiles its rules for forward mode when the first one is used
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

CELLS = {
    "elman": (ElmanRNN(hidden=4), ("h",)),
    "elman double": (ElmanRNN(hidden=4, bias="double", nonlinearity="relu"), ("h",)),
    "leaky": (LeakyRNN(hidden=4, alpha=0.2, nonlinearity="softplus"), ("h",)),
    "gru": (GRU(hidden=4), ("r", "z", "n")),
    "lstm": (LSTM(hidden=4, bias=False), ("i", "f", "g", "o")),
    "peephole": (PeepholeLSTM(hidden=4), ("i", "f", "g", "o")),
}
MODELS = {
    "block": BlockRNN(hidden=4, hh=Normal(sd=0.5)),
    "block that reads after": BlockRNN(hidden=4, reads="after", hh=Normal(sd=0.5), yh=Normal(sd=0.5)),
    "projected lstm": ProjectedLSTM(hidden=4),
}  # whose recurrence depends on the number of outputs
SPEC = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
cells = pytest.mark.parametrize("cell", CELLS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def replayed(cell, sequence):
    """Return the last state (B, S) of a sequence without lengths."""
    assert sequence.lengths is None
    state = sequence.state
    for x in sequence.inputs:
        state = cell.step(x, state)
    return state


def check_run(net, run, ends):
    """Check that the steps of each recurrence, replayed, end in its states of the run, each (B, S)."""
    steps = recurrences(net)
    read = sequences(net, steps, run)
    assert list(read) == list(steps)
    for (key, cell), end in zip(steps.items(), ends, strict=True):
        torch.testing.assert_close(replayed(cell, read[key]), end, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(cell.output(end), end[:, : cell.hidden], rtol=0, atol=0)


@cells
def test_a_cell_is_found_with_its_sizes_gates_and_weights(cell):
    value, gates = CELLS[cell]
    module = value.build(3, generator=generator()).double()
    (ours,) = recurrences(module).values()
    assert (ours.inputs, ours.hidden, ours.state_size, ours.gates) == (3, 4, value.state_size, gates)
    recurrent = ("weight_hh", "weight_ch") if cell == "peephole" else ("weight_hh",)
    assert ours.weights == {"input": ("weight_ih",), "recurrent": recurrent}
    for name in ("weight_ih", *recurrent):
        assert module.get_parameter(name).shape[0] == len(gates) * 4
    check_run(module, lambda: module(normal(6, 5, 3)), [module(normal(6, 5, 3))[1]])
    start = normal(5, value.state_size, seed=2)
    check_run(module, lambda: module(normal(6, 5, 3), state=start), [module(normal(6, 5, 3), start)[1]])


BLOCKS = {
    "input": ("recurrence.weight_hx", "recurrence.weight_yx"),
    "recurrent": tuple(f"recurrence.weight_{block}" for block in ("hh", "hy", "yh", "yy")),
}
PROJECTED = {
    "input": ("recurrence.weight_ih",),
    "recurrent": ("recurrence.weight_hh",),
    "projection": ("recurrence.weight_hr",),
}


@pytest.mark.parametrize(
    ("model", "sizes", "gates", "weights"),
    [
        ("block", (3, 6, 6), ("h",), BLOCKS),
        ("block that reads after", (3, 6, 6), ("h",), BLOCKS),
        ("projected lstm", (3, 2, 6), ("i", "f", "g", "o"), PROJECTED),
    ],
)
def test_a_model_whose_outputs_are_part_of_its_state_is_found_with_what_it_reads_from_the_state(
    model, sizes, gates, weights
):
    net = MODELS[model].build(SPEC, generator=generator()).double()
    cells_of = recurrences(net)
    assert list(cells_of) == ["recurrence"]
    ours = cells_of["recurrence"]
    assert (ours.inputs, ours.hidden, ours.state_size) == sizes
    assert (ours.gates, ours.weights) == (gates, weights)
    outputs = weights["recurrent"][2:] + weights["input"][1:]
    assert ours.offsets == (dict.fromkeys(outputs, 4) if "projection" not in weights else {})
    check_run(net, lambda: net(normal(6, 5, 3)), [net(normal(6, 5, 3))[1]])
    start = normal(5, ours.state_size, seed=2)
    check_run(net, lambda: net(normal(6, 5, 3), state=start), [net(normal(6, 5, 3), state=start)[1]])


def layer(name):
    """Return the built recurrence of a cell or a model, for inputs of size 3."""
    if name in CELLS:
        return CELLS[name][0].build(3, generator=generator()).double()
    return MODELS[name].build(SPEC, generator=generator()).double().recurrence


@pytest.mark.parametrize("cell", [*CELLS, *MODELS])
def test_a_step_is_differentiated_twice_and_in_forward_mode(cell):
    module = layer(cell)
    (ours,) = recurrences(module).values()
    x, state = normal(5, 3), normal(5, ours.state_size, seed=2).requires_grad_()
    names = [name for names in ours.weights.values() for name in names]
    weights = [module.get_parameter(name) for name in names]
    _, image = torch.func.jvp(lambda s: ours.step(x, s), (state,), (torch.ones_like(state),))
    jacobian = torch.autograd.functional.jacobian(lambda s: ours.step(x, s).sum(0), state, create_graph=True)
    rows = jacobian.transpose(0, 1)  # (B, S, S)
    torch.testing.assert_close(image, rows.sum(-1), rtol=1e-12, atol=1e-12)
    gradients = [
        torch.autograd.grad(image.square().sum(), weights, retain_graph=True, allow_unused=True)
        for image in (image, rows.sum(-1))
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert any(each is not None and each.any() for each in gradients[0])


@cells
def test_each_layer_of_a_stack_is_a_recurrence(cell):
    value, _ = CELLS[cell]
    stack = Stack(value, 3, 3, generator=generator()).double()
    assert list(recurrences(stack)) == ["layers.0", "layers.1", "layers.2"]
    assert recurrences(stack)["layers.1"].weights["input"] == ("layers.1.weight_ih",)
    check_run(stack, lambda: stack(normal(6, 5, 3)), stack(normal(6, 5, 3))[1])
    start = normal(3, 5, value.state_size, seed=2)
    check_run(stack, lambda: stack(normal(6, 5, 3), start), stack(normal(6, 5, 3), start)[1])


@cells
def test_the_recurrence_of_a_path_integrator_starts_from_the_encoded_start(cell):
    value, _ = CELLS[cell]
    spec = SimpleNamespace(inputs=2, outputs=6, start=6, tokens=False)
    net = PathIntegrator(recurrence=value).build(spec, generator=generator()).double()
    inputs, start = normal(6, 5, 2), normal(5, 6, seed=2)
    assert list(recurrences(net)) == ["recurrence"]
    check_run(net, lambda: net(inputs, start=start), [net(inputs, start=start)[1]])


@cells
def test_the_layers_of_a_language_model_read_embeddings(cell):
    value, _ = CELLS[cell]
    spec = SimpleNamespace(inputs=9, outputs=9, start=None, tokens=True)
    net = LanguageModel(recurrence=value, layers=2, embedding=3).build(spec, generator=generator()).double()
    tokens = torch.randint(9, (6, 5), generator=generator(1))
    assert list(recurrences(net)) == ["recurrence.layers.0", "recurrence.layers.1"]
    check_run(net, lambda: net(tokens), net(tokens)[1])
    read = sequences(net, recurrences(net), lambda: net(tokens))["recurrence.layers.0"]
    torch.testing.assert_close(read.inputs, net.embedding(tokens).detach(), rtol=0, atol=0)


@pytest.mark.parametrize("cell", [*CELLS, *MODELS])
def test_windows_with_a_carried_state_are_one_sequence(cell):
    value = MODELS.get(cell) or SequenceModel(recurrence=CELLS[cell][0])
    net = value.build(SPEC, generator=generator()).double()
    inputs = normal(6, 5, 3)

    def run():
        _, state = net(inputs[:4])
        net(inputs[4:], state=state)

    check_run(net, run, [net(inputs)[1]])
    assert torch.equal(sequences(net, recurrences(net), run)["recurrence"].inputs, inputs)


LENGTHS = torch.tensor([3, 6, 1, 5, 4])


def masked_loop(cell, inputs, state):
    """Return the last state of a loop over padded sequences that keeps the state of those that have ended."""
    for step, x in enumerate(inputs):
        keep = (step < LENGTHS)[:, None]
        new = cell(x[None], state)[1] if isinstance(cell, Ours) else cell(x, state)
        if isinstance(new, tuple):
            state = tuple(torch.where(keep, *parts) for parts in zip(new, state, strict=True))
        else:
            state = torch.where(keep, new, state)
    return state


def our_gru():
    return GRU(hidden=4).build(3, generator=generator()).double()


Ours = type(our_gru())
LOOPS = {
    "rnn": (nn.RNNCell, nn.RNN),
    "gru": (nn.GRUCell, nn.GRU),
    "lstm": (nn.LSTMCell, nn.LSTM),
    "ours": (our_gru, nn.GRU),
}


def normal_(module):
    """Set the weights of a module to normal numbers, the same for all modules of one shape, and its biases to 0."""
    with torch.no_grad():
        for number, name in enumerate(("weight_ih", "weight_hh", "bias_ih", "bias_hh")):
            for key, parameter in module.named_parameters():
                if key.removesuffix("_l0") == name:
                    parameter.copy_(0.4 * normal(*parameter.shape, seed=number) if "weight" in name else 0)
    return module


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("normalization", ["none", "gamma", "data", "rms", "mean_abs"])
def test_a_loop_over_padded_sequences_scores_as_the_packed_layer(loop, normalization):
    kinds = LOOPS[loop]
    cell = normal_(our_gru() if loop == "ours" else kinds[0](3, 4).double())
    layer = normal_(kinds[1](3, 4).double())
    inputs, start = normal(6, 5, 3), normal(5, 4, seed=2)
    state = (start, start) if loop == "lstm" else start
    given = (start[None], start[None]) if loop == "lstm" else start[None]
    packed = pack_padded_sequence(inputs, LENGTHS, enforce_sorted=False)
    runs = {cell: lambda: masked_loop(cell, inputs, state), layer: lambda: layer(packed, given)}
    criterion = JacobianSpectrum(normalization=normalization)
    scores, chis = [], []
    for module, run in runs.items():
        weights = {name: p for name, p in module.named_parameters() if p.dim() > 1}
        scores.append(criterion.scores(weights, module=module, run=run, generator=generator(3)))
        chis += chi(module, run).values()
    for name, score in scores[0].items():
        assert score.any()
        torch.testing.assert_close(score, scores[1][f"{name}_l0"], rtol=1e-12, atol=1e-12)
    assert chis[0] == pytest.approx(chis[1], rel=1e-12)

"""The word model: its size in the paper, its equations, carried states, initialisation and new weights."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from srnn_models import GRU, LSTM, ElmanRNN, LanguageModel, LeakyRNN, ModelError, Network, PeepholeLSTM, Stack

VALUES = {
    "elman": LanguageModel(recurrence=ElmanRNN(hidden=7, bias="double"), layers=3),
    "leaky": LanguageModel(recurrence=LeakyRNN(hidden=7, alpha=0.2), layers=2),
    "gru": LanguageModel(recurrence=GRU(hidden=7), embedding=4),
    "lstm": LanguageModel(recurrence=LSTM(hidden=7), layers=2, embedding=5),
    "peephole lstm": LanguageModel(recurrence=PeepholeLSTM(hidden=7), layers=2, embedding=5),
}
values = pytest.mark.parametrize("value", list(VALUES.values()), ids=list(VALUES))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def spec(inputs=11, outputs=11, start=None, tokens=True):
    return SimpleNamespace(inputs=inputs, outputs=outputs, start=start, tokens=tokens)


def built(value, seed=0):
    return value.build(spec(), generator=generator(seed))


def words(steps=6, batch=4, seed=1):
    return torch.randint(11, (steps, batch), generator=generator(seed))


def test_size_of_the_paper():
    """45,833,578 parameters (arXiv 2406.06290). Built on fake tensors, which need no memory."""
    g = generator()  # created outside of the fake mode, which would make it fake
    with FakeTensorMode():
        model = LanguageModel(recurrence=ElmanRNN(hidden=650, bias="double"), layers=3)
        network = model.build(spec(33_278, 33_278), generator=g)
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    layer = {"weight_ih": (650, 650), "weight_hh": (650, 650), "bias": (650,), "bias_hh": (650,)}
    assert shapes == {
        "embedding.weight": (33_278, 650),
        **{f"recurrence.layers.{i}.{name}": shape for i in range(3) for name, shape in layer.items()},
        "readout.weight": (33_278, 650),
        "readout.bias": (33_278,),
    }
    assert sum(math.prod(shape) for shape in shapes.values()) == 45_833_578


def test_outputs_equal_the_equations_written_out():
    """Token by token, row by row, with matrix-vector products."""
    network = built(VALUES["elman"]).double()
    p = {name: parameter.detach() for name, parameter in network.named_parameters()}
    p["readout.bias"].copy_(torch.linspace(-1, 1, 11))
    outputs, state = network(words())
    for b in range(4):
        h = [torch.zeros(7, dtype=torch.float64) for _ in range(3)]
        for t in range(6):
            x = p["embedding.weight"][words()[t, b].item()]
            for i in range(3):
                w = {name.rpartition(".")[2]: q for name, q in p.items() if f".layers.{i}." in name}
                x = h[i] = torch.tanh(w["weight_ih"] @ x + w["bias"] + w["weight_hh"] @ h[i] + w["bias_hh"])
            torch.testing.assert_close(outputs[t, b], p["readout.weight"] @ x + p["readout.bias"])
        torch.testing.assert_close(state[:, b], torch.stack(h))


@values
def test_parts_sizes_and_names(value):
    network = built(value)
    assert isinstance(network, Network)
    assert isinstance(network.recurrence, Stack)
    assert value.recurrence.hidden == network.recurrence.hidden == 7
    assert network.embedding.weight.shape == (11, value.embedding or 7)
    assert f"embedding): Embedding(11 tokens -> {value.embedding or 7})" in repr(network)
    names = [name for name, _ in network.named_parameters() if name.endswith("weight_hh")]
    assert names == [f"recurrence.layers.{i}.weight_hh" for i in range(value.layers)]
    outputs, state = network(words())
    assert outputs.shape == (6, 4, 11)
    assert state.shape == (value.layers, 4, 14 if "lstm" in value.recurrence.kind else 7)


@values
def test_steps_and_windows_equal_one_run(value):
    network = built(value).double()
    outputs, last = network(words())
    first, carried = network(words()[:2])
    second, end = network(words()[2:], state=carried)
    torch.testing.assert_close(torch.cat([first, second]), outputs)
    torch.testing.assert_close(end, last)
    state = None
    for t, tokens in enumerate(words()):
        output, state = network.step(tokens, state)
        torch.testing.assert_close(output, outputs[t])
    torch.testing.assert_close(state, last)


@values
def test_a_row_whose_state_is_zeroed_restarts_and_no_other(value):
    """The batch is the last dimension but one, so `masked_fill(reset[:, None], 0)` restarts a row of any state."""
    network = built(value).double()
    _, state = network(words(seed=2))
    reset = torch.tensor([True, False, False, True])
    outputs, _ = network(words(), state=state.detach().masked_fill(reset[:, None], 0))
    torch.testing.assert_close(outputs[:, reset], network(words())[0][:, reset])
    torch.testing.assert_close(outputs[:, ~reset], network(words(), state=state)[0][:, ~reset])
    assert (outputs - network(words())[0])[:, ~reset].abs().max() > 1e-6


@values
def test_every_parameter_learns_and_vmap_equals_the_loop(value):
    networks = [built(value, seed).double() for seed in range(3)]
    params, _ = torch.func.stack_module_state(networks)
    tokens = torch.stack([words(seed=seed) for seed in range(3)])

    def loss(params, tokens):
        outputs, state = torch.func.functional_call(networks[0], params, (tokens,))
        return outputs.logsumexp(-1).sum() + state.sum()

    losses = torch.vmap(loss)(params, tokens)
    gradients = torch.autograd.grad(losses.sum(), list(params.values()))  # outside of vmap, as in a stacked engine
    for i, network in enumerate(networks):
        outputs, state = network(tokens[i])
        (outputs.logsumexp(-1).sum() + state.sum()).backward()
        for (name, parameter), gradient in zip(network.named_parameters(), gradients, strict=True):
            assert parameter.grad.abs().max() > 0, name
            torch.testing.assert_close(gradient[i], parameter.grad)


def check_initial(network):
    """Check that embedding and decoder are U(+-0.1), the decoder's bias 0, and layers U(+-1/sqrt(N))."""
    bounds = {"embedding.weight": 0.1, "readout.weight": 0.1}
    for name, parameter in network.named_parameters():
        if name == "readout.bias":
            assert not parameter.any()
            continue
        bound = bounds.get(name, 1 / 5)
        assert 0.9 * bound < parameter.abs().max() <= bound, name
        assert abs(parameter.mean()) < 4 * bound / math.sqrt(3 * parameter.numel()), name


def test_initialisation_is_that_of_the_paper_also_after_a_reset_of_every_part():
    """The lottery resets every part, inner parts first, so that an outer part can overwrite the weights of its own."""
    model = LanguageModel(recurrence=ElmanRNN(hidden=25, bias="double"), layers=2, embedding=40)
    network = model.build(spec(60, 60), generator=generator())
    check_initial(network)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    with torch.no_grad():
        network.readout.bias.fill_(1)

    def reset(part, g):
        for child in part.children():
            reset(child, g)
        if hasattr(part, "reset_parameters"):
            part.reset_parameters(generator=g)
        else:
            assert not list(part.parameters(recurse=False))

    reset(network, generator(5))
    check_initial(network)
    for name, parameter in network.named_parameters():
        assert name == "readout.bias" or not torch.equal(parameter, before[name]), name


def test_seed_decides_the_weights_and_the_global_generator_is_untouched():
    before = torch.get_rng_state()
    a, b, c = (built(VALUES["elman"], seed) for seed in (0, 0, 1))
    for name, parameter in a.named_parameters():
        assert torch.equal(parameter, b.get_parameter(name))
        assert name == "readout.bias" or not torch.equal(parameter, c.get_parameter(name)), name
    a(words())[0].sum().backward()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (spec(tokens=False), "LanguageModel: expected int64 tokens .* got spec.tokens=False"),
        (spec(start=3), "LanguageModel: expected a task without start code, got spec.start=3"),
        (spec(inputs=0), "LanguageModel: expected a positive spec.inputs, got 0"),
        (spec(outputs=0), "LanguageModel: expected a positive spec.outputs, got 0"),
    ],
)
def test_build_raises_for_a_task_that_does_not_fit(task, message):
    with pytest.raises(ModelError, match=message):
        VALUES["elman"].build(task, generator=generator())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: n(words().float()), r"inputs: expected int64 tokens \(T, B\), got torch.float32 of shape \(6, 4\)"),
        (lambda n: n(words().int()), r"got torch.int32 of shape \(6, 4\)"),
        (lambda n: n(words()[0]), r"got torch.int64 of shape \(4,\)"),
        (lambda n: n(words(steps=0)), r"inputs: expected shape \(T, B, 7\) with T >= 1, got \(0, 4, 7\)"),
        (lambda n: n.step(words()), r"inputs: expected int64 tokens \(B,\), got torch.int64 of shape \(6, 4\)"),
        (lambda n: n(words(), start=torch.zeros(4, 2)), r"expected start=None, got a code of shape \(4, 2\)"),
        (lambda n: n(words(), state=torch.zeros(4, 7)), r"state: expected shape \(3, 4, 7\), got \(4, 7\)"),
    ],
)
def test_errors_give_the_expected_shape_and_the_actual_one(call, message):
    with pytest.raises(ModelError, match=message):
        call(built(VALUES["elman"]))

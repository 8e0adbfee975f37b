"""The networks: shapes, start codes, carried states, sizes of the paper, and errors.

A new model joins the laws with one line in `MODELS`.
"""

import copy
import math
import pickle
from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from srnn_models import (
    GRU,
    LSTM,
    BlockRNN,
    ElmanRNN,
    LeakyRNN,
    ModelError,
    Network,
    PathIntegrator,
    PeepholeLSTM,
    ProjectedLSTM,
    Recurrence,
    SequenceModel,
)

SEQUENCE = SequenceModel(recurrence=ElmanRNN(hidden=7))
PATH = PathIntegrator(recurrence=ElmanRNN(hidden=7, nonlinearity="relu", bias=False))
MODELS = {
    "sequence": SEQUENCE,
    "path": PATH,
    "sequence of two layers": SequenceModel(recurrence=ElmanRNN(hidden=7, bias="double"), layers=2),
    "sequence leaky": SequenceModel(recurrence=LeakyRNN(hidden=7, alpha=0.2)),
    "sequence gru": SequenceModel(recurrence=GRU(hidden=7)),
    "sequence of two layers lstm": SequenceModel(recurrence=LSTM(hidden=7), layers=2),
    "path leaky": PathIntegrator(recurrence=LeakyRNN(hidden=7, nonlinearity="softplus")),
    "path lstm": PathIntegrator(recurrence=LSTM(hidden=7)),
    "sequence peephole lstm": SequenceModel(recurrence=PeepholeLSTM(hidden=7, bias=False)),
    "path peephole lstm": PathIntegrator(recurrence=PeepholeLSTM(hidden=7)),
    "block": BlockRNN(hidden=7),
    "block that reads after": BlockRNN(hidden=7, reads="after"),
    "projected lstm": ProjectedLSTM(hidden=7),
}
STATE_SIZES = {"block": 7 + 3, "projected_lstm": 3 + 7, "lstm": 14, "peephole_lstm": 14}  # of other cells 7


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def spec(inputs=2, outputs=3, start=None, tokens=False):
    return SimpleNamespace(inputs=inputs, outputs=outputs, start=start, tokens=tokens)


def is_path(model):
    return model.kind == "path_integrator"


def built(model, seed=0):
    return model.build(spec(start=5 if is_path(model) else None), generator=generator(seed)).double()


def start_of(model, batch=4):
    """Return the keyword argument that gives the network its first state."""
    if not is_path(model):
        return {}
    return {"start": torch.rand(batch, 5, generator=generator(2), dtype=torch.float64)}


def inputs(steps=6, batch=4):
    return torch.randn(steps, batch, 2, generator=generator(1), dtype=torch.float64)


def parts_with_weights(network):
    return [part for part in network.children() if list(part.parameters())]


def read_out(model, network, states):
    """Return the outputs (..., 3) of h (..., N); outputs that are part of the state are the last of h."""
    if not hasattr(model, "recurrence"):
        assert not list(network.readout.parameters())
        return states[..., -3:]
    outputs = states @ network.readout.weight.T
    return outputs if is_path(model) else outputs + network.readout.bias


models = pytest.mark.parametrize("model", list(MODELS.values()), ids=list(MODELS))


@models
def test_outputs_are_the_readout_of_the_recurrence(model):
    network = built(model)
    assert isinstance(network, Network)
    assert isinstance(network.recurrence, Recurrence)
    start = start_of(model)
    first = start["start"] @ network.encoder.weight.T if start else None
    states, last = network.recurrence(inputs(), first)
    outputs, state = network(inputs(), **start)
    torch.testing.assert_close(outputs, read_out(model, network, states))
    torch.testing.assert_close(state, last)
    assert outputs.shape == (6, 4, 3)
    size = STATE_SIZES.get(getattr(model, "recurrence", model).kind, 7)
    assert state.shape == ((2, 4, size) if getattr(model, "layers", 1) == 2 else (4, size))
    assert model.hidden == network.hidden == 7


@models
def test_steps_and_windows_equal_one_run(model):
    network = built(model)
    outputs, last = network(inputs(), **start_of(model))

    first, carried = network(inputs()[:2], **start_of(model))
    second, end = network(inputs()[2:], state=carried)
    torch.testing.assert_close(torch.cat([first, second]), outputs)
    torch.testing.assert_close(end, last)

    state = network.encoder(start_of(model)["start"]) if is_path(model) else None
    for t, x in enumerate(inputs()):
        output, state = network.step(x, state)
        torch.testing.assert_close(output, outputs[t])


@models
def test_vmap_over_stacked_seeds_equals_the_loop(model):
    networks = [built(model, seed) for seed in range(3)]
    params, buffers = torch.func.stack_module_state(networks)
    x, start = inputs(), start_of(model)

    def call(params):
        return torch.func.functional_call(networks[0], (params, buffers), (x,), start)[0]

    mapped = torch.vmap(call)(params)
    gradients = dict(zip(params, torch.autograd.grad(mapped.square().sum(), list(params.values())), strict=True))
    for number, (outputs, network) in enumerate(zip(mapped, networks, strict=True)):
        expected = network(inputs(), **start_of(model))[0]
        torch.testing.assert_close(outputs, expected)
        expected.square().sum().backward()
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(gradients[name][number], parameter.grad)


def small(model):
    """Return the model with 2 hidden units."""
    if not hasattr(model, "recurrence"):
        return model.model_copy(update={"hidden": 2})
    return model.model_copy(update={"recurrence": model.recurrence.model_copy(update={"hidden": 2})})


@models
def test_gradients_of_both_orders_are_those_of_finite_differences(model):
    network = built(small(model), seed=1)
    names, parameters = zip(*network.named_parameters(), strict=True)

    def run(x, *parameters):
        tensors = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(network, tensors, (x,), start_of(model, batch=2))

    leaves = [inputs(3, 2).requires_grad_(), *parameters]
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves)


@models
def test_autocast_gives_states_that_can_be_carried(model):
    network, x = built(model).float(), inputs(20, 8).float()
    start = {name: code.float() for name, code in start_of(model, batch=8).items()}
    expected, _ = network(x, **start)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        first, state = network(x[:9], **start)
        second, _ = network(x[9:], state=state)
        stepped, _ = network.step(x[9], state)
    torch.testing.assert_close(stepped.float(), second[0].float())
    rounded = torch.cat([first, second]).float()
    assert 0 < (rounded - expected).norm() < 0.03 * expected.norm()


@models
def test_a_reset_of_the_parts_draws_the_weights_again_in_place_and_in_their_precision(model):
    network = built(model)
    before = [(parameter, parameter.detach().clone()) for parameter in network.parameters()]
    for part in parts_with_weights(network):
        part.reset_parameters(generator=generator(1))
    for (parameter, old), again in zip(before, network.parameters(), strict=True):
        assert parameter is again and parameter.dtype == torch.float64
        assert not torch.equal(parameter, old)


@models
def test_a_network_is_pickled_and_copied(model):
    network = built(model)
    for twin in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert torch.equal(twin(inputs(), **start_of(model))[0], network(inputs(), **start_of(model))[0])


@models
def test_the_seed_decides_the_weights(model):
    a, b, c = built(model, 0), built(model, 0), built(model, 1)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not any(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


@models
def test_global_generator_is_untouched(model):
    before = torch.get_rng_state()
    network = built(model)
    network(inputs(), **start_of(model))[0].sum().backward()
    for part in parts_with_weights(network):
        part.reset_parameters(generator=generator(1))
    assert torch.equal(torch.get_rng_state(), before)


@models
def test_every_parameter_learns(model):
    network = built(model)
    network(inputs(), **start_of(model))[0].square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_paper_size_of_the_navigation_network():
    """20,979,712 weights, no biases (arXiv 2406.06290). Built on fake tensors, which need no memory."""
    g = generator()  # created outside of the fake mode, which would make it fake
    with FakeTensorMode():
        network = PathIntegrator().build(spec(inputs=2, outputs=512, start=512), generator=g)
    sizes = {name: p.numel() for name, p in network.named_parameters()}
    assert sizes == {
        "encoder.weight": 2_097_152,
        "recurrence.weight_ih": 8_192,
        "recurrence.weight_hh": 16_777_216,
        "readout.weight": 2_097_152,
    }
    assert sum(sizes.values()) == 20_979_712


def test_names_of_one_layer_have_no_number_and_those_of_several_do():
    one, two = (built(SequenceModel(recurrence=ElmanRNN(hidden=7), layers=layers)) for layers in (1, 2))
    parts = ["weight_ih", "weight_hh", "bias"]
    readout = ["readout.weight", "readout.bias"]
    assert [name for name, _ in one.named_parameters()] == [f"recurrence.{part}" for part in parts] + readout
    numbered = [f"recurrence.layers.{layer}.{part}" for layer in range(2) for part in parts]
    assert [name for name, _ in two.named_parameters()] == numbered + readout


def test_the_range_of_linear_maps_depends_on_their_fan_in():
    """Encoder .0442 and decoder .0156 at paper size are 1/sqrt(512) and 1/sqrt(4096); here 1/sqrt(100), 1/sqrt(25)."""
    model = PathIntegrator(recurrence=ElmanRNN(hidden=25, nonlinearity="relu", bias=False))
    network = model.build(spec(outputs=90, start=100), generator=generator())
    for weight, bound in ((network.encoder.weight, 1 / 10), (network.readout.weight, 1 / 5)):
        assert 0.99 * bound < weight.abs().max() <= bound
        assert abs(weight.mean()) < 4 * bound / math.sqrt(3 * weight.numel())
    biased = SEQUENCE.build(spec(), generator=generator())
    assert biased.readout.bias.shape == (3,)
    assert biased.readout.bias.abs().max() <= 1 / math.sqrt(7)
    assert (
        SequenceModel(recurrence=ElmanRNN(hidden=2), bias=False).build(spec(), generator=generator()).readout.bias
        is None
    )


def test_a_linear_map_prints_its_sizes():
    assert repr(SEQUENCE.build(spec(), generator=generator()).readout) == "Linear(7 -> 3, bias=True)"


@pytest.mark.parametrize(
    ("model", "task", "message"),
    [
        (SEQUENCE, spec(start=5), "SequenceModel: expected a task without start code, got spec.start=5"),
        (PATH, spec(), "PathIntegrator: expected spec.start, the size of the start code, got None"),
        (PATH, spec(start=0), "PathIntegrator: expected spec.start, the size of the start code, got 0"),
        (SEQUENCE, spec(tokens=True), "SequenceModel: expected float inputs .* got spec.tokens=True"),
        (PATH, spec(start=5, tokens=True), "PathIntegrator: expected float inputs .* got spec.tokens=True"),
        (SEQUENCE, spec(inputs=0), "SequenceModel: expected a positive spec.inputs, got 0"),
        (PATH, spec(outputs=-1, start=5), "PathIntegrator: expected a positive spec.outputs, got -1"),
    ],
)
def test_build_raises_for_a_task_that_does_not_fit(model, task, message):
    with pytest.raises(ModelError, match=message):
        model.build(task, generator=generator())


@pytest.mark.parametrize(
    ("model", "keywords", "message"),
    [
        (SEQUENCE, {"start": torch.zeros(4, 5)}, r"expected start=None, got a code of shape \(4, 5\)"),
        (PATH, {}, "expected a start code .* or a carried state .* got neither"),
        (PATH, {"start": torch.zeros(4, 5), "state": torch.zeros(4, 7)}, "got both"),
        (PATH, {"start": torch.zeros(4, 6)}, r"expected start of shape \(B, 5\), got \(4, 6\)"),
        (PATH, {"start": torch.zeros(5)}, r"expected start of shape \(B, 5\), got \(5,\)"),
    ],
)
def test_forward_raises_for_a_wrong_first_state(model, keywords, message):
    with pytest.raises(ModelError, match=message):
        built(model)(inputs(), **keywords)


def test_path_network_steps_only_from_a_state():
    with pytest.raises(ModelError, match="got neither"):
        built(PATH).step(inputs()[0])

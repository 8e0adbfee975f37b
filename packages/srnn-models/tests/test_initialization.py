"""The initial distributions: moments and bounds per gate of every cell and read-out, biases, resets and defaults."""

import math
from types import SimpleNamespace

import pytest
import torch
from pydantic import TypeAdapter

from srnn_models import (
    GRU,
    LSTM,
    AnyInitialization,
    ElmanRNN,
    Glorot,
    GlorotStacked,
    He,
    LanguageModel,
    Normal,
    PeepholeLSTM,
    SequenceModel,
    TorchUniform,
    Uniform,
)

INPUTS, HIDDEN = 90, 60
GATES = {ElmanRNN: 1, GRU: 3, LSTM: 4, PeepholeLSTM: 4}
CELLS = pytest.mark.parametrize("kind", GATES, ids=lambda kind: kind.__name__)


def uniform(low, high):
    """Return the distribution function of U(low, high)."""
    return lambda x: ((x - low) / (high - low)).clamp(0, 1)


def gaussian(mean, sd):
    return lambda x: (1 + torch.erf((x - mean) / (sd * math.sqrt(2)))) / 2


def glorot(rows, columns):
    bound = math.sqrt(6 / (rows + columns))
    return uniform(-bound, bound)


# the distribution of a matrix of `gates` gates, each (N, C)
EXPECTED = {
    TorchUniform(): lambda gates, columns: uniform(-1 / math.sqrt(HIDDEN), 1 / math.sqrt(HIDDEN)),
    Normal(sd=0.1): lambda gates, columns: gaussian(0, 0.1),
    Normal(sd=0.03, mean=-0.2): lambda gates, columns: gaussian(-0.2, 0.03),
    Uniform(low=0, high=0.1): lambda gates, columns: uniform(0, 0.1),
    Glorot(): lambda gates, columns: glorot(HIDDEN, columns),
    GlorotStacked(): lambda gates, columns: glorot(gates * HIDDEN, columns),
    He(): lambda gates, columns: gaussian(0, math.sqrt(2 / columns)),
}
INITIALIZATIONS = pytest.mark.parametrize("initialization", EXPECTED, ids=repr)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def spec(outputs=INPUTS, tokens=False):
    return SimpleNamespace(inputs=INPUTS, outputs=outputs, start=None, tokens=tokens)


def check_drawn(values, distribution):
    """Compare with a distribution function by a Kolmogorov-Smirnov test at the level 1e-6."""
    x = values.detach().double().flatten().sort().values
    n = len(x)
    steps = torch.arange(n + 1, dtype=torch.float64) / n
    found = distribution(x)
    distance = torch.maximum(steps[1:] - found, found - steps[:-1]).max().item()
    assert distance < math.sqrt(math.log(2e6) / (2 * n))


@CELLS
@INITIALIZATIONS
def test_each_gate_of_each_matrix_has_the_distribution(kind, initialization):
    module = kind(hidden=HIDDEN, initialization=initialization).build(INPUTS, generator=generator())
    for seed in (None, 1):
        if seed is not None:
            before = {name: p.detach().clone() for name, p in module.named_parameters()}
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.fill_(7)
            module.reset_parameters(generator=generator(seed))
            assert not any(torch.equal(before[name], p) for name, p in module.named_parameters() if p.dim() == 2)
        for name, parameter in module.named_parameters():
            if parameter.dim() == 2:
                for gate in parameter.chunk(GATES[kind]):
                    check_drawn(gate, EXPECTED[initialization](GATES[kind], parameter.shape[1]))
            elif initialization == TorchUniform():
                check_drawn(parameter, EXPECTED[initialization](1, 1))
            else:
                assert not parameter.any(), name


@INITIALIZATIONS
def test_the_read_out_has_the_distribution(initialization):
    recurrence = ElmanRNN(hidden=HIDDEN)
    models = [
        SequenceModel(recurrence=recurrence, readout_initialization=initialization).build(
            spec(), generator=generator()
        ),
        LanguageModel(recurrence=recurrence, readout_initialization=initialization).build(
            spec(tokens=True), generator=generator()
        ),
    ]
    bound = math.sqrt(6 / (HIDDEN + INPUTS))
    expected = EXPECTED[initialization](1, HIDDEN)
    if isinstance(initialization, Glorot | GlorotStacked):
        expected = uniform(-bound, bound)
    for network in models:
        network.readout.reset_parameters(generator=generator(5))
        check_drawn(network.readout.weight, expected)
        assert network.readout.bias.any() == (initialization == TorchUniform())


def test_glorot_of_an_lstm_differs_from_the_stacked_one_by_the_fans():
    """The largest of 14,400 uniform weights is close to the bound."""
    for value, fans in ((Glorot(), 60 + 60), (GlorotStacked(), 60 + 240)):
        module = LSTM(hidden=HIDDEN, initialization=value).build(INPUTS, generator=generator())
        assert module.weight_hh.abs().max().item() == pytest.approx(math.sqrt(6 / fans), rel=2e-3)


@CELLS
def test_the_default_draws_what_a_plain_uniform_draws(kind):
    """The bits of stored runs: parameters in order, from one stream, bound 1/sqrt(N)."""
    module = kind(hidden=5).build(3, generator=generator(2))
    draw = generator(2)
    for parameter in module.parameters():
        bound = 1 / math.sqrt(5)
        assert torch.equal(parameter, torch.empty(parameter.shape).uniform_(-bound, bound, generator=draw))
    explicit = kind(hidden=5, initialization=TorchUniform()).build(3, generator=generator(2))
    assert all(torch.equal(p, q) for p, q in zip(module.parameters(), explicit.parameters(), strict=True))
    assert kind(hidden=5).model_dump(exclude_defaults=True) == {"hidden": 5}


def test_both_biases_of_an_elman_network_are_zero():
    module = ElmanRNN(hidden=5, bias="double", initialization=He()).build(3, generator=generator())
    assert not module.bias.any() and not module.bias_hh.any()


def test_the_layers_of_a_stack_follow_the_value():
    model = SequenceModel(recurrence=GRU(hidden=HIDDEN, initialization=Normal(sd=0.01)), layers=2)
    network = model.build(spec(), generator=generator())
    for name, matrix in network.recurrence.matrices().items():
        assert matrix.gates == 3
        check_drawn(network.recurrence.get_parameter(name), gaussian(0, 0.01))


def test_a_degenerate_range_is_a_constant():
    module = ElmanRNN(hidden=3, initialization=Uniform(low=0.5, high=0.5)).build(2, generator=generator())
    assert (module.weight_hh == 0.5).all()
    assert not ElmanRNN(hidden=3, initialization=Normal(sd=0)).build(2, generator=generator()).weight_hh.any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "normal"}, "sd"),
        ({"kind": "normal", "sd": -1}, "sd"),
        ({"kind": "normal", "sd": True}, "sd"),
        ({"kind": "normal", "sd": 1, "variance": 1}, "variance"),
        ({"kind": "uniform", "low": 0.1}, "high"),
        ({"kind": "uniform", "low": 0.1, "high": 0.0}, "expected low <= high, got low=0.1, high=0.0"),
        ({"kind": "uniform", "low": 0, "high": float("inf")}, "high"),
        ({"kind": "glorot", "gates": 4}, "gates"),
        ({"kind": "xavier"}, "kind.*'torch_uniform', 'normal', 'uniform', 'glorot', 'glorot_stacked', 'he'"),
        ({}, "kind"),
    ],
)
def test_errors_name_the_field(fields, message):
    with pytest.raises(ValueError, match=message):
        TypeAdapter(AnyInitialization).validate_python(fields)

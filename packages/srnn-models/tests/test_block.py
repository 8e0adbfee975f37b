"""The block RNN against a loop over its equations, an Elman network, and perceptrons."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srnn_models import BlockRNN, ElmanRNN, Glorot, He, Matrix, ModelError, Normal, SequenceModel, Uniform

BLOCKS = ("hx", "hh", "hy", "yx", "yh", "yy")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def spec(inputs=3, outputs=2, start=None, tokens=False):
    return SimpleNamespace(inputs=inputs, outputs=outputs, start=start, tokens=tokens)


def built(model, inputs=3, outputs=2, seed=0):
    return model.build(spec(inputs, outputs), generator=generator(seed)).double()


def fill(network, sd=0.5, zero=()):
    """Draw new weights, large enough for every block to matter, and set some blocks to 0."""
    with torch.no_grad():
        for number, (name, parameter) in enumerate(network.named_parameters()):
            parameter.copy_(normal(*parameter.shape, seed=100 + number) * sd)
            if name.removeprefix("recurrence.weight_") in zero:
                parameter.zero_()
    return network


def slowly(network, x, state):
    """Return Y of all steps and the last (H, Y) of inputs (T, B, I), unit by unit, from one matrix of all blocks."""
    module = network.recurrence
    hidden, outputs = module.state_sizes
    inputs = x.shape[2]
    matrix = torch.cat(
        [
            torch.cat([module.weight_hx, module.weight_hh, module.weight_hy], 1),
            torch.cat([module.weight_yx, module.weight_yh, module.weight_yy], 1),
        ]
    )
    rows = []
    for t in range(len(x)):
        new = []
        for b in range(x.shape[1]):
            z = torch.cat([x[t, b], state[b]])  # X, H, Y
            units = [matrix[n] @ z + module.bias[n] for n in range(hidden)]
            units = [unit if unit > 0 else unit * 0 for unit in units]
            if module.reads == "after":
                z = torch.cat([z[:inputs], torch.stack(units), z[inputs + hidden :]])
            units += [matrix[hidden + n] @ z + module.bias[hidden + n] for n in range(outputs)]
            new.append(torch.stack(units))
        state = torch.stack(new)
        rows.append(state[:, hidden:])
    return torch.stack(rows), state


@settings(max_examples=20, deadline=None)
@given(
    reads=st.sampled_from(["before", "after"]),
    sizes=st.tuples(*[st.integers(1, 4)] * 5),
    carried=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_equals_the_equations_unit_by_unit_forward_and_gradients(reads, sizes, carried, seed):
    steps, batch, inputs, hidden, outputs = sizes
    network = fill(built(BlockRNN(hidden=hidden, reads=reads), inputs, outputs))
    x = normal(steps, batch, inputs, seed=seed).requires_grad_()
    state = normal(batch, hidden + outputs, seed=seed + 1) if carried else None
    ours, last = network(x, state=state)
    theirs, end = slowly(network, x, torch.zeros(batch, hidden + outputs).double() if state is None else state)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, end, rtol=1e-12, atol=1e-12)
    weight = normal(*ours.shape, seed=seed + 2)
    leaves = [x, *network.parameters()]
    found, expected = (
        torch.autograd.grad((y * weight).sum() + z.square().sum(), leaves) for y, z in ((ours, last), (theirs, end))
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_with_feedforward_outputs_that_read_after_it_is_an_elman_network_with_read_out():
    network = fill(built(BlockRNN(hidden=7, reads="after")), zero=("hy", "yx", "yy"))
    elman = built(SequenceModel(recurrence=ElmanRNN(hidden=7, nonlinearity="relu")))
    ours, theirs = network.recurrence, elman.recurrence
    pairs = [
        (theirs.weight_ih, ours.weight_hx),
        (theirs.weight_hh, ours.weight_hh),
        (theirs.bias, ours.bias[:7]),
        (elman.readout.weight, ours.weight_yh),
        (elman.readout.bias, ours.bias[7:]),
    ]
    with torch.no_grad():
        for target, source in pairs:
            target.copy_(source)
    x = normal(6, 4, 3)
    outputs, state = network(x)
    expected, end = elman(x)
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state[:, :7], end, rtol=1e-12, atol=1e-12)


def test_before_is_after_one_step_late_where_outputs_read_hidden_units_only():
    before, after = (
        fill(built(BlockRNN(hidden=7, reads=reads)), zero=("hy", "yx", "yy")) for reads in ("before", "after")
    )
    x = normal(6, 4, 3)
    late, state = before(x)
    outputs, end = after(x)
    torch.testing.assert_close(late[1:], outputs[:-1], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(late[0], before.recurrence.bias[7:].expand(4, 2))
    torch.testing.assert_close(state[:, :7], end[:, :7], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reads", ["before", "after"])
def test_the_last_input_reaches_the_output_through_the_hidden_units_only_where_they_are_read_after_the_step(reads):
    network = fill(built(BlockRNN(hidden=7, reads=reads)), zero=("yx",))
    x = normal(6, 4, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x)[0][-1].sum(), x)
    assert gradient[-2].any()
    assert gradient[-1].any() == (reads == "after")


@pytest.mark.parametrize("widths", [(4,), (3, 5), (2, 4, 3)], ids=len)
def test_layers_of_hidden_units_are_a_perceptron_of_the_input_held(widths):
    """W_hh joins each layer to the next, W_hx feeds the first, W_yh reads the last; after L steps the signal is out."""
    layers, last = nn.ModuleList(), 3
    with torch.random.fork_rng():
        for width in widths:
            layers += [nn.Linear(last, width), nn.ReLU()]
            last = width
        layers.append(nn.Linear(last, 2))
    perceptron = nn.Sequential(*layers).double()
    network = built(BlockRNN(hidden=sum(widths), reads="after"))
    module = network.recurrence
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        begin = 0
        for layer, width in zip(perceptron[::2], widths, strict=False):
            rows = slice(begin, begin + width)
            (module.weight_hx if begin == 0 else module.weight_hh[:, begin - layer.in_features : begin])[rows] = (
                layer.weight
            )
            module.bias[rows] = layer.bias
            begin += width
        module.weight_yh[:, -widths[-1] :] = perceptron[-1].weight
        module.bias[begin:] = perceptron[-1].bias
    x = normal(5, 3)
    outputs, _ = network(x.expand(len(widths), 5, 3))
    torch.testing.assert_close(outputs[-1], perceptron(x), rtol=1e-12, atol=1e-12)


def test_parameters_are_six_blocks_and_one_bias():
    model = BlockRNN(hidden=185)
    network = model.build(spec(2500, 10), generator=generator())
    shapes = {name.removeprefix("recurrence."): tuple(p.shape) for name, p in network.named_parameters()}
    sizes = {"x": 2500, "h": 185, "y": 10}
    assert shapes == {f"weight_{block}": (sizes[block[0]], sizes[block[1]]) for block in BLOCKS} | {"bias": (195,)}
    assert list(shapes) == [*(f"weight_{block}" for block in BLOCKS), "bias"]
    assert (model.hidden, network.hidden, network.recurrence.hidden, network.recurrence.state_size) == (
        185,
        185,
        195,
        195,
    )
    assert not list(network.readout.parameters())
    assert repr(network.recurrence) == "BlockModule(2500 -> 185 + 10, reads=before)"
    assert repr(network.readout) == "LastUnits(10)"


def test_only_hh_and_yy_are_recurrent():
    matrices = built(BlockRNN(hidden=5)).matrices()
    assert list(matrices) == [f"recurrence.weight_{block}" for block in BLOCKS]
    assert list(matrices.values()) == [
        Matrix(),
        Matrix(recurrent=True, source="state"),
        Matrix(source="state"),
        Matrix(offset=5),
        Matrix(source="state", offset=5),
        Matrix(recurrent=True, source="state", offset=5),
    ]


def test_each_block_is_drawn_from_its_distribution_and_the_bias_by_the_number_of_units():
    fields = {
        "hh": Normal(sd=0.2, mean=0.1),
        "hy": Uniform(low=0.5, high=0.6),
        "yx": Glorot(),
        "yh": He(),
        "yy": Normal(sd=0),
    }
    network = BlockRNN(hidden=90, **fields).build(spec(300, 60), generator=generator())
    module = network.recurrence
    for seed in (0, 1):
        module.reset_parameters(generator=generator(seed))
        for block, mean, sd in (
            ("hx", 0, 0.05),
            ("hh", 0.1, 0.2),
            ("hy", 0.55, 0.1 / math.sqrt(12)),
            ("yx", 0, math.sqrt(2 / 360)),
            ("yh", 0, math.sqrt(2 / 90)),
            ("yy", 0, 0),
        ):
            weight = module.get_parameter(f"weight_{block}")
            assert weight.mean().item() == pytest.approx(mean, abs=5 * sd / math.sqrt(weight.numel()) + 1e-6), block
            assert weight.std().item() == pytest.approx(sd, rel=0.05), block
        bound = 1 / math.sqrt(450)
        assert 0.9 * bound < module.bias.abs().max() <= bound
        assert abs(module.bias.mean()) < 4 * bound / math.sqrt(3 * 150)


def test_the_blocks_are_drawn_in_order_with_standard_deviation_one_twentieth():
    """The bits of stored runs."""
    module = BlockRNN(hidden=4).build(spec(), generator=generator(2)).recurrence
    draw = generator(2)
    for name, parameter in module.named_parameters():
        if name == "bias":
            assert torch.equal(parameter, torch.empty(6).uniform_(-1 / 3, 1 / 3, generator=draw))
        else:
            assert torch.equal(parameter, torch.empty(parameter.shape).normal_(0, 0.05, generator=draw))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (spec(start=5), "BlockRNN: expected a task without start code, got spec.start=5"),
        (spec(tokens=True), "BlockRNN: expected float inputs .* got spec.tokens=True"),
        (spec(inputs=0), "BlockRNN: expected a positive spec.inputs, got 0"),
        (spec(outputs=0), "BlockRNN: expected a positive spec.outputs, got 0"),
    ],
)
def test_build_raises_for_a_task_that_does_not_fit(task, message):
    with pytest.raises(ModelError, match=message):
        BlockRNN(hidden=4).build(task, generator=generator())


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"start": torch.zeros(4, 5)}, r"BlockRNN: expected start=None, got a code of shape \(4, 5\)"),
        ({"state": torch.zeros(4, 7)}, r"state: expected shape \(4, 9\), got \(4, 7\)"),
    ],
)
def test_forward_raises_for_a_wrong_first_state(keywords, message):
    with pytest.raises(ModelError, match=message):
        built(BlockRNN(hidden=7))(normal(6, 4, 3), **keywords)

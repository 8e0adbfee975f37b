"""Steps of torch's layers and cells against torch's own forward and derivatives."""

import itertools

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jvp, vmap

from srnn_pruning import recurrences

# torch compiles its rules for forward mode when the first one is used
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

LAYERS = {
    "tanh": (nn.RNN, {}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
    "gru": (nn.GRU, {}),
    "lstm": (nn.LSTM, {}),
    "projected lstm": (nn.LSTM, {"proj_size": 2}),
}
CELLS = {
    "tanh": (nn.RNNCell, {}),
    "relu": (nn.RNNCell, {"nonlinearity": "relu"}),
    "gru": (nn.GRUCell, {}),
    "lstm": (nn.LSTMCell, {}),
}
layers = pytest.mark.parametrize("layer", LAYERS)
cells = pytest.mark.parametrize("cell", CELLS)


def build(kind, *args, seed=0, **kwargs):
    """Return a module in float64 with weights U(-0.8, 0.8)."""
    with torch.random.fork_rng():
        module = kind(*args, **kwargs).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.8, 0.8, generator=generator)
    return module


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(actual, expected, tolerance=1e-12):
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def joined(state):
    return torch.cat(state, dim=-1) if isinstance(state, tuple) else state


def of_torch(module, x, state):
    """Return the next state of a cell of torch, h and c in one tensor."""
    pair = isinstance(module, nn.LSTMCell)
    return joined(module(x, tuple(state.chunk(2, dim=-1)) if pair else state))


@layers
@pytest.mark.parametrize(("number", "both", "bias"), [*itertools.product((1, 3), (False, True), (False, True))])
def test_loops_of_steps_equal_the_layer(layer, number, both, bias):
    kind, options = LAYERS[layer]
    module = build(kind, 3, 4, num_layers=number, bidirectional=both, bias=bias, **options)
    steps = list(recurrences(module).values())
    directions = 2 if both else 1
    starts = [normal(5, cell.state_size, seed=seed) for seed, cell in enumerate(steps)]
    ends, outputs = [None] * len(steps), normal(7, 5, 3)
    for index in range(number):
        sides = []
        for side in range(directions):
            cell, state = steps[index * directions + side], starts[index * directions + side]
            times = range(7) if side == 0 else range(6, -1, -1)
            h = {}
            for t in times:
                state = cell.step(outputs[t], state)
                h[t] = cell.output(state)
            sides.append(torch.stack([h[t] for t in range(7)]))
            ends[index * directions + side] = state
        outputs = torch.cat(sides, dim=-1)

    start = torch.stack(starts)
    hidden = steps[0].hidden
    given = (start[..., :hidden].contiguous(), start[..., hidden:].contiguous()) if kind is nn.LSTM else start
    expected, end = module(normal(7, 5, 3), given)
    close(outputs, expected)
    close(torch.stack(ends), joined(end))


@cells
@pytest.mark.parametrize("bias", [False, True])
def test_a_step_equals_the_cell(cell, bias):
    kind, options = CELLS[cell]
    module = build(kind, 3, 4, bias=bias, **options)
    step = recurrences(module)[""].step
    state = normal(5, 8 if kind is nn.LSTMCell else 4)
    for x in normal(6, 5, 3, seed=2):
        expected = of_torch(module, x, state)
        state = step(x, state)
        close(state, expected)


@cells
def test_the_jacobian_of_a_step_is_that_of_the_cell(cell):
    kind, options = CELLS[cell]
    module = build(kind, 3, 4, **options)
    ours = recurrences(module)[""]
    x, state = normal(3), normal(ours.state_size, seed=2)
    expected = torch.autograd.functional.jacobian(lambda s: of_torch(module, x[None], s[None])[0], state)
    actual = torch.autograd.functional.jacobian(lambda s: ours.step(x[None], s[None])[0], state)
    close(actual, expected)
    for direction in torch.eye(ours.state_size, dtype=torch.float64):  # forward mode
        _, tangent = jvp(lambda s: ours.step(x[None], s[None])[0], (state,), (direction,))
        close(tangent, expected @ direction)


@layers
def test_gradients_of_the_jacobian_agree_in_both_modes_and_with_finite_differences(layer):
    kind, options = LAYERS[layer]
    module = build(kind, 3, 4, **options)
    cell = recurrences(module)["l0"]
    weights = [module.get_parameter(name) for names in cell.weights.values() for name in names]
    x, state = normal(5, 3), normal(5, cell.state_size, seed=2)

    def forward_mode():
        _, image = jvp(lambda s: cell.step(x, s), (state,), (torch.ones_like(state),))
        return image.square().sum()

    def double_backward():
        leaf = state.clone().requires_grad_()
        weighting = torch.zeros_like(state, requires_grad=True)
        (transposed,) = torch.autograd.grad(cell.step(x, leaf), leaf, weighting, create_graph=True)
        (image,) = torch.autograd.grad(transposed.sum(), weighting, create_graph=True)
        return image.square().sum()

    close(forward_mode(), double_backward())
    gradients = torch.autograd.grad(forward_mode(), weights)
    for one, other in zip(gradients, torch.autograd.grad(double_backward(), weights), strict=True):
        close(one, other)
    for weight, gradient in zip(weights, gradients, strict=True):
        entry, values = (1, 1), []
        for shift in (1e-6, -1e-6):
            with torch.no_grad():
                weight[entry] += shift
            values.append(double_backward().item())
            with torch.no_grad():
                weight[entry] -= shift
        assert gradient[entry].item() == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-8)


@layers
def test_gradients_per_sample_by_vmap_equal_those_of_each_sample(layer):
    kind, options = LAYERS[layer]
    module = build(kind, 3, 4, **options)
    cell = recurrences(module)["l0"]
    x, state = normal(5, 3), normal(5, cell.state_size, seed=2)

    class Stepped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x, state):
            return cell.output(cell.step(x[None], state[None])).sum()

    values = {name: value.detach() for name, value in Stepped().named_parameters()}
    each = vmap(grad(lambda values, x, state: functional_call(Stepped(), values, (x, state))), (None, 0, 0))
    gradients = each(values, x, state)
    for sample in range(5):
        total = cell.output(cell.step(x[sample : sample + 1], state[sample : sample + 1])).sum()
        expected = torch.autograd.grad(total, list(module.parameters()), allow_unused=True)
        for name, gradient in zip(values, expected, strict=True):
            close(gradients[name][sample], torch.zeros_like(values[name]) if gradient is None else gradient)


def test_a_step_uses_the_weights_that_the_module_has_now():
    module = build(nn.GRUCell, 3, 4)
    step = recurrences(module)[""].step
    module.weight_hh = nn.Parameter(normal(12, 4, seed=3))
    x, h = normal(5, 3), normal(5, 4, seed=2)
    close(step(x, h), module(x, h))

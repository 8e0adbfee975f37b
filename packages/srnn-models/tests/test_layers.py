"""Several layers, against torch's modules with the same number of layers."""

import pytest
import torch
from torch import nn

from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, ModelError, Recurrence, Stack

VALUES = {
    "elman": ElmanRNN(hidden=5, bias="double"),
    "elman relu": ElmanRNN(hidden=5, nonlinearity="relu", bias=False),
    "leaky of alpha 1": LeakyRNN(hidden=5, bias=False),
    "gru": GRU(hidden=5),
    "lstm": LSTM(hidden=5, bias=False),
}
values = pytest.mark.parametrize("value", list(VALUES.values()), ids=list(VALUES))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def built(value, layers=3, seed=0):
    return Stack(value, 2, layers, generator=generator(seed)).double()


def torch_twin(value, stack):
    sizes = {"input_size": 2, "hidden_size": 5, "num_layers": len(stack.layers), "bias": bool(value.bias)}
    with torch.random.fork_rng():
        if isinstance(value, ElmanRNN | LeakyRNN):
            twin = nn.RNN(**sizes, nonlinearity=value.nonlinearity, dtype=torch.float64)
        else:
            twin = {GRU: nn.GRU, LSTM: nn.LSTM}[type(value)](**sizes, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in stack.named_parameters():
            _, layer, part = name.split(".")
            getattr(twin, f"{'bias_ih' if part == 'bias' else part}_l{layer}").copy_(parameter)
    return twin


@values
@pytest.mark.parametrize("layers", [1, 3])
def test_equals_torch_with_the_same_number_of_layers(value, layers):
    stack = built(value, layers)
    twin = torch_twin(value, stack)
    x, state = normal(6, 4, 2), normal(layers, 4, stack.state_size, seed=2)
    states, last = stack(x, state)
    expected, ends = twin(x, tuple(part.contiguous() for part in state.chunk(2, -1)) if value.kind == "lstm" else state)
    torch.testing.assert_close(states, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, torch.cat(ends, -1) if value.kind == "lstm" else ends, rtol=1e-12, atol=1e-12)
    assert last.shape == (layers, 4, stack.state_size)
    torch.testing.assert_close(stack(x)[0], twin(x)[0], rtol=1e-12, atol=1e-12)  # from zeros


@values
def test_steps_and_windows_equal_one_run(value):
    stack, x = built(value), normal(7, 4, 2)
    states, last = stack(x)
    state = None
    for t in range(7):
        state = stack.step(x[t], state)
        torch.testing.assert_close(stack.output(state), states[t])
    torch.testing.assert_close(state, last)
    first, carried = stack(x[:3])
    second, end = stack(x[3:], carried)
    torch.testing.assert_close(torch.cat([first, second]), states)
    torch.testing.assert_close(end, last)


@values
def test_vmap_over_stacked_seeds_equals_the_loop(value):
    stacks = [built(value, seed=seed) for seed in range(3)]
    params, _ = torch.func.stack_module_state(stacks)
    x = normal(3, 5, 4, 2)
    states, last = torch.vmap(lambda params, x: torch.func.functional_call(stacks[0], params, (x,)))(params, x)
    for i, stack in enumerate(stacks):
        torch.testing.assert_close(states[i], stack(x[i])[0])
        torch.testing.assert_close(last[i], stack(x[i])[1])


def test_sizes_names_and_reset():
    stack = built(GRU(hidden=5))
    assert isinstance(stack, Recurrence)
    assert (stack.inputs, stack.hidden, stack.state_size) == (2, 5, 5)
    assert [(layer.inputs, layer.hidden) for layer in stack.layers] == [(2, 5), (5, 5), (5, 5)]
    assert [name for name, _ in stack.named_parameters()][:5] == [
        "layers.0.weight_ih",
        "layers.0.weight_hh",
        "layers.0.bias_ih",
        "layers.0.bias_hh",
        "layers.1.weight_ih",
    ]
    a, b = (Stack(GRU(hidden=5), 2, 3, generator=generator(seed)) for seed in (0, 1))
    before = list(a.parameters())
    a.reset_parameters(generator=generator(1))
    assert all(p is q for p, q in zip(a.parameters(), before, strict=True))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not torch.equal(a.layers[1].weight_hh, a.layers[2].weight_hh)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda stack: stack(torch.zeros(3, 4)), r"inputs: expected shape \(T, B, 2\) with T >= 1, got \(3, 4\)"),
        (lambda stack: stack(torch.zeros(0, 4, 2)), r"got \(0, 4, 2\)"),
        (lambda stack: stack(torch.zeros(3, 4, 2), torch.zeros(4, 5)), r"state: expected shape \(3, 4, 5\), got \(4,"),
        (lambda stack: stack(torch.zeros(3, 4, 2), torch.zeros(2, 4, 5)), r"expected shape \(3, 4, 5\), got \(2, 4,"),
        (lambda stack: stack.step(torch.zeros(4, 2), torch.zeros(3, 1, 5)), r"\(3, 4, 5\), got \(3, 1, 5\)"),
    ],
)
def test_errors_give_the_expected_shape_and_the_actual_one(call, message):
    with pytest.raises(ModelError, match=message):
        call(built(ElmanRNN(hidden=5)))

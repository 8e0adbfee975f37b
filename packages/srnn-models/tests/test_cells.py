"""Laws of every cell: a new cell joins with one line in `CELLS`."""

import copy
import math
import pickle

import pytest
import torch

from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, ModelError, PeepholeLSTM, Recurrence

CELLS = {
    "elman": (ElmanRNN(hidden=7), "ElmanModule(3 -> 7, tanh, bias=True)"),
    "elman relu": (ElmanRNN(hidden=7, nonlinearity="relu", bias=False), "ElmanModule(3 -> 7, relu, bias=False)"),
    "elman double": (ElmanRNN(hidden=7, bias="double"), "ElmanModule(3 -> 7, tanh, bias=double)"),
    "leaky": (LeakyRNN(hidden=7), "LeakyModule(3 -> 7, relu, alpha=1.0, bias=True)"),
    "leaky softplus": (
        LeakyRNN(hidden=7, alpha=0.2, nonlinearity="softplus"),
        "LeakyModule(3 -> 7, softplus, alpha=0.2, bias=True)",
    ),
    "leaky tanh": (
        LeakyRNN(hidden=7, alpha=0.2, nonlinearity="tanh", bias=False),
        "LeakyModule(3 -> 7, tanh, alpha=0.2, bias=False)",
    ),
    "gru": (GRU(hidden=7), "GRUModule(3 -> 7, bias=True)"),
    "lstm": (LSTM(hidden=7, bias=False), "LSTMModule(3 -> 7, bias=False)"),
    "peephole lstm": (PeepholeLSTM(hidden=7), "PeepholeLSTMModule(3 -> 7, bias=True)"),
}
GATES = {ElmanRNN: "h", LeakyRNN: "h", GRU: "rzn", LSTM: "ifgo", PeepholeLSTM: "ifgo"}
cells = pytest.mark.parametrize("cell", [value for value, _ in CELLS.values()], ids=list(CELLS))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def built(cell, seed=0):
    return cell.build(3, generator=generator(seed)).double()


def resized(cell, hidden):
    return cell.model_copy(update={"hidden": hidden})


@cells
def test_steps_and_windows_equal_one_run(cell):
    module, x = built(cell), normal(9, 4, 3)
    states, last = module(x)
    assert isinstance(module, Recurrence)
    assert states.shape == (9, 4, 7) and last.shape == (4, module.state_size) == (4, cell.state_size)
    assert torch.equal(states[-1], module.output(last))

    state = None
    for t in range(9):
        state = module.step(x[t], state)
        torch.testing.assert_close(module.output(state), states[t], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=1e-12, atol=1e-12)

    first, carried = module(x[:4])
    second, end = module(x[4:], carried)
    torch.testing.assert_close(torch.cat([first, second]), states, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(end, last, rtol=1e-12, atol=1e-12)


@cells
@pytest.mark.parametrize(("backward", "shared"), [("within", True), ("after", False)])
def test_vmap_over_stacked_seeds_equals_the_loop_with_gradients(cell, backward, shared):
    """`within`: gradients are taken inside of vmap. `after`: of the result of vmap, as the stacked engine does."""
    modules = [built(cell, seed) for seed in range(3)]
    params, _ = torch.func.stack_module_state(modules)
    x, state = normal(5, 2, 3) if shared else normal(3, 5, 2, 3), normal(2, cell.state_size, seed=2)
    skeleton = copy.deepcopy(modules[0]).to("meta")

    def loss(params, x):
        states, last = torch.func.functional_call(skeleton, params, (x, state))
        return states.square().sum() + last.sum()

    dims = (0, None if shared else 0)
    if backward == "within":
        gradients = torch.vmap(torch.func.grad(loss), in_dims=dims)(params, x)
    else:
        losses = torch.vmap(loss, in_dims=dims)(params, x)
        gradients = dict(zip(params, torch.autograd.grad(losses.sum(), list(params.values())), strict=True))
    for i, module in enumerate(modules):
        states, last = module(x if shared else x[i], state)
        (states.square().sum() + last.sum()).backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(gradients[name][i], parameter.grad)


@cells
def test_gradients_of_both_orders_are_those_of_finite_differences(cell):
    module = built(resized(cell, 2))
    names, parameters = zip(*module.named_parameters(), strict=True)

    def run(x, state, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x, state))

    leaves = [normal(2, 2, 3).requires_grad_(), normal(2, module.state_size, seed=2).requires_grad_(), *parameters]
    assert torch.autograd.gradcheck(run, leaves)
    assert torch.autograd.gradgradcheck(run, leaves)


@cells
def test_autocast_gives_states_that_can_be_carried(cell):
    module = resized(cell, 64).build(3, generator=generator())
    x = normal(20, 8, 3).float()
    expected, _ = module(x)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        first, state = module(x[:9])
        second, _ = module(x[9:], state)
        stepped = module.output(module.step(x[9], state))
    torch.testing.assert_close(stepped, second[0])
    rounded = torch.cat([first, second]).float()
    assert rounded.isfinite().all()
    assert 0 < (rounded - expected).norm() < 0.03 * expected.norm()


@cells
def test_shapes_and_range_of_the_weights(cell):
    module = resized(cell, 64).build(32, generator=generator())
    rows = len(GATES[type(cell)]) * 64
    biases = ["bias_ih", "bias_hh"] if rows > 64 else ["bias", "bias_hh"] if cell.bias == "double" else ["bias"]
    assert [(name, tuple(p.shape)) for name, p in module.named_parameters()] == [
        ("weight_ih", (rows, 32)),
        ("weight_hh", (rows, 64)),
        *[(name, (rows,)) for name in biases if cell.bias],
        *[("weight_ch", (rows, 64)) for _ in range(cell.kind == "peephole_lstm")],
    ]
    for name, parameter in module.named_parameters():
        assert 0.9 / 8 < parameter.abs().max() <= 1 / 8, name
        assert abs(parameter.mean()) < 4 / 8 / math.sqrt(3 * parameter.numel()), name


@cells
def test_the_gates_have_names(cell):
    module = built(cell)
    assert "".join(module.gate_names) == GATES[type(cell)]
    assert len(module.gate_names) == module.matrices()["weight_hh"].gates


@cells
def test_the_seed_decides_the_weights_and_a_reset_draws_them_again_in_place(cell):
    a, b, c = (cell.build(3, generator=generator(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not any(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))
    before = list(a.parameters())
    a.reset_parameters(generator=generator(1))
    assert all(p is q for p, q in zip(a.parameters(), before, strict=True))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


@cells
def test_a_reset_keeps_the_precision(cell):
    module = built(cell)
    module.reset_parameters(generator=generator(3))
    assert {p.dtype for p in module.parameters()} == {torch.float64}
    assert (module.weight_hh != module.weight_hh.float()).any()  # drawn in float64, not converted to it


@pytest.mark.parametrize(("cell", "text"), CELLS.values(), ids=list(CELLS))
def test_a_module_is_printed_pickled_and_copied(cell, text):
    module, x = built(cell), normal(3, 2, 3)
    assert repr(module) == text
    for twin in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert torch.equal(twin(x)[0], module(x)[0])


@cells
def test_the_global_generator_is_untouched(cell):
    before = torch.get_rng_state()
    module = built(cell)
    module.reset_parameters(generator=generator(1))
    module(normal(3, 2, 3))[0].sum().backward()
    assert torch.equal(torch.get_rng_state(), before)


@cells
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(torch.zeros(3, 3)), r"inputs: expected shape \(T, B, 3\) with T >= 1, got \(3, 3\)"),
        (lambda m: m(torch.zeros(3, 2, 5)), r"got \(3, 2, 5\)"),
        (lambda m: m(torch.zeros(0, 2, 3)), r"got \(0, 2, 3\)"),
        (lambda m: m(torch.zeros(3, 4, 3), torch.zeros(4, 6)), r"state: expected shape \(4, 1?\d\), got \(4, 6\)"),
        (lambda m: m(torch.zeros(3, 4, 3), torch.zeros(7)), r"state: expected shape \(4, 1?\d\), got \(7,\)"),
        (lambda m: m.step(torch.zeros(4, 3), torch.zeros(1, 7)), r"state: expected shape \(4, 1?\d\), got \(1, 7\)"),
    ],
)
def test_errors_give_the_expected_shape_and_the_actual_one(cell, call, message):
    with pytest.raises(ModelError, match=message):
        call(built(cell))


@cells
def test_build_needs_inputs_and_a_generator(cell):
    with pytest.raises(ModelError, match="inputs: expected a positive size, got 0"):
        cell.build(0, generator=generator())
    with pytest.raises(ModelError, match=r"generator: expected a torch\.Generator"):
        cell.build(1, generator=None)

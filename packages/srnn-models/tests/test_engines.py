"""Laws of the engines: each cell by each product gives the results of the loop and of finite differences."""

import pytest
import torch

from srnn_models import GRU, LSTM, ElmanRNN, LeakyRNN, accelerate, decelerate
from srnn_models.engines import (
    Dense,
    Edges,
    Structure,
    choose,
    choose_over_torch,
    dots_by_bags,
    dots_by_samples,
    elman,
)

CELLS = {
    "elman": ElmanRNN(hidden=5),
    "elman relu": ElmanRNN(hidden=5, nonlinearity="relu", bias=False),
    "elman double": ElmanRNN(hidden=5, bias="double"),
    "leaky": LeakyRNN(hidden=5),
    "leaky relu": LeakyRNN(hidden=5, alpha=0.3),
    "leaky tanh": LeakyRNN(hidden=5, alpha=0.3, nonlinearity="tanh", bias=False),
    "leaky softplus": LeakyRNN(hidden=5, alpha=0.3, nonlinearity="softplus"),
    "leaky softplus, alpha 1": LeakyRNN(hidden=5, nonlinearity="softplus"),
    "gru": GRU(hidden=5),
    "gru without bias": GRU(hidden=5, bias=False),
    "lstm": LSTM(hidden=5),
    "lstm without bias": LSTM(hidden=5, bias=False),
}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
engines = pytest.mark.parametrize("engine", ["dense", "sparse"])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def random_mask(rows, columns, density=0.4):
    return torch.rand(rows, columns, generator=generator(3)) < density


def empty_rows(rows, columns):
    mask = random_mask(rows, columns)
    mask[:2] = False
    return mask


def full_rows(rows, columns):
    mask = random_mask(rows, columns)
    mask[1::2] = True
    return mask


def self_loops(rows, columns):
    return torch.eye(columns, dtype=torch.bool).repeat(rows // columns, 1)


def gates_of_different_densities(rows, columns):
    gates = range(rows // columns)
    return torch.cat([random_mask(columns, columns, density=gate / 3) for gate in gates])


def no_edge(rows, columns):
    return torch.zeros(rows, columns, dtype=torch.bool)


def all_edges(rows, columns):
    return torch.ones(rows, columns, dtype=torch.bool)


CASES = {  # T, B, N and the mask
    "random": (4, 3, 5, random_mask),
    "empty rows": (4, 3, 5, empty_rows),
    "full rows": (4, 3, 5, full_rows),
    "self-loops": (4, 3, 5, self_loops),
    "gates of different densities": (4, 3, 5, gates_of_different_densities),
    "no edge": (4, 3, 5, no_edge),
    "all edges": (4, 3, 5, all_edges),
    "one neuron": (4, 3, 1, all_edges),
    "one neuron without edge": (4, 3, 1, no_edge),
    "one sequence": (4, 1, 5, random_mask),
    "one sequence, no edge": (2, 1, 5, no_edge),
    "one step": (1, 3, 5, random_mask),
    "one step of one neuron for one sequence": (1, 1, 1, all_edges),
    "as many sequences as take embedding_bag": (2, 40, 5, random_mask),
    "many sequences": (2, 70, 5, random_mask),
    "more steps than one chunk of the gradient": (30, 20, 5, random_mask),
}


def masked(cell, hidden, mask):
    """The built cell in float64 with a mask on W_hh, as srnn-masks keeps it."""
    module = cell.model_copy(update={"hidden": hidden}).build(3, generator=generator()).double()
    mask = mask(*module.weight_hh.shape)
    with torch.no_grad():
        module.weight_hh.mul_(mask)
    module.register_buffer("weight_hh_mask", mask)
    return module


def scores(states, last):
    """A number that depends on each state in another way."""
    return (states * torch.linspace(0.5, 2, states.numel(), dtype=states.dtype).view(states.shape)).sum() + (
        last.square() * torch.linspace(1, 3, last.numel(), dtype=last.dtype).view(last.shape)
    ).sum()


def results(module, x, state, score=scores):
    """The results and, by name, the gradients by everything that requires one; that of W_hh at the mask only."""
    states, last = module(x, state)
    given = {"x": x, "state": state, **dict(module.named_parameters())}
    given = {name: tensor for name, tensor in given.items() if tensor is not None and tensor.requires_grad}
    found = torch.autograd.grad(score(states, last), list(given.values()), materialize_grads=True)
    gradients = dict(zip(given, found, strict=True))
    if "weight_hh" in gradients:
        gradients["weight_hh"] = gradients["weight_hh"] * module.weight_hh_mask
    return {"states": states, "last": last, **gradients}


def assert_equal_results(module, engine, x, state, score=scores):
    theirs = results(decelerate(module), x, state, score)
    ours = results(accelerate(module, engine), x, state, score)
    assert module.acceleration.used == (engine,)
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-10, atol=1e-12)


@cells
@engines
@pytest.mark.parametrize(("steps", "batch", "hidden", "mask"), CASES.values(), ids=CASES)
def test_results_and_gradients_are_those_of_the_loop(cell, engine, steps, batch, hidden, mask):
    module = masked(cell, hidden, mask)
    state = normal(batch, module.state_size, seed=2).requires_grad_()
    assert_equal_results(module, engine, normal(steps, batch, 3).requires_grad_(), state)


@cells
@engines
def test_gradients_are_those_of_finite_differences(cell, engine):
    module = accelerate(masked(cell, 3, random_mask), engine)
    x, state = normal(3, 2, 3).requires_grad_(), normal(2, module.state_size, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda *_: module(x, state), (x, state, *module.parameters()))
    assert module.acceleration.used == (engine,)


@cells
def test_second_derivatives_are_those_of_finite_differences(cell):
    module = accelerate(masked(cell, 2, all_edges), "sparse")
    x, state = normal(2, 2, 3).requires_grad_(), normal(2, module.state_size, seed=2).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda *_: module(x, state), (x, state, *module.parameters()))


@cells
@engines
def test_no_state_other_strides_and_losses_of_a_part(cell, engine):
    module = masked(cell, 5, random_mask)
    x = normal(3, 2, 8)[..., ::2][..., :3].transpose(0, 1).requires_grad_()  # (2, 3, 3), not contiguous
    assert not x.is_contiguous()
    for score in (
        scores,
        lambda states, last: last.sum(),
        lambda states, last: states.sum(),  # its gradient is one number, expanded
        lambda states, last: states[-1].square().sum(),
        lambda states, last: states.mT.contiguous().sin().sum(),
    ):
        assert_equal_results(module, engine, x, None, score)


@cells
@engines
def test_windows_carry_state_and_gradient(cell, engine):
    module, x = masked(cell, 5, random_mask), normal(6, 2, 3)

    def run():
        first, state = module(x[:2])
        second, last = module(x[2:], state)
        return [first, second, last, *torch.autograd.grad(scores(second, last), list(module.parameters()))]

    theirs = run()
    accelerate(module, engine)
    for our, their in zip(run(), theirs, strict=True):
        at = module.weight_hh_mask if our.shape == module.weight_hh_mask.shape else 1
        torch.testing.assert_close(our * at, their * at)


@cells
@engines
def test_frozen_weights_get_no_gradient_and_the_others_theirs(cell, engine):
    module = masked(cell, 5, random_mask)
    x, state = normal(4, 3, 3), normal(3, module.state_size, seed=2)
    for frozen in [name for name, _ in module.named_parameters()]:
        module.get_parameter(frozen).requires_grad_(False)
        assert_equal_results(module, engine, x, state)
        module.get_parameter(frozen).requires_grad_(True)


class Counting(Dense):
    """A dense product that counts its calls."""

    def __init__(self, weight):
        super().__init__(weight)
        self.calls = []

    def add_transposed_(self, out, d):
        self.calls.append("transposed")
        super().add_transposed_(out, d)

    def gradient(self, deltas, states):
        self.calls.append("gradient")
        return super().gradient(deltas, states)


@pytest.mark.parametrize(("weight_needed", "state_needed"), [(True, True), (True, False), (False, True)])
def test_a_backward_pass_computes_only_what_is_needed(weight_needed, state_needed):
    weight, state = normal(5, 5).requires_grad_(weight_needed), normal(5, 2).requires_grad_(state_needed)
    product = Counting(weight)
    elman(product, None, "tanh", normal(4, 3, 2), normal(5, 3), None, weight, state).sum().backward()
    assert product.calls == ["transposed"] * (3 + state_needed) + ["gradient"] * weight_needed


@pytest.mark.parametrize("batch", [1, 2, 40, 70])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_are_those_of_the_dense_matrix(batch, dtype):
    mask = random_mask(15, 5)
    weight = normal(15, 5).to(dtype) * mask
    deltas, states = normal(7, 15, batch).to(dtype), normal(7, 5, batch, seed=2).to(dtype)
    expected = torch.einsum("trb,tnb->rn", deltas, states)
    close = {} if dtype is torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    for product, at in ((Dense(weight), 1), (Edges(Structure(mask), weight, mask), mask)):
        out, back = torch.ones(15, batch, dtype=dtype), torch.ones(5, batch, dtype=dtype)
        product.add_(out, states[0])
        product.add_transposed_(back, deltas[0])
        torch.testing.assert_close(out, 1 + weight @ states[0], **close)
        torch.testing.assert_close(back, 1 + weight.t() @ deltas[0], **close)
        torch.testing.assert_close(product.gradient(deltas, states), expected * at, **close)


@pytest.mark.parametrize("dots", [dots_by_bags, dots_by_samples])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("mask", [random_mask, empty_rows, full_rows, no_edge, all_edges])
def test_products_at_the_edges_are_those_of_the_dense_matrix(dots, dtype, mask):
    mask = mask(15, 5)
    left, right = normal(15, 7).to(dtype), normal(5, 7, seed=2).to(dtype)
    found = dots(Structure(mask).rows, left, right)
    torch.testing.assert_close(found, (left @ right.t())[mask])


def test_a_gradient_is_dense_while_the_mask_is_lifted_or_after_it_was_written_to():
    mask = random_mask(5, 5)
    weight, deltas, states = normal(5, 5) * mask, normal(3, 5, 2), normal(3, 5, 2, seed=2)
    expected = torch.einsum("trb,tnb->rn", deltas, states)
    product = Edges(Structure(mask), weight, mask)
    mask.lifted = True
    torch.testing.assert_close(product.gradient(deltas, states), expected)
    mask.lifted = False
    torch.testing.assert_close(product.gradient(deltas, states), expected * mask)
    mask[0, 0] = ~mask[0, 0]
    torch.testing.assert_close(product.gradient(deltas, states), expected)


def test_the_edges_of_a_mask():
    mask = torch.tensor([[0, 1, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]]).bool()
    structure = Structure(mask)
    assert structure.places.tolist() == [1, 2, 6, 8, 10]
    assert structure.rows.starts.tolist() == [0, 2, 2, 4, 5]
    assert structure.rows.columns.tolist() == [1, 2, 0, 2, 1]
    assert structure.columns.starts.tolist() == [0, 1, 3, 5]
    assert structure.columns.columns.tolist() == [2, 0, 3, 0, 2]
    assert structure.rows.columns.dtype is structure.columns.starts.dtype is torch.int32


@pytest.mark.parametrize(
    ("hidden", "batch", "density", "engine"),
    [
        (255, 20, 0.01, "loop"),
        (256, 20, 0.01, "sparse"),
        (256, 20, 0.2, "loop"),
        (1000, 20, 0.15, "dense"),
        (1000, 4, 0.2, "sparse"),
        (1000, 4, 0.25, "dense"),
        (999, 4, 0.15, "dense"),
        (1000, 20, None, "dense"),
        (256, 20, None, "loop"),
    ],
)
def test_what_auto_chooses(hidden, batch, density, engine):
    assert choose(hidden, batch, density, torch.device("cpu")) == engine
    assert choose(hidden, batch, density, torch.device("cuda")) == "loop"


@pytest.mark.parametrize(
    ("mode", "hidden", "density", "engine"),
    [
        ("GRU", 255, 0.01, "loop"),
        ("GRU", 256, 0.01, "sparse"),
        ("LSTM", 511, 0.01, "loop"),
        ("LSTM", 512, 0.01, "sparse"),
        ("GRU", 1000, 0.5, "loop"),
        ("GRU", 1000, None, "dense"),
        ("RNN_TANH", 1000, None, "dense"),
        ("RNN_RELU", 1000, None, "dense"),
        ("LSTM", 1000, None, "loop"),
        ("GRU", 256, None, "loop"),
    ],
)
def test_what_auto_chooses_for_layers_of_torch(mode, hidden, density, engine):
    assert choose_over_torch(mode, hidden, 20, density, torch.device("cpu")) == engine
    assert choose_over_torch(mode, hidden, 20, density, torch.device("cuda")) == "loop"


def test_an_lstm_gains_with_fewer_edges_and_more_sequences():
    cpu = torch.device("cpu")
    assert [choose_over_torch("LSTM", 999, batch, 0.09, cpu) for batch in (4, 5)] == ["loop", "sparse"]
    assert choose_over_torch("LSTM", 999, 5, 0.1, cpu) == "loop"
    assert choose_over_torch("LSTM", 1000, 1, 0.14, cpu) == "sparse"
    assert [choose_over_torch(mode, 1000, 4, 0.2, cpu) for mode in ("GRU", "LSTM")] == ["sparse", "loop"]

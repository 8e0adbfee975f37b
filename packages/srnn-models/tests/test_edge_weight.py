"""Recurrent weights as values of edges: as the dense matrix with a mask, but never dense."""

import copy
import math
import pickle
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.utils import prune
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from srnn_models import (
    GRU,
    LSTM,
    EdgeWeight,
    ElmanRNN,
    Glorot,
    GlorotStacked,
    He,
    LeakyRNN,
    Matrix,
    ModelError,
    SequenceModel,
    Stack,
    accelerate,
    decelerate,
    to_edges,
)
from srnn_models.engines import EdgeList, EdgeValues, gathered_product

CELLS = {
    "elman": ElmanRNN(hidden=5, bias="double"),
    "elman relu": ElmanRNN(hidden=5, nonlinearity="relu", bias=False),
    "leaky, alpha 1": LeakyRNN(hidden=5),
    "leaky softplus": LeakyRNN(hidden=5, alpha=0.3, nonlinearity="softplus", gain=2.0),
    "gru": GRU(hidden=5),
    "gru without bias": GRU(hidden=5, bias=False),
    "lstm": LSTM(hidden=5),
}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
MASKS = {
    "random": lambda rows, columns: random_mask(rows, columns),
    "empty and full rows": lambda rows, columns: random_mask(rows, columns) & rows_of(rows, 0) | rows_of(rows, 1),
    "self-loops": lambda rows, columns: torch.eye(columns, dtype=torch.bool).repeat(rows // columns, 1),
    "no edge": lambda rows, columns: torch.zeros(rows, columns, dtype=torch.bool),
    "all edges": lambda rows, columns: torch.ones(rows, columns, dtype=torch.bool),
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def random_mask(rows, columns, seed=3):
    return torch.rand(rows, columns, generator=generator(seed)) < 0.4


def rows_of(rows, rest):
    """Every third row, the second of them or the third."""
    return (torch.arange(rows) % 3 == rest + 1)[:, None]


def pair(cell, mask=random_mask):
    """A module in float64 with 0 outside of a mask, and the same by its edges; the mask."""
    dense = cell.build(3, generator=generator()).double()
    mask = mask(*dense.weight_hh.shape)
    with torch.no_grad():
        dense.weight_hh.mul_(mask)
    edges = copy.deepcopy(dense)
    to_edges(edges, {"weight_hh": mask})
    return dense, edges, mask


def results(module, x, state, mask, *, create_graph=False):
    """States, last state and the gradients by name; that of W_hh at the edges."""
    states, last = module(x, state)
    given = {"x": x, "state": state, **dict(module.named_parameters())}
    loss = states.sin().square().sum() + last.cos().sum()
    found = torch.autograd.grad(loss, list(given.values()), create_graph=create_graph, materialize_grads=True)
    gradients = dict(zip(given, found, strict=True))
    if "weight_hh" in gradients:
        gradients["weight_hh.values"] = gradients.pop("weight_hh")[mask]
    return {"states": states, "last": last, **gradients}


def assert_same(dense, edges, mask, *, batch=3, steps=4, create_graph=False):
    x, state = normal(steps, batch, 3).requires_grad_(), normal(batch, dense.state_size, seed=2).requires_grad_()
    theirs = results(dense, x, state, mask, create_graph=create_graph)
    ours = results(edges, x, state, mask, create_graph=create_graph)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-10, atol=1e-12)


@cells
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_results_and_gradients_are_those_of_the_dense_loop(cell, mask):
    dense, edges, mask = pair(cell, mask)
    assert_same(dense, edges, mask)
    assert edges.acceleration.used == ("sparse",)


@cells
@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (2, 40), (2, 70)])
def test_sizes_of_other_products(cell, steps, batch):
    assert_same(*pair(cell), steps=steps, batch=batch)


@cells
def test_the_first_gradient_can_be_a_graph(cell):
    dense, edges, mask = pair(cell)
    assert_same(dense, edges, mask, create_graph=True)
    assert edges.acceleration.used == ("sparse",)


@cells
def test_gradients_and_second_derivatives_are_those_of_finite_differences(cell):
    _, module, _ = pair(cell.model_copy(update={"hidden": 2}))
    x, state = normal(2, 2, 3).requires_grad_(), normal(2, module.state_size, seed=2).requires_grad_()
    arguments = (x, state, *module.parameters())
    assert torch.autograd.gradcheck(lambda *_: module(x, state), arguments)
    assert torch.autograd.gradgradcheck(lambda *_: module(x, state), arguments)


@cells
def test_frozen_weights_get_no_gradient(cell):
    _, module, _ = pair(cell)
    module.weight_hh.values.requires_grad_(False)
    module(normal(4, 3, 3))[0].sum().backward()
    assert module.weight_hh.values.grad is None
    assert module.weight_ih.grad is not None


@cells
def test_a_step_with_and_without_gradients(cell):
    dense, edges, mask = pair(cell)
    x, state = normal(3, 3), normal(3, dense.state_size, seed=2)
    theirs = dense.step(x, state)
    with torch.no_grad():
        torch.testing.assert_close(edges.step(x, state), theirs)
    ours = edges.step(x, state)
    torch.testing.assert_close(ours, theirs)
    (expected,) = torch.autograd.grad(theirs.square().sum(), dense.weight_hh)
    (found,) = torch.autograd.grad(ours.square().sum(), edges.weight_hh.values)
    torch.testing.assert_close(found, expected[mask])


@cells
def test_engines(cell):
    dense, edges, mask = pair(cell)
    for engine in ("auto", "sparse"):
        assert_same(dense, accelerate(edges, engine), mask)
        assert (edges.acceleration.engine, edges.acceleration.used) == (engine, ("sparse",))
    assert_same(dense, accelerate(edges, "loop"), mask)
    assert edges.acceleration.used == ("loop",)
    assert "Module[loop: loop](" in repr(edges)
    with pytest.raises(ModelError, match=r"engine 'dense': expected a dense weight_hh, got the edges"):
        accelerate(edges, "dense")
    assert edges.acceleration.engine == "loop"
    assert_same(dense, decelerate(edges), mask)
    assert "Module[auto: sparse](" in repr(edges)


def test_the_engines_of_a_model_with_both():
    dense, edges, _ = pair(ElmanRNN(hidden=5))
    model = nn.ModuleList([dense, edges])
    accelerate(model, "auto")
    assert [each.acceleration.engine for each in model] == ["auto", "auto"]
    decelerate(model)
    assert dense.acceleration is None and edges.acceleration.engine == "auto"


@cells
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # by forward mode
def test_the_loop_runs_where_the_pass_cannot(cell):
    dense, edges, _ = pair(cell)
    x = normal(4, 3, 3)
    expected = dense(x)[0]
    mapped = torch.vmap(lambda part: edges(part[:, None])[0][:, 0], in_dims=1, out_dims=1)(x)
    torch.testing.assert_close(mapped, expected)
    assert edges.acceleration.used == ("loop",)
    with forward_ad.dual_level():
        theirs, ours = (forward_ad.unpack_dual(each(forward_ad.make_dual(x, x))[0]).tangent for each in (dense, edges))
    torch.testing.assert_close(ours, theirs)
    half = edges.bfloat16()
    assert half(x.bfloat16())[0].dtype is torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(edges.float()(x.float())[0].double(), expected, rtol=0.1, atol=0.1)
    assert edges.acceleration.used == ("loop",)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's compiler does that
def test_a_compiled_network_of_edges():
    dense, edges, _ = pair(ElmanRNN(hidden=5))
    compiled = torch.compile(edges, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(normal(4, 3, 3))[0], dense(normal(4, 3, 3))[0])
    torch.compiler.reset()


def test_an_engine_asked_for_by_name_says_once_where_it_does_not_run():
    _, edges, _ = pair(ElmanRNN(hidden=5))
    accelerate(edges, "sparse")
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.warns(UserWarning, match="engine 'sparse' runs the loop here: autocast"):
            edges.float()(normal(4, 3, 3).float())
        edges(normal(4, 3, 3).float())


def test_values_that_a_hook_would_compute_are_refused():
    _, edges, _ = pair(ElmanRNN(hidden=5))
    prune.random_unstructured(edges.weight_hh, "values", amount=0.5)
    with pytest.raises(ModelError, match=r"expected a parameter values, got none; torch.nn.utils.prune cannot mask it"):
        edges(normal(4, 3, 3))


def test_seeds_with_the_same_edges_are_mapped():
    modules = [pair(ElmanRNN(hidden=5))[1] for _ in range(2)]
    modules[1].reset_parameters(generator=generator(5))
    weights, _ = torch.func.stack_module_state(modules)
    x = normal(4, 3, 3)
    states, _ = torch.vmap(lambda w: torch.func.functional_call(modules[0], w, (x,)))(weights)
    for ours, module in zip(states, modules, strict=True):
        torch.testing.assert_close(ours, module(x)[0])


class Slower(type(ElmanRNN(hidden=1).build(1, generator=torch.Generator()))):
    """A subclass that changes the step."""

    def advance(self, drive, recur, state):
        return super().advance(drive, recur, state) / 2


def test_a_subclass_runs_by_the_loop():
    _, module, _ = pair(ElmanRNN(hidden=5))
    x = normal(1, 3, 3)
    expected = module(x)[0] / 2
    module.__class__ = Slower
    torch.testing.assert_close(module(x)[0], expected)


REFUSED = {
    "a list": ([[0, 1], [0, 1]], "expected indices of torch.int64, got list"),
    "int32": (torch.tensor([[0, 1], [0, 1]]).int(), r"expected indices of torch.int64, got torch.int32"),
    "pairs": (torch.tensor([[0, 1], [0, 1], [1, 2]]), r"expected indices of shape \(2, E\), got \(3, 2\)"),
    "no row": (torch.tensor([0, 1]), r"expected indices of shape \(2, E\), got \(2,\)"),
    "target": (torch.tensor([[0, 5], [0, 1]]), "expected targets from 0 to 4, got 0 to 5"),
    "source": (torch.tensor([[0, 1], [-1, 1]]), "expected sources from 0 to 4, got -1 to 1"),
    "unsorted": (torch.tensor([[0, 2, 1], [0, 1, 1]]), r"sorted by target and source, got \[1, 1\] after \[2, 1\] at"),
    "sources": (torch.tensor([[0, 1, 1], [0, 3, 1]]), r"sorted by target and source, got \[1, 1\] after \[1, 3\] at"),
    "twice": (torch.tensor([[0, 1, 1], [0, 3, 3]]), r"expected no edge twice, got \[1, 3\] after \[1, 3\] at place 2"),
}


@pytest.mark.parametrize(("edges", "message"), REFUSED.values(), ids=REFUSED)
def test_wrong_edges_are_refused(edges, message):
    with pytest.raises(ModelError, match=f"edges: .*{message}"):
        ElmanRNN(hidden=5).build(2, generator=generator(), edges=edges)


def test_values_of_another_number_are_refused():
    with pytest.raises(ModelError, match=r"values: expected shape \(2,\), got \(3,\)"):
        EdgeWeight(torch.tensor([[0, 1], [0, 1]]), (5, 5), nn.Parameter(torch.ones(3)))


@cells
def test_indices_restore_the_mask_and_dense_the_matrix(cell):
    dense, edges, mask = pair(cell)
    assert torch.equal(edges.weight_hh.indices, mask.nonzero().T)
    assert edges.weight_hh.indices.dtype is torch.int64
    assert torch.equal(edges.weight_hh.dense(), dense.weight_hh)
    torch.testing.assert_close(edges.weight_hh.linear(normal(4, 5)), normal(4, 5) @ dense.weight_hh.T)


def built(mask, seed=0):
    return ElmanRNN(hidden=5).build(3, generator=generator(seed), edges=mask.nonzero().T)


def test_a_state_loads_into_the_same_edges_only():
    mask = random_mask(5, 5)
    module, other = built(mask), built(mask, seed=1)
    state = copy.deepcopy(module.state_dict())
    assert list(state) == ["weight_ih", "bias", "weight_hh.values", "weight_hh.indptr", "weight_hh.columns"]
    assert state["weight_hh.indptr"].dtype is state["weight_hh.columns"].dtype is torch.int32
    for assign in (False, True):
        other.load_state_dict(state, assign=assign)
        assert all(torch.equal(each, state[name]) for name, each in other.state_dict().items())
        assert torch.equal(other(torch.ones(4, 2, 3))[0], module(torch.ones(4, 2, 3))[0])
    moved, fewer = mask.clone(), mask.clone()
    place = tuple(mask.nonzero()[0])
    moved[place], fewer[place] = False, False
    moved[tuple((~mask).nonzero()[-1])] = True
    for edges in (moved, fewer):
        other = built(edges)
        before = other.weight_hh.values.detach().clone()
        with pytest.raises(RuntimeError, match=r"weight_hh\.(indptr|columns): expected the \d+ edges of the module"):
            other.load_state_dict(state)
        assert torch.equal(other.weight_hh.values, before)
    wide = {name: each.long() if each.dtype is torch.int32 else each for name, each in state.items()}
    with pytest.raises(RuntimeError, match="expected the"):
        module.load_state_dict(wide)


@cells
def test_copies_and_dtypes(cell):
    _, module, _ = pair(cell)
    x = normal(4, 3, 3)
    expected = module(x)[0]
    module(x)[0].sum().backward()  # makes the transpose
    plain = len(pickle.dumps(cell.build(3, generator=generator(), edges=module.weight_hh.indices).double()))
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(twin(x)[0], expected)
        twin(x)[0].sum().backward()
        assert twin.weight_hh.columns.data_ptr() != module.weight_hh.columns.data_ptr()
    module.zero_grad()
    assert len(pickle.dumps(module)) <= plain + 100  # neither the edges in rows nor those in columns
    assert module.float().weight_hh.columns.dtype is torch.int32
    torch.testing.assert_close(module(x.float())[0].double(), expected, rtol=1e-4, atol=1e-4)


def test_a_description_of_each_matrix():
    network = SequenceModel(recurrence=GRU(hidden=5)).build(
        SimpleNamespace(inputs=3, outputs=1, start=None, tokens=False), generator=generator()
    )
    mask = random_mask(15, 5)
    with torch.no_grad():
        network.recurrence.weight_hh.mul_(mask)
    to_edges(network, {"recurrence.weight_hh": mask})
    assert network.matrices() == {
        "recurrence.weight_ih": Matrix(gates=3),
        "recurrence.weight_hh.values": Matrix(gates=3, recurrent=True, shape=(15, 5)),
        "readout.weight": Matrix(),
    }
    assert network.recurrence.gate_names == ("r", "z", "n")
    stack = Stack(ElmanRNN(hidden=5), 3, 2, generator=generator())
    stack.layers[1] = built(random_mask(5, 5))
    assert "layers.1.weight_hh.values" in stack.matrices()


@pytest.mark.parametrize(
    ("cell", "bound"),
    [
        (ElmanRNN(hidden=40), 1 / math.sqrt(40)),
        (LeakyRNN(hidden=40, gain=2.0), 2 / math.sqrt(40)),
        (GRU(hidden=40), 1 / math.sqrt(40)),
        (GRU(hidden=40, initialization=Glorot()), math.sqrt(6 / 80)),
        (GRU(hidden=40, initialization=GlorotStacked()), math.sqrt(6 / 160)),
    ],
)
def test_values_are_drawn_like_the_entries_of_the_dense_matrix(cell, bound):
    rows = cell.build(2, generator=generator()).weight_hh.shape[0]
    edges = random_mask(rows, 40).nonzero().T
    one, same, other = (cell.build(2, generator=generator(seed), edges=edges) for seed in (0, 0, 1))
    values = one.weight_hh.values
    assert 0.95 * bound < values.abs().max() <= bound
    assert torch.equal(values, same.weight_hh.values) and not torch.equal(values, other.weight_hh.values)
    other.reset_parameters(generator=generator())
    assert torch.equal(values, other.weight_hh.values)


def test_the_fans_of_a_normal_distribution_are_those_of_the_dense_matrix():
    edges = random_mask(60, 60).nonzero().T
    module = ElmanRNN(hidden=60, initialization=He()).build(2, generator=generator(), edges=edges)
    assert module.weight_hh.values.std().item() == pytest.approx(math.sqrt(2 / 60), rel=0.1)
    assert module.bias.count_nonzero() == 0


def test_products_by_plain_operations_and_by_edges():
    _, module, _ = pair(GRU(hidden=5))
    weight, x = module.weight_hh, normal(5, 4)
    expected = weight.dense() @ x
    torch.testing.assert_close(gathered_product(weight.edges.rows, weight.values, x), expected)
    out = torch.zeros(15, 4, dtype=torch.float64)
    EdgeValues(EdgeList(weight.edges.rows), weight.values).add_(out, x)
    torch.testing.assert_close(out, expected.detach())


class Sizes(TorchDispatchMode):
    """Notes the largest number of entries in the memory of a tensor; a sparse one consists of dense ones."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [each for each in tree_flatten(result)[0] if isinstance(each, torch.Tensor)]
        sizes = [each.untyped_storage().nbytes() // each.itemsize for each in tensors if each.layout is torch.strided]
        self.largest = max([self.largest, *sizes])
        return result


@pytest.mark.parametrize("cell", [ElmanRNN(hidden=2500), LeakyRNN(hidden=2500, alpha=0.5), GRU(hidden=2500)])
def test_nothing_of_the_size_of_the_matrix_is_made(cell):
    gates = 3 if cell.kind == "gru" else 1
    rows = torch.arange(gates * 2500)
    edges = torch.stack([rows.repeat_interleave(3), ((rows[:, None] + torch.arange(3)) % 2500).sort(1).values.view(-1)])
    with Sizes() as sizes:
        module = cell.build(2, generator=generator(), edges=edges)
        adam = torch.optim.Adam(module.parameters())
        for _ in range(2):
            states, _ = module(torch.ones(5, 4, 2))
            states.square().mean().backward()
            adam.step()
            adam.zero_grad()
        cell.build(2, generator=generator(1), edges=module.weight_hh.indices).load_state_dict(module.state_dict())
        with torch.no_grad():
            module.step(torch.ones(4, 2))
    assert 5 * 2500 <= sizes.largest < 2500 * 2500 // 20
    with sizes:  # a dense network is noticed
        ElmanRNN(hidden=2500).build(2, generator=generator())
    assert sizes.largest == 2500 * 2500

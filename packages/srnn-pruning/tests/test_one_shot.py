"""Pruning in one line: torch's modules in a user's own module, evidence, scope, generator, warnings and errors."""

import copy
import warnings
from collections import UserDict

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import srnn_masks
import srnn_pruning
from srnn_pruning import (
    SNIP,
    GraSP,
    JacobianSpectrum,
    Magnitude,
    Pruned,
    Pruning,
    PruningError,
    PruningWarning,
    Random,
    prune,
    summarize,
)

TORCH_WARNS = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:The .grad attribute:UserWarning"
)  # torch's own
MAY_WARN = pytest.mark.filterwarnings("ignore::srnn_pruning.PruningWarning")


@pytest.fixture(autouse=True)
def _own_global_generator():
    """Modules of torch draw their weights from the global generator: seed it, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def one_shot(*args, **kwargs):
    """Call the function under test, and check that the global generator stays as it was, also after an error."""
    before = torch.get_rng_state()
    try:
        return srnn_pruning.one_shot(*args, **kwargs)
    finally:
        assert torch.equal(torch.get_rng_state(), before)


class Tagger(nn.Module):
    """A user's module: embedding, recurrence, dropout, read-out of the last step; sequences come first in a batch."""

    def __init__(self, recurrence=nn.LSTM, layers=2, bidirectional=True):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.rnn = recurrence(6, 8, layers, batch_first=True, bidirectional=bidirectional, dropout=0.3)
        self.head = nn.Linear(8 * (2 if bidirectional else 1), 3)

    def forward(self, tokens, scale=1.0):
        h, _ = self.rnn(self.embedding(tokens) * scale)
        return self.head(h[:, -1])


class Loop(nn.Module):
    """A user's module that calls a cell once per step, and changes its state in between if it is told to."""

    def __init__(self, cell=nn.RNNCell, change=None):
        super().__init__()
        self.cell = cell(4, 10)
        self.head = nn.Linear(10, 3)
        self.change = change

    def forward(self, x):
        state = None
        for each in x:
            state = self.cell(each, state)
            state = state if self.change is None else self.change(state)
        return self.head(state[0] if isinstance(state, tuple) else state)


def tokens_and_classes(rows=7, steps=9):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(11, (rows, steps), generator=generator)
    return tokens, torch.randint(3, (rows,), generator=generator)


def train(model, x, y, steps=20):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@MAY_WARN
@pytest.mark.parametrize("recurrence", [nn.LSTM, nn.GRU])
def test_a_user_prunes_saves_loads_and_trains_on(recurrence, tmp_path, capsys):
    torch.manual_seed(0)
    model = Tagger(recurrence)
    x, y = tokens_and_classes()
    pruned = one_shot(model, JacobianSpectrum(), density=0.2, batch=x)

    names = [name for name, _ in model.rnn.named_parameters(prefix="rnn") if "weight" in name]
    assert list(pruned.masks) == names and len(names) == 8
    entries = sum(mask.numel() for mask in pruned.masks.values())
    assert pruned.kept == entries - round(0.8 * entries)
    assert pruned.summary == summarize(model)
    print(pruned)
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*names, "rnn.l0 ", "rnn.l1_reverse"])

    pruned.save(tmp_path / "masks.safetensors")
    fresh = Tagger(recurrence)
    Pruned.load(tmp_path / "masks.safetensors").apply(fresh)
    losses = train(fresh, x, y)
    assert losses[-1] < losses[0]
    for name, mask in pruned.masks.items():
        weight = fresh.get_parameter(name)
        assert (weight[~mask] == 0).all() and (weight[mask] != 0).all()


@MAY_WARN
@pytest.mark.parametrize("cell", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
@pytest.mark.parametrize("criterion", [JacobianSpectrum(), SNIP(), GraSP(), Magnitude(), Random()])
def test_a_cell_called_in_a_loop(cell, criterion):
    torch.manual_seed(0)
    model = Loop(cell)
    x, y = torch.randn(5, 7, 4), torch.randint(3, (7,))
    pruned = one_shot(
        model, criterion, density=0.3, batch=x, loss=lambda: cross_entropy(model(x), y), ranking="per_matrix"
    )
    assert list(pruned.masks) == ["cell.weight_ih", "cell.weight_hh"]
    train(model, x, y)
    for name, mask in pruned.masks.items():
        assert int(mask.sum()) == mask.numel() - round(0.7 * mask.numel())
        assert (model.get_parameter(name)[~mask] == 0).all()


@MAY_WARN
def test_the_masks_are_those_of_prune():
    x, y = tokens_and_classes()
    masks = []
    for _ in range(2):
        torch.manual_seed(0)
        model = Tagger().eval()
        if masks:
            masks.append(one_shot(model, SNIP(), density=0.1, loss=lambda m=model: cross_entropy(m(x), y)).masks)
        else:
            scope = ("rnn.weight*",)
            pruning = Pruning(sparsity=0.9, criterion=SNIP(), scope=scope)
            masks.append(prune(model, pruning, evidence={"loss": lambda m=model: cross_entropy(m(x), y)}))
    assert masks[0].keys() == masks[1].keys()
    assert all(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


def test_arguments_of_the_model():
    x, _ = tokens_and_classes()
    masks = []
    for batch in (x, ((x,), {}), ((x,), {"scale": 1.0}), ((), {"tokens": x}), ((x,), {"scale": 3.0})):
        torch.manual_seed(0)
        masks.append(one_shot(Tagger(), JacobianSpectrum(normalization="none"), density=0.3, batch=batch).masks)
    same = [all(torch.equal(each[name], masks[0][name]) for name in each) for each in masks]
    assert same == [True, True, True, True, False]


def test_a_packed_sequence_is_one_argument():
    model = nn.GRU(4, 6)
    packed = nn.utils.rnn.pack_sequence([torch.randn(5, 4), torch.randn(3, 4)])
    assert one_shot(model, JacobianSpectrum(), density=0.5, batch=packed).kept == 90


def test_default_generator_has_seed_0_and_the_global_one_stays():
    x, _ = tokens_and_classes()

    def masks(criterion, generator=None):
        torch.manual_seed(0)
        model = Tagger()
        before = torch.get_rng_state()
        found = one_shot(model, criterion, density=0.4, batch=x, generator=generator).masks
        assert torch.equal(torch.get_rng_state(), before)
        return torch.cat([mask.flatten() for mask in found.values()])

    for criterion in (Random(), JacobianSpectrum()):
        first = masks(criterion)
        assert torch.equal(first, masks(criterion))
        assert torch.equal(first, masks(criterion, torch.Generator().manual_seed(0)))
        assert not torch.equal(first, masks(criterion, torch.Generator().manual_seed(1)))


class Unnamed(Magnitude):
    """A criterion without the name by which it can be imported."""


def test_a_batch_that_no_layer_can_read_names_the_layer():
    model = nn.GRU(4, 6)
    with pytest.raises(PruningError, match=r"^GRU: expected a tensor or a PackedSequence as its input, got list"):
        one_shot(model, JacobianSpectrum(), density=0.5, batch=[torch.ones(3, 2, 4)])


def test_a_model_that_takes_a_list_gets_it():
    class Stacking(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 6)

        def forward(self, steps):
            return self.rnn(torch.stack(steps))

    batch = list(torch.randn(5, 3, 4))
    assert one_shot(Stacking(), JacobianSpectrum(), density=0.5, batch=batch, ranking="per_gate").kept == 90


def test_scope():
    model = Tagger()
    assert list(one_shot(model, Magnitude(), density=0.5, scope="rnn.weight_hh*").masks) == [
        f"rnn.weight_hh_l{layer}{direction}" for layer in range(2) for direction in ("", "_reverse")
    ]
    assert list(one_shot(model, Magnitude(), density=0.5, scope=("head*", "embedding*")).masks) == [
        "embedding.weight",
        "head.weight",
    ]
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    pruned = one_shot(network, Magnitude(), density=0.5, scope="*")
    assert (pruned.kept, pruned.summary.recurrences) == (12, ())
    with pytest.raises(PruningError, match=r"expected a recurrent layer .*; to prune other weights, pass scope="):
        one_shot(network, Magnitude(), density=0.5)


def test_weights_pruned_before_stay_pruned():
    model = nn.LSTM(3, 5)
    mask = torch.ones(20, 5, dtype=torch.bool)
    mask[:, 0] = False
    srnn_masks.apply(model, {"weight_hh_l0": mask})
    pruned = one_shot(model, Magnitude(), density=0.5)
    assert not pruned.masks["weight_hh_l0"][:, 0].any()
    assert (pruned.kept, pruned.removed) == (80, 60)
    assert "nothing was scored" not in str(pruned)


def test_a_model_that_is_sparse_enough_is_left_alone_and_the_result_states_it():
    model, calls = nn.LSTM(3, 5), []
    one_shot(model, Magnitude(), density=0.2)
    again = one_shot(model, SNIP(), density=0.9, loss=lambda: calls.append("loss"))
    assert (again.kept, again.removed, calls) == (32, 0, [])
    assert str(again).splitlines()[2] == (
        "nothing was scored or removed: no more weights were present than asked for (sparsity 0.1)"
    )


@MAY_WARN
@pytest.mark.parametrize("density", [0.9, 0.05, 0.3, 1 / 3, 0.7, 1e-9])
def test_the_sparsity_has_no_rounding_error_and_the_counts_are_exact(density):
    model = nn.RNN(6, 9)  # 135 weights: 13.5 of them for a density of 0.9
    pruned = one_shot(model, Magnitude(), density=density)
    assert pruned.kept == 135 - round(pruned.pruning.sparsity * 135)
    expected = {0.9: 0.1, 0.05: 0.95, 0.3: 0.7, 1 / 3: 0.6666666666666667, 0.7: 0.3, 1e-9: 0.999999999}
    assert pruned.pruning.sparsity == expected[density]


@MAY_WARN
@pytest.mark.parametrize("density", [0.85, 0.9, 0.35, 0.05])
def test_the_pruning_of_the_result_gives_the_same_masks_again(density):
    """150 weights: 22.5 of them for 0.15, which is less than 1 - 0.85."""
    model = nn.GRU(5, 5)
    other = copy.deepcopy(model)
    pruned = one_shot(model, Magnitude(), density=density)
    masks = prune(other, pruned.pruning)
    assert all(torch.equal(mask, masks[name]) for name, mask in pruned.masks.items())
    assert density != 0.85 or pruned.kept == 128


@pytest.mark.parametrize("density", [0, 1])
def test_all_or_nothing(density):
    model = nn.GRU(3, 5)
    if density:
        pruned = one_shot(model, Random(), density=density)
        assert not srnn_masks.masks(model)
    else:
        with pytest.warns(PruningWarning):
            pruned = one_shot(model, Random(), density=density)
    assert pruned.kept == 120 * density


def test_a_blind_recurrence_warns_and_says_so():
    model = nn.GRU(3, 5)
    with torch.no_grad():
        model.weight_ih_l0.mul_(1e-3)
        model.weight_hh_l0[:5].mul_(1e-3)
    with pytest.warns(PruningWarning) as caught:
        pruned = one_shot(model, Magnitude(), density=0.3)
    assert [str(each.message) for each in caught] == [
        "l0 keeps none of its 45 input weights, so it reads no input",
        "l0 keeps no weight of gate r, so only its bias sets this gate",
    ]
    assert caught[0].filename == __file__
    assert all(f"warning: {each.message}" in str(pruned) for each in caught)


def test_a_model_stays_as_it_is_apart_from_pruned_weights():
    x, y = tokens_and_classes()
    model = Tagger()
    cross_entropy(model(x), y).backward()
    model.embedding.weight.requires_grad_(False)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    pruned = one_shot(model, GraSP(), density=0.5, loss=lambda: cross_entropy(model(x), y), ranking="per_gate")
    assert model.training and model.rnn.training
    for name, parameter in model.named_parameters():
        mask = pruned.masks.get(name, torch.ones_like(parameter, dtype=torch.bool))
        assert torch.equal(parameter.detach(), before[name] * mask)
        assert torch.equal(parameter.grad, gradients[name] * mask)
    assert not model.embedding.weight.requires_grad


def test_a_loop_that_changes_the_state_warns():
    """Each call is a sequence of one step, so that the score is that of the explicit derivative."""
    x = torch.randn(5, 7, 4)
    with pytest.warns(
        PruningWarning, match=r"^cell is called 5 times, 4 of them from a state .* depends on$"
    ) as caught:
        one_shot(Loop(nn.GRUCell, nn.LayerNorm(10)), JacobianSpectrum(), density=0.5, batch=x, ranking="per_gate")
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_shot(Loop(nn.GRUCell), JacobianSpectrum(), density=0.5, batch=x, ranking="per_gate")


def test_a_batch_created_in_inference_mode():
    with torch.inference_mode():
        x = torch.randn(5, 7, 4)
    for batch in (x, ((x,), {}), ((), {"x": x})):
        model = Loop(nn.GRUCell)
        assert one_shot(model, JacobianSpectrum(), density=0.5, batch=batch, ranking="per_gate").removed == 210
    model = Loop(nn.GRUCell)
    with torch.inference_mode():
        one_shot(model, JacobianSpectrum(), density=0.5, batch=x, ranking="per_gate")
    model(x.clone()).sum().backward()


class Parallel(nn.Module):
    """A wrapper in the manner of DataParallel: the model is a submodule, called through the wrapper."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)


def compiled(module):
    return torch.compile(module, backend="eager")


@MAY_WARN
@pytest.mark.parametrize("wrap", [Parallel, nn.DataParallel, compiled], ids=["own", "data parallel", "compiled"])
@pytest.mark.parametrize("criterion", [JacobianSpectrum(), SNIP()], ids=lambda criterion: criterion.kind)
@TORCH_WARNS
def test_a_wrapped_model_is_pruned_as_the_model(wrap, criterion):
    x, y = tokens_and_classes()
    masks = []
    for model in (Tagger(nn.GRU), wrap(Tagger(nn.GRU))):
        with torch.no_grad():
            for number, parameter in enumerate(model.parameters()):
                parameter.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(number))
        loss = lambda model=model: cross_entropy(model(x), y)  # noqa: E731
        masks.append(one_shot(model, criterion, density=0.2, loss=loss).masks)
    for (name, mask), (wrapped, other) in zip(*(each.items() for each in masks), strict=True):
        assert wrapped.endswith(f".{name}") and torch.equal(mask, other)


@TORCH_WARNS
def test_a_loop_that_was_compiled_and_run_is_refused():
    model, x = Loop(nn.GRUCell).eval(), torch.randn(5, 7, 4)
    fast = compiled(model)
    fast(x)
    for module, batch in ((fast, {"batch": x}), (model, {"loss": lambda: fast(x).sum()})):
        with pytest.raises(PruningError, match=r"cell: expected run\(\) to call this module.*prune before compiling"):
            one_shot(module, JacobianSpectrum(), density=0.5, **batch)
    assert not srnn_masks.masks(model)


@TORCH_WARNS
def test_a_scripted_module_is_refused():
    model = torch.jit.script(nn.Sequential(nn.Linear(4, 3)))
    network = nn.ModuleDict({"rnn": nn.GRU(4, 3), "scripted": model})
    with pytest.raises(PruningError, match=r"expected a recurrent layer .* prune before scripting"):
        one_shot(model, Magnitude(), density=0.5)
    for module in (model, network):
        with pytest.raises(PruningError, match="expected a module that is not scripted; prune before scripting"):
            one_shot(module, Magnitude(), density=0.5, scope="*weight*")


@MAY_WARN
def test_a_weight_with_a_parametrization_is_in_the_summary():
    model = nn.GRU(3, 5)
    nn.utils.parametrizations.weight_norm(model, "weight_hh_l0")
    pruned = one_shot(model, Magnitude(), density=0.4, scope="*weight*")
    assert [row.name for row in pruned.summary.recurrences] == ["l0"] and pruned.kept == 48
    assert sum(row.kept for row in pruned.summary.rows if row.gate) == 48
    with pytest.raises(
        PruningError,
        match=r"weight_hh_l0: expected a parameter, got .* ParametrizedGRU computes .* parametrization first$",
    ):
        one_shot(model, Magnitude(), density=0.1)


def test_another_scope_is_advised_only_where_there_is_no_recurrence():
    with pytest.raises(
        PruningError, match=r"^Linear: expected a recurrent layer .*; to prune other weights, pass scope=$"
    ):
        one_shot(nn.Linear(3, 4), Magnitude(), density=0.5)


def test_what_is_no_model_with_values_is_refused():
    for model, words in [
        (Tagger, r"^model: expected a torch.nn.Module, got the class Tagger; create the model first$"),
        (lambda x: x, r"^model: expected a torch.nn.Module, got <function"),
        (
            nn.GRU(3, 4, device="meta"),
            r"^model: expected weights that have values, got weight_ih_l0 on the meta device",
        ),
    ]:
        with pytest.raises(PruningError, match=words):
            one_shot(model, Random(), density=0.5)


class Named(nn.Module):
    """A model with an optional argument."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 6)

    def forward(self, x, scale=1.0):
        return self.rnn(x["x"] if isinstance(x, dict) else x * scale)[0]


def test_a_dict_of_arguments_or_a_loader_is_no_batch():
    x = torch.randn(5, 7, 4)
    for batch in ({"x": x}, {"x": x, "scale": 2.0}, UserDict(x=x)):
        words = r"got a \w+ of arguments of Named.forward \(x.*\); for keyword arguments pass \(\(\), \{...\}\)"
        with pytest.raises(PruningError, match=words):
            one_shot(Named(), JacobianSpectrum(), density=0.5, batch=batch)
    with pytest.raises(PruningError, match=r"got a DataLoader; .* for keyword arguments pass \(\(\), \{...\}\)"):
        one_shot(Named(), JacobianSpectrum(), density=0.5, batch=torch.utils.data.DataLoader(x))
    with pytest.raises(PruningError, match=r"got a tuple of .* for keyword arguments pass \(\(\), \{...\}\)"):
        one_shot(Named(), JacobianSpectrum(), density=0.5, batch=(x, x))
    for batch in (x, ((), {"x": x}), (({"x": x},), {})):
        assert one_shot(Named(), JacobianSpectrum(), density=0.5, batch=batch, ranking="per_gate").removed == 90


def test_what_is_missing_is_said_before_anything_changes():
    x, _ = tokens_and_classes()
    model = Tagger()
    for options, words in [
        ({"criterion": SNIP()}, r"SNIP needs the loss of a batch, expected loss=lambda: .*got neither batch nor loss"),
        ({"criterion": SNIP(), "batch": x}, r"expected loss=lambda: .*got a batch without a loss"),
        ({"criterion": JacobianSpectrum()}, "JacobianSpectrum runs the model, expected batch=x or loss=lambda"),
        ({"criterion": SNIP}, r"criterion: expected a criterion such as SNIP\(\), got <class"),
        ({"criterion": Random(), "density": 5}, r"density: expected the share .* in \[0, 1\], got 5"),
        ({"criterion": Random(), "density": True}, r"density: .*got True"),
        ({"criterion": SNIP(), "loss": torch.ones(())}, "loss: expected a function .*got Tensor"),
        ({"criterion": JacobianSpectrum(), "batch": (x, x)}, r"batch: .*got a tuple of \(Tensor, Tensor\)"),
        ({"criterion": Random(), "scope": "absent*"}, "scope: expected 'absent\\*' to match"),
        ({"criterion": Random(), "scope": ()}, r"scope: expected a parameter name, a glob, .* got \(\)"),
        ({"criterion": Random(), "scope": 3}, "scope: .* got 3"),
        ({"criterion": Random(), "scope": [3]}, r"scope: .* got \[3\]"),
        ({"criterion": Random(), "density": "0.05"}, "density: .* got '0.05'"),
        ({"criterion": Random(), "density": None}, "density: .* got None"),
        ({"criterion": Random(), "density": float("nan")}, "density: .* got nan"),
        ({"criterion": Random(), "ranking": "per_row"}, "ranking: expected one of 'global', .* got 'per_row'"),
        ({"criterion": Random(), "generator": 3}, "generator: expected a torch.Generator or None, got 3"),
        ({"criterion": Magnitude(), "generator": 3}, "generator: expected a torch.Generator or None, got 3"),
        ({"criterion": JacobianSpectrum(), "batch": lambda: x}, "batch: expected the input .* got the function"),
        ({"criterion": JacobianSpectrum(), "batch": x[:0]}, "rnn.l0: expected inputs of at least one sequence"),
        ({"criterion": Unnamed()}, "criterion: .* expected the field kind"),
    ]:
        options = {"density": 0.5, **options}
        with pytest.raises(PruningError, match=words):
            one_shot(model, options.pop("criterion"), **options)
        assert not srnn_masks.masks(model)

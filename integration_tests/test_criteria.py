"""Criteria on the networks of srnn-models: the scores of torch's layers, and zeros that stay zero in training."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

import srnn_masks
from srnn_models import (
    GRU,
    LSTM,
    BlockRNN,
    ElmanRNN,
    LeakyRNN,
    Normal,
    PeepholeLSTM,
    ProjectedLSTM,
    SequenceModel,
)
from srnn_pruning import (
    SNIP,
    GraSP,
    JacobianSpectrum,
    Magnitude,
    Pruning,
    Random,
    Shuffled,
    chi,
    prune,
    recurrences,
    sequences,
)

SPEC = SimpleNamespace(inputs=3, outputs=2, start=None, tokens=False)
CELLS = {
    "elman": ElmanRNN(hidden=6),
    "leaky": LeakyRNN(hidden=6, alpha=0.3, nonlinearity="softplus"),
    "gru": GRU(hidden=6),
    "lstm": LSTM(hidden=6),
    "peephole": PeepholeLSTM(hidden=6),
}
BLOCKS = ("hx", "hh", "hy", "yx", "yh", "yy")
MODELS = {
    "block": BlockRNN(hidden=12, **dict.fromkeys(BLOCKS, Normal(sd=0.4))),
    "block that reads after": BlockRNN(hidden=12, reads="after", **dict.fromkeys(BLOCKS, Normal(sd=0.4))),
    "projected lstm": ProjectedLSTM(hidden=12, initialization=Normal(sd=0.4)),
}  # whose recurrence depends on the number of outputs
TWINS = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CRITERIA = [
    Magnitude(),
    Random(),
    SNIP(),
    GraSP(),
    JacobianSpectrum(),
    JacobianSpectrum(last=2, vector="frobenius", state="hc", derivative="explicit", normalization="rms"),
    JacobianSpectrum(vector="sign", normalization="none"),
    SNIP(normalization="gamma"),
    GraSP(normalization="mean_abs"),
    SNIP(normalization="data"),
    Shuffled(base=JacobianSpectrum()),
]
SECOND_ORDER_OR_SPARSE = {"Optimizer", "LBFGS", "SparseAdam"}
OPTIMIZERS = [
    optimizer
    for name, optimizer in sorted(vars(torch.optim).items())
    if isinstance(optimizer, type)
    and issubclass(optimizer, torch.optim.Optimizer)
    and name not in SECOND_ORDER_OR_SPARSE
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class TorchNet(nn.Module):
    """A layer of torch with a readout."""

    def __init__(self, kind):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.recurrence = kind(3, 6)
            self.readout = nn.Linear(6, 2)

    def forward(self, inputs):
        outputs, state = self.recurrence(inputs)
        return self.readout(outputs), state


def network(cell, layers=1):
    if cell in CELLS:
        return SequenceModel(recurrence=CELLS[cell], layers=layers).build(SPEC, generator=generator())
    if cell in MODELS:
        return MODELS[cell].build(SPEC, generator=generator())
    return TorchNet(getattr(nn, cell))


def problem(cell, layers=1):
    """Return a network and its loss on a batch."""
    net = network(cell, layers)
    inputs = torch.randn(5, 4, 3, generator=generator(1))
    targets = torch.randn(5, 4, 2, generator=generator(2))
    return net, lambda: (net(inputs)[0] - targets).square().mean()


def scope(net):
    names = {name for cell in recurrences(net).values() for group in cell.weights.values() for name in group}
    return tuple(name for name, _ in net.named_parameters() if name in names)


def check_zeros(cell, criterion, optimizer, layers=1):
    """Prune 80 %, train for 50 steps, and check all masked weights after each."""
    net, loss = problem(cell, layers)
    ranking = "per_matrix" if cell in MODELS else "global"  # otherwise whole blocks go: the inputs of a ReLU
    pruning = Pruning(sparsity=0.8, criterion=criterion, scope=scope(net), ranking=ranking)
    masks = prune(net, pruning, generator=generator(3), evidence={"loss": loss})
    sizes = [mask.numel() for mask in masks.values()]
    sizes = sizes if cell in MODELS else [sum(sizes)]
    assert sum(int(mask.sum()) for mask in masks.values()) == sum(size - round(0.8 * size) for size in sizes)
    before = {name: net.get_parameter(name).detach().clone() for name in masks}
    parameters = [p for p in net.parameters() if optimizer is not torch.optim.Muon or p.dim() == 2]
    steps = optimizer(parameters)
    for _ in range(50):
        steps.zero_grad()
        loss().backward()
        steps.step()
        for name, mask in masks.items():
            assert not net.get_parameter(name)[~mask].any()
    for name, mask in masks.items():
        weight = net.get_parameter(name)
        assert weight.isfinite().all()
        changed = weight[mask] != before[name][mask]
        assert not mask.any() or changed.any()
    assert all(torch.equal(mask, masks[name]) for name, mask in srnn_masks.masks(net).items())


@pytest.mark.parametrize("cell", [*CELLS, *MODELS, "RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.__name__)
def test_masked_weights_stay_zero_with_every_optimizer(cell, optimizer):
    check_zeros(cell, JacobianSpectrum(), optimizer)


@pytest.mark.parametrize("cell", [*CELLS, *MODELS, "RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.kind)
def test_masked_weights_stay_zero_with_every_criterion(cell, criterion):
    check_zeros(cell, criterion, torch.optim.Adam)


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.kind)
def test_stacks_are_pruned_layer_by_layer(criterion):
    check_zeros("lstm", criterion, torch.optim.Adam, layers=2)


def layer(cell):
    """Return a recurrence in float64, with weights of standard deviation 0.4."""
    if cell in MODELS:
        return MODELS[cell].build(SPEC, generator=generator()).double().recurrence
    return CELLS[cell].model_copy(update={"initialization": Normal(sd=0.4)}).build(3, generator=generator()).double()


def twins(cell):
    """Return one of our layers and the layer of torch with the same weights, in float64."""
    if cell == "projected lstm":
        ours = layer(cell)
        with torch.random.fork_rng():
            theirs = nn.LSTM(3, 12, proj_size=2).double()
        with torch.no_grad():
            for target, source in zip(theirs.parameters(), ours.parameters(), strict=True):
                target.copy_(source)
        return ours, theirs
    value = CELLS[cell].model_copy(update={"initialization": Normal(sd=0.4)})
    ours = value.build(3, generator=generator()).double()
    with torch.random.fork_rng():
        theirs = TWINS[cell](3, 6).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.zero_()
        theirs.weight_ih_l0.copy_(ours.weight_ih)
        theirs.weight_hh_l0.copy_(ours.weight_hh)
    return ours, theirs


@pytest.mark.parametrize("cell", [*TWINS, "projected lstm"])
@pytest.mark.parametrize("criterion", CRITERIA[2:-1], ids=lambda criterion: criterion.kind)
def test_our_layers_score_as_those_of_torch(cell, criterion):
    x = torch.randn(5, 4, 3, generator=generator(1), dtype=torch.float64)
    found = []
    for layer in twins(cell):
        names = [name for name, p in layer.named_parameters() if p.dim() > 1]
        scores = criterion.scores(
            {name: layer.get_parameter(name) for name in names},
            module=layer,
            generator=generator(3),
            loss=lambda layer=layer: (layer(x)[0] - 0.3).square().mean(),
            run=lambda layer=layer: layer(x),
        )
        found.append({name.removesuffix("_l0"): score for name, score in scores.items()})
    ours, theirs = found
    assert list(ours) == list(theirs)
    for name, score in ours.items():
        torch.testing.assert_close(score, theirs[name], rtol=1e-8, atol=1e-12)
        assert score.any()


@pytest.mark.parametrize("cell", [*CELLS, *MODELS])
@pytest.mark.parametrize("state", ["h", "hc"])
def test_forward_mode_and_double_backward_agree(cell, state):
    module = layer(cell)
    x = torch.randn(5, 4, 3, generator=generator(1), dtype=torch.float64)
    run = lambda: module(x)  # noqa: E731
    names = [name for name, p in module.named_parameters() if p.dim() > 1]
    weights = [module.get_parameter(name) for name in names]
    criterion = JacobianSpectrum(last=2, state=state, derivative="explicit", normalization="none")
    found = criterion.scores(dict(zip(names, weights, strict=True)), module=module, run=run)
    (steps,) = recurrences(module).values()
    (seen,) = sequences(module, recurrences(module), run).values()
    size = steps.hidden if state == "h" else steps.state_size
    expected, values, h = [torch.zeros_like(weight) for weight in weights], [], seen.state
    for number, x_t in enumerate(seen.inputs):
        leaf = h.detach().requires_grad_(True)
        after = steps.step(x_t, leaf)
        u = torch.zeros_like(after[:, :size], requires_grad=True)
        (pulled,) = torch.autograd.grad(after[:, :size], leaf, u, create_graph=True)
        (image,) = torch.autograd.grad(pulled[:, :size].sum(), u, create_graph=True)
        norm = image.square().sum(1).mean()
        values.append(norm.item() / size)
        if number >= 3:
            gradients = torch.autograd.grad(norm, weights, materialize_grads=True)
            expected = [total + gradient.abs() for total, gradient in zip(expected, gradients, strict=True)]
        h = after
    for name, value in zip(names, expected, strict=True):
        torch.testing.assert_close(found[name], value, rtol=1e-10, atol=1e-14)
    assert chi(module, run, state=state)[""] == pytest.approx(sum(values) / 5, rel=1e-12)
    assert chi(module, run, state=state, last=2)[""] == pytest.approx(sum(values[3:]) / 2, rel=1e-12)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm", "peephole", *MODELS])
def test_finite_differences_confirm_the_total_derivative(cell):
    """One transition: d chi / dw through all steps, by central differences of `chi` itself."""
    module = layer(cell)
    x = torch.randn(4, 3, 3, generator=generator(1), dtype=torch.float64)
    run = lambda: module(x)  # noqa: E731
    weights = {name: p for name, p in module.named_parameters() if p.dim() > 1}
    found = JacobianSpectrum(last=1, normalization="none").scores(weights, module=module, run=run)
    for name, weight in weights.items():
        for place in [(0, 0), (1, weight.shape[1] - 1), (len(weight) - 1, 1)]:
            values = []
            for shift in (1e-5, -2e-5):
                weight.data[place] += shift
                values.append(module.hidden * chi(module, run, last=1)[""])
            weight.data[place] += 1e-5
            assert found[name][place].item() == pytest.approx(abs(values[0] - values[1]) / 2e-5, rel=1e-6, abs=1e-9)

"""`accelerate` on models as users write them, with torch's own layers: the results of torch's own forward pass."""

import contextlib
import copy
import io
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.utils._pytree import tree_flatten

import srnn_masks
from srnn_models import accelerate

I, N, O = 3, 6, 2  # noqa: E741


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


class Outputs(nn.Module):
    """A layer and a read-out of all of its outputs."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.readout = nn.Linear(N * (2 if layer.bidirectional else 1), O)

    def forward(self, x):
        return self.readout(self.layer(x)[0])


class LastState(nn.Module):
    """A classifier that reads the last state, with the batch first."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(I, N, batch_first=True)
        self.head = nn.Linear(N, O)

    def forward(self, x):
        _, (h, c) = self.encoder(x.transpose(0, 1))
        return self.head(h[-1] + c[-1])


class GivenState(nn.Module):
    """A layer whose first state is trained, and the same for single sequences."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        rows = layer.num_layers * (2 if layer.bidirectional else 1)
        self.starts = nn.ParameterList([torch.zeros(rows, 1, N) + 0.1 for _ in range(1 + (layer.mode == "LSTM"))])

    def forward(self, x):
        states = [start.expand(-1, x.shape[1], -1) for start in self.starts]
        single = [start[:, 0] for start in self.starts]
        batched = self.layer(x, tuple(states) if len(states) > 1 else states[0])
        return batched, self.layer(x[:, 0], tuple(single) if len(single) > 1 else single[0])


class Translator(nn.Module):
    """An encoder whose last state is the first of a decoder."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.GRU(I, N, 2), nn.GRU(I, N, 2)
        self.head = nn.Linear(N, O)

    def forward(self, x):
        _, state = self.encoder(x)
        return self.head(self.decoder(x.flip(0), state)[0])


class Words(nn.Module):
    """A word model with tied embedding and decoder, which reshapes outputs by `view`."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, N)
        self.rnn = nn.LSTM(N, N, 2, dropout=0.5)
        self.decoder = nn.Linear(N, 9)
        self.decoder.weight = self.embedding.weight
        self.eval()  # dropout off: the same results

    def forward(self, x):
        tokens = (x[..., 0].abs() * 4).long().clamp(max=8)
        outputs, _ = self.rnn(self.embedding(tokens))
        return torch.log_softmax(self.decoder(outputs.view(-1, N)), -1)


class Twins(nn.Module):
    """Two layers with one set of recurrent weights, and one layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.twice = nn.GRU(I, N), nn.GRU(I, N), nn.RNN(N, N)
        self.right.weight_hh_l0 = self.left.weight_hh_l0

    def forward(self, x):
        return self.twice(self.twice(self.left(x)[0] + self.right(x)[0])[0])[0]


class Frozen(nn.Module):
    """An encoder that is not trained, below a layer that is."""

    def __init__(self):
        super().__init__()
        self.encoder, self.layer = nn.GRU(I, N).requires_grad_(False), nn.LSTM(N, N)

    def forward(self, x):
        return self.layer(self.encoder(x)[0])[0]


class Residual(nn.Module):
    """Layers in a list, with normalisation and a sum that is written into the outputs of a layer."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(I, N)
        self.layers = nn.ModuleList([nn.GRU(N, N), nn.RNN(N, N, nonlinearity="relu")])
        self.norms = nn.ModuleList([nn.LayerNorm(N), nn.LayerNorm(N)])

    def forward(self, x):
        x = self.enter(x)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            outputs, _ = layer(x)
            outputs += x
            x = norm(outputs)
        return x


class Windows(nn.Module):
    """Truncated backpropagation: a state is carried from window to window, without its gradient."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(I, N)

    def forward(self, x):
        outputs, state = [], None
        for window in x.split(2):
            output, state = self.layer(window, state)
            state = tuple(part.detach() for part in state)
            outputs.append(output)
        return torch.cat(outputs)


class First(nn.Module):
    """The outputs of a layer, for `nn.Sequential`."""

    def forward(self, result):
        return result[0]


MODELS = {
    "rnn": lambda: nn.RNN(I, N),
    "rnn relu": lambda: Outputs(nn.RNN(I, N, nonlinearity="relu")),
    "gru": lambda: nn.GRU(I, N),
    "lstm": lambda: nn.LSTM(I, N),
    "rnn, three layers, both ways, no bias": lambda: nn.RNN(I, N, 3, bias=False, bidirectional=True),
    "gru, no bias": lambda: Outputs(nn.GRU(I, N, bias=False)),
    "gru, both ways": lambda: Outputs(nn.GRU(I, N, bidirectional=True)),
    "gru, batch first": lambda: nn.GRU(I, N, batch_first=True),
    "lstm, two layers, both ways, batch first": lambda: nn.LSTM(I, N, 2, batch_first=True, bidirectional=True),
    "lstm, no bias": lambda: Outputs(nn.LSTM(I, N, bias=False)),
    "rnn, given state": lambda: GivenState(nn.RNN(I, N, 2)),
    "gru, given state, both ways": lambda: GivenState(nn.GRU(I, N, bidirectional=True)),
    "lstm, given state": lambda: GivenState(nn.LSTM(I, N, 2)),
    "sequential": lambda: nn.Sequential(nn.GRU(I, N), First(), nn.Linear(N, N), nn.RNN(N, N), First(), nn.Linear(N, O)),
    "last state": LastState,
    "translator": Translator,
    "words": Words,
    "twins": Twins,
    "frozen": Frozen,
    "residual": Residual,
    "windows": Windows,
}
models = pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)


def masked(build):
    """A model with masks on all recurrent weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build().double()
    names = [name for name, _ in model.named_parameters() if "weight_hh" in name]
    shapes = [model.get_parameter(name).shape for name in names]
    drawn = [torch.rand(shape, generator=generator(seed)) < 0.5 for seed, shape in enumerate(shapes)]
    srnn_masks.apply(model, dict(zip(names, drawn, strict=True)))
    return model


def layers(model):
    return [module for module in model.modules() if isinstance(module, nn.RNNBase)]


def results(model, x):
    """The outputs, and the gradients by the inputs and by all parameters."""
    model.zero_grad()
    x = x.clone().requires_grad_()
    outputs = tree_flatten(model(x))[0]
    sum(softplus(output * number).sum() for number, output in enumerate(outputs, start=1)).backward()
    return [*outputs, x.grad, *(parameter.grad for parameter in model.parameters())]


@models
@pytest.mark.parametrize("engine", ["dense", "sparse"])
def test_outputs_and_gradients(build, engine):
    theirs = masked(build)
    ours = accelerate(copy.deepcopy(theirs), engine)
    for x in (normal(4, 3, I), normal(1, 1, I)):
        for our, their in zip(results(ours, x), results(theirs, x), strict=True):
            torch.testing.assert_close(our, their, rtol=1e-10, atol=1e-12)
    assert {layer.acceleration.used for layer in layers(ours)} == {(engine,)}


def train(model, steps=100):
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=0.01)
    for step in range(steps):
        optimizer.zero_grad()
        outputs = tree_flatten(model(normal(3, 2, I, seed=step)))[0]
        sum((output - 0.3).square().mean() for output in outputs).backward()
        optimizer.step()
    return model


@models
def test_training_ends_where_that_of_torch_ends(build):
    theirs = masked(build)
    ours = train(accelerate(copy.deepcopy(theirs), "sparse"))
    start = copy.deepcopy(theirs.state_dict())
    train(theirs)
    assert {layer.acceleration.used for layer in layers(ours)} == {("sparse",)}
    changed = 0
    for name, their in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], their, rtol=1e-6, atol=1e-8)
        changed += not torch.equal(their, start[name])
    assert changed


def test_distributed_training_of_one_process(tmp_path):
    theirs = masked(Translator)
    ours = copy.deepcopy(theirs)
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(accelerate(ours, "sparse"))
        train(wrapped, steps=10)
    finally:
        torch.distributed.destroy_process_group()
    train(theirs, steps=10)
    assert {layer.acceleration.used for layer in layers(ours)} == {("sparse",)}
    for our, their in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(our, their)


PACKAGES = Path(__file__).parents[1] / "packages"


@pytest.mark.parametrize("package", ["srnn-masks", "srnn-pruning"])
def test_readmes_of_packages_that_do_not_depend_on_srnn_models_show_how_to_accelerate(package):
    """The block is marked `py`, so that the tests of these packages, which may lack srnn-models, leave it out."""
    text = (PACKAGES / package / "README.md").read_text(encoding="utf-8")
    ((code, shown),) = re.findall(r"^```py\n(.*?)^```\n\n```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, package, "exec"), {})
    assert printed.getvalue() == shown

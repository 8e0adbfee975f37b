"""Models of torch's recurrent modules, and what is said about a model that does not fit."""

import re

import pytest
import torch
from torch import nn

from srnn_tasks import Adding, BaseSource, Batch, Cognitive, Metric, PathIntegration, TaskError, TaskSpec, adapt

T, B, N = 6, 4, 7


def opened(task, generator):
    return task.open(device="cpu", generator=generator)


class Words(BaseSource):
    """Tokens in streams that continue: the next token is to be named."""

    evaluation_batches = 3

    def __init__(self):
        metrics = (Metric(name="accuracy", better="higher"), Metric(name="loss", better="lower"))
        spec = TaskSpec(inputs=5, outputs=5, tokens=True, carry=True, loss="cross_entropy", metrics=metrics)
        super().__init__(spec, device="cpu")

    def draw(self, size, *, generator):
        tokens = torch.randint(5, (T + 1, size), generator=generator)
        return Batch(inputs=tokens[:-1], targets=tokens[1:], reset=torch.arange(size) % 2 == 0)


class Chunks(nn.Module):
    def forward(self, inputs):
        return [inputs, inputs]


def by_hand(module, readout, batch):
    """The squared error at the last step of a module that is called as torch documents it."""
    with torch.no_grad():
        if module.batch_first:
            outputs = readout(module(batch.inputs.transpose(0, 1))[0]).transpose(0, 1)
        else:
            outputs = readout(module(batch.inputs)[0])
    return (outputs[-1] - batch.targets[-1]).square().mean().item()


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"num_layers": 2}])
def test_torchs_modules_are_evaluated_as_they_compute(kind, options, generator):
    torch.manual_seed(1)
    module, readout = kind(2, N, **options), nn.Linear(N, 1)
    source = opened(Adding(steps=T, held_out=50), generator)
    scores = source.evaluate(adapt(module, readout=readout), split="test", generator=generator)
    (batch,) = source.held_out("test", generator=generator)
    assert scores["mse"] == pytest.approx(by_hand(module, readout, batch), rel=1e-5)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_tokens_and_a_state_that_is_carried(kind, generator):
    torch.manual_seed(1)
    module, embedding, readout = kind(3, N), nn.Embedding(5, 3), nn.Linear(N, 5)
    model = adapt(module, readout=readout, embedding=embedding)
    source = Words()
    batches = list(source.held_out("test", generator=torch.Generator().manual_seed(3)))
    hits, state = [], None
    for batch in batches:
        if state is not None:  # rows 0 and 2 start anew
            parts = [part * (torch.arange(200) % 2)[:, None] for part in (state if kind is nn.LSTM else (state,))]
            state = tuple(parts) if kind is nn.LSTM else parts[0]
        outputs, state = module(embedding(batch.inputs), state)
        hits.append((readout(outputs).argmax(-1) == batch.targets).float().mean())
    scores = source.evaluate(model, split="test", generator=torch.Generator().manual_seed(3))
    assert scores["accuracy"] == pytest.approx(torch.stack(hits).mean().item(), abs=1e-6)


def test_a_start_code_becomes_the_initial_state(generator):
    torch.manual_seed(1)
    module, readout, encoder = nn.GRU(2, N), nn.Linear(N, 16), nn.Linear(16, N)
    source = opened(PathIntegration(steps=T, place_cells=16, evaluation_batches=1, evaluation_size=B), generator)
    model = adapt(module, readout=readout, start=lambda code: encoder(code)[None])
    batch = source.draw(B, generator=generator)
    expected = readout(module(batch.inputs, encoder(batch.start)[None])[0])
    torch.testing.assert_close(model(batch.inputs, batch.start)[0], expected)
    assert source.evaluate(model, split="test", generator=generator)["error_cm"] > 0
    with pytest.raises(TaskError, match=r"start: the task has a start code \(B, K\) = \(4, 16\); pass"):
        source.evaluate(adapt(module, readout=readout), split="test", generator=generator)


def test_the_parts_are_shared_and_are_submodules(generator):
    module, readout = nn.RNN(2, N), nn.Linear(N, 1)
    model = adapt(module, readout=readout)
    assert {id(each) for each in model.parameters()} == {id(each) for m in (module, readout) for each in m.parameters()}
    source = opened(Adding(steps=T, held_out=20), generator)
    model.train()
    source.evaluate(model, split="test", generator=generator)
    assert module.training, "the mode is restored"


def test_a_module_that_returns_outputs_alone(generator):
    source = opened(Adding(steps=T, held_out=20), generator)
    assert source.evaluate(adapt(nn.Linear(2, 1)), split="test", generator=generator)["mse"] > 0


MODULES = {
    "torch's RNN": (lambda: nn.RNN(2, N), "RNN takes other arguments"),
    "torch's LSTM": (lambda: nn.LSTM(2, N), "LSTM takes other arguments"),
    "a cell": (lambda: nn.GRUCell(2, N), "GRUCell takes other arguments"),
    "a readout": (lambda: nn.Linear(2, 1), "Linear takes other arguments"),
    "no callable": (lambda: 3, "3 takes other arguments"),
    "outputs alone": (lambda: lambda x, start, state: x[..., :1], r"it returned a tensor of shape \(6, "),
    "a list": (lambda: lambda *_: [1, 2, 3], "it returned a list"),
    "three": (lambda: lambda x, *_: (x, x, x), "it returned a tuple of 3: Tensor, Tensor, Tensor"),
    "no readout": (lambda: adapt(nn.GRU(2, N)), r"expected outputs \(T, B, O\) = \(6, 20, 1\); got \(6, 20, 7\)"),
    "batch first": (lambda: lambda x, *_: (x[..., :1].transpose(0, 1), None), r"got \(20, 6, 1\)"),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_model_that_does_not_fit_is_told_the_contract(name, generator):
    made, message = MODULES[name]
    source = opened(Adding(steps=T, held_out=20), generator)
    with pytest.raises(TaskError, match=message) as caught:
        source.evaluate(made(), split="test", generator=generator)
    assert "model: expected " in str(caught.value) and "srnn_tasks.adapt(module" in str(caught.value)


@pytest.mark.parametrize("make", [lambda: Words(), lambda: opened(Cognitive(), torch.Generator())])
def test_every_source_tells_it(make, generator):
    source = make()
    with pytest.raises(TaskError, match=re.escape(f"readout=nn.Linear(hidden, {source.spec.outputs})")):
        source.evaluate(nn.GRU(source.spec.inputs, N), split="test", generator=generator)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: adapt(len), "module: expected a torch.nn.Module; got <built-in"),
        (lambda: adapt(nn.LSTMCell(2, 3)), "module: expected one that takes all steps, .*; LSTMCell takes one"),
        (lambda: adapt(nn.GRU(2, 3, bidirectional=True)), "module: expected one direction"),
        (lambda: adapt(nn.GRU(2, 3), readout=5), "readout: expected a module or another callable; got 5"),
        (lambda: adapt(nn.GRU(2, 3))(torch.zeros(T, B, dtype=torch.int64)), "embedding: the inputs are tokens"),
        (lambda: adapt(Chunks())(torch.zeros(T, B, 4)), "module: expected Chunks to return outputs, or .* a list"),
    ],
)
def test_what_cannot_be_adapted_is_refused(make, message):
    with pytest.raises(TaskError, match=message):
        make()

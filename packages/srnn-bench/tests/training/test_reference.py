"""Preset `reference` against plain PyTorch: torch.nn.RNN, and penalty, pruning and annealing written out by hand.

Only the sizes, the initial weights, the points of the neurons and the batches are taken from the tables.
"""

import os

import pytest
import torch
from torch import nn
from torch.nn import functional

from srnn_bench import Experiment, papers
from srnn_bench.training import Member, Single, Trainer, assemble, stream

CPU = torch.device("cpu")
SEED = 1


@pytest.fixture(autouse=True)
def restore_the_global_generator():
    """Restore the global generator, from which torch's own modules draw their initial weights."""
    with torch.random.fork_rng():
        yield


class Logged(Single):
    """Engine of one run that logs the loss and the penalty of every step."""

    def step(self):
        losses = super().step()
        self.log.append(losses[0].tolist())
        return losses


def of_the_bench(experiment):
    """Return loss and penalty of every step of the first stage, as the bench takes them."""
    first = experiment.model_copy(update={"stages": experiment.stages[:1]})
    member = Member(assemble(first, SEED, CPU))
    engine = Logged([member.parts], CPU)
    engine.log = []
    Trainer([member], engine, device=CPU).train()
    return torch.tensor(engine.log)


def cell(name, column, row, **training):
    """Return the experiment of a cell at scale smoke, its first stage with other training."""
    (chosen,) = [c for c in papers.table(name, "smoke").cells if (c.column, c.row) == (column, row)]
    experiment = chosen.experiment
    stage = experiment.stages[0]
    stage = stage.model_copy(update={"training": stage.training.model_copy(update=training)})
    return Experiment.model_validate(experiment.model_copy(update={"stages": (stage,)}).model_dump())


def ring(points):
    """Return the coefficients of neurons (N, 2) on the torus of period 10: max g - g, over all pairs."""
    apart = (points[:, None] - points[None]).abs() % 10
    squares = torch.minimum(apart, 10 - apart).square().sum(-1)
    g = 100 * (torch.exp(-squares / 5) - torch.exp(-4 * squares))
    return g.max() - g


def prune(weights, fraction):
    """Set the smallest of all weights together to 0, and return which are left."""
    sizes = torch.cat([weight.detach().abs().flatten() for weight in weights])
    cut = sizes.sort().values[round(fraction * len(sizes)) - 1] if round(fraction * len(sizes)) else -1.0
    masks = [weight.detach().abs() > cut for weight in weights]
    for weight, mask in zip(weights, masks, strict=True):
        weight.data *= mask
    return masks


def rnn_of(layers, nonlinearity):
    """Return torch's own recurrent net with the weights of ours, layer by layer."""
    inputs, hidden = layers[0].weight_ih.shape[1], layers[0].weight_hh.shape[0]
    bias = layers[0].bias is not None
    rnn = nn.RNN(inputs, hidden, num_layers=len(layers), nonlinearity=nonlinearity, bias=bias)
    for number, layer in enumerate(layers):
        pairs = {"weight_ih": layer.weight_ih, "weight_hh": layer.weight_hh}
        pairs |= {"bias_ih": layer.bias, "bias_hh": layer.bias_hh} if bias else {}
        for name, weight in pairs.items():
            getattr(rnn, f"{name}_l{number}").data.copy_(weight.data)
    return rnn


def test_navigation_is_what_a_plain_loop_gives():
    experiment = cell("moduli/table1-reference", "Torus", "90% sparse", epochs=4, batches=5)
    training, strength = experiment.stages[0].training, experiment.penalties[0].strength
    parts = assemble(experiment, SEED, CPU)
    rnn = rnn_of([parts.model.recurrence], "relu")
    encoder, decoder = (getattr(parts.model, name).weight.detach().clone() for name in ("encoder", "readout"))
    f = ring(parts.penalties.terms[0].points[0])
    weights = [nn.Parameter(encoder), rnn.weight_hh_l0, rnn.weight_ih_l0, nn.Parameter(decoder)]
    optimizer = torch.optim.AdamW(weights, lr=training.learning_rate, weight_decay=0.01)
    batches = parts.source.batches(training.batch_size, generator=stream(SEED, "batches", "sparse"))
    expected, masks = [], [torch.ones_like(weight, dtype=torch.bool) for weight in weights]
    for epoch in range(1, 5):
        if epoch > 1:
            masks = prune(weights, (epoch - 1) * 0.9 / 3)
        for _ in range(5):
            batch = next(batches)
            states, _ = rnn(batch.inputs, (batch.start @ weights[0].T)[None])
            logits = states @ weights[3].T
            loss = -(batch.targets * logits.log_softmax(-1)).sum(-1).mean()
            penalty = strength * (f * weights[1].abs()).mean()
            optimizer.zero_grad()
            (loss + penalty).backward()
            for weight, mask in zip(weights, masks, strict=True):
                weight.grad *= mask
            optimizer.step()
            for weight, mask in zip(weights, masks, strict=True):
                weight.data *= mask
            expected.append([loss.item(), penalty.item()])
    torch.testing.assert_close(
        of_the_bench(experiment), torch.tensor(expected), rtol=1e-5, atol=1e-5, check_dtype=False
    )


@pytest.mark.skipif(not os.environ.get("SRNN_DATA"), reason="SRNN_DATA is not set: WikiText-2 is not at hand")
def test_text_is_what_a_plain_loop_gives():
    experiment = cell("moduli/table4-reference", "Torus", "90% sparse", epochs=4, batches=6)
    training, strength = experiment.stages[0].training, experiment.penalties[0].strength
    parts = assemble(experiment, SEED, CPU)
    rnn = rnn_of(parts.model.recurrence.layers, "tanh")
    embedding = nn.Parameter(parts.model.embedding.weight.detach().clone())
    decoder = nn.Linear(*parts.model.readout.weight.shape[::-1])
    decoder.load_state_dict(parts.model.readout.state_dict())
    rings = [ring(term.points[0]) for term in parts.penalties.terms[:3]]
    recurrent = [getattr(rnn, f"weight_hh_l{number}") for number in range(3)]
    others = [getattr(rnn, f"weight_ih_l{number}") for number in range(3)] + [embedding, decoder.weight]
    trained = [embedding, *rnn.parameters(), *decoder.parameters()]
    rate, best = training.learning_rate, None

    def evaluate():
        with torch.no_grad():
            total, count, state = 0.0, 0, None
            for batch in parts.source.held_out("validation", generator=torch.Generator()):
                states, state = rnn(embedding[batch.inputs], state)
                nll = functional.cross_entropy(decoder(states).flatten(0, 1), batch.targets.flatten(), reduction="sum")
                total, count = total + nll.item(), count + batch.targets.numel()
        return total / count

    batches = parts.source.batches(training.batch_size, generator=stream(SEED, "batches", "sparse"))
    expected, state = [], None
    masks = {weight: torch.ones_like(weight, dtype=torch.bool) for weight in recurrent + others}
    for epoch in range(1, 5):
        if epoch > 1:
            masks = dict(zip(masks, prune(list(masks), epoch * 0.9 / 4), strict=True))
        for _ in range(6):
            batch = next(batches)
            states, state = rnn(embedding[batch.inputs], None if batch.reset.all() else state.detach())
            loss = functional.cross_entropy(decoder(states).flatten(0, 1), batch.targets.flatten())
            penalty = strength * sum((f * w.abs()).mean() for f, w in zip(rings, recurrent, strict=True))
            penalty = penalty + strength * sum(w.abs().mean() for w in others)
            for weight in trained:
                weight.grad = None
            (loss + penalty).backward()
            for weight, mask in masks.items():
                weight.grad *= mask
            nn.utils.clip_grad_norm_(trained, 0.25)
            for weight in trained:
                weight.data -= rate * weight.grad
            expected.append([loss.item(), penalty.item()])
        validation = evaluate()
        if best is None or validation < best:
            best = validation
        else:
            rate /= 4
    torch.testing.assert_close(
        of_the_bench(experiment), torch.tensor(expected), rtol=1e-5, atol=1e-5, check_dtype=False
    )

"""Is there a setting in which un-normalised SNIP and GraSP leave a GRU at chance, as in Table 2 of arXiv 1912.00120?

    SRNN_DATA=... python benchmarks/collapse.py scan
    SRNN_DATA=... python benchmarks/collapse.py train

The paper prints errors of 88.6 to 89.0 % and explains them by masks with "all of the retained network weights
concentrated in a single gate". A network that always answers 1 has 88.65 % on the test images. `scan` counts, without
training, which weights stay for many readings of what the paper leaves open. `train` trains the readings of `PLAN`.

The state does not depend on the digit if no input weight is kept. It also stays 0, with biases of 0, if gate n keeps
no input weight, whatever r and z keep: n = tanh(r W h). Only the biases, which are trained and not pruned, end this.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

import srnn_masks
from srnn_models import (
    GRU,
    AnyInitialization,
    Glorot,
    GlorotStacked,
    He,
    Network,
    Normal,
    SequenceModel,
    TorchUniform,
    Uniform,
)
from srnn_pruning import SNIP, Criterion, GraSP
from srnn_tasks import Batch, SequentialMNIST, SequentialMNISTSource

RESULT = Path(__file__).parents[1] / "docs" / "results" / "spectrum-collapse.md"
CHANCE = 88.65  # % error of a network that always answers 1
COLLAPSED = 80.0  # % error from which we call a network collapsed
DENSITY, ROWS = 0.05, 64
STARTS: dict[str, AnyInitialization] = {
    "N(0, 0.1)": Normal(sd=0.1),
    "N(0, 0.1), variance": Normal(sd=0.1**0.5),
    "N(0, 1)": Normal(sd=1.0),
    "N(0, 0.01)": Normal(sd=0.01),
    "Glorot": Glorot(),
    "Glorot, stacked": GlorotStacked(),
    "He": He(),
    "U(0, 0.1)": Uniform(low=0.0, high=0.1),
    "U(0, 1)": Uniform(low=0.0, high=1.0),
    "torch": TorchUniform(),
}
SCORES: dict[str, tuple[Criterion, Callable[[Tensor], Tensor]]] = {
    "SNIP": (SNIP(), torch.clone),
    "SNIP, the smallest kept": (SNIP(), torch.neg),
    "GraSP": (GraSP(), torch.clone),
    "GraSP, sign reversed": (GraSP(), torch.neg),
    "SNIP, gamma": (SNIP(normalization="gamma"), torch.clone),
    "GraSP, gamma": (GraSP(normalization="gamma"), torch.clone),
}
GRID = tuple(SCORES)[:4]


@dataclass(frozen=True)
class Reading:
    """One reading of the setting.

    `back`: the last steps through which the gradient of the loss goes; None: all. `loss`: cross-entropy on the last
    step, on all steps, or of sigmoids of the outputs ("softmax layer with sigmoidal activation"), with the outputs
    divided by `temperature`. `digits`: a random batch, or one of a single class.
    """

    score: str = "SNIP"
    start: str = "N(0, 0.1)"
    pixels: Literal["standard", "unit"] = "standard"
    hidden: int = 400
    back: int | None = None
    loss: Literal["last", "all", "sigmoid"] = "last"
    temperature: float = 1.0
    digits: Literal["random", "one class"] = "random"
    bias: bool = True

    def __str__(self) -> str:
        parts = [self.score, self.start, f"{self.pixels} pixels", f"N = {self.hidden}"]
        parts += [f"last {self.back} steps"] if self.back else []
        parts += [{"all": "loss on all steps", "sigmoid": "sigmoid outputs"}[self.loss]] if self.loss != "last" else []
        parts += [f"temperature {self.temperature:g}"] if self.temperature != 1 else []
        parts += [] if self.digits == "random" else ["batch of one class"]
        parts += [] if self.bias else ["no biases"]
        return ", ".join(parts)


PIXELS: tuple[Literal["standard", "unit"], ...] = ("standard", "unit")
BACK = (None, 4, 1)
BLANK = Reading(pixels="unit", back=1)  # the last row of a digit is blank: 0 in [0, 1]
FURTHER = (
    *(
        Reading(score=score, start=start, pixels="unit", back=back)
        for start, back, score in product(STARTS, BACK, ("SNIP, gamma", "GraSP, gamma"))
    ),
    *(
        Reading(score=score, pixels=pixels, **fields)
        for fields in (
            {"loss": "all"},
            {"loss": "sigmoid"},
            {"temperature": 200.0},
            {"digits": "one class"},
            {"hidden": 100},
            {"hidden": 1600},
        )
        for score in ("SNIP", "GraSP")
        for pixels in PIXELS
    ),
)

# The plan of the trainings, fixed before them: Adam, a batch of 64, these seeds and at most so many steps. A reading
# reproduces the collapse if the error is at least `COLLAPSED` for every seed, so the second seed is trained only where
# the first collapsed. To save time, a training ends once the mean error of the last `WINDOW` batches is below
# `LEARNED`: such a network has not collapsed.
SEEDS, STEPS, RATE = (0, 1), 500, 1e-3
WINDOW, LEARNED = 25, 40.0
PLAN = (
    *(Reading(score=score, pixels=pixels) for pixels in PIXELS for score in ("SNIP", "GraSP")),  # as published
    *(Reading(score=score, start=start) for start in ("Glorot", "Glorot, stacked") for score in ("SNIP", "GraSP")),
    # few input weights
    Reading(score="SNIP", pixels="unit", back=4),
    Reading(score="GraSP", pixels="unit", back=4),
    # gate z alone: the state stays 0 until the biases are trained
    Reading(score="SNIP", start="U(0, 0.1)", pixels="unit"),
    Reading(score="SNIP", start="U(0, 0.1)", pixels="unit", back=4),
    Reading(score="SNIP", start="U(0, 0.1)", pixels="unit", back=4, bias=False),
    Reading(score="GraSP", start="U(0, 0.1)", pixels="unit", back=4),
    # large weights, and another order of the scores
    Reading(score="SNIP", start="N(0, 1)"),
    Reading(score="GraSP", start="N(0, 1)"),
    Reading(score="GraSP, sign reversed"),
    Reading(score="SNIP, the smallest kept"),
    # sigmoids before the softmax
    Reading(score="SNIP", loss="sigmoid"),
    Reading(score="GraSP", loss="sigmoid", pixels="unit"),
)
# Networks that read no input cannot be better than chance, so one seed of each suffices
BLIND = (
    replace(BLANK, score="SNIP", start="Glorot"),
    replace(BLANK, score="GraSP"),
    replace(BLANK, score="SNIP, gamma", start="Glorot"),
    replace(BLANK, score="GraSP, gamma"),
)
TRAININGS = (*((reading, SEEDS) for reading in PLAN), *((reading, SEEDS[:1]) for reading in BLIND))


def source_of(pixels: Literal["standard", "unit"]) -> SequentialMNISTSource:
    """Return the digits by rows."""
    return SequentialMNIST(scaling=pixels).open(device="cpu", generator=torch.Generator().manual_seed(0))


def network_of(reading: Reading, seed: int) -> Network:
    """Return the network before training."""
    recurrence = GRU(hidden=reading.hidden, initialization=STARTS[reading.start], bias=reading.bias)
    model = SequenceModel(recurrence=recurrence, readout_initialization=Glorot())
    spec = SimpleNamespace(inputs=28, outputs=10, start=None, tokens=False)
    return model.build(spec, generator=torch.Generator().manual_seed(seed))


def loss_of(outputs: Tensor, batch: Batch, *, loss: str, temperature: float = 1.0) -> Tensor:
    """Return the loss of outputs (T, B, O) at the last T steps."""
    outputs = outputs.sigmoid() if loss == "sigmoid" else outputs
    outputs = outputs if loss == "all" else outputs[-1:]
    labels = batch.targets[-1].expand(len(outputs), -1)
    return functional.cross_entropy(outputs.flatten(0, 1) / temperature, labels.flatten())


def pruning_batch(source: SequentialMNISTSource, reading: Reading, seed: int) -> Batch:
    """Return the digits that the score reads."""
    source.load_state_dict({"order": torch.empty(0, dtype=torch.int64)})  # the first digits of a pass
    batch = source.draw(20 * ROWS, generator=torch.Generator().manual_seed(seed))
    labels = batch.targets[-1]
    fits = torch.ones_like(labels, dtype=torch.bool) if reading.digits == "random" else labels == labels[0]
    chosen = fits.nonzero().flatten()[:ROWS]
    return Batch(inputs=batch.inputs[:, chosen], targets=batch.targets[:, chosen])


def masks_of(network: Network, batch: Batch, reading: Reading, seed: int) -> dict[str, Tensor]:
    """Return the masks of the weights of the recurrence, by name; input weights first."""
    weights = {name: weight for name, weight in network.named_parameters() if "recurrence.weight" in name}
    first = 0 if reading.back is None else len(batch.inputs) - reading.back

    def loss() -> Tensor:
        state = None
        if first:
            with torch.no_grad():
                state = network(batch.inputs[:first])[1]
        outputs = network(batch.inputs[first:], state=state)[0]
        return loss_of(outputs, batch, loss=reading.loss, temperature=reading.temperature)

    criterion, ranked = SCORES[reading.score]
    generator = torch.Generator().manual_seed(seed)
    scores = criterion.scores(weights, generator=generator, module=network, loss=loss, run=loss)
    flat = ranked(torch.cat([score.flatten() for score in scores.values()]))
    mask = torch.zeros(len(flat), dtype=torch.bool)
    mask[flat.topk(round(DENSITY * len(flat))).indices] = True
    parts = mask.split([weight.numel() for weight in weights.values()])
    return {name: part.view_as(weights[name]) for name, part in zip(weights, parts, strict=True)}


@dataclass(frozen=True)
class Pruned:
    """A pruned network: weights kept as input r, z, n and recurrent r, z, n; and whether its state reads the digits.

    `spread`: standard deviation of the last state over 64 digits, before training, root mean square over units.
    """

    network: Network
    counts: tuple[int, ...]
    spread: float

    def __str__(self) -> str:
        inputs, recurrent = (" ".join(map(str, part)) for part in (self.counts[:3], self.counts[3:]))
        text = f"{inputs} / {recurrent}"
        return text if self.spread else f"**{text}**"


def pruned(reading: Reading, source: SequentialMNISTSource, seed: int) -> Pruned:
    """Return the pruned network before training."""
    network = network_of(reading, seed)
    masks = masks_of(network, pruning_batch(source, reading, seed), reading, seed)
    srnn_masks.apply(network, masks)
    digits = pruning_batch(source, Reading(), seed + 1000)
    with torch.no_grad():
        state = network(digits.inputs)[1]  # (B, N)
    counts = tuple(int(gate.sum()) for mask in masks.values() for gate in mask.chunk(3))
    return Pruned(network, counts, float(state.std(0).square().mean().sqrt()))


def scan() -> Iterator[str]:
    """Yield lines of Markdown: the weights kept by the readings of the grid and by further ones."""
    sources = {pixels: source_of(pixels) for pixels in PIXELS}
    yield f"| initialisation | pixels | gradient through | {' | '.join(GRID)} |"
    yield f"|---|---|---|{'---:|' * len(GRID)}"
    for start, pixels, back in product(STARTS, PIXELS, BACK):
        found = [
            pruned(Reading(score=score, start=start, pixels=pixels, back=back), sources[pixels], 0) for score in GRID
        ]
        steps = "all steps" if back is None else f"the last {back}"
        yield f"| {start} | {pixels} | {steps} | {' | '.join(map(str, found))} |"
    yield ""
    yield "| reading | kept | spread of the state |"
    yield "|---|---:|---:|"
    for reading in FURTHER:
        each = pruned(reading, sources[reading.pixels], 0)
        yield f"| {reading} | {each} | {each.spread:.2g} |"


@dataclass(frozen=True)
class Outcome:
    """After training: steps, test error in %, mean loss of the last batches, share of the commonest answer in %."""

    steps: int
    error: float
    loss: float
    commonest: float


def trained(reading: Reading, source: SequentialMNISTSource, seed: int) -> tuple[Pruned, Outcome]:
    """Return the pruned network and the result of its training."""
    found = pruned(reading, source, seed)
    network = found.network
    generator = torch.Generator().manual_seed(seed)
    source.load_state_dict({"order": torch.empty(0, dtype=torch.int64)})
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    loss = "sigmoid" if reading.loss == "sigmoid" else "last"  # the loss on all steps is for the score alone
    losses: list[float] = []
    errors: list[float] = []
    while len(losses) < STEPS and not (len(errors) >= WINDOW and fmean(errors[-WINDOW:]) < LEARNED):
        batch = source.draw(ROWS, generator=generator)
        outputs = network(batch.inputs)[0]
        value = loss_of(outputs, batch, loss=loss)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
        errors.append(100 * float((outputs[-1].argmax(-1) != batch.targets[-1]).double().mean()))
    answers, labels = [], []
    with torch.no_grad():
        for batch in source.held_out("test", generator=generator):
            answers.append(network(batch.inputs)[0][-1].argmax(-1))
            labels.append(batch.targets[-1])
    answer, label = torch.cat(answers), torch.cat(labels)
    error = 100 * float((answer != label).double().mean())
    commonest = 100 * float(answer.bincount().max() / len(answer))
    return found, Outcome(len(losses), error, fmean(losses[-WINDOW:]), commonest)


def train(part: int, parts: int) -> Iterator[str]:
    """Yield lines of Markdown: the test errors of every `parts`-th reading of the plan, from number `part`, from 0."""
    sources = {pixels: source_of(pixels) for pixels in PIXELS}
    yield "| reading | seed | kept | spread of the state | steps | error, % | loss | commonest answer, % | collapsed |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---|"
    for reading, seeds in TRAININGS[part::parts]:
        for seed in seeds:
            before, after = trained(reading, sources[reading.pixels], seed)
            collapsed = after.error >= COLLAPSED
            yield (
                f"| {reading} | {seed} | {before} | {before.spread:.2g} | {after.steps} | {after.error:.2f} | "
                f"{after.loss:.3f} | {after.commonest:.1f} | {'**yes**' if collapsed else 'no'} |"
            )
            if not collapsed:
                break


def main() -> None:
    """Print lines of Markdown; `--out` also writes them to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["scan", "train"])
    parser.add_argument("--part", type=int, default=0, help="number of the part of the trainings, from 0")
    parser.add_argument("--parts", type=int, default=1, help="number of parts, to train in several processes")
    parser.add_argument("--out", type=Path, help="file to write the table to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    begin = time.process_time()
    for line in scan() if arguments.what == "scan" else train(arguments.part, arguments.parts):
        lines.append(line)
        print(line, flush=True)
    lines.append(f"\nCPU time {(time.process_time() - begin) / 60:.0f} min, torch {torch.__version__}.")
    print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

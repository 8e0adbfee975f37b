"""Time and memory of pruning criteria, relative to one forward and backward pass of the same batch.

    OMP_NUM_THREADS=1 python benchmarks/pruning_criteria.py [--cells GRU] [--neurons 100 400] [--rounds 15] [--write]

The batch has the form of sequential MNIST by rows, T = 28, B = 64, I = 28; the values are random, because times do not
depend on them. Passes and scorings alternate in one process on one thread, and each ratio is that of two neighbours,
both in CPU time, so that other load on the machine affects both alike. A scoring is `Criterion.scores`: what a
criterion runs itself, without the selection of the weights. The large network is pruned in a process of its own by
`prune`, with everything that belongs to it; its memory is the peak of the resident set.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from types import SimpleNamespace

import machine
import torch
from torch import Tensor, nn
from torch.nn import functional

from srnn_models import GRU, LSTM, ElmanRNN, Glorot, Normal, PeepholeLSTM, SequenceModel
from srnn_pruning import SNIP, AnyCriterion, GraSP, JacobianSpectrum, Pruning, prune, recurrences

RESULT = Path(__file__).parents[1] / "docs" / "results" / "pruning-criteria.md"
STEPS, BATCH, INPUTS, CLASSES = 28, 64, 28, 10  # T, B, I, O
SPEC = SimpleNamespace(inputs=INPUTS, outputs=CLASSES, start=None, tokens=False)
CRITERIA: dict[str, tuple[AnyCriterion, float | None]] = {  # and the target of the ratio on cells of srnn_models
    "SNIP": (SNIP(), 1.3),
    "GraSP": (GraSP(), 4.5),
    "JacobianSpectrum": (JacobianSpectrum(), 5.5),
    "JacobianSpectrum, explicit": (JacobianSpectrum(derivative="explicit"), 3.0),
    "JacobianSpectrum, rms": (JacobianSpectrum(normalization="rms"), 7.0),
    "JacobianSpectrum, mean_abs": (JacobianSpectrum(normalization="mean_abs"), 7.0),
    "JacobianSpectrum, none": (JacobianSpectrum(normalization="none"), None),
    "SNIP, gamma": (SNIP(normalization="gamma"), None),
    "GraSP, gamma": (GraSP(normalization="gamma"), None),
}
CELLS = {"RNN": ElmanRNN, "LSTM": LSTM, "peephole LSTM": PeepholeLSTM, "GRU": GRU}
TORCH: dict[str, type[nn.Module]] = {"nn.LSTM": nn.LSTM, "nn.GRU": nn.GRU}
LARGE, SECONDS, GIGABYTES = 1600, 20.0, 1.5
LARGE_CRITERIA = ("SNIP", "GraSP", "JacobianSpectrum", "JacobianSpectrum, explicit", "JacobianSpectrum, rms")


class Stock(nn.Module):
    """A recurrent layer of torch and a linear read-out of its last output."""

    def __init__(self, layer: type[nn.Module], hidden: int) -> None:
        super().__init__()
        self.layer, self.readout = layer(INPUTS, hidden), nn.Linear(hidden, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the scores of the classes (B, O) for inputs (T, B, I)."""
        scores: Tensor = self.readout(self.layer(inputs)[0][-1])
        return scores


class Case:
    """A network with a batch: `passes` is one forward and backward pass, `score` one scoring."""

    def __init__(self, cell: str, hidden: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.ours = cell in CELLS
        if self.ours:
            recurrence = CELLS[cell](hidden=hidden, initialization=Normal(sd=0.1))
            model = SequenceModel(recurrence=recurrence, readout_initialization=Glorot())
            self.module: nn.Module = model.build(SPEC, generator=generator)
        else:
            self.module = Stock(TORCH[cell], hidden)
            for parameter in self.module.parameters():
                nn.init.normal_(parameter, std=0.1, generator=generator)
        self.inputs = torch.randn(STEPS, BATCH, INPUTS, generator=generator)
        self.labels = torch.randint(CLASSES, (BATCH,), generator=generator)
        self.weights = {
            name: self.module.get_parameter(name)
            for cell in recurrences(self.module).values()
            for names in cell.weights.values()
            for name in names
        }
        self.generator = generator

    def loss(self) -> Tensor:
        """Return the cross-entropy at the last step, with its graph."""
        outputs = self.module(self.inputs)
        return functional.cross_entropy(outputs[0][-1] if self.ours else outputs, self.labels)

    def passes(self) -> None:
        """Run forward and backward once."""
        torch.autograd.grad(self.loss(), list(self.module.parameters()))

    def score(self, criterion: AnyCriterion) -> None:
        """Score all weights of the recurrence once."""
        evidence = {"module": self.module, "loss": self.loss, "run": self.loss}
        criterion.scores(self.weights, generator=self.generator, **evidence)


def cpu_time(function: Callable[[], object]) -> float:
    """Return the CPU time of a call in ms."""
    begin = time.process_time()
    function()
    return 1000 * (time.process_time() - begin)


def rows(cell: str, hidden: int, rounds: int) -> list[str]:
    """Return one row per criterion."""
    case = Case(cell, hidden)
    for _ in range(2):  # not counted
        case.passes()
    passes: list[float] = []
    ratios: dict[str, list[float]] = {name: [] for name in CRITERIA}
    for number in range(rounds + 1):
        for name, (criterion, _) in CRITERIA.items():
            one = cpu_time(case.passes)
            scoring = cpu_time(lambda criterion=criterion: case.score(criterion))  # type: ignore[misc]
            if number:  # the first round is not counted
                passes.append(one)
                ratios[name].append(scoring / one)
    found = []
    for name, (_, target) in CRITERIA.items():
        low, middle, high = quantiles(ratios[name], n=4)
        aim = "" if target is None or not case.ours else f"{target:g}"
        met = "" if not aim else "yes" if middle <= float(aim) else "**no**"
        parts = [
            cell,
            f"{hidden}",
            name,
            f"{median(passes):.1f}",
            f"{middle:.2f}",
            f"{low:.2f} to {high:.2f}",
            aim,
            met,
        ]
        found.append(f"| {' | '.join(parts)} |")
        print(found[-1], flush=True)
    return found


def resident(field: str) -> float:
    """Return a size of this process in GB: VmRSS now, or VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e9


def prune_large(name: str) -> None:
    """Prune a large GRU once, and print time and memory as JSON."""
    case = Case("GRU", LARGE)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    pruning = Pruning(sparsity=0.95, criterion=CRITERIA[name][0], scope=tuple(case.weights))
    evidence = {"loss": case.loss, "run": case.loss}
    clocks = time.process_time(), time.perf_counter()
    prune(case.module, pruning, generator=case.generator, evidence=evidence)
    took = {"cpu": time.process_time() - clocks[0], "wall": time.perf_counter() - clocks[1]}
    print(json.dumps({**took, "before": before, "peak": resident("VmHWM")}))


def large_row(name: str) -> str:
    """Return the row of a criterion on the large GRU."""
    command = [sys.executable, __file__, "--large", name]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    met = "yes" if found["cpu"] <= SECONDS and found["peak"] <= GIGABYTES else "**no**"
    row = f"| {name} | {found['cpu']:.1f} | {found['wall']:.1f} | {found['before']:.2f} | {found['peak']:.2f} | {met} |"
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="*", default=[*CELLS, *TORCH], choices=[*CELLS, *TORCH])
    parser.add_argument("--neurons", type=int, nargs="*", default=[100, 400])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--large", choices=list(CRITERIA), help="prune the large GRU by this criterion, and no more")
    parser.add_argument("--write", nargs="?", type=Path, const=RESULT, help=f"write {RESULT.name}, or the given file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.large:
        prune_large(arguments.large)
        return
    head = [
        "| cell | N | criterion | forward and backward, ms | ratio | quartiles | target | met |",
        "|---|---:|---|---:|---:|---|---:|---|",
    ]
    print("\n".join(head), flush=True)
    measured = [
        row for hidden in arguments.neurons for cell in arguments.cells for row in rows(cell, hidden, arguments.rounds)
    ]
    large = [
        f"Pruning of a GRU of {LARGE} units by `prune`, in a process of its own; targets {SECONDS:g} s of CPU time and "
        f"a peak of {GIGABYTES:g} GB:",
        "",
        "| criterion | CPU time, s | wall time, s | memory before, GB | peak, GB | met |",
        "|---|---:|---:|---:|---:|---|",
    ]
    print("\n" + "\n".join(large), flush=True)
    large += [large_row(name) for name in LARGE_CRITERIA]
    environment = machine.described("cpu", "threads 1", "CPU time")
    text = "\n".join([*head, *measured, "", *large, "", environment])
    print("\n" + environment, flush=True)
    if arguments.write:
        arguments.write.write_text(f"# Time of pruning criteria\n\n{text}\n")


if __name__ == "__main__":
    main()

"""Cost of a penalty and its gradient per training step, and on a list of E edges, where it is O(E).

    python benchmarks/penalty_cost.py [--device cpu] [--neurons 512] [--threads 2] [--write]
    python benchmarks/penalty_cost.py --device cuda --precision tf32 --neurons 4096 --write

The step is that of navigation with B = 200, T = 50 and Adam. Steps with each penalty and without one alternate in one
process (without, torus, without, L1, ...), so that other load on the machine affects all equally; each ratio is that of
two neighbouring steps. The penalty by itself (forward, backward, and the addition to an existing gradient) is timed as
well, also alternating; this measurement is far less noisy. On a GPU steps are recorded and replayed, as in runs. If
other processes use the cores, `--clock cpu` measures the CPU time of this process over all its threads instead of wall
time; set OMP_WAIT_POLICY=passive with it, otherwise the time of waiting threads counts too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import machine
import torch
from torch import Tensor, nn

from srnn_bench import Conditions, Experiment, Penalty, Stage, Training
from srnn_bench.training import applied, assemble, engine_of, resolve_device
from srnn_manifolds import L1, AnyRegularizer, EdgePenalty, Moduli, Shuffled, Trained
from srnn_models import ElmanRNN, PathIntegrator
from srnn_tasks import PathIntegration

RESULT = Path(__file__).parents[1] / "docs" / "results" / "penalty-cost.md"
TARGET = 5.0  # percent
STEPS, BATCH = 50, 200  # T, B
REGULARIZERS: dict[str, AnyRegularizer] = {
    "torus, DoG": Moduli(),
    "L1, matched": L1(matched=Moduli()),
    "shuffled": Shuffled(base=Moduli()),
    "torus, DoG, trained": Trained(base=Moduli()),
}
COUNTS = (10_000, 100_000, 1_000_000, 3_000_000, 10_000_000)
EDGES = (*((20_000, number) for number in COUNTS), (2_000_000, 1_000_000))  # N, E


def experiment(neurons: int, regularizer: AnyRegularizer | None) -> Experiment:
    """Return navigation with one penalty on W_hh, or none."""
    training = Training(epochs=1000, batches=1000, batch_size=BATCH, learning_rate=1e-4)
    penalty = () if regularizer is None else (Penalty(parameter="*weight_hh*", regularizer=regularizer, strength=0.1),)
    return Experiment(
        task=PathIntegration(steps=STEPS),
        model=PathIntegrator(recurrence=ElmanRNN(hidden=neurons, nonlinearity="relu", bias=False)),
        penalties=penalty,
        stages=(Stage(name="timed", training=training),),
    )


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Timer:
    """Times calls on a device with one of the clocks, in ms."""

    def __init__(self, device: torch.device, clock: str) -> None:
        self.device, self.clock = device, CLOCKS[clock]

    def __call__(self, function: Callable[[], object], times: int = 1) -> float:
        """Return the mean time per call in ms over `times` calls."""
        self.wait()
        begin = self.clock()
        for _ in range(times):
            function()
        self.wait()
        return 1000 * (self.clock() - begin) / times

    def wait(self) -> None:
        """Wait until the device has finished all work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def by_itself(penalty: nn.Module, weight: Tensor) -> Callable[[], object]:
    """Return a function that computes the penalty and adds its gradient to an existing one."""
    weight.grad = torch.zeros_like(weight)

    def function() -> None:
        for parameter in penalty.parameters():
            parameter.grad = None
        (0.1 * penalty(weight)).backward()

    return function


def steps(arguments: argparse.Namespace, neurons: int, device: torch.device) -> list[str]:
    """Return one table row per penalty."""
    timed = Timer(device, arguments.clock)

    def step_with(regularizer: AnyRegularizer | None) -> Callable[[], Tensor]:
        engine = engine_of([assemble(experiment(neurons, regularizer), 0, device)], device, True, print)
        engine.begin(0)
        return engine.step

    step_without = step_with(None)
    steps_with = {name: step_with(value) for name, value in REGULARIZERS.items()}
    generator = torch.Generator().manual_seed(0)
    draw = (torch.rand(neurons, neurons, generator=generator) - 0.5).to(device) / neurons**0.5
    alone = {
        name: by_itself(value.build(neurons, generator=generator).to(device), nn.Parameter(draw.clone()))
        for name, value in REGULARIZERS.items()
    }
    for function in (step_without, *steps_with.values(), *alone.values()):
        timed(function, 5)  # the first calls allocate, select kernels, and on a GPU record
    calls = 1 if device.type == "cpu" else 20
    without: dict[str, list[float]] = {name: [] for name in REGULARIZERS}
    with_penalty: dict[str, list[float]] = {name: [] for name in REGULARIZERS}
    alone_times: dict[str, list[float]] = {name: [] for name in REGULARIZERS}
    for number in range(arguments.repeat):
        for name in REGULARIZERS:
            pair = [(without, step_without), (with_penalty, steps_with[name])]
            for measured, function in pair if number % 2 else reversed(pair):
                measured[name].append(timed(function, calls))
            alone_times[name].append(timed(alone[name], 20))
    rows = []
    for name in REGULARIZERS:
        extra = sorted(
            100 * (after / before - 1) for before, after in zip(without[name], with_penalty[name], strict=True)
        )
        quarter = len(extra) // 4
        spread = f"{extra[quarter]:.1f} to {extra[-1 - quarter]:.1f}"
        step, cost = median(without[name]), median(alone_times[name])
        share = 100 * cost / step
        verdict = "yes" if share <= TARGET and median(extra) <= TARGET else "no"
        rows.append(
            f"| {neurons} | {name} | {step:.2f} | {median(with_penalty[name]):.2f} | {median(extra):.1f} | {spread} "
            f"| {cost:.3f} | {share:.2f} | {verdict} |"
        )
        print(rows[-1], flush=True)
    return rows


def edges(arguments: argparse.Namespace, neurons: int, number: int, device: torch.device) -> str:
    """Return the table row for a list of random edges with a fixed embedding."""
    timed = Timer(device, arguments.clock)
    generator = torch.Generator().manual_seed(0)
    indices = torch.randint(neurons, (2, number), generator=generator)

    def build() -> EdgePenalty:
        return Moduli().build_edges(indices, neurons, generator=torch.Generator().manual_seed(1))

    build_time = median(timed(build) for _ in range(3))
    penalty = build().to(device)
    values = nn.Parameter((torch.rand(number, generator=generator) - 0.5).to(device))
    function = by_itself(penalty, values)
    timed(function, 3)
    cost = median(timed(function, max(1, 1_000_000 // number)) for _ in range(arguments.repeat))
    memory = sum(4 * buffer.numel() for buffer in penalty.buffers()) / 2**20
    row = [
        f"{neurons:,}",
        f"{number:,}",
        f"{build_time:.0f}",
        f"{cost:.3f}",
        f"{1e6 * cost / number:.2f}",
        f"{memory:.1f}",
    ]
    row.append(f"{4 * neurons**2 / 2**30:,.1f}")
    print(f"| {' | '.join(row)} |", flush=True)
    return f"| {' | '.join(row)} |"


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:n]")
    parser.add_argument("--neurons", type=int, nargs="*", default=[512])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32", help="float32, tf32 or bfloat16")
    parser.add_argument("--clock", default="wall", choices=list(CLOCKS))
    parser.add_argument("--repeat", type=int, default=21, help="pairs of timings per row")
    parser.add_argument(
        "--edges", type=int, default=10_000_000, help="length of the longest list of edges; 0 skips the lists"
    )
    parser.add_argument(
        "--write", nargs="?", type=Path, const=RESULT, help=f"append the tables to {RESULT.name}, or to the given file"
    )
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    head = [
        f"T = {STEPS}, B = {BATCH}, {arguments.repeat} pairs; *more* is the median over the pairs, followed by the "
        f"interquartile range; the target is {TARGET:g} %:",
        "",
        "| N | penalty | step without, ms | with, ms | more, % | quartiles, % | by itself, ms | step share, % | met |",
        "|---:|---|---:|---:|---:|---|---:|---:|---|",
    ]
    print("\n".join(head), flush=True)
    with applied(Conditions(str(device), arguments.precision, arguments.threads)):
        for neurons in arguments.neurons:
            head += steps(arguments, neurons, device)
        parts = ["\n".join(head)]
        head = [
            "A penalty on a list of E edges among N neurons, by itself. *Memory* is that of the penalty's buffers; the "
            "last column is the size of a dense N x N matrix:",
            "",
            "| N | E | build, ms | forward and backward, ms | ns per edge | memory, MiB | N x N, GiB |",
            "|---:|---:|---:|---:|---:|---:|---:|",
        ]
        if arguments.edges:
            print("\n" + "\n".join(head), flush=True)
            sizes = [(neurons, number) for neurons, number in EDGES if number <= arguments.edges]
            parts.append("\n".join([*head, *(edges(arguments, *size, device) for size in sizes)]))
    details = f"threads {arguments.threads}", arguments.precision, f"{arguments.clock} clock"
    parts.append(machine.described(device, *details))
    print("\n" + parts[-1], flush=True)
    if arguments.write:
        before = arguments.write.read_text() if arguments.write.exists() else "# Cost of a penalty\n"
        title = f"## {'GPU' if device.type == 'cuda' else 'CPU'}, {date.today()}"
        arguments.write.write_text("\n\n".join([before.rstrip(), title, *parts]) + "\n")


if __name__ == "__main__":
    main()

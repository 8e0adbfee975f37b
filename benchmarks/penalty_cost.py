"""What a penalty and its gradient add to a training step, and that on a list of edges they cost O(E).

    python benchmarks/penalty_cost.py [--device cpu] [--neurons 512] [--threads 2] [--write]
    python benchmarks/penalty_cost.py --device cuda --precision tf32 --neurons 4096 --write

The step is that of navigation, B = 200 and T = 50, with Adam. Steps with each penalty and without one are taken in turn
in one process (without, torus, without, L1, ...), so that what else the machine does falls on all alike; the ratio is
taken of neighbours. Beside it, also in turn, the penalty by itself: forward, backward, and the sum into a gradient that
is there. It is far less noisy. On a GPU steps are recorded and replayed, as runs take them. Where other processes want
the cores, `--clock cpu` takes the CPU time of this process, of all its threads, instead of the time on the wall; set
OMP_WAIT_POLICY=passive with it, or threads that wait for each other count too.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

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


class Watch:
    """Takes the time of calls, in ms, on a device by one of the clocks."""

    def __init__(self, device: torch.device, clock: str) -> None:
        self.device, self.clock = device, CLOCKS[clock]

    def __call__(self, function: Callable[[], object], times: int = 1) -> float:
        """Return the ms that one of so many calls takes."""
        self.wait()
        begin = self.clock()
        for _ in range(times):
            function()
        self.wait()
        return 1000 * (self.clock() - begin) / times

    def wait(self) -> None:
        """Wait for what was started on the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def by_itself(penalty: nn.Module, weight: Tensor) -> Callable[[], object]:
    """Return what takes penalty and gradient, which is added to one that is there."""
    weight.grad = torch.zeros_like(weight)

    def function() -> None:
        for parameter in penalty.parameters():
            parameter.grad = None
        (0.1 * penalty(weight)).backward()

    return function


def steps(arguments: argparse.Namespace, neurons: int, device: torch.device) -> list[str]:
    """Return a row for each penalty."""
    timed = Watch(device, arguments.clock)

    def stepper(regularizer: AnyRegularizer | None) -> Callable[[], Tensor]:
        engine = engine_of([assemble(experiment(neurons, regularizer), 0, device)], device, True, print)
        engine.begin(0)
        return engine.step

    plain = stepper(None)
    penalised = {name: stepper(value) for name, value in REGULARIZERS.items()}
    generator = torch.Generator().manual_seed(0)
    draw = (torch.rand(neurons, neurons, generator=generator) - 0.5).to(device) / neurons**0.5
    alone = {
        name: by_itself(value.build(neurons, generator=generator).to(device), nn.Parameter(draw.clone()))
        for name, value in REGULARIZERS.items()
    }
    for function in (plain, *penalised.values(), *alone.values()):
        timed(function, 5)  # the first ones allocate, choose kernels, and on a GPU record
    times = 1 if device.type == "cpu" else 20
    without: dict[str, list[float]] = {name: [] for name in REGULARIZERS}
    within: dict[str, list[float]] = {name: [] for name in REGULARIZERS}
    itself: dict[str, list[float]] = {name: [] for name in REGULARIZERS}
    for number in range(arguments.repeat):
        for name in REGULARIZERS:
            pair = [(without, plain), (within, penalised[name])]
            for held, function in pair if number % 2 else reversed(pair):
                held[name].append(timed(function, times))
            itself[name].append(timed(alone[name], 20))
    made = []
    for name in REGULARIZERS:
        extra = sorted(100 * (b / a - 1) for a, b in zip(without[name], within[name], strict=True))
        quarter = len(extra) // 4
        spread = f"{extra[quarter]:.1f} to {extra[-1 - quarter]:.1f}"
        step, cost = median(without[name]), median(itself[name])
        share = 100 * cost / step
        verdict = "yes" if share <= TARGET and median(extra) <= TARGET else "no"
        made.append(
            f"| {neurons} | {name} | {step:.2f} | {median(within[name]):.2f} | {median(extra):.1f} | {spread} "
            f"| {cost:.3f} | {share:.2f} | {verdict} |"
        )
        print(made[-1], flush=True)
    return made


def edges(arguments: argparse.Namespace, neurons: int, number: int, device: torch.device) -> str:
    """Return the row of a list of drawn edges, with a fixed embedding."""
    timed = Watch(device, arguments.clock)
    generator = torch.Generator().manual_seed(0)
    indices = torch.randint(neurons, (2, number), generator=generator)

    def build() -> EdgePenalty:
        return Moduli().build_edges(indices, neurons, generator=torch.Generator().manual_seed(1))

    built = median(timed(build) for _ in range(3))
    penalty = build().to(device)
    values = nn.Parameter((torch.rand(number, generator=generator) - 0.5).to(device))
    function = by_itself(penalty, values)
    timed(function, 3)
    cost = median(timed(function, max(1, 1_000_000 // number)) for _ in range(arguments.repeat))
    held = sum(4 * each.numel() for each in penalty.buffers()) / 2**20
    row = [f"{neurons:,}", f"{number:,}", f"{built:.0f}", f"{cost:.3f}", f"{1e6 * cost / number:.2f}", f"{held:.1f}"]
    row.append(f"{4 * neurons**2 / 2**30:,.1f}")
    print(f"| {' | '.join(row)} |", flush=True)
    return f"| {' | '.join(row)} |"


def environment(device: torch.device, arguments: argparse.Namespace) -> str:
    """Say on what this is measured."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = f"{names[0]}, {len(names)} cores" if names else processor
        load = Path("/proc/loadavg").read_text().split()[0]
    except OSError:  # not Linux
        load = "unknown"
    place = torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {arguments.threads} threads"
    return (
        f"Device {place}; {arguments.precision}; {arguments.clock} clock; processor {processor}; "
        f"torch {torch.__version__}; Python {platform.python_version()}; load at the end {load}; {date.today()}."
    )


def main() -> None:
    """Measure, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:n]")
    parser.add_argument("--neurons", type=int, nargs="*", default=[512])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32", help="float32, tf32 or bfloat16")
    parser.add_argument("--clock", default="wall", choices=list(CLOCKS))
    parser.add_argument("--repeat", type=int, default=21, help="pairs of timings for each row")
    parser.add_argument("--edges", type=int, default=10_000_000, help="the longest list of edges; 0 for none")
    parser.add_argument("--write", nargs="?", type=Path, const=RESULT, help=f"add the tables to {RESULT.name}")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    head = [
        f"T = {STEPS}, B = {BATCH}, {arguments.repeat} pairs; *more* is the median of the pairs, then its middle half; "
        f"the target is {TARGET:g} %:",
        "",
        "| N | penalty | step without, ms | with, ms | more, % | middle half, % | by itself, ms | of a step, % | met |",
        "|---:|---|---:|---:|---:|---|---:|---:|---|",
    ]
    print("\n".join(head), flush=True)
    with applied(Conditions(str(device), arguments.precision, arguments.threads)):
        for neurons in arguments.neurons:
            head += steps(arguments, neurons, device)
        parts = ["\n".join(head)]
        head = [
            "A penalty on a list of E edges among N neurons, by itself; *held* is what the penalty keeps, and the last "
            "column what a dense matrix of N x N would take:",
            "",
            "| N | E | built in, ms | forward and backward, ms | ns an edge | held, MiB | N x N, GiB |",
            "|---:|---:|---:|---:|---:|---:|---:|",
        ]
        if arguments.edges:
            print("\n" + "\n".join(head), flush=True)
            sizes = [(neurons, number) for neurons, number in EDGES if number <= arguments.edges]
            parts.append("\n".join([*head, *(edges(arguments, *size, device) for size in sizes)]))
    parts.append(environment(device, arguments))
    print("\n" + parts[-1], flush=True)
    if arguments.write:
        before = arguments.write.read_text() if arguments.write.exists() else "# What a penalty costs\n"
        title = f"## {'GPU' if device.type == 'cuda' else 'CPU'}, {date.today()}"
        arguments.write.write_text("\n\n".join([before.rstrip(), title, *parts]) + "\n")


if __name__ == "__main__":
    main()

"""Time and peak memory of a training step with Adam of networks whose recurrent weights are edges.

    python benchmarks/edges_speed.py [--threads 2] [--repeat 3] [--scale 1] [--clock wall] [--write]
    python benchmarks/edges_speed.py --scale 0.01

N = 20,000, random 0.5 %, T = 10, B = 20: against an `nn.RNN` with a mask of srnn-masks. Steps of both alternate in one
process, and a ratio is that of two neighbouring steps; memory is that of a process of its own for each. Then 250,000
neurons of a periodic sheet, d = 6, T = 10, B = 4, which cannot be dense, and their file. Memory is the peak of the
process above that after imports, from the edges on. `--scale` multiplies the number of neurons. If other processes use
the cores, `--clock cpu` measures the CPU time of this process over all its threads instead of wall time; set
OMP_WAIT_POLICY=passive with it. A dense step of N = 20,000 takes 12 GB. `--write` writes what is printed to
`docs/results/speed`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from math import isqrt
from pathlib import Path
from statistics import median
from typing import TypeVar

import machine
import page
import torch
from torch import Tensor, nn

import srnn_masks
from srnn_masks import Locality, UniformRandom
from srnn_models import ElmanRNN

RESULT = Path(__file__).parents[1] / "docs" / "results" / "speed" / "edges.md"
INPUTS, STEPS = 16, 10  # I, T
NEURONS, DENSITY, BATCH = 20_000, 0.005, 20
MANY, RADIUS, FEW = 250_000, 6, 4  # N, d, B
Result = TypeVar("Result")
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def main() -> None:
    """Measure and print all cases."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3, help="steps after the first one")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--case", choices=("random", "sheet"), help="one of the two networks only")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    found = []
    for line in lines(arguments):
        print(line, flush=True)
        found.append(f"- {line}")
    if arguments.write:
        page.write(RESULT, "Networks of edges", __doc__, found)


def lines(arguments: argparse.Namespace) -> Iterator[str]:
    """Measure, and give the lines of the result."""
    neurons, side = round(NEURONS * arguments.scale), isqrt(round(MANY * arguments.scale))
    measure = Measurement(arguments.threads, arguments.repeat, arguments.clock)
    details = f"threads {arguments.threads}", f"{arguments.clock} clock", f"scale {arguments.scale:g}"
    yield machine.described("cpu", *details)
    if arguments.case != "sheet":
        peaks = [apart(measure.peak, kind, neurons) for kind in ("edges", "masked")]
        yield (
            f"N = {neurons}, random {100 * DENSITY:g} %: {peaks[0]:.2f} GB by edges, {peaks[1]:.2f} GB masked, "
            f"ratio {peaks[1] / peaks[0]:.1f}, at least 30"
        )
        edges, masked, ratio = apart(measure.ratio, neurons)
        yield f"a step: {edges:.2f} s by edges, {masked:.2f} s masked, ratio {ratio:.1f}, at least 25"
    if arguments.case != "random":
        yield from apart(measure.sheet, side)


class Measurement:
    """Runs in processes of their own."""

    def __init__(self, threads: int, repeat: int, clock: str) -> None:
        self.threads, self.repeat, self.clock = threads, repeat, clock

    def peak(self, kind: str, neurons: int) -> float:
        """Return the peak memory of two training steps, GB."""
        torch.set_num_threads(self.threads)
        before = memory()
        step = BUILD[kind](neurons)
        step()
        step()
        return memory() - before

    def ratio(self, neurons: int) -> tuple[float, float, float]:
        """Return the time of a step by edges and of a masked one, s, and the median of the ratios of neighbours."""
        torch.set_num_threads(self.threads)
        steps = [BUILD[kind](neurons) for kind in ("edges", "masked")]
        for step in steps:
            step()
        times = [[self.seconds(step) for step in steps] for _ in range(self.repeat)]
        edges, masked = (median(column) for column in zip(*times, strict=True))
        return edges, masked, median(masked / edges for edges, masked in times)

    def sheet(self, side: int) -> list[str]:
        """Return lines about edges, time and memory of a periodic sheet, and the size of its file."""
        torch.set_num_threads(self.threads)
        before, count = memory(), side * side
        indices = Locality(sheet=(side, side), radius=RADIUS).indices(count, count)
        found = [f"{count} neurons, {indices.shape[1]} edges: {memory() - before:.2f} GB with the edges"]
        generator = torch.Generator().manual_seed(0)
        rnn = ElmanRNN(hidden=count).build(INPUTS, generator=generator, edges=indices)
        del indices
        found.append(f"{memory() - before:.2f} GB with the network")
        step = training(rnn, FEW)
        first = self.seconds(step)
        times = [self.seconds(step) for _ in range(self.repeat)]
        found.append(
            f"a step: {median(times):.2f} s (first {first:.2f} s), limit 5; peak {memory() - before:.2f} GB, limit 4"
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rnn.pt"
            torch.save(rnn.state_dict(), path)
            found.append(f"its file: {path.stat().st_size / 1e6:.0f} MB")
        return found

    def seconds(self, function: Callable[[], object]) -> float:
        """Return the time of one call, s."""
        clock = CLOCKS[self.clock]
        begin = clock()
        function()
        return clock() - begin


def by_edges(neurons: int) -> Callable[[], None]:
    """Return a training step of a network of edges."""
    generator = torch.Generator().manual_seed(0)
    indices = UniformRandom(density=DENSITY).indices(neurons, neurons, generator=generator)
    return training(ElmanRNN(hidden=neurons).build(INPUTS, generator=generator, edges=indices), BATCH)


def masked(neurons: int) -> Callable[[], None]:
    """Return a training step of a masked `nn.RNN`."""
    generator = torch.Generator().manual_seed(0)
    rnn = nn.RNN(INPUTS, neurons)
    srnn_masks.apply(rnn, {"weight_hh_l0": UniformRandom(density=DENSITY).mask(neurons, neurons, generator=generator)})
    return training(rnn, BATCH)


BUILD: dict[str, Callable[[int], Callable[[], None]]] = {"edges": by_edges, "masked": masked}


def training(rnn: nn.Module, batch: int) -> Callable[[], None]:
    """Return a training step: forward, backward and Adam."""
    adam = torch.optim.Adam(rnn.parameters(), lr=1e-4, fused=True)
    inputs: Tensor = torch.randn(STEPS, batch, INPUTS, generator=torch.Generator().manual_seed(1))

    def step() -> None:
        adam.zero_grad()
        states, _ = rnn(inputs)
        states.square().mean().backward()
        adam.step()

    return step


def memory() -> float:
    """Return the peak memory of this process so far, GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if platform.system() == "Darwin" else 1e6)


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of a call in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


if __name__ == "__main__":
    main()

r"""Time per training step of navigation: launched kernel by kernel (eager), and replayed as a CUDA graph (recorded).

    python benchmarks/navigation_speed.py --write                      # N = 4096, B = 200, T = 50, TF32, on a GPU
    python benchmarks/navigation_speed.py --device cpu --neurons 64    # to try the script

First the losses of 20 steps from the same seed are compared. Then blocks of steps are timed alternately (eager,
recorded, eager, ...) with CUDA events. A step includes drawing the routes, which is not recorded, forward, loss,
penalty, backward and Adam. On a CPU nothing can be recorded, and both engines are the same.

For a GPU machine with Python 3.12 and torch but without network access: once, on a machine with network access, in the
root of the repository,

    pip wheel -q --no-deps -w .whl packages/*/ && pip download -q --no-deps --only-binary=:all: --python-version 3.12 \
        --implementation cp --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -d .whl \
        pydantic==2.14.3 pydantic-core==2.50.4 annotated-types==0.8.0 typing-extensions==4.16.0 typing-inspection==0.4.5

and on the GPU machine, with .whl copied and OUT set to an output folder, one command (tests first; at most 10 minutes):

    export PYTHONPATH=/tmp/site; python3 -m pip install -q --no-index --no-deps --no-compile --target /tmp/site \
        .whl/*.whl; timeout 200 python3 -m pytest -q -p no:cacheprovider -k cuda \
        packages/srnn-bench/tests/training/test_graphed.py; \
        timeout 180 python3 benchmarks/navigation_speed.py --write $OUT/navigation-speed.md; \
        timeout 180 python3 benchmarks/penalty_cost.py --device cuda --precision tf32 --neurons 4096 \
        --write $OUT/penalty-cost.md
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import machine
import torch
from torch import Tensor

from srnn_bench import Conditions, Experiment, Penalty, Stage, Training
from srnn_bench.training import (
    CudaRecorder,
    Graphed,
    Single,
    applied,
    assemble,
    peak_memory_mb,
    reset_peak_memory,
    resolve_device,
)
from srnn_manifolds import Moduli
from srnn_models import ElmanRNN, PathIntegrator
from srnn_tasks import PathIntegration

RESULT = Path(__file__).parents[1] / "docs" / "results" / "navigation-speed.md"
CELLS = 512  # K
TARGET, AIM = 6.0, 4.5  # ms per step at N = 4096, B = 200, T = 50 on an H100 in TF32
COMPARED = 20  # steps whose losses are compared
TOLERANCE = {"float32": 1e-4, "tf32": 2e-3, "bfloat16": 2e-2}  # largest accepted relative difference of a loss


@dataclass(frozen=True)
class Size:
    """Size of the timed network: neurons N, batch B, time steps T."""

    neurons: int
    batch: int
    steps: int

    @property
    def flops(self) -> float:
        """Floating-point operations per step: 2 per multiply-add, backward twice the forward."""
        n, rows = self.neurons, self.batch * self.steps
        forward = rows * n * (n + CELLS + 2) + self.batch * CELLS * n
        return 6.0 * forward

    @property
    def bytes(self) -> dict[str, float]:
        """Lower bound on the float32 bytes moved per step, by source, if only W_hh exceeds the cache.

        `recurrence`: W_hh is read at each time step, forward and backward. `states`: driven input, h and delta, each
        written once and read once, and read once more for the gradient of W_hh (h, delta) and the decoder (h). `codes`:
        targets, outputs and their gradients. `weights`: gradient written; Adam reads four tensors and writes three.
        `penalty`: W, coefficients and gradient read, gradient written.
        """
        n, rows = self.neurons, self.batch * self.steps
        weights = n * (n + 2 * CELLS + 2)
        numbers = {
            "recurrence": 2.0 * self.steps * n * n,
            "states": 9.0 * rows * n,
            "codes": 8.0 * rows * CELLS,
            "weights": 8.0 * weights,
            "penalty": 4.0 * n * n,
        }
        return {name: 4 * number for name, number in numbers.items()}


def experiment(size: Size) -> Experiment:
    """Return navigation with the moduli penalty."""
    training = Training(epochs=30, batches=1000, batch_size=size.batch, learning_rate=1e-4)
    return Experiment(
        task=PathIntegration(steps=size.steps, place_cells=CELLS),
        model=PathIntegrator(recurrence=ElmanRNN(hidden=size.neurons, nonlinearity="relu", bias=False)),
        penalties=(Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=0.1),),
        stages=(Stage(name="timed", training=training),),
    )


def eager(size: Size, device: torch.device) -> Single:
    """Return an engine that launches the step kernel by kernel."""
    engine = Single([assemble(experiment(size), 0, device)], device)
    engine.begin(0)
    return engine


def recorded(size: Size, device: torch.device) -> Single:
    """Return an engine that records its step and replays it, or `eager` on a CPU.

    Raises RuntimeError if recording fails.
    """
    if device.type != "cuda":
        return eager(size, device)

    def on_note(text: str) -> None:
        raise RuntimeError(text)

    engine = Graphed([assemble(experiment(size), 0, device)], device, CudaRecorder(device), on_note=on_note)
    engine.begin(0)
    return engine


def first_losses(
    make: Callable[[Size, torch.device], Single], size: Size, device: torch.device
) -> tuple[Tensor, float | None]:
    """Return loss and penalty of the first steps, shape `(steps, 2)`, and the peak memory in MiB."""
    reset_peak_memory(device)
    engine = make(size, device)
    losses = torch.cat([engine.step() for _ in range(COMPARED)]).cpu()
    memory = peak_memory_mb(device)
    del engine
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return losses, memory


def timed(function: Callable[[], object], times: int, device: torch.device) -> tuple[float, float]:
    """Return ms per call by CUDA events, and ms per call in which the host launched kernels."""
    if device.type != "cuda":
        begin = time.perf_counter()
        for _ in range(times):
            function()
        elapsed = 1000 * (time.perf_counter() - begin) / times
        return elapsed, elapsed
    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize(device)
    begin = time.perf_counter()
    first.record()
    for _ in range(times):
        function()
    last.record()
    launched = time.perf_counter() - begin
    torch.cuda.synchronize(device)
    return first.elapsed_time(last) / times, 1000 * launched / times


def measure(arguments: argparse.Namespace, size: Size, device: torch.device) -> list[str]:
    """Compare the losses, time the steps, and return the lines of the page."""
    (eager_losses, eager_memory), (recorded_losses, recorded_memory) = (
        first_losses(make, size, device) for make in (eager, recorded)
    )
    difference = float(((recorded_losses - eager_losses) / eager_losses).abs().max())
    accepted = difference <= TOLERANCE[arguments.precision]
    lines = [
        f"Largest relative difference of losses and penalties in the first {COMPARED} steps: {difference:.1e} "
        f"({'accepted' if accepted else 'NOT accepted'}: tolerance {TOLERANCE[arguments.precision]:.0e})."
    ]
    print(lines[0], flush=True)
    if not accepted:
        return lines
    eager_engine, recorded_engine = eager(size, device), recorded(size, device)
    times: dict[str, list[tuple[float, float]]] = {"eager": [], "recorded": [], "draws alone, eager": []}
    calls = {
        "eager": eager_engine.step,
        "recorded": recorded_engine.step,
        "draws alone, eager": lambda: next(eager_engine.batches),
    }
    for call in calls.values():
        timed(call, 10, device)
    for _ in range(arguments.repeat):
        for name, call in calls.items():
            times[name].append(timed(call, arguments.block, device))
    moved = sum(size.bytes.values())
    lines += [
        "",
        f"{arguments.repeat} blocks of {arguments.block} steps each, alternating; median, smallest and largest block:",
        "",
        "| | ms per step | range | host, ms | TFLOP/s | GB/s, at least | peak memory, MiB |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for name, memory_mb in (("eager", eager_memory), ("recorded", recorded_memory), ("draws alone, eager", None)):
        device_ms, host_ms = ([pair[side] for pair in times[name]] for side in (0, 1))
        step = median(device_ms)
        rates = ("", "") if "draws" in name else (f"{size.flops / step / 1e9:.2f}", f"{moved / step / 1e6:.0f}")
        memory = "" if memory_mb is None else f"{memory_mb:.0f}"
        lines.append(
            f"| {name} | {step:.3f} | {min(device_ms):.3f} to {max(device_ms):.3f} | {median(host_ms):.3f} "
            f"| {rates[0]} | {rates[1]} | {memory} |"
        )
    ratios = [plain / replayed for (plain, _), (replayed, _) in zip(times["eager"], times["recorded"], strict=True)]
    lines += [
        "",
        f"Recorded steps are {median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f}). A step takes "
        f"{size.flops:.3e} FLOPs and moves at least {moved / 1e9:.2f} GB: "
        + ", ".join(f"{name} {number / 1e9:.2f}" for name, number in size.bytes.items())
        + ".",
    ]
    if device.type == "cuda" and size == Size(4096, 200, 50):
        step = median([pair[0] for pair in times["recorded"]])
        verdict = "aim met" if step <= AIM else "target met, aim not met" if step <= TARGET else "target NOT met"
        lines += ["", f"Target {TARGET:g} ms, aim {AIM:g} ms: {step:.2f} ms, {verdict}."]
    print("\n".join(lines[1:]), flush=True)
    return lines


def main() -> None:
    """Measure and print; with `--write`, also write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda[:n]")
    parser.add_argument("--neurons", type=int, default=4096)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--steps", type=int, default=50, help="time steps T")
    parser.add_argument("--precision", default="tf32", choices=list(TOLERANCE))
    parser.add_argument("--repeat", type=int, default=7, help="blocks per engine")
    parser.add_argument("--block", type=int, default=50, help="steps per block")
    parser.add_argument("--write", nargs="?", type=Path, const=RESULT, help=f"write {RESULT.name}, or the given file")
    arguments = parser.parse_args()
    device, size = resolve_device(arguments.device), Size(arguments.neurons, arguments.batch, arguments.steps)
    head = f"N = {size.neurons}, B = {size.batch}, T = {size.steps}, K = {CELLS}. "
    head += machine.described(device, arguments.precision)
    print(head, flush=True)
    with applied(Conditions(str(device), arguments.precision)):
        lines = measure(arguments, size, device)
    if arguments.write:
        command = "```console\npython benchmarks/navigation_speed.py\n```"
        page = ["# A training step of navigation", command, head, "\n".join(lines)]
        arguments.write.write_text("\n\n".join(page) + "\n")


if __name__ == "__main__":
    main()

"""Speed-up of training many small networks as one batched computation instead of one after another.

    python benchmarks/stacking.py [--device cpu] [--neurons 16 64 256] [--seeds 4 8 32] [--threads 1 2] [--output FILE]

Both are timed alternately in one process (single, stacked, single, stacked, ...), so that other load on the machine
affects both equally; the ratio is taken within each pair.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import machine
import torch

from srnn_bench import Conditions, Experiment, Penalty, Stage, Training
from srnn_bench.training import Engine, Single, Stacked, applied, assemble, resolve_device
from srnn_manifolds import Moduli
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

STEPS, BATCH = 20, 32  # T, B
SHORTEST = 0.1  # minimum duration of one timing, in seconds


def experiment(neurons: int) -> Experiment:
    """Return the timed experiment: the adding problem with moduli penalty, Adam and clipping."""
    training = Training(epochs=1, batches=1, batch_size=BATCH, learning_rate=1e-3, clip_norm=1.0)
    return Experiment(
        task=Adding(steps=STEPS),
        model=SequenceModel(recurrence=ElmanRNN(hidden=neurons)),
        penalties=(Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=0.1),),
        stages=(Stage(name="timed", training=training),),
    )


def timed(step: Callable[[], object], times: int, device: torch.device) -> float:
    """Return the mean time per step in seconds over `times` steps."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    begin = time.perf_counter()
    for _ in range(times):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - begin) / times


def compare(neurons: int, seeds: int, repeat: int, device: torch.device) -> tuple[float, float, list[float]]:
    """Return the median time per run and step in ms, single and stacked, and the ratio of each pair."""
    value = experiment(neurons)

    def build(kind: type[Single | Stacked], groups: Sequence[Sequence[int]]) -> list[Engine]:
        engines: list[Engine] = [kind([assemble(value, seed, device) for seed in group], device) for group in groups]
        for engine in engines:
            engine.begin(0)
        return engines

    single = build(Single, [[seed] for seed in range(seeds)])
    (stacked,) = build(Stacked, [range(seeds)])

    def step_each() -> None:
        for engine in single:
            engine.step()

    timed(step_each, 2, device), timed(stacked.step, 2, device)  # the first calls allocate and select kernels
    times = [max(1, round(SHORTEST / timed(step, 1, device))) for step in (step_each, stacked.step)]
    pairs = [(timed(step_each, times[0], device), timed(stacked.step, times[1], device)) for _ in range(repeat)]
    gc.collect()
    single_ms, stacked_ms = (1000 * median(seconds) / seeds for seconds in zip(*pairs, strict=True))
    return single_ms, stacked_ms, [first / second for first, second in pairs]


def rows(arguments: argparse.Namespace, device: torch.device, threads: int) -> list[str]:
    """Measure all sizes and return the rows of the table."""
    lines = []
    for neurons in arguments.neurons:
        weights = neurons * (neurons + 2 + 1)  # input, recurrent and read-out matrices; I = 2, O = 1
        work = f"{6 * STEPS * BATCH * weights / 1e6:.1f}"  # forward 2 per weight, backward twice that
        memory = f"{4 * (STEPS * BATCH * neurons + weights) / 2**10:.0f}"
        for seeds in arguments.seeds:
            with applied(Conditions(str(device), threads=threads)):
                single_ms, stacked_ms, ratios = compare(neurons, seeds, arguments.repeat, device)
            ratio = f"{median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f}"
            lines.append(f"| {neurons} | {work} | {memory} | {seeds} | {single_ms:.2f} | {stacked_ms:.2f} | {ratio} |")
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:n]")
    parser.add_argument("--neurons", type=int, nargs="+", default=[16, 32, 64, 128, 256, 400])
    parser.add_argument("--seeds", type=int, nargs="+", default=[4, 8, 32])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--repeat", type=int, default=5, help="pairs of timings per row")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    parts = [machine.described(device)]
    print(parts[0], flush=True)
    for threads in arguments.threads:
        head = [
            f"{threads} thread{'s' * (threads > 1)}, T = {STEPS}, B = {BATCH}, {arguments.repeat} pairs:",
            "",
            "| N | MFLOP | KiB | S | single, ms | stacked, ms | speed-up | range |",
            "|---:|---:|---:|---:|---:|---:|---:|---|",
        ]
        print("\n" + "\n".join(head), flush=True)
        parts += ["\n".join([*head, *rows(arguments, device, threads)])]
    if arguments.output:
        arguments.output.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()

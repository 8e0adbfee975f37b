"""Time per batch of cognitive tasks, compared with neurogym and with the training step that uses the batch.

    pip install 'srnn-tasks[neurogym]' srnn-bench
    python benchmarks/cognitive_speed.py [--rounds 7] [--device cpu] [--write]

neurogym (2.3.1, which has the 20 tasks of Yang et al. as a collection) fills its `Dataset` with the tasks in random
order; `Cognitive` draws windows of the 84 tasks of Mod-Cog. Both use dt 100 ms, 350 steps and one thread, and are timed
alternately in one process, so that other load on the machine affects both equally. Then a batch and a training step
(forward, backward, Adam) of a dense network of `--neurons` units on that batch are timed, also alternately. If neurogym
is not installed, the output says so.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import torch

from srnn_models import LeakyRNN, SequenceModel
from srnn_tasks import Batch, Cognitive
from srnn_tasks.cognitive import OneTrial, Windows

RESULT = Path(__file__).parents[1] / "docs" / "results" / "cognitive-speed.md"
STEPS, ROWS = 350, 64
TARGET_SPEEDUP, TARGET_SHARE = 20.0, 5.0  # over neurogym; percent of a training step


def neurogym_dataset(rows: int) -> Callable[[], object] | None:
    """Return a function that produces the next batch of neurogym's 20 tasks, or None if neurogym is not installed."""
    try:
        import neurogym
        from neurogym.envs.collections import get_collection
        from neurogym.utils import scheduler
        from neurogym.wrappers import ScheduleEnvs
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = get_collection("yang19")
        envs = [neurogym.make(name, dt=100) for name in names]
        env = ScheduleEnvs(envs, scheduler.RandomSchedule(len(envs)), env_input=True)
        dataset = neurogym.Dataset(env, batch_size=rows, seq_len=STEPS)
    # the cache of Dataset may serve several batches: the cost per batch is that of one fill over their number
    assert len(names) == 20, names
    return dataset


def timed(function: Callable[[], object], times: int, device: torch.device) -> float:
    """Return the mean time per call in ms."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(times):
        function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - begin) / times


def main() -> None:
    """Measure and print the page; with `--write`, also write it to docs/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--neurons", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(arguments.device)
    generator = torch.Generator(device).manual_seed(0)
    windows = Cognitive(tasks="paper84", layout=Windows(steps=STEPS)).open(device=device, generator=generator)
    batches = windows.batches(ROWS, generator=generator)
    dataset = neurogym_dataset(ROWS)
    next(batches)
    times: dict[str, list[float]] = {"srnn": [], "neurogym": []}
    for _ in range(arguments.rounds):
        times["srnn"].append(timed(lambda: next(batches), 5, device))
        if dataset is not None:
            times["neurogym"].append(timed(dataset, 1, device))
    lines = [
        "# Speed of the cognitive tasks",
        "",
        "```console",
        f"python benchmarks/cognitive_speed.py --device {arguments.device} --neurons {arguments.neurons} "
        f"--rounds {arguments.rounds} --write",
        "```",
        "",
        f"{date.today()}, {platform.machine()}, torch {torch.__version__}, Python {platform.python_version()}, one "
        f"thread; T = {STEPS}, B = {ROWS}, dt 100 ms; medians of {arguments.rounds} rounds.",
        "",
        "| batch | ms |",
        "|---|---:|",
        f"| `Cognitive`, 84 tasks of Mod-Cog | {median(times['srnn']):.1f} |",
    ]
    if times["neurogym"]:
        ratios = [theirs / ours for theirs, ours in zip(times["neurogym"], times["srnn"], strict=True)]
        lines += [
            f"| neurogym's `Dataset`, 20 tasks of Yang et al. | {median(times['neurogym']):.0f} |",
            "",
            f"`Cognitive` is {median(ratios):.0f} times as fast (median over rounds; range {min(ratios):.0f} to "
            f"{max(ratios):.0f}; target {TARGET_SPEEDUP:.0f}).",
        ]
    else:
        lines += ["", "neurogym is not installed and was not measured."]
    lines += ["", *against_training(arguments.neurons, arguments.rounds, device, generator)]
    print("\n".join(lines))
    if arguments.write:
        RESULT.write_text("\n".join(lines) + "\n")


def against_training(neurons: int, rounds: int, device: torch.device, generator: torch.Generator) -> list[str]:
    """Return the lines of the table that compares the time per batch with that of the training step."""
    lines = [
        f"| dense, N = {neurons} | batch, ms | training step, ms | batch / step, % |",
        "|---|---:|---:|---:|",
    ]
    for name, layout in (("windows of 350 steps", Windows(steps=STEPS)), ("one trial per row", OneTrial())):
        source = Cognitive(tasks="paper84", layout=layout).open(device=device, generator=generator)
        batches = source.batches(ROWS, generator=generator)
        network = SequenceModel(recurrence=LeakyRNN(hidden=neurons)).build(
            source.spec, generator=torch.Generator().manual_seed(0)
        )
        network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        first: Batch = next(batches)

        def step(batch: Batch = first, source=source, network=network, optimizer=optimizer) -> None:  # type: ignore[no-untyped-def]
            outputs, _ = network(batch.inputs)
            optimizer.zero_grad()
            source.loss(outputs, batch).backward()
            optimizer.step()

        step()
        batch_times, step_times = [], []
        for _ in range(min(rounds, 5)):
            batch_times.append(timed(lambda batches=batches: next(batches), 3, device))  # type: ignore[misc]
            step_times.append(timed(step, 1, device))
        shares = [100 * batch / whole for batch, whole in zip(batch_times, step_times, strict=True)]
        lines.append(f"| {name} | {median(batch_times):.1f} | {median(step_times):.0f} | {median(shares):.1f} |")
    lines += ["", f"Target: at most {TARGET_SHARE:.0f} %."]
    return lines


if __name__ == "__main__":
    main()

"""How long batches of cognitive tasks take: ours beside neurogym's, and beside the training step that uses them.

    pip install 'srnn-tasks[neurogym]' srnn-bench
    python benchmarks/cognitive_speed.py [--rounds 7] [--device cpu] [--write]

Neurogym (2.3.1, which has the 20 tasks of Yang et al. as a collection) fills its `Dataset` with the tasks in random
order; `Cognitive` draws windows of the 84 tasks of Mod-Cog. Both: dt 100 ms, 350 steps, one thread, in turn in one
process, so that what else the machine does falls on both alike. Then, in turn too, a batch and a training step
(forward, backward, Adam) of a dense network of `--neurons` units on it. Without neurogym its part is left out, and said
so.
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
TIMES, SHARE = 20.0, 5.0  # targets: times neurogym, percent of a step


def neurogym_dataset(rows: int) -> Callable[[], object] | None:
    """Return what makes the next batch of neurogym's 20 tasks, or None without neurogym."""
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
    # its cache would serve several batches by one filling: what a batch costs is the filling over their number
    assert len(names) == 20, names
    return dataset


def timed(make: Callable[[], object], times: int, device: torch.device) -> float:
    """Return milliseconds for one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(times):
        make()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - began) / times


def main() -> None:
    """Measure and print, or write the result's page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--neurons", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(asked.device)
    generator = torch.Generator(device).manual_seed(0)
    windows = Cognitive(tasks="paper84", layout=Windows(steps=STEPS)).open(device=device, generator=generator)
    ours = windows.batches(ROWS, generator=generator)
    theirs = neurogym_dataset(ROWS)
    next(ours)
    times: dict[str, list[float]] = {"ours": [], "neurogym": []}
    for _ in range(asked.rounds):
        times["ours"].append(timed(lambda: next(ours), 5, device))
        if theirs is not None:
            times["neurogym"].append(timed(theirs, 1, device))
    lines = [
        "# Speed of the cognitive tasks",
        "",
        "```console",
        f"python benchmarks/cognitive_speed.py --device {asked.device} --neurons {asked.neurons} "
        f"--rounds {asked.rounds} --write",
        "```",
        "",
        f"{date.today()}, {platform.machine()}, torch {torch.__version__}, Python {platform.python_version()}, one "
        f"thread; T = {STEPS}, B = {ROWS}, dt 100 ms; medians of {asked.rounds} rounds.",
        "",
        "| batch | ms |",
        "|---|---:|",
        f"| `Cognitive`, 84 tasks of Mod-Cog | {median(times['ours']):.1f} |",
    ]
    if times["neurogym"]:
        ratios = [slow / quick for slow, quick in zip(times["neurogym"], times["ours"], strict=True)]
        lines += [
            f"| neurogym's `Dataset`, 20 tasks of Yang et al. | {median(times['neurogym']):.0f} |",
            "",
            f"Ours is {median(ratios):.0f} times as fast ({min(ratios):.0f} to {max(ratios):.0f} by round, the median "
            f"of these ratios; target {TIMES:.0f}).",
        ]
    else:
        lines += ["", "neurogym is not installed: it was not measured."]
    lines += ["", *against_training(asked.neurons, asked.rounds, device, generator)]
    print("\n".join(lines))
    if asked.write:
        RESULT.write_text("\n".join(lines) + "\n")


def against_training(neurons: int, rounds: int, device: torch.device, generator: torch.Generator) -> list[str]:
    """Return what batches cost beside the training step that uses them."""
    lines = [
        f"| dense, N = {neurons} | batch, ms | training step, ms | batch / step, % |",
        "|---|---:|---:|---:|",
    ]
    for name, layout in (("windows of 350 steps", Windows(steps=STEPS)), ("one trial a row", OneTrial())):
        source = Cognitive(tasks="paper84", layout=layout).open(device=device, generator=generator)
        batches = source.batches(ROWS, generator=generator)
        network = SequenceModel(recurrence=LeakyRNN(hidden=neurons)).build(
            source.spec, generator=torch.Generator().manual_seed(0)
        )
        network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        held: Batch = next(batches)

        def step(batch: Batch = held, source=source, network=network, optimizer=optimizer) -> None:  # type: ignore[no-untyped-def]
            outputs, _ = network(batch.inputs)
            optimizer.zero_grad()
            source.loss(outputs, batch).backward()
            optimizer.step()

        step()
        made, trained = [], []
        for _ in range(min(rounds, 5)):
            made.append(timed(lambda batches=batches: next(batches), 3, device))  # type: ignore[misc]
            trained.append(timed(step, 1, device))
        shares = [100 * batch / whole for batch, whole in zip(made, trained, strict=True)]
        lines.append(f"| {name} | {median(made):.1f} | {median(trained):.0f} | {median(shares):.1f} |")
    lines += ["", f"Target: at most {SHARE:.0f} %."]
    return lines


if __name__ == "__main__":
    main()

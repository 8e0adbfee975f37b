"""CPU time of a training step of `moduli/table1`, with and without the two changes of decision 18.

    python benchmarks/training_step.py [--scale quick] [--rounds 12] [--steps 50]

Both networks start from the same weights. `plain` draws the walks of each batch alone and uses torch's unfused Adam.
The two take turns, a block of steps each; the ratio is taken within each round. CPU time of one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median, quantiles

import torch

from srnn_bench import Conditions, papers
from srnn_bench.training import Single, applied, assemble
from srnn_tasks import Batch


class Plain(Single):
    """The engine as it was before: one draw per batch, Adam without the fused kernel."""

    def begin(self, number: int) -> None:
        """Begin a stage."""
        super().begin(number)
        self.batches.draws = self._draws()
        for group in self.optimizer.param_groups:
            group["fused"] = False

    def _draws(self) -> Iterator[Batch]:
        while True:
            yield self.batches.source.draw(self.batches.size, generator=self.batches.generator)


def milliseconds(engine: Single, steps: int) -> float:
    """Return the CPU time per step."""
    begin = time.process_time()
    for _ in range(steps):
        engine.step()
    return 1000 * (time.process_time() - begin) / steps


def main() -> None:
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="quick")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    experiment = papers.table("moduli/table1", options.scale).jobs()[0].experiment
    with applied(Conditions("cpu")):
        engines = [
            kind([assemble(experiment, 0, torch.device("cpu"))], torch.device("cpu")) for kind in (Plain, Single)
        ]
        for engine in engines:
            engine.begin(0)
            milliseconds(engine, options.steps)  # not counted
        rounds = [[milliseconds(engine, options.steps) for engine in engines] for _ in range(options.rounds)]
    plain, now = zip(*rounds, strict=True)
    low, middle, high = quantiles([before / after for before, after in rounds], n=4)
    print(f"plain {median(plain):.1f} ms, now {median(now):.1f} ms per step (medians of {options.rounds} rounds)")
    print(f"ratio {middle:.2f} (quartiles {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()

"""The adding problem (Hochreiter and Schmidhuber 1997), with the settings of the code of arXiv 2406.06290."""

from collections.abc import Iterator
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from .contract import BaseSource, Batch, Channels, Metric, Split, Task, TaskSpec, check_generator


class Adding(Task):
    """The adding problem: output the sum of the two marked values of a sequence after its last step.

    Inputs `(T, B, 2)`: a value uniform in [0, 1], and a marker that is 1 at two distinct steps, uniform over the whole
    sequence. Targets `(T, B, 1)` are the sum at every step; the weight is 1 at the last step and 0 before.

    steps: T. epoch_sequences: fresh sequences per epoch.
    held_out: number of sequences in each held-out split.
    held_out_seed: seed of the separate generator that draws the held-out splits, so they are the same in every run.

    >>> Adding(steps=30).epoch_sequences
    10000
    """

    kind: Literal["adding"] = "adding"
    steps: Annotated[int, Field(ge=2)] = 50
    epoch_sequences: PositiveInt = 10_000
    held_out: PositiveInt = 10_000
    held_out_seed: Annotated[int, Field(ge=0, lt=2**63)] = 240_606_290  # unlikely as the seed of a training run

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "AddingSource":
        """Return the source; there are no fixed parts."""
        check_generator(generator, device)
        return AddingSource(self, device=device)


class AddingSource(BaseSource):
    """Sequences of the adding problem."""

    def __init__(self, task: Adding, *, device: torch.device | str) -> None:
        metrics = (Metric(name="mse", better="lower"),)
        spec = TaskSpec(
            inputs=2,
            outputs=1,
            loss="mean_squared_error",
            metrics=metrics,
            input_channels=(Channels(name="value", size=1), Channels(name="marker", size=1)),
            output_channels=(Channels(name="sum", size=1),),
        )
        super().__init__(spec, device=device)
        self.task = task

    def epoch_batches(self, size: int) -> int:
        """Return the number of batches that contain `epoch_sequences` sequences; the last may exceed the number."""
        return -(-self.task.epoch_sequences // size)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return `size` fresh sequences."""
        return _sequences(self.task.steps, size, generator=generator)

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield the fixed sequences of a split, the same on every device."""
        fixed = torch.Generator().manual_seed(self.task.held_out_seed)
        for part in ("validation", "test"):
            for first in range(0, self.task.held_out, 1000):
                batch = _sequences(self.task.steps, min(1000, self.task.held_out - first), generator=fixed)
                if part == split:
                    yield batch.to(self.device)

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the mean squared error at the last step."""
        return {"mse": self.loss(outputs, batch)}

    def baseline(self, *, split: Split = "test") -> dict[str, float]:
        """Return the metrics of the constant output 1, the mean of the sum; its expected squared error is 1/6."""

        def constant_one(inputs: Tensor, start: Tensor | None = None, state: None = None) -> tuple[Tensor, None]:
            return torch.ones_like(inputs[..., :1]), None  # (T, B, 1)

        return self.evaluate(constant_one, split=split, generator=torch.Generator(self.device))


def _sequences(steps: int, size: int, *, generator: torch.Generator) -> Batch:
    device = generator.device
    values = torch.rand(steps, size, generator=generator, device=device, dtype=torch.float32)  # (T, B)
    first = torch.randint(steps, (size,), generator=generator, device=device)  # (B,)
    second = torch.randint(steps - 1, (size,), generator=generator, device=device)  # (B,)
    second += second >= first  # uniform over the steps other than the first marker
    markers = torch.zeros(steps, size, device=device, dtype=torch.float32)  # (T, B)
    markers.scatter_(0, torch.stack([first, second]), 1.0)
    weight = torch.zeros(steps, size, device=device, dtype=torch.float32)  # (T, B)
    weight[-1] = 1.0
    sums = (values * markers).sum(0)  # (B,)
    return Batch(
        inputs=torch.stack([values, markers], -1),  # (T, B, 2)
        targets=sums[:, None].expand(steps, size, 1),  # (T, B, 1)
        weight=weight,
    )

"""The flip-flop task (Sussillo and Barak 2013): output the sign of the last pulse on each of several channels."""

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from srnn_tasks import BaseSource, Batch, Metric, Source, Task, TaskSpec, weighted_mean


class FlipFlop(Task):
    """Inputs (T, B, channels): pulses of +1 or -1 at random steps; targets: the sign of the last pulse per channel."""

    kind: Literal["flip_flop"] = "flip_flop"
    channels: PositiveInt = 3
    steps: PositiveInt = 40
    pulse_probability: Annotated[float, Field(gt=0, le=1)] = 0.2

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> Source:
        """Return the source; there are no fixed parts."""
        return FlipFlopSource(self, device)


class FlipFlopSource(BaseSource):
    """Batches of flip-flop trials, with a robust loss and the fraction of correct memories as metric."""

    def __init__(self, task: FlipFlop, device: torch.device | str) -> None:
        metrics = (Metric(name="memory", better="higher"), Metric(name="loss", better="lower"))
        super().__init__(
            TaskSpec(inputs=task.channels, outputs=task.channels, loss="own", metrics=metrics),
            device=device,
        )
        self.task = task

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return `size` trials."""
        shape = (self.task.steps, size, self.task.channels)
        chance = torch.rand(shape, generator=generator, device=self.device)  # (T, B, C)
        sign = torch.randint(2, shape, generator=generator, device=self.device) * 2.0 - 1.0  # (T, B, C)
        pulse = chance < self.task.pulse_probability
        pulse[0] = True  # so that the target is defined from the first step
        time = torch.arange(self.task.steps, device=self.device)[:, None, None]  # (T, 1, 1)
        last = torch.where(pulse, time, 0).cummax(0).values  # (T, B, C)
        return Batch(inputs=sign * pulse, targets=sign.gather(0, last))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the Huber loss of this plug-in, the weighted mean over steps and rows."""
        losses = smooth_l1_loss(outputs, batch.targets, reduction="none").mean(-1)  # (T, B)
        return weighted_mean(losses, batch.weight)

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the fraction of channels and steps with the correct sign, a metric of this plug-in, and the loss."""
        correct = (outputs.sign() == batch.targets).float().mean(-1)  # (T, B)
        return {"memory": weighted_mean(correct, batch.weight), "loss": self.loss(outputs, batch)}

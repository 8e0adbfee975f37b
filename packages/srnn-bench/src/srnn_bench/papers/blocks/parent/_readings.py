"""How a network does in comparison to random networks of its task and number of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ....experiment import StageResult
from ....tables import Reading


@dataclass(frozen=True)
class ShareBeaten(Reading):
    """The share in % of random networks with a higher loss than the run; a tie counts half.

    loss: how the loss of the run is read; losses: those of the random networks, read in the same way.
    """

    loss: Reading
    losses: tuple[float, ...]

    def __call__(self, stage: StageResult) -> float:
        """Return the share in %."""
        loss = self.loss(stage)
        return 100 * sum((other > loss) + (other == loss) / 2 for other in self.losses) / len(self.losses)

    def __str__(self) -> str:
        """Return what is compared."""
        return f"% of {len(self.losses)} random networks with a higher {self.loss}"

    @property
    def course(self) -> str | None:
        """The metric of the learning curve that the loss is read from."""
        return self.loss.course

    @property
    def needs_course(self) -> bool:
        """Whether the loss is read from a learning curve."""
        return self.loss.needs_course

    @property
    def improves(self) -> Literal["higher"]:
        """A larger share is better."""
        return "higher"

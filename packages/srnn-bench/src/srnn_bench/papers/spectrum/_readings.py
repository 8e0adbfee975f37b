"""The numbers that the tables of arXiv 1912.00120 show and the bench does not measure under these names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...experiment import StageResult
from ...tables import HeldOut, Reading

ACCURACY = HeldOut("accuracy")


@dataclass(frozen=True)
class Error(Reading):
    """Error in %: 100 times 1 minus an accuracy, by default that of the finished stage on held-out data."""

    accuracy: Reading = ACCURACY

    def __call__(self, stage: StageResult) -> float:
        """Return the error in %."""
        return 100 * (1 - self.accuracy(stage))

    def __str__(self) -> str:
        """Return the name of the number."""
        return f"error of {self.accuracy}"

    @property
    def needs_course(self) -> bool:
        """Whether the accuracy is read from the learning curve."""
        return self.accuracy.needs_course

    @property
    def improves(self) -> Literal["lower"]:
        """A lower error is better."""
        return "lower"

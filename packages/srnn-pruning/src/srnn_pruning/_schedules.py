"""Schedules: the share of weights that is pruned at the start of each epoch.

The family is open: a subclass of `Schedule` in any package is a schedule too.
"""

from typing import Annotated, Literal

from pydantic import PositiveInt, SerializeAsAny

from ._errors import PruningError
from ._open_family import open_family
from ._value import Value


class Schedule(Value):
    """The share of pruned weights by epoch. It never decreases, and ends at the final sparsity.

    A subclass of another package defines `fraction`, fields for its parameters, and a `kind` whose only value is the
    import path of the class, `module:Class`, which is written to the JSON of a `Pruning` and imported on load.
    """

    def fraction(self, epoch: int, epochs: int, sparsity: float) -> float:
        """Return the share in [0, sparsity] pruned from the start of epoch `epoch`, one of 1 to `epochs`."""
        raise NotImplementedError


class OneShot(Schedule):
    """All at once, at the start of one epoch.

    >>> [OneShot(epoch=3).fraction(k, 4, sparsity=0.9) for k in range(1, 5)]
    [0.0, 0.0, 0.9, 0.9]
    """

    kind: Literal["one_shot"] = "one_shot"
    epoch: PositiveInt = 1

    def fraction(self, epoch: int, epochs: int, sparsity: float) -> float:
        """Return 0 before epoch `self.epoch`, then `sparsity`. Raises PruningError if that epoch is never reached."""
        check_epoch(epoch, epochs)
        if self.epoch > epochs:
            raise PruningError(
                f"OneShot: expected an epoch within the {epochs} epochs of the run, got epoch={self.epoch}"
            )
        return sparsity if epoch >= self.epoch else 0.0


class Linear(Schedule):
    """(k-1) p / (n-1) at epoch k of n, and p at once for n = 1 (arXiv 2406.06290).

    >>> [Linear().fraction(k, 4, sparsity=0.75) for k in range(1, 5)]
    [0.0, 0.25, 0.5, 0.75]
    """

    kind: Literal["linear"] = "linear"

    def fraction(self, epoch: int, epochs: int, sparsity: float) -> float:
        """Return 0 at the first epoch, `sparsity` at the last, with equal steps between."""
        check_epoch(epoch, epochs)
        if epoch == epochs:  # exactly p, which the quotient may miss by one rounding
            return sparsity
        return (epoch - 1) * sparsity / (epochs - 1)


class Proportional(Schedule):
    """k p / n at epoch k of n, from the second epoch on (the authors' text code of arXiv 2406.06290).

    >>> [Proportional().fraction(k, 4, sparsity=0.5) for k in range(1, 5)]
    [0.0, 0.25, 0.375, 0.5]
    """

    kind: Literal["proportional"] = "proportional"

    def fraction(self, epoch: int, epochs: int, sparsity: float) -> float:
        """Return 0 at the first of several epochs, `sparsity` at the last, with equal steps between."""
        check_epoch(epoch, epochs)
        if epoch == epochs:  # exactly p, which the quotient may miss by one rounding
            return sparsity
        return 0.0 if epoch == 1 else epoch * sparsity / epochs


AnySchedule = Annotated[SerializeAsAny[Schedule], open_family(Schedule, OneShot, Linear, Proportional)]
"""Any schedule, as a field of a pydantic model: `kind` is that of a member of this package, or `module:Class`."""


def check_epoch(epoch: int, epochs: int) -> None:
    """Raise PruningError unless `epoch` is one of 1 to `epochs`."""
    if not 1 <= epoch <= epochs:
        raise PruningError(f"epoch: expected one of 1 to {epochs}, got {epoch}")

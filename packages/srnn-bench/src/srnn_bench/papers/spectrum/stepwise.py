"""The schedule of magnitude pruning of arXiv 1912.00120, appendix 6.1: densities that fall in steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from srnn_pruning import PruningError, Schedule


class Stepwise(Schedule):
    """Prune to the next of `densities` after each share `every` of the training, the first at its start.

    A cut that falls inside an epoch is made at the start of the next one. The sparsity of the pruning bounds the share
    that is pruned: densities below it are not reached.

    Raises:
        PruningError: If the densities that are reached end above the final density.

    >>> [Stepwise(densities=(0.8, 0.4, 0.1), every=0.5).fraction(k, 4, sparsity=0.6) for k in range(1, 5)]
    [0.19999999999999996, 0.19999999999999996, 0.6, 0.6]
    """

    kind: Literal["srnn_bench.papers.spectrum.stepwise:Stepwise"] = "srnn_bench.papers.spectrum.stepwise:Stepwise"
    densities: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)]
    every: Annotated[float, Field(gt=0, le=1)]

    def fraction(self, epoch: int, epochs: int, sparsity: float) -> float:
        """Return 1 minus the density of the last cut at or before the start of this epoch, at most `sparsity`."""
        if not 1 <= epoch <= epochs:
            raise PruningError(f"epoch: expected one of 1 to {epochs}, got {epoch}")
        last = self._reached(epochs, epochs)
        if last < sparsity:
            raise PruningError(
                f"Stepwise: expected densities that reach the sparsity {sparsity:g} within {epochs} epochs, "
                f"got {last:g} at the last epoch"
            )
        return min(self._reached(epoch, epochs), sparsity)

    def _reached(self, epoch: int, epochs: int) -> float:
        """Return the share pruned from the start of an epoch; 1e-9 absorbs the rounding of the quotient."""
        cuts = int((epoch - 1) / epochs / self.every + 1e-9) + 1
        return 1 - self.densities[min(cuts, len(self.densities)) - 1]

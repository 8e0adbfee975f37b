"""The runs of a cell that a claim is judged by: the values of those that learned, and the failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ._filled import FilledCell


@dataclass(frozen=True)
class Sample:
    """The runs of a cell for the seeds that are judged.

    Attributes:
        cell: The cell with the results of these seeds, None for a run that is not in the store.
        threshold: A value as bad as this or worse is a failure to learn; None if only diverged runs are failures.
        lower: Whether lower values are better.
    """

    cell: FilledCell
    threshold: float | None
    lower: bool

    @cached_property
    def values(self) -> dict[int, float]:
        """The values by seed of the runs that learned."""
        return {seed: value for seed, value in self.cell.values.items() if not self._is_failure(value)}

    @cached_property
    def failures(self) -> int:
        """Number of runs that diverged, or whose value is as bad as the threshold or worse."""
        return self.cell.diverged + self.cell.n - len(self.values)

    @property
    def ended(self) -> int:
        """Number of runs that learned or failed to learn."""
        return len(self.values) + self.failures

    def group(self, *, paired: bool) -> object:
        """Return what the cells have in common that are combined before they are compared: the seed or the runs.

        Cells that may fail to learn are combined with no others, unless they are paired.
        """
        if paired:
            return None
        return self.cell.cell.experiment if self.threshold is None else self.cell.cell.place

    @property
    def missing(self) -> list[int]:
        """Seeds without a run, and of runs that ended with an error."""
        return [seed for seed in self.cell.results if seed not in self.cell.stages and not self._diverged(seed)]

    def __str__(self) -> str:
        """Return the column and the row."""
        return f"{self.cell.cell.column}, {self.cell.cell.row}"

    def _is_failure(self, value: float) -> bool:
        if self.threshold is None:
            return False
        return value >= self.threshold if self.lower else value <= self.threshold

    def _diverged(self, seed: int) -> bool:
        result = self.cell.results[seed]
        return result is not None and result.status == "diverged"


def missing_text(samples: Iterable[Sample], most: int = 3) -> str:
    """Return which seeds of which cells are missing, an empty text if none are."""
    lacking = [(sample, sample.missing) for sample in samples if sample.missing]
    named = []
    for sample, seeds in lacking[:most]:
        failed = [seed for seed in seeds if sample.cell.results[seed] is not None]
        which = f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))} of {sample}"
        named.append(which + (f" ({', '.join(map(str, failed))} failed with an error)" if failed else ""))
    rest = len(lacking) - most
    return "; ".join(named) + (f"; and seeds of {rest} more {'cell' if rest == 1 else 'cells'}" if rest > 0 else "")


def failure_text(samples: Iterable[Sample]) -> str:
    """Return how many runs of each cell failed to learn, e.g. "Torus, sparse 0 of 3"."""
    return ", ".join(f"{sample} {sample.failures} of {sample.ended}" for sample in samples)

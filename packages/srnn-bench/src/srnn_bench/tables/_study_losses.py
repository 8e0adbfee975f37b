"""The losses of the draws of a study, as arrays, and their summaries by bins of a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ._draw import Draw, Group, range_text
from ._study import Bins, Study
from ._summary import Summary

MOST_UNSTABLE = 0.05  # share of unstable draws above which the mean of a bin says nothing; our choice


@dataclass(frozen=True, eq=False)
class StudyLosses:
    """The losses of all draws of a study.

    Attributes:
        draws: D draws.
        losses: `(D,)`, infinite for a draw that diverged, nan for one without a result.
        constant: Loss of the best constant prediction.
    """

    draws: tuple[Draw, ...]
    losses: NDArray[np.float64]
    constant: float

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Whether each draw has a result, which may be that it diverged."""
        return ~np.isnan(self.losses)

    @cached_property
    def unstable(self) -> NDArray[np.bool_]:
        """Whether each draw has a result that is not below the constant."""
        return self.present & ~(self.losses < self.constant)

    @cached_property
    def bounded(self) -> NDArray[np.float64]:
        """The losses `(D,)`, that of an unstable draw replaced by the constant."""
        return np.minimum(self.losses, self.constant)

    def feature(self, name: str) -> NDArray[np.float64]:
        """Return a feature of all draws, `(D,)`."""
        return np.array([draw.features[name] for draw in self.draws])

    def members(self, group: Group) -> NDArray[np.bool_]:
        """Return whether each draw is in a group, `(D,)`."""
        return np.array([draw in group for draw in self.draws])

    def of(self, group: Group) -> StudyLosses:
        """Return the draws of a group that have a result."""
        chosen = self.members(group) & self.present
        draws = tuple(draw for draw, is_in in zip(self.draws, chosen, strict=True) if is_in)
        return StudyLosses(draws, self.losses[chosen], self.constant)

    @cached_property
    def by_preset(self) -> dict[str, StudyLosses]:
        """The draws of each preset that have a result."""
        return {preset: self.of(Group((preset,))) for preset in dict.fromkeys(draw.preset for draw in self.draws)}

    def missing(self, groups: Sequence[Group]) -> int:
        """Return how many draws of any of the groups have no result."""
        used = np.zeros(len(self.draws), dtype=bool)
        for group in groups:
            used |= self.members(group)
        return int((used & ~self.present).sum())


@dataclass(frozen=True)
class Bin:
    """The draws of one preset in one range of a feature.

    Attributes:
        range: The range in words.
        preset: The preset.
        n: Number of draws with a result.
        unstable: Number of unstable draws among them.
        mean: Mean loss of the stable draws; None if more than 5 % of all are unstable, or there are no draws.
        bounded_mean: Mean loss of all draws, unstable ones with the loss of the constant; None without draws.
        median: Median loss of all draws, unstable ones with the loss of the constant; None without draws.
        published: Mean that the paper gives, None if it gives none.
        published_unstable: Whether the paper says that the loss is unstable in this range.
    """

    range: str
    preset: str
    n: int
    unstable: int
    mean: float | None
    bounded_mean: float | None
    median: float | None
    published: float | None = None
    published_unstable: bool = False


def study_losses(summary: Summary) -> StudyLosses:
    """Return the losses of a study with the results of a store.

    A run that ended with an error counts as a draw without a result.
    """
    study = summary.table
    assert isinstance(study, Study)
    (seed,) = study.seeds
    losses = np.full(len(study.cells), np.nan)
    for index, cell in enumerate(study.cells):
        filled = summary.judged[cell.place]
        if seed in filled.values:
            losses[index] = filled.values[seed]
        elif filled.diverged:
            losses[index] = np.inf
    return StudyLosses(study.draws, losses, study.constant)


def bins(losses: StudyLosses, by: Bins) -> list[Bin]:
    """Return the draws of each preset in each range of a feature, the presets of one range together."""
    presets = dict.fromkeys(draw.preset for draw in losses.draws)
    rows = []
    for index, (low, high) in enumerate(by.ranges):
        published = by.published[index] if by.published else None
        for preset in presets:
            found = losses.of(Group((preset,), by.feature, low, high))
            n, unstable = len(found.draws), int(found.unstable.sum())
            is_stable = n > 0 and unstable <= MOST_UNSTABLE * n
            rows.append(
                Bin(
                    range_text(low, high),
                    preset,
                    n,
                    unstable,
                    mean=float(found.losses[~found.unstable].mean()) if is_stable else None,
                    bounded_mean=float(found.bounded.mean()) if n else None,
                    median=float(np.median(found.bounded)) if n else None,
                    published=published,
                    published_unstable=bool(by.published) and published is None,
                )
            )
    return rows

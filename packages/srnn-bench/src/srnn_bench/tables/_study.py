"""Studies: tables with one row per draw of hyperparameters, which are summarised over draws instead of over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from .._errors import BenchError
from ._cell import Place
from ._claim import BaseClaim
from ._draw import Draw
from ._study_claim import StudyClaim
from ._table import Table


@dataclass(frozen=True)
class Bins:
    """Ranges of a feature by which the draws are summarised; each range contains its lower edge.

    `published` is the mean loss that the paper gives for each range, None where it says that the loss is unstable;
    empty if it gives none.
    """

    feature: str
    edges: tuple[float, ...]
    published: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.edges or any(low >= high for low, high in pairwise(self.edges)):
            raise BenchError(f"bins of {self.feature!r}: expected rising edges, got {self.edges}")
        if self.published and len(self.published) != len(self.edges) + 1:
            raise BenchError(
                f"bins of {self.feature!r}: expected {len(self.edges) + 1} published numbers, got {len(self.published)}"
            )

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """Lower and upper end of each range; the first has no lower end, the last no upper end."""
        return tuple(pairwise((-math.inf, *self.edges, math.inf)))


@dataclass(frozen=True, kw_only=True)
class Study(Table):
    """A table with one row per draw and one column, the minimum of a loss; each draw is run with one seed.

    A draw is unstable if it diverged or its loss is at least `plan.failure_threshold`, the loss of the best constant
    prediction. Claims are `StudyClaim`s, about draws instead of means of cells.

    Attributes:
        draws: In the order of the rows; all have the same features.
        bins: Features by which a report summarises the draws.
        inputs: Features that predictors of the loss see, by name; none if the study does not fit any.
        floor: Loss that no network can get below, e.g. that of an expert whose recorded actions have noise.

    Raises:
        BenchError: Also if the rows are not the draws, there is more than one column or seed, there is no threshold,
            lower is not better, features differ, or bins, inputs or claims name features or presets that do not exist.
    """

    draws: tuple[Draw, ...]
    bins: tuple[Bins, ...] = ()
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    floor: float = 0.0

    def __post_init__(self) -> None:
        rows = [cell.row for cell in self.cells]
        if rows != [draw.name for draw in self.draws] or not rows:
            raise self._error("one cell per draw, in their order", f"{len(rows)} cells and {len(self.draws)} draws")
        if len(self.columns) != 1 or len(self.seeds) != 1:
            raise self._error("one column and one seed", f"columns {self.columns} and seeds {self.seeds}")
        if self.plan.failure_threshold is None or self.better != "lower":
            given = f"{self.plan.failure_threshold} and {self.better!r}"
            raise self._error("a plan with a failure threshold, and better='lower'", given)
        if any(draw.features.keys() != self.draws[0].features.keys() for draw in self.draws):
            raise self._error("draws with the same features", "others")
        named = [each.feature for each in self.bins] + [name for names in self.inputs.values() for name in names]
        self._check_features(named)
        super().__post_init__()

    @property
    def constant(self) -> float:
        """Loss of the best constant prediction; a draw that is not below it is unstable."""
        assert self.plan.failure_threshold is not None
        return self.plan.failure_threshold

    @property
    def presets(self) -> tuple[str, ...]:
        """Names of the presets that draws are from, in order."""
        return tuple(dict.fromkeys(draw.preset for draw in self.draws))

    def places_of(self, claim: BaseClaim) -> tuple[Place, ...]:
        """Return row and column of the draws that a claim uses."""
        if not isinstance(claim, StudyClaim):
            raise self._error(f"a StudyClaim for {claim.name!r}", f"a {type(claim).__name__}")
        (column,) = self.columns
        used = (draw for draw in self.draws if any(draw in group for group in claim.groups))
        return tuple((draw.name, column) for draw in used)

    def _check_claim(self, claim: BaseClaim) -> None:
        """Raise BenchError if a claim names a feature, a preset or inputs that do not exist."""
        if not isinstance(claim, StudyClaim):
            raise self._error(f"a StudyClaim for {claim.name!r}", f"a {type(claim).__name__}")
        self._check_features([group.feature for group in claim.groups if group.feature is not None])
        self._check_features([name for test in claim.tests for name in test.features])
        for preset in (preset for group in claim.groups for preset in group.presets):
            if preset not in self.presets:
                raise self._error(f"presets among {self.presets} in claim {claim.name!r}", repr(preset))
        for name in (name for test in claim.tests for name in test.inputs_used):
            if name not in self.inputs:
                raise self._error(f"inputs among {tuple(self.inputs)} in claim {claim.name!r}", repr(name))

    def _check_features(self, names: list[str]) -> None:
        known = self.draws[0].features
        for name in names:
            if name not in known:
                raise self._error(f"features among {tuple(known)}", repr(name))

    def _error(self, expected: str, given: str) -> BenchError:
        return BenchError(f"study {self.name!r}: expected {expected}, got {given}")

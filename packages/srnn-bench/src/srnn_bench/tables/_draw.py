"""Draws of hyperparameters, and groups of draws that a claim compares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._errors import BenchError


@dataclass(frozen=True)
class Draw:
    """One draw of hyperparameters.

    Attributes:
        preset: Name of the distribution that it was drawn from.
        number: Its number within the preset, from 0.
        features: The numbers that were drawn or follow from them, by name.
    """

    preset: str
    number: int
    features: Mapping[str, float] = field(hash=False)

    @property
    def name(self) -> str:
        """Preset and number."""
        return f"{self.preset} {self.number}"


@dataclass(frozen=True)
class Group:
    """The draws of some presets, of all if none is named, with `low <= feature < high`.

    >>> print(Group(("normal", "uniform"), "density", high=0.3))
    normal and uniform, density below 0.3
    """

    presets: tuple[str, ...] = ()
    feature: str | None = None
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise BenchError(f"group: expected low < high, got {self.low:g} and {self.high:g}")
        if self.feature is None and (math.isfinite(self.low) or math.isfinite(self.high)):
            raise BenchError(f"group: expected the name of the feature from {self.low:g} to {self.high:g}, got None")

    def __contains__(self, draw: Draw) -> bool:
        if self.presets and draw.preset not in self.presets:
            return False
        return self.feature is None or self.low <= draw.features[self.feature] < self.high

    def __str__(self) -> str:
        """Return the presets and the range of the feature."""
        presets = " and ".join(self.presets) or "all presets"
        return presets if self.feature is None else f"{presets}, {self.feature} {range_text(self.low, self.high)}"


def range_text(low: float, high: float) -> str:
    """Return a half-open range in words, such as "0.2 to 0.4"."""
    if math.isinf(low):
        return f"below {high:g}"
    return f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"

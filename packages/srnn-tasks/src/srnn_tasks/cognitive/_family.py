"""The base class of task families.

A family is a value with the parameters of a task and the durations of its periods. Its classmethod `draw` draws n
trials at once, each with the parameters of its own task, which are passed as tensors `(n,)`. Lengths, intervals and
sequences are added afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ._conventions import Choices
from ._timing import Timing
from ._trials import Scene
from ._world import World

Span = tuple[int, int]  # milliseconds; a duration is drawn uniformly between the two, then floored to steps


@dataclass(frozen=True)
class Family:
    """Base class of the families. `parameters` returns what differs between tasks of one family, as integers."""

    @property
    def delayed(self) -> bool:
        """Whether the family has a delay, as an interval task requires."""
        return False

    def parameters(self) -> dict[str, int]:
        """Return the parameters of this task, by name."""
        return {name: int(value) for name, value in vars(self).items()}

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        raise NotImplementedError

    @classmethod
    def draw(cls, ring: Tensor, parameters: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials for rings `(n,)`; `parameters` are those of their tasks, `(n,)` each."""
        raise NotImplementedError


def spans(*durations: int | Span) -> tuple[Span, ...]:
    """Return durations in milliseconds as spans."""
    return tuple((each, each) if isinstance(each, int) else each for each in durations)

"""Criteria: what makes a weight worth keeping."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ._value import Value


class Criterion(Value):
    """Scores weights; the lowest scores are removed first.

    `scores` gets the parameters in scope, the `module` they are of, and by keyword whatever `evidence` the caller of
    `prune` offered. A criterion names the evidence that it wants and lets the rest pass; `Magnitude` and `Random` want
    none. SNIP will be `scores(self, parameters, *, generator=None, module=None, loss=None, **evidence)`, with `loss` a
    function that runs the module on a batch, and refuse to work without it. So a new criterion changes no old one, and
    a training loop can offer all it has to any of them.
    """

    draws: ClassVar[bool] = False  # whether scores are random, so that a missing generator is seen at once

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """One score per entry, of the shape and on the device of each parameter; higher = keep."""
        raise NotImplementedError


class Magnitude(Criterion):
    """Keeps the weights of largest |w| (arXiv 2406.06290; section 4 of the facts sheet).

    >>> Magnitude().scores({"w": torch.tensor([[-3.0, 1.0]])})
    {'w': tensor([[3., 1.]])}
    """

    kind: Literal["magnitude"] = "magnitude"

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """|w| of each entry; nothing is drawn."""
        return {name: parameter.detach().abs() for name, parameter in parameters.items()}


class Random(Criterion):
    """Keeps weights by chance, all alike: the control of every other criterion."""

    kind: Literal["random"] = "random"
    draws: ClassVar[bool] = True

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """U(0, 1) for each entry, drawn on `generator.device` in the order of the parameters."""
        generator = check_generator(self, generator)
        return {
            name: torch.rand(parameter.shape, generator=generator, device=generator.device).to(parameter.device)
            for name, parameter in parameters.items()
        }


AnyCriterion = Annotated[Magnitude | Random, Field(discriminator="kind")]


def check_generator(criterion: Criterion, generator: torch.Generator | None) -> torch.Generator:
    """Return the generator; none is an error."""
    if generator is None:
        raise ValueError(f"generator: {type(criterion).__name__} draws at random, expected a torch.Generator, got None")
    return generator

"""Uninitialised parameters, and draws into them in place, always from an explicit generator."""

import torch
from torch import Tensor, nn

from ._errors import ModelError


def empty(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """Return an uninitialised parameter of this shape on the generator's device."""
    if not isinstance(generator, torch.Generator):
        raise ModelError(f"generator: expected a torch.Generator to draw the weights from, got {generator!r}")
    return nn.Parameter(torch.empty(*shape, device=generator.device))


def uniform_(parameter: Tensor, low: float, high: float, *, generator: torch.Generator) -> None:
    """Fill a parameter in place from U(low, high), drawn on `generator.device` whatever the parameter's device."""
    with torch.no_grad():
        parameter.copy_(_like(parameter, generator).uniform_(low, high, generator=generator))


def normal_(parameter: Tensor, mean: float, sd: float, *, generator: torch.Generator) -> None:
    """Fill a parameter in place from a normal distribution, drawn on `generator.device` as in `uniform_`."""
    with torch.no_grad():
        parameter.copy_(_like(parameter, generator).normal_(mean, sd, generator=generator))


def _like(parameter: Tensor, generator: torch.Generator) -> Tensor:
    return torch.empty(parameter.shape, dtype=parameter.dtype, device=generator.device)

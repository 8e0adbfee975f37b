"""Linear maps and the uniform initialisation, drawn from an explicit generator."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._errors import ModelError


class Linear(nn.Module):
    """y = W x + b, with weight and bias drawn from U(+-1/sqrt(fan_in)), the range of `nn.Linear`.

    `weight` is (outputs, inputs), `bias` is (outputs,) or None, both on `generator.device`. It is a separate class
    because `nn.Linear` draws from torch's global generator, at construction and at each reset.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True, *, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = empty(outputs, inputs, generator=generator)
        self.bias = empty(outputs, generator=generator) if bias else None
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw weight and bias again from U(+-1/sqrt(fan_in)), in place."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        uniform_(self.weight, bound, generator=generator)
        if self.bias is not None:
            uniform_(self.bias, bound, generator=generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (..., inputs) to (..., outputs)."""
        return functional.linear(inputs, self.weight, self.bias)  # (..., outputs)

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        outputs, inputs = self.weight.shape
        return f"{inputs} -> {outputs}, bias={self.bias is not None}"


def empty(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """Return an uninitialised parameter of this shape on the generator's device."""
    if not isinstance(generator, torch.Generator):
        raise ModelError(f"generator: expected a torch.Generator to draw the weights from, got {generator!r}")
    return nn.Parameter(torch.empty(*shape, device=generator.device))


def uniform_(parameter: Tensor, bound: float, *, generator: torch.Generator) -> None:
    """Fill a parameter in place from U(-bound, bound), drawn on `generator.device` whatever the parameter's device."""
    with torch.no_grad():
        drawn = torch.empty(parameter.shape, dtype=parameter.dtype, device=generator.device)
        parameter.copy_(drawn.uniform_(-bound, bound, generator=generator))

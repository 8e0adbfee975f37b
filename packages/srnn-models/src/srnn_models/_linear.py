"""Linear maps, drawn from an explicit generator."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._draw import empty
from ._initialization import Initialization, TorchUniform
from .engines import map_columns, refusal


class Linear(nn.Module):
    """y = W x + b; by default, weight and bias are drawn from U(+-1/sqrt(fan_in)), the range of `nn.Linear`.

    `weight` is (outputs, inputs), `bias` is (outputs,) or None, both on `generator.device`. It is a separate class
    because `nn.Linear` draws from torch's global generator, at construction and at each reset.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        initialization: Initialization | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.initialization = initialization
        self.weight = empty(outputs, inputs, generator=generator)
        self.bias = empty(outputs, generator=generator) if bias else None
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw weight and bias again, in place."""
        initialization = self.initialization or TorchUniform()
        for parameter in self.parameters(recurse=False):  # the weight, then the bias
            initialization.fill_(parameter, hidden=self.weight.shape[1], generator=generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (..., inputs) to (..., outputs)."""
        if _by_columns(inputs) and refusal(inputs, *self.parameters(recurse=False)) is None:
            return map_columns(inputs.mT, self.weight, self.bias).mT.contiguous()  # (T, B, outputs)
        return functional.linear(inputs, self.weight, self.bias)  # (..., outputs)

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        outputs, inputs = self.weight.shape
        return f"{inputs} -> {outputs}, bias={self.bias is not None}"


def _by_columns(inputs: Tensor) -> bool:
    """Return whether inputs are (T, B, inputs) in the memory of (T, inputs, B): states of an engine, costly to copy."""
    return inputs.dim() == 3 and not inputs.is_contiguous() and inputs.mT.is_contiguous()

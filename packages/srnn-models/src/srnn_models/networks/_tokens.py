"""The embedding and the decoder of the word model of arXiv 2406.06290.

Initialised as there: embedding U(+-0.1) with no row fixed, decoder U(+-0.1) with bias 0, not tied to the embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._draw import empty, uniform_
from .._linear import Linear

BOUND = 0.1


class Embedding(nn.Module):
    """One vector per token: `weight` (V, E), row = token, drawn from U(+-0.1), on `generator.device`."""

    def __init__(self, tokens: int, size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = empty(tokens, size, generator=generator)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all vectors again from U(+-0.1), in place."""
        uniform_(self.weight, -BOUND, BOUND, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map int64 tokens (...), each from 0 to V-1, to vectors (..., E)."""
        return functional.embedding(tokens, self.weight)  # (..., E)

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        tokens, size = self.weight.shape
        return f"{tokens} tokens -> {size}"


class Decoder(Linear):
    """A linear map to logits: `weight` (outputs, inputs) from U(+-0.1), `bias` (outputs,) of zeros.

    With an `initialization`, both are drawn from it instead.
    """

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw weight and bias again, in place: from U(+-0.1) and 0 without an `initialization`."""
        if self.initialization is not None:
            super().reset_parameters(generator=generator)
            return
        uniform_(self.weight, -BOUND, BOUND, generator=generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

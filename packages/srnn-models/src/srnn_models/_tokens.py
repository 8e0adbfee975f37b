"""Tokens in and out: an embedding and a decoder, initialised as in the word model of arXiv 2406.06290.

Section 6 of the facts sheet: embedding U(+-0.1) with no row fixed, decoder U(+-0.1) with bias 0, untied.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._linear import Linear, empty, uniform_

BOUND = 0.1


class Embedding(nn.Module):
    """A vector for each token: `weight` (V, E), row = token, drawn from U(+-0.1), on `generator.device`."""

    def __init__(self, tokens: int, size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = empty(tokens, size, generator=generator)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all vectors anew from U(+-0.1)."""
        uniform_(self.weight, BOUND, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map int64 tokens (...), each from 0 to V-1, to vectors (..., E)."""
        return functional.embedding(tokens, self.weight)

    def extra_repr(self) -> str:
        """Show the sizes in `print(module)`."""
        tokens, size = self.weight.shape
        return f"{tokens} tokens -> {size}"


class Decoder(Linear):
    """A linear map to logits: `weight` (outputs, inputs) from U(+-0.1), `bias` (outputs,) from 0."""

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw the weight anew from U(+-0.1) and set the bias to 0."""
        uniform_(self.weight, BOUND, generator=generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

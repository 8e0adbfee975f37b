"""The word model of arXiv 2406.06290: embedding, layers of a recurrence, decoder."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from .._errors import ModelError
from .._initialization import AnyInitialization
from .._value import Value
from ..cells import AnyRecurrence, Stack
from ._network import Network, Spec, check_spec, refuse_start
from ._tokens import Decoder, Embedding


class LanguageModel(Value):
    """y_t = D h_t + c with h_t of the last of `layers` layers, whose inputs are the token embeddings; h_0 = 0.

    `embedding` is the size E of a token's vector, None for N. Embedding and decoder are not tied, and there is no
    dropout. Both are drawn from U(+-0.1), and c starts at 0, unless `readout_initialization` gives another distribution
    of decoder and c. The paper's network is three layers of `ElmanRNN(hidden=650, bias="double")`.

    >>> from types import SimpleNamespace
    >>> from srnn_models import ElmanRNN
    >>> spec = SimpleNamespace(inputs=50, outputs=50, start=None, tokens=True)
    >>> model = LanguageModel(recurrence=ElmanRNN(hidden=8, bias="double"), layers=3)
    >>> network = model.build(spec, generator=torch.Generator().manual_seed(0))
    >>> outputs, state = network(torch.zeros(10, 4, dtype=torch.int64))
    >>> outputs.shape, state.shape
    (torch.Size([10, 4, 50]), torch.Size([3, 4, 8]))
    """

    kind: Literal["language_model"] = "language_model"
    recurrence: AnyRecurrence
    layers: PositiveInt = 1
    embedding: PositiveInt | None = None
    readout_initialization: AnyInitialization | None = None

    @property
    def hidden(self) -> int:
        """Size N of the h that the read-out reads."""
        return self.recurrence.hidden

    def build(self, spec: Spec, *, generator: torch.Generator) -> "LanguageNetwork":
        """Return the network for a task, with weights drawn from the generator, on its device."""
        check_spec("LanguageModel", spec, tokens=True)
        if spec.start is not None:
            raise ModelError(f"LanguageModel: expected a task without start code, got spec.start={spec.start}")
        return LanguageNetwork(self, spec, generator=generator)


class LanguageNetwork(Network):
    """The trainable network of a `LanguageModel`: `embedding`, `recurrence.layers.0` and so on, `readout`.

    Inputs are int64 tokens (T, B), or (B,) in a step. The layers are a `Stack`, even one layer, so that a state is
    always (layers, B, S).
    """

    embedding: Embedding

    def __init__(self, value: LanguageModel, spec: Spec, *, generator: torch.Generator) -> None:
        super().__init__()
        size = value.embedding or value.recurrence.hidden
        self.embedding = Embedding(spec.inputs, size, generator=generator)
        self.recurrence = Stack(value.recurrence, size, value.layers, generator=generator)
        how = value.readout_initialization
        self.readout = Decoder(value.recurrence.hidden, spec.outputs, initialization=how, generator=generator)

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor | None:
        """Return the carried state (layers, B, S), or None for zeros; a start code raises `ModelError`."""
        refuse_start("LanguageModel", start)
        return state

    def forward(
        self, inputs: Tensor, start: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run tokens (T, B) from a state (layers, B, S): outputs (T, B, O), last state (layers, B, S)."""
        _check_tokens(inputs, "(T, B)", 2)
        vectors = self.embedding(inputs)  # (T, B, E)
        return super().forward(vectors, start, state)  # (T, B, O), (layers, B, S)

    def step(self, input: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run one time step: tokens (B,) and state (layers, B, S) give the output (B, O) and the next state."""
        _check_tokens(input, "(B,)", 1)
        vectors = self.embedding(input)  # (B, E)
        return super().step(vectors, state)  # (B, O), (layers, B, S)


def _check_tokens(tokens: Tensor, shape: str, dims: int) -> None:
    if tokens.dim() != dims or tokens.dtype is not torch.int64:
        raise ModelError(f"inputs: expected int64 tokens {shape}, got {tokens.dtype} of shape {tuple(tokens.shape)}")

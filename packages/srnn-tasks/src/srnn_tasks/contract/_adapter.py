"""An adapter from modules such as `torch.nn.GRU` to the models that a source evaluates."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ._error import TaskError


def adapt(
    module: nn.Module,
    *,
    readout: Callable[[Tensor], Tensor] | None = None,
    embedding: Callable[[Tensor], Tensor] | None = None,
    start: Callable[[Tensor], Any] | None = None,
) -> "Adapted":
    """Return a model of a module that maps `(inputs, state)` to `(outputs, state)`, or `inputs` to `outputs`.

    `torch.nn.RNN`, `GRU` and `LSTM` have the first form; `batch_first=True` is taken into account for these. Every
    other module is called with inputs `(T, B, I)`, and with the state if there is one.

    module: shared, not copied, so a model that was adapted before training is evaluated as trained.
    readout: maps the module's outputs `(T, B, N)` to `(T, B, O)`.
    embedding: maps tokens `(T, B)`, or inputs `(T, B, I)`, to the module's inputs.
    start: maps the start code `(B, K)` of a task that has one to the module's initial state, `(1, B, N)` for
    `torch.nn.GRU` with one layer.

    >>> import torch
    >>> from srnn_tasks import Adding
    >>> gru, readout = nn.GRU(2, 8), nn.Linear(8, 1)
    >>> generator = torch.Generator().manual_seed(0)
    >>> source = Adding(steps=5, held_out=20).open(device="cpu", generator=generator)
    >>> sorted(source.evaluate(adapt(gru, readout=readout), split="test", generator=generator))
    ['mse']
    """
    if not isinstance(module, nn.Module):
        raise TaskError(f"module: expected a torch.nn.Module; got {module!r}")
    if isinstance(module, nn.RNNCellBase):
        raise TaskError(f"module: expected one that takes all steps, such as nn.GRU; {type(module).__name__} takes one")
    if getattr(module, "bidirectional", False):
        raise TaskError("module: expected one direction; a bidirectional module answers a step after seeing the rest")
    for name, part in (("readout", readout), ("embedding", embedding), ("start", start)):
        if part is not None and not callable(part):
            raise TaskError(f"{name}: expected a module or another callable; got {part!r}")
    return Adapted(module, readout, embedding, start)


class Adapted(nn.Module):
    """What `adapt` returns: a model with the parts as submodules, where they are modules."""

    def __init__(
        self,
        module: nn.Module,
        readout: Callable[[Tensor], Tensor] | None,
        embedding: Callable[[Tensor], Tensor] | None,
        start: Callable[[Tensor], Any] | None,
    ) -> None:
        super().__init__()
        self.module = module
        self.readout, self.embedding, self.start = readout, embedding, start

    def forward(self, inputs: Tensor, start: Tensor | None = None, state: Any = None) -> tuple[Tensor, Any]:
        """Return outputs `(T, B, O)` and the state after the last step. inputs: `(T, B, I)`, or `(T, B)` tokens."""
        if self.embedding is not None:
            inputs = self.embedding(inputs)  # (T, B, E)
        elif inputs.ndim == 2:
            raise TaskError("embedding: the inputs are tokens (T, B); pass embedding=nn.Embedding(tokens, width)")
        if state is None and start is not None:
            if self.start is None:
                raise TaskError(
                    f"start: the task has a start code (B, K) = {tuple(start.shape)}; pass a module start that maps it "
                    "to the initial state of the module"
                )
            state = self.start(start)
        swapped = isinstance(self.module, nn.RNNBase) and self.module.batch_first
        if swapped:
            inputs = inputs.transpose(0, 1)  # (B, T, I)
        returned = self.module(inputs) if state is None else self.module(inputs, state)
        if isinstance(returned, Tensor):
            outputs, state = returned, None
        elif isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor):
            outputs, state = returned
        else:
            raise TaskError(
                f"module: expected {type(self.module).__name__} to return outputs, or outputs and a state; "
                f"got a {type(returned).__name__}"
            )
        if swapped:
            outputs = outputs.transpose(0, 1)  # (T, B, N)
        return (outputs if self.readout is None else self.readout(outputs)), state

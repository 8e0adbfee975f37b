"""Pruning by the spectrum of the recurrent Jacobian (arXiv 1912.00120)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from .._cell import Cell
from .._dynamics import gradients, visited
from .._sequence import Sequence
from .._sequences import sequences
from .._transitions import Part, Vector, last_steps, mean_squared_norms
from ._cells_in_scope import cells_in_scope
from ._criterion import Criterion
from ._normalization import Normalization, denominators, divided, draws, needs_run


class JacobianSpectrum(Criterion):
    """Keeps the weights on which the last Jacobians of each recurrence depend most (eq. 4 of arXiv 1912.00120).

    The score of a weight w is the sum over the `last` transitions, which end at S, S-1, ..., of |dc/dw|, divided by the
    sensitivity gamma of the last hidden state. c is the mean over the batch of ||J v||^2, J the derivative of the
    hidden state by the one before. Sequences shorter than `last` have fewer transitions. Each layer's c scores the
    weights of this layer only, with its inputs held fixed.

    c is not divided by the size N of the state, as in eq. 4 and Algorithm 1: it is N times the chi of eq. 3, which
    `srnn_pruning.chi` returns. Within a layer the factor changes no order. Where layers of different widths are ranked
    together, above all with normalization="none", it matters: the wider layer gains by the ratio of the widths.

    `vector`: v is all ones (eq. 3), random signs, or all unit vectors, which gives the squared Frobenius norm of J.
    `state`: J maps h with c held fixed, or h and c; the same for cells without c.
    `derivative`: "total" follows the dependence of the state before a transition on w through all earlier steps;
    "explicit" holds this state fixed.
    `normalization`: the denominator (eq. 5); the paper's is "gamma", a signed mean over sequences of N(0, 0.1).

    >>> JacobianSpectrum().wants, JacobianSpectrum().draws
    (('run',), True)
    >>> JacobianSpectrum(normalization="none").draws
    False
    """

    kind: Literal["jacobian_spectrum"] = "jacobian_spectrum"
    last: PositiveInt = 4
    vector: Vector = "ones"
    state: Part = "h"
    derivative: Literal["total", "explicit"] = "total"
    normalization: Normalization = "gamma"

    @property
    def wants(self) -> tuple[str, ...]:
        """A run of the module, in which the inputs of the recurrences are read."""
        return ("run",)

    @property
    def draws(self) -> bool:
        """Whether vectors or the sequences of the normalization are drawn."""
        return self.vector == "sign" or draws(self.normalization)

    def scores(
        self,
        parameters: Mapping[str, Tensor],
        *,
        generator: torch.Generator | None = None,
        module: nn.Module | None = None,
        run: Callable[[], object] | None = None,
        **evidence: Any,
    ) -> dict[str, Tensor]:
        """Return the score of each entry. Calls `run` once.

        Raises PruningError without `run`, for a module without a recurrence, for a parameter that belongs to none, and
        if all denominators are 0.
        """
        self.check_generator(generator)
        self.check_evidence({"run": run})
        cells = cells_in_scope(module, parameters)
        assert module is not None and run is not None
        read = sequences(module, {key: cell for key, (cell, _) in cells.items()}, run)
        raw = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        for key, (cell, weights) in cells.items():
            for transition in self._gradients(cell, list(weights.values()), read[key], generator):
                for name, gradient in zip(weights, transition, strict=True):
                    raw[name] += gradient.abs()
        if not needs_run(self.normalization):
            return raw
        return divided(raw, denominators(self.normalization, cells, read, generator))

    def _gradients(
        self, cell: Cell, weights: list[Tensor], sequence: Sequence, generator: torch.Generator | None
    ) -> Iterator[list[Tensor]]:
        """Yield dc/dw for each weight of a cell, transition by transition, the last one first."""
        total = self.derivative == "total"
        with torch.set_grad_enabled(total):
            states = visited(cell, sequence)
        for step in last_steps(sequence, self.last):
            before = states[step].detach().requires_grad_(total)  # (B, S)
            sums = [torch.zeros_like(weight) for weight in [*weights, before]]
            leaves = [*weights, before] if total else weights
            for term in mean_squared_norms(cell, sequence, step, before, self.vector, self.state, generator):
                sums = _plus(sums, gradients(term, leaves))
            *sums, pull = sums
            if total and states[step].requires_grad:  # through all steps before
                sums = _plus(sums, gradients((states[step] * pull).sum(), weights, keep=True))
            yield sums


def _plus(sums: list[Tensor], terms: list[Tensor]) -> list[Tensor]:
    """Return sums with the terms added to the first of them."""
    return [total + term for total, term in zip(sums, terms, strict=False)] + sums[len(terms) :]

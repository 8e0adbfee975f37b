"""SNIP: connection sensitivity (arXiv 1810.02340)."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ._criterion import Criterion
from ._loss import loss_gradients
from ._normalization import Normalization, draws, needs_run, normalized


class SNIP(Criterion):
    """Keeps the weights of largest |w g|, with g the gradient of the loss on the pruning batch (arXiv 1810.02340).

    `normalization`: the denominator of the score (eq. 5 of arXiv 1912.00120), by default none, as published.

    >>> SNIP().wants, SNIP(normalization="gamma").wants
    (('loss',), ('loss', 'run'))
    """

    kind: Literal["snip"] = "snip"
    normalization: Normalization = "none"

    @property
    def wants(self) -> tuple[str, ...]:
        """The loss; to normalize, also a run of the module."""
        return ("loss", "run") if needs_run(self.normalization) else ("loss",)

    @property
    def draws(self) -> bool:
        """Whether the normalization draws sequences."""
        return draws(self.normalization)

    def scores(
        self,
        parameters: Mapping[str, Tensor],
        *,
        generator: torch.Generator | None = None,
        module: nn.Module | None = None,
        loss: Callable[[], Tensor] | None = None,
        run: Callable[[], object] | None = None,
        **evidence: Any,
    ) -> dict[str, Tensor]:
        """Return |w g| of each entry. Calls `loss` once. Raises PruningError without it."""
        self.check_generator(generator)
        self.check_evidence({"loss": loss, "run": run})
        assert loss is not None
        gradients = loss_gradients(loss, module, parameters)
        raw = {
            name: (parameter.detach() * gradient).abs()
            for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True)
        }
        return normalized(raw, self.normalization, module=module, parameters=parameters, run=run, generator=generator)

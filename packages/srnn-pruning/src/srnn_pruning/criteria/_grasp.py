"""GraSP: preservation of the gradient flow (arXiv 2002.07376)."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ._criterion import Criterion
from ._loss import loss_gradients
from ._normalization import Normalization, draws, needs_run, normalized


class GraSP(Criterion):
    """Keeps the weights of largest signed w (H g), with g and H gradient and Hessian of the loss (arXiv 2002.07376).

    The original score is -w (H g), of which the largest are removed: the same rule. g and H are those of the weights in
    scope on one pruning batch, as in arXiv 1912.00120. The original divides the logits by a temperature of 200; a loss
    that does so is a matter of the `loss` that is given.

    `normalization`: the denominator of the score (eq. 5 of arXiv 1912.00120), by default none, as published. It is
    positive, so the sign stays.

    >>> GraSP().wants
    ('loss',)
    """

    kind: Literal["grasp"] = "grasp"
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
        """Return w (H g) of each entry. Calls `loss` once and differentiates it twice. Raises PruningError without."""
        self.check_generator(generator)
        self.check_evidence({"loss": loss, "run": run})
        assert loss is not None
        weights = list(parameters.values())
        gradients = loss_gradients(loss, module, parameters, twice=True)
        flow = sum((gradient * gradient.detach()).sum() for gradient in gradients)  # its gradient is H g
        if isinstance(flow, Tensor) and flow.requires_grad:
            products = torch.autograd.grad(flow, weights, materialize_grads=True)
        else:  # a loss that is linear in the weights
            products = tuple(torch.zeros_like(weight) for weight in weights)
        raw = {
            name: parameter.detach() * product.detach()
            for (name, parameter), product in zip(parameters.items(), products, strict=True)
        }
        return normalized(raw, self.normalization, module=module, parameters=parameters, run=run, generator=generator)

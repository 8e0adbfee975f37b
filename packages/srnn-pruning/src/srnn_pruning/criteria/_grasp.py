"""GraSP: preservation of the gradient flow (arXiv 2002.07376)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from .._errors import PruningError
from ._criterion import Criterion
from ._loss import loss_gradients
from ._normalization import Normalization, draws, needs_run, normalized


class GraSP(Criterion):
    """Keeps the weights of largest signed w (H g), with g and H gradient and Hessian of the loss (arXiv 2002.07376).

    The original score is -w (H g), of which the largest are removed: the same rule. g and H are those of the weights in
    scope on one pruning batch, as in arXiv 1912.00120.

    `temperature`: while `loss` runs, the output of the module (the first item, if it returns a tuple) is divided by it.
    For a module that returns logits this is the temperature of the original, which uses 200.

    `normalization`: the denominator of the score (eq. 5 of arXiv 1912.00120), by default none, as published. It is
    positive, so the sign stays.

    >>> GraSP().wants
    ('loss',)
    """

    kind: Literal["grasp"] = "grasp"
    normalization: Normalization = "none"
    temperature: PositiveFloat = 1.0

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
        """Return w (H g) of each entry. Calls `loss` once and differentiates it twice.

        Raises PruningError without `loss`, and if `temperature` cannot be applied: `loss` does not call the module, or
        the module does not return a tensor or a tuple that begins with one.
        """
        self.check_generator(generator)
        self.check_evidence({"loss": loss, "run": run})
        assert loss is not None
        weights = list(parameters.values())
        with _divided_outputs(module, self.temperature):
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


@contextmanager
def _divided_outputs(module: nn.Module | None, temperature: float) -> Iterator[None]:
    """Context in which the output of a module is divided by a temperature."""
    if temperature == 1:
        yield
        return
    if module is None:
        raise PruningError("module: expected the module whose outputs are divided by the temperature, got None")
    calls = 0

    def divide(_: nn.Module, args: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        if isinstance(output, Tensor):
            return output / temperature
        if type(output) is tuple and output and isinstance(output[0], Tensor):
            return (output[0] / temperature, *output[1:])
        raise PruningError(
            f"temperature: expected a module that returns logits, or a tuple that begins with them, got "
            f"{type(output).__name__} from {type(module).__name__}"
        )

    handle = module.register_forward_hook(divide)
    try:
        yield
    finally:
        handle.remove()
    if not calls:
        raise PruningError(
            f"temperature: expected a loss that calls {type(module).__name__}, whose outputs are divided, got no call"
        )

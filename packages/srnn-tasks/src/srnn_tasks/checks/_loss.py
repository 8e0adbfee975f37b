"""Checks of the loss: a finite scalar with a gradient, and a weighted mean over steps and rows."""

from dataclasses import replace

import torch
from torch import Tensor

from ..contract import Batch, Source
from ._probe import Probe
from ._tools import require


def check_loss(source: Source, batch: Batch) -> None:
    """Require that the loss of a batch is differentiable and weighted as the contract states."""
    outputs = Probe(source.spec)(batch.inputs, batch.start)[0].detach().requires_grad_()  # (T, B, O)
    loss = source.loss(outputs, batch)
    require(isinstance(loss, Tensor) and loss.shape == (), f"loss: expected a scalar tensor; got {loss!r}")
    require(bool(loss.isfinite()), f"loss: is not finite: {loss.item()}")
    require(loss.requires_grad, "loss: has no gradient with respect to the outputs")
    (gradient,) = torch.autograd.grad(loss, outputs, allow_unused=True)
    require(
        gradient is not None and bool(gradient.isfinite().all()),
        "loss: its gradient with respect to the outputs is missing or not finite",
    )
    require(bool((gradient != 0).any()), "loss: its gradient with respect to the outputs is 0 everywhere")
    _check_weights(source, batch, outputs)


def _check_weights(source: Source, batch: Batch, outputs: Tensor) -> None:
    """Require a weighted mean: None means 1, scale is irrelevant, weight 0 has no influence, parts are averaged."""

    def weighted(weight: Tensor | None) -> Tensor:
        return source.loss(outputs, replace(batch, weight=weight))

    ones = torch.ones(batch.steps, batch.size)  # (T, B)
    require(
        torch.allclose(weighted(None), weighted(ones), rtol=1e-4), "loss: weight None differs from weight 1 everywhere"
    )
    weight = ones.clone()
    weight[-1] = 0.5
    weight[0, 0] = 0.0 if weight.numel() > 1 else 0.5
    require(
        torch.allclose(weighted(weight), weighted(2 * weight), rtol=1e-4),
        "loss: changes if all weights double; expected a weighted mean",
    )
    (gradient,) = torch.autograd.grad(weighted(weight), outputs)
    require(bool((gradient[weight == 0] == 0).all()), "loss: depends on outputs of weight 0")
    parts = [torch.zeros_like(ones), torch.zeros_like(ones)]
    parts[0][:, 0], parts[1][:, -1] = 1.0, 3.0
    means = (weighted(parts[0]) + 3 * weighted(parts[1])) / 4
    require(
        batch.size == 1 or torch.allclose(weighted(parts[0] + parts[1]), means, rtol=1e-4),
        "loss: is not the mean over steps and rows, each counted by its weight",
    )

"""How the weights are trained: an optimizer, its learning rate, and how long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch.nn import Parameter

from ._value import Value

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Adam(Value):
    """Adam (Kingma and Ba 2015); `weight_decay` is added to the gradient."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.0

    def build(self, parameters: Iterable[Parameter], learning_rate: float) -> torch.optim.Optimizer:
        """Return the torch optimizer of these parameters."""
        return torch.optim.Adam(parameters, lr=learning_rate, betas=self.betas, weight_decay=self.weight_decay)


class AdamW(Value):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.01

    def build(self, parameters: Iterable[Parameter], learning_rate: float) -> torch.optim.Optimizer:
        """Return the torch optimizer of these parameters."""
        return torch.optim.AdamW(parameters, lr=learning_rate, betas=self.betas, weight_decay=self.weight_decay)


class SGD(Value):
    """Stochastic gradient descent, with momentum when it is not 0."""

    kind: Literal["sgd"] = "sgd"
    momentum: Fraction = 0.0
    weight_decay: NonNegativeFloat = 0.0

    def build(self, parameters: Iterable[Parameter], learning_rate: float) -> torch.optim.Optimizer:
        """Return the torch optimizer of these parameters."""
        return torch.optim.SGD(parameters, lr=learning_rate, momentum=self.momentum, weight_decay=self.weight_decay)


AnyOptimizer = Annotated[Adam | AdamW | SGD, Field(discriminator="kind")]


class Training(Value):
    """A number of epochs of a number of batches.

    `batches` is the length of an epoch; when it is None, the task says how long its epoch is
    (a task without end has none: then leaving `batches` out is an error of the run).
    `clip_norm` bounds the norm of the whole gradient; masked entries count nothing in it.
    """

    epochs: PositiveInt
    batches: PositiveInt | None = None
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    optimizer: AnyOptimizer = Adam()
    clip_norm: PositiveFloat | None = None

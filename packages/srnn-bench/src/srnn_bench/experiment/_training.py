"""How the learning rate goes on from epoch to epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch.nn import Parameter

from .._value import Value


class Constant(Value):
    """The same learning rate to the end."""

    kind: Literal["constant"] = "constant"


class Annealing(Value):
    """Divided by `factor` after every epoch whose validation loss is not below the best so far.

    The rule of the word language model of arXiv 2406.06290 (section 6 of its facts sheet). `best` says what a stage
    begins with: `reset`, no best loss at all, or `kept`, that of the stage before. The published code keeps it for its
    lottery, so that new weights are annealed until they beat the old ones.
    """

    kind: Literal["annealing"] = "annealing"
    factor: Annotated[float, Field(gt=1)] = 4.0
    best: Literal["reset", "kept"] = "reset"


AnyRates = Annotated[Constant | Annealing, Field(discriminator="kind")]

Groups = Iterable[Parameter] | Sequence[dict[str, Any]]  # as torch's optimizers take them

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Adam(Value):
    """Adam (Kingma and Ba 2015); `weight_decay` is added to the gradient."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.0

    def build(self, groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
        """Return the torch optimizer of these groups of parameters."""
        return torch.optim.Adam(groups, lr=learning_rate, betas=self.betas, weight_decay=self.weight_decay)


class AdamW(Value):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.01

    def build(self, groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
        """Return the torch optimizer of these groups of parameters."""
        return torch.optim.AdamW(groups, lr=learning_rate, betas=self.betas, weight_decay=self.weight_decay)


class SGD(Value):
    """Stochastic gradient descent, with momentum when it is not 0."""

    kind: Literal["sgd"] = "sgd"
    momentum: Fraction = 0.0
    weight_decay: NonNegativeFloat = 0.0

    def build(self, groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
        """Return the torch optimizer of these groups of parameters."""
        return torch.optim.SGD(groups, lr=learning_rate, momentum=self.momentum, weight_decay=self.weight_decay)


AnyOptimizer = Annotated[Adam | AdamW | SGD, Field(discriminator="kind")]


class Training(Value):
    """A number of epochs of a number of batches.

    `batches` is the length of an epoch; when it is None, the task says how long its epoch is
    (a task without end has none: then leaving `batches` out is an error of the run).
    `clip_norm` bounds the norm of the network's whole gradient; masked entries count nothing in it, nor do embeddings.
    `rates` says how the learning rate goes on after the first epoch.
    `evaluate_every` asks for all metrics on the validation split after every so many epochs and after the last one;
    they are the same held-out draws each time. It moves no weight and no stream of random numbers.

    Trained embeddings are a group of their own in the optimizer, without weight decay: their learning rate is
    `embedding_learning_rate`, that of the network where it is None, times `embedding_decay` after each epoch.
    """

    epochs: PositiveInt
    batches: PositiveInt | None = None
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    optimizer: AnyOptimizer = Adam()
    clip_norm: PositiveFloat | None = None
    rates: AnyRates = Constant()
    embedding_learning_rate: PositiveFloat | None = None
    embedding_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    evaluate_every: PositiveInt | None = None

"""`Training` and its parts: learning-rate schedules and optimizers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from .._value import Value


class Constant(Value):
    """Constant learning rate."""

    kind: Literal["constant"] = "constant"


class Annealing(Value):
    """Divide the learning rate by `factor` after every epoch whose validation loss is not below the best so far.

    This is the rule of the word language model of arXiv 2406.06290. `best` is the best loss at the start of a stage:
    none (`reset`) or that of the stage before (`kept`). The published code keeps it for its lottery, so that the
    learning rate of the new weights decreases until their loss is below that of the old ones.
    """

    kind: Literal["annealing"] = "annealing"
    factor: Annotated[float, Field(gt=1)] = 4.0
    best: Literal["reset", "kept"] = "reset"


AnyRates = Annotated[Constant | Annealing, Field(discriminator="kind")]

Groups = Iterable[Tensor] | Iterable[dict[str, Any]]  # the first argument of torch's optimizers

Fraction = Annotated[float, Field(ge=0, lt=1)]


def _fused(groups: Groups) -> bool:
    """Return whether torch's fused Adam is correct for these groups.

    It is several times faster on a CPU, where the square root of an exact zero is slow and the second moments of a
    masked weight are mostly zeros. It reads parameter and gradient as one block of memory, without their strides;
    gradients have the strides of their parameter only if that is dense.
    """
    tensors = [tensor for each in groups for tensor in (each["params"] if isinstance(each, dict) else [each])]
    return all(tensor.is_contiguous() for tensor in tensors)


class Adam(Value):
    """Adam (Kingma and Ba 2015); `weight_decay` is added to the gradient."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.0

    def build(self, groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
        """Return a torch optimizer for these groups of parameters."""
        kept: list[Any] = list(groups)
        return torch.optim.Adam(
            kept, lr=learning_rate, betas=self.betas, weight_decay=self.weight_decay, fused=_fused(kept)
        )


class AdamW(Value):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.01

    def build(self, groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
        """Return a torch optimizer for these groups of parameters."""
        kept: list[Any] = list(groups)
        return torch.optim.AdamW(
            kept, lr=learning_rate, betas=self.betas, weight_decay=self.weight_decay, fused=_fused(kept)
        )


class SGD(Value):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"
    momentum: Fraction = 0.0
    weight_decay: NonNegativeFloat = 0.0

    def build(self, groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
        """Return a torch optimizer for these groups of parameters."""
        return torch.optim.SGD(groups, lr=learning_rate, momentum=self.momentum, weight_decay=self.weight_decay)


AnyOptimizer = Annotated[Adam | AdamW | SGD, Field(discriminator="kind")]


class Training(Value):
    """Training of a stage: `epochs` epochs of `batches` batches.

    Attributes:
        epochs: Number of epochs.
        batches: Batches per epoch; None for the epoch length of the task. The run fails if it is None and the task has
            no epochs.
        batch_size: Sequences per batch.
        learning_rate: Learning rate of the network in the first epoch.
        optimizer: Optimizer of the network and of trained embeddings.
        clip_norm: Upper bound of the gradient norm of the whole network. Masked entries and embeddings do not count.
        rates: Learning-rate schedule after the first epoch.
        embedding_learning_rate: Learning rate of trained embeddings, which are a separate group of the optimizer
            without weight decay; None for the learning rate of the network.
        embedding_decay: Factor of the embeddings' learning rate after each epoch.
        evaluate_every: Measure all metrics on the validation split every `evaluate_every` epochs and after the last,
            each time on the same held-out draws. The evaluation changes neither weights nor random streams.

    The fields are flat because they are part of the run key, which a regrouping would change.
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

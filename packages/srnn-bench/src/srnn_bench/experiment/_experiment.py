"""An experiment: one value that names the task, the model, what is sparse, and how it is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, model_validator

from srnn_manifolds import AnyRegularizer, Cheapest
from srnn_masks import AnyPattern, Dale
from srnn_models import AnyModel
from srnn_pruning import Pruning
from srnn_tasks import AnyTask

from .._value import Value
from ._key import canonical, canonical_json
from ._training import Training

Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")]

Glob = Annotated[str, Field(min_length=1)]


class Masked(Value):
    """A pattern that the parameters matching a glob wear from the start, each its own draw.

    One that is drawn from a manifold (`Cheapest`) takes the columns of a square matrix for the neurons of its rows,
    whatever the matrix is.

    `initialization` says what becomes of weights that were drawn for a dense matrix: they stay (`masked`), or each row
    grows by the root of its columns over its entries (`fan_in`), so that the mask does not shrink the network's gain.
    """

    parameter: Glob
    pattern: Annotated[AnyPattern | Cheapest, Field(discriminator="kind")]
    initialization: Literal["masked", "fan_in"] = "masked"


class Signed(Value):
    """Dale's law for the parameters matching a glob: all weights out of a unit, a column, have its sign.

    Parameters with equally many columns draw the same signs, so that a unit has one sign in all of them.
    `initialization` says what new weights are: |w| with the sign (`signed`), or those with excitation and inhibition of
    each row scaled until they cancel (`balanced`), which keeps a rectified network from blowing up.
    """

    parameter: Glob
    law: Dale = Dale()
    initialization: Literal["balanced", "signed"] = "balanced"


class Penalty(Value):
    """A regularizer on the parameters matching a glob, each with its own embedding.

    The columns of a recurrent matrix, `weight_hh`, are the neurons of its rows; those of any other matrix are another
    population, with points of their own.
    `strength` is the factor (lambda) before the sum over these parameters.
    """

    parameter: Glob
    regularizer: AnyRegularizer
    strength: NonNegativeFloat


class Stage(Value):
    """A part of a run with its own optimizer.

    `start` says with which weights it begins: `continue` with those that are there, `reinitialize` with new
    ones under the same masks (the papers' "lottery"), `rewind` with those that the run began with.

    `regularizer` says which coefficients the penalties have: the `same` as in the stage before, those of `fresh`
    embeddings, or `none`, which leaves the penalties out in this stage.

    `freeze` names what does not train in this stage, as globs over names of parameters; the trained embedding of a
    parameter is named `points.` and the parameter's name.

    `task` is trained and measured in this stage, in place of the experiment's; it must have inputs and outputs of the
    same sizes. So a mask that is found on one task is tried on another.
    """

    name: Name
    training: Training
    pruning: Pruning | None = None
    start: Literal["continue", "reinitialize", "rewind"] = "continue"
    regularizer: Literal["same", "fresh", "none"] = "same"
    freeze: tuple[Glob, ...] = ()
    task: AnyTask | None = None


class Experiment(Value):
    """All that decides a run but its seed.

    A sparse network and its lottery are two stages of one experiment; a table cell is
    (experiment, stage, metric).
    """

    task: AnyTask
    model: AnyModel
    masks: tuple[Masked, ...] = ()
    signs: tuple[Signed, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _stages_follow(self) -> Self:
        names = [stage.name for stage in self.stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stages: each needs its own name, but {', '.join(twice)} stands twice")
        if self.stages[0].start != "continue":
            raise ValueError(
                f"stages: the first stage, {names[0]!r}, has no earlier weights or masks to "
                f"{self.stages[0].start} from; expected start='continue'"
            )
        for stage in self.stages:
            if stage.pruning is not None:
                epochs = stage.training.epochs
                try:
                    stage.pruning.schedule.fraction(epochs, epochs, stage.pruning.sparsity)
                except ValueError as error:
                    raise ValueError(f"stages: {stage.name!r}: {error}") from error
        return self

    def key(self, seed: int) -> str:
        """Return the name of the run with this seed: a hash that no new default field changes."""
        return self.keys((seed,))[seed]

    def keys(self, seeds: Iterable[int]) -> dict[int, str]:
        """Return the names of the runs with these seeds."""
        text = canonical_json(canonical(self))
        return {
            seed: hashlib.sha256(f'{{"experiment":{text},"seed":{seed}}}'.encode()).hexdigest()[:20] for seed in seeds
        }

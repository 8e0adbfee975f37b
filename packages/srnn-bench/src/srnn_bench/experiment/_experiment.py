"""`Experiment`: one value that names the task, the model, the sparsity and the training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

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
    """Sparsity pattern applied at initialisation to every parameter that matches a glob.

    Each parameter gets its own draw. A pattern that is computed from a manifold (`Cheapest`) treats the columns of any
    square matrix as the neurons of its rows.

    `initialization` is how the weights drawn for the dense matrix are changed: not at all (`masked`), or each row is
    multiplied by sqrt(columns / entries present in the row) (`fan_in`), so that the mask does not reduce the gain of
    the network.
    """

    parameter: Glob
    pattern: Annotated[AnyPattern | Cheapest, Field(discriminator="kind")]
    initialization: Literal["masked", "fan_in"] = "masked"


class Signed(Value):
    """Dale's law for the parameters that match a glob: all outgoing weights of a unit (a column) have the same sign.

    Parameters with equally many columns get the same signs, so that a unit has one sign in all of them.
    `initialization` is how new weights are drawn: |w| with the sign of the unit (`signed`), or the same with the
    excitation and inhibition of each row scaled so that they cancel (`balanced`), which keeps the activity of a
    network with rectified units from growing without bound.
    """

    parameter: Glob
    law: Dale = Dale()
    initialization: Literal["balanced", "signed"] = "balanced"


class Penalty(Value):
    """Regularizer on the parameters that match a glob; each parameter has its own embedding.

    The columns of a recurrent matrix (`weight_hh`) are the neurons of its rows; the columns of any other matrix are a
    separate population with its own points. `strength` is the factor (lambda) of the sum over these parameters.
    """

    parameter: Glob
    regularizer: AnyRegularizer
    strength: NonNegativeFloat


class Stage(Value):
    """Part of a run with its own optimizer.

    `start` determines the initial weights: `continue` keeps those of the stage before, `reinitialize` draws new ones
    under the same masks (the "lottery" of the papers), `rewind` restores those that the run started with.

    `regularizer` determines the coefficients of the penalties: the `same` as in the stage before, those of `fresh`
    embeddings, or `none`, which omits the penalties in this stage.

    `freeze` lists globs of the names of parameters that are not trained in this stage. The name of the trained
    embedding of a parameter is `points.` followed by the parameter's name.

    `task` replaces the experiment's task in this stage, for training and measurement; its inputs and outputs must have
    the same sizes. With it, a mask found on one task can be tested on another.

    `evidence_rows` is the number of rows of the batch of training data that a pruning criterion gets if it needs data.
    It has a random stream of its own: the batches of the training do not depend on it.
    """

    name: Name
    training: Training
    pruning: Pruning | None = None
    start: Literal["continue", "reinitialize", "rewind"] = "continue"
    regularizer: Literal["same", "fresh", "none"] = "same"
    freeze: tuple[Glob, ...] = ()
    task: AnyTask | None = None
    evidence_rows: PositiveInt = 64


class Experiment(Value):
    """Everything that determines a run except its seed.

    A sparse network and its lottery are two stages of one experiment. A cell of a table shows one metric of one stage
    of an experiment.
    """

    task: AnyTask
    model: AnyModel
    masks: tuple[Masked, ...] = ()
    signs: tuple[Signed, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        names = [stage.name for stage in self.stages]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"stages: expected a different name for each, got {', '.join(repeated)} more than once")
        if self.stages[0].start != "continue":
            raise ValueError(
                f"stages: expected start='continue' for the first stage, {names[0]!r}, which has no earlier weights; "
                f"got {self.stages[0].start!r}"
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
        """Return the key of the run with this seed: a hash of the experiment's non-default fields and the seed.

        Adding a field with a default keeps existing keys valid.
        """
        return self.keys((seed,))[seed]

    def keys(self, seeds: Iterable[int]) -> dict[int, str]:
        """Return the keys of the runs with these seeds, by seed."""
        text = canonical_json(canonical(self))
        return {
            seed: hashlib.sha256(f'{{"experiment":{text},"seed":{seed}}}'.encode()).hexdigest()[:20] for seed in seeds
        }

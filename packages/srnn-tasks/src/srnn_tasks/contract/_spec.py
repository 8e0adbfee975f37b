"""The spec of a task: the sizes that a model is built with, and the metrics that a report shows."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from ._value import Value

LossKind = Literal["cross_entropy", "distribution_cross_entropy", "mean_squared_error"]


class Metric(Value):
    """A number that `evaluate` returns: its name, whether lower or higher is better, and its unit.

    >>> Metric(name="error_cm", better="lower", unit="cm")
    Metric(name='error_cm', better='lower', unit='cm')
    """

    name: Annotated[str, Field(min_length=1)]
    better: Literal["lower", "higher"]
    unit: str = ""


class TaskSpec(Value):
    """Sizes and kinds of the tensors in a task's batches.

    inputs: I, or the number of distinct tokens if `tokens`.
    outputs: O, the width of the model's outputs `(T, B, O)`: classes, cells of a distribution, or values.
    start: K of the start code `(B, K)`, or None if there is none.
    tokens: whether inputs are `(T, B)` int64 tokens for an embedding, instead of `(T, B, I)` float.
    carry: whether the hidden state is carried from one batch to the next; `Batch.reset` marks the rows to reset.
    loss: how `outputs` and `targets` are compared; see `srnn_tasks.position_losses`.
    metrics: what `evaluate` returns. The first is the headline metric.
    """

    inputs: PositiveInt
    outputs: PositiveInt
    start: PositiveInt | None = None
    tokens: bool = False
    carry: bool = False
    loss: LossKind
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> "TaskSpec":
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(f"metrics: expected distinct names; got {names}")
        if self.start is not None and self.carry:
            raise ValueError("start, carry: expected one of the two; a carried state has no start code")
        return self

"""The spec of a task: the sizes that a model is built with, and the metrics that a report shows."""

from typing import Annotated, Literal, get_args

from pydantic import Field, PositiveInt, field_validator, model_validator

from ._value import Value

Split = Literal["validation", "test"]

LossKind = Literal["cross_entropy", "distribution_cross_entropy", "mean_squared_error", "own"]


class Metric(Value):
    """A number that `evaluate` returns: its name, whether lower or higher is better, and its unit.

    splits: the held-out splits on which it is measured. A trainer may evaluate on the validation split after every
    epoch, so a metric that takes long, such as the return of roll-outs, is measured on `("test",)` alone.

    >>> Metric(name="error_cm", better="lower", unit="cm")
    Metric(name='error_cm', better='lower', unit='cm', splits=('validation', 'test'))
    """

    name: Annotated[str, Field(min_length=1)]
    better: Literal["lower", "higher"]
    unit: str = ""
    splits: Annotated[tuple[Split, ...], Field(min_length=1)] = get_args(Split)

    @field_validator("splits")
    @classmethod
    def _distinct(cls, splits: tuple[Split, ...]) -> tuple[Split, ...]:
        if len(set(splits)) < len(splits):
            raise ValueError(f"splits: expected distinct splits; got {splits}")
        return splits


class Channels(Value):
    """A named group of consecutive channels of the inputs or outputs, such as the units of a ring.

    size: number of channels. labels: a name for each channel, or none at all.
    picture: None, or the height and width if the channels are the pixels of a picture, row by row; plots show one
    picture per step.

    >>> Channels(name="velocity", size=2, labels=("x", "y"))
    Channels(name='velocity', size=2, labels=('x', 'y'), picture=None)
    """

    name: Annotated[str, Field(min_length=1)]
    size: PositiveInt
    labels: tuple[str, ...] = ()
    picture: tuple[PositiveInt, PositiveInt] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Channels":
        if len(self.labels) not in (0, self.size):
            raise ValueError(f"labels: expected none, or one for each of {self.size} channels; got {len(self.labels)}")
        if self.picture is not None and self.picture[0] * self.picture[1] != self.size:
            raise ValueError(f"picture: expected a height and width with {self.size} pixels; got {self.picture}")
        return self


class TaskSpec(Value):
    """Sizes and kinds of the tensors in a task's batches.

    inputs: I, or the number of distinct tokens if `tokens`.
    outputs: O, the width of the model's outputs `(T, B, O)`: classes, cells of a distribution, or values.
    start: K of the start code `(B, K)`, or None if there is none.
    tokens: whether inputs are `(T, B)` int64 tokens for an embedding, instead of `(T, B, I)` float.
    carry: whether the hidden state is carried from one batch to the next; `Batch.reset` marks the rows to reset.
    loss: how `outputs` and `targets` are compared; see `srnn_tasks.position_losses`. With "own", the source overrides
    `loss`, and targets may be `(T, B)` or `(T, B, any)`, of any dtype.
    metrics: what `evaluate` returns, for each split those that have it; see `measured`. The first is the headline
    metric, and each split has at least one.
    input_channels, output_channels: names of the channels for plots, in groups whose sizes sum to `inputs` and
    `outputs`; empty if they have no names. periods: names of the numbers in `Batch.info["period"]`, from 0.
    """

    inputs: PositiveInt
    outputs: PositiveInt
    start: PositiveInt | None = None
    tokens: bool = False
    carry: bool = False
    loss: LossKind
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)]
    input_channels: tuple[Channels, ...] = ()
    output_channels: tuple[Channels, ...] = ()
    periods: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "TaskSpec":
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(f"metrics: expected distinct names; got {names}")
        for split in get_args(Split):
            if not self.measured(split):
                raise ValueError(f"metrics: expected at least one that is measured on the split {split!r}; got none")
        if self.start is not None and self.carry:
            raise ValueError("start, carry: expected one of the two; a carried state has no start code")
        for name, size in (("input", self.inputs), ("output", self.outputs)):
            groups: tuple[Channels, ...] = getattr(self, f"{name}_channels")
            total = sum(group.size for group in groups)
            if groups and total != size:
                raise ValueError(f"{name}_channels: expected sizes that sum to {name}s = {size}; got {total}")
        return self

    def measured(self, split: Split) -> tuple[str, ...]:
        """Return the names of the metrics that are measured on a split, in order."""
        return tuple(metric.name for metric in self.metrics if split in metric.splits)

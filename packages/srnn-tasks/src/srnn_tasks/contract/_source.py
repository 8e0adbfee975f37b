"""An opened task: it yields batches, computes the loss and evaluates models."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor

from ._batch import Batch
from ._error import TaskError
from ._loss import batch_loss, weighted_mean
from ._model import Model, apply_model, carried, evaluating
from ._spec import Split, TaskSpec


@runtime_checkable
class Source(Protocol):
    """What a trainer requires of an opened task. `BaseSource` implements most of it."""

    spec: TaskSpec

    def epoch_batches(self, size: int) -> int | None:
        """Return the number of batches of `size` rows per epoch, or None if the task has no epochs."""
        ...

    def batches(self, size: int, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield training batches of `size` rows indefinitely, on the source's device, drawn from `generator`.

        The same seed gives the same batches. A new iterator continues where the previous one stopped.
        """
        ...

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the training loss, a scalar: the mean weighted by `Batch.weight`. outputs: `(T, B, O)`."""
        ...

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return every metric of `spec.measured(split)` on that split. The training stream does not advance."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return a snapshot of the position in the training stream (tensors, numbers, text), fit for `torch.save`."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from the position that `state_dict` returned; the caller restores the generator."""
        ...


class BaseSource(ABC):
    """Base class of sources: a subclass implements `draw`, and `measure` if it has its own metrics.

    Override `held_out` if evaluation does not use fresh draws, `loss` for another loss, `evaluate` for roll-outs, and
    `state_dict` and `load_state_dict` if the training stream has a position.
    """

    evaluation_batches: int = 5
    evaluation_size: int = 200

    def __init__(self, spec: TaskSpec, *, device: torch.device | str) -> None:
        self.spec = spec
        self.device = torch.device(device)

    @abstractmethod
    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next training batch of `size` rows, on `self.device`, with all randomness from `generator`."""

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the metrics of one batch: scalar tensors, each the mean over the scored steps and rows.

        `evaluate` keeps those that the split has, and requires each of them.
        The base class implements `loss` and, for targets `(T, B)` of classes, `accuracy`. outputs: `(T, B, O)`.
        """
        names = {metric.name for metric in self.spec.metrics}
        measures: dict[str, Tensor] = {}
        if "loss" in names:
            measures["loss"] = self.loss(outputs, batch)
        if "accuracy" in names and batch.targets.ndim == 2 and not batch.targets.is_floating_point():
            correct = (outputs.argmax(-1) == batch.targets).to(outputs.dtype)  # (T, B)
            measures["accuracy"] = weighted_mean(correct, batch.weight)
        return measures

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterable[Batch]:
        """Yield the batches of a held-out split. By default these are fresh draws, as suits synthetic data."""
        for _ in range(self.evaluation_batches):
            yield self.draw(self.evaluation_size, generator=generator)

    def epoch_batches(self, size: int) -> int | None:
        """Return the number of batches of `size` rows per epoch. By default None: there are no epochs."""
        return None

    def batches(self, size: int, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield `draw(size)` indefinitely."""
        if size < 1:
            raise TaskError(f"size: expected at least 1 row; got {size}")
        self.check_generator(generator)
        return self._stream(size, generator)

    def _stream(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        while True:
            yield self.draw(size, generator=generator)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the loss named by `spec.loss`, the weighted mean over steps and rows. outputs: `(T, B, O)`.

        A source whose spec has the loss "own" overrides this method.
        """
        if self.spec.loss == "own":
            raise TaskError(
                f"loss: expected {type(self).__name__} to override loss(outputs, batch), as its spec has loss='own'"
            )
        return batch_loss(self.spec.loss, outputs, batch)

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the mean of every metric of a split over its batches; see `batch_means`."""
        check_split(split)
        return self.batch_means(model, self.spec.measured(split), split=split, generator=generator)

    def batch_means(
        self, model: Model, names: Sequence[str], *, split: Split, generator: torch.Generator
    ) -> dict[str, float]:
        """Return the means of some metrics over the batches of a split; a batch counts by its total weight.

        A source that overrides `evaluate` for roll-outs gets its other metrics from here. `measure` must return each of
        `names`.
        """
        check_split(split)
        self.check_generator(generator)
        rows: list[Tensor] = []  # (metrics,) per batch
        scored: list[Tensor] = []  # () total weight per batch
        declared = {metric.name for metric in self.spec.metrics}
        state = None
        with evaluating(model):
            for batch in self.held_out(split, generator=generator):
                state = carried(state, batch.reset) if self.spec.carry else None
                outputs, state = apply_model(model, batch, state, outputs=self.spec.outputs)  # (T, B, O)
                measures = self.measure(outputs, batch)
                if not set(names) <= set(measures) <= declared:
                    raise TaskError(f"measure: expected the metrics of the spec {list(names)}; got {sorted(measures)}")
                rows.append(torch.stack([measures[name].float() for name in names]))
                positions = outputs.new_full((), batch.steps * batch.size)
                scored.append(positions if batch.weight is None else batch.weight.sum())
        if not rows:
            raise TaskError(f"held_out: expected at least one batch; the split {split!r} has none")
        weight = torch.stack(scored).cpu().double()  # (batches,)
        means = weight @ torch.stack(rows).cpu().double() / weight.sum()  # (metrics,)
        return dict(zip(names, means.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the stream. By default it is empty: a draw depends on the generator alone."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the position that `state_dict` returned."""
        if state:
            raise TaskError(f"state: expected an empty mapping, as this source has no position; got {sorted(state)}")

    def check_generator(self, generator: torch.Generator) -> None:
        """Raise a TaskError unless `generator` is a `torch.Generator` of this source's device."""
        check_generator(generator, self.device)


def check_generator(generator: object, device: torch.device | str) -> None:
    """Raise a TaskError unless `generator` is a `torch.Generator` of `device`."""
    device = torch.device(device)
    if not isinstance(generator, torch.Generator):
        raise TaskError(f"generator: expected a torch.Generator; got {generator!r}")
    other = generator.device
    if other.type != device.type or (None not in (other.index, device.index) and other.index != device.index):
        raise TaskError(f"generator: expected a generator of device {device}; got one of {other}")


def check_split(split: str) -> None:
    """Raise a TaskError unless `split` is one of the two held-out splits."""
    if split not in get_args(Split):
        raise TaskError(f"split: expected one of {get_args(Split)}; got {split!r}")

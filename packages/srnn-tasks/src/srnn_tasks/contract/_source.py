"""An opened task: where batches, loss and evaluation come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor

from ._batch import Batch
from ._loss import batch_loss, weighted_mean
from ._model import Model, carried, evaluating
from ._spec import TaskSpec

Split = Literal["validation", "test"]


@runtime_checkable
class Source(Protocol):
    """What a trainer needs of an opened task. `BaseSource` gives most of it."""

    spec: TaskSpec

    def epoch_batches(self, size: int) -> int | None:
        """Return how many batches of `size` rows make an epoch, or None if the task has no epochs."""
        ...

    def batches(self, size: int, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield training batches of `size` rows without end, drawn on the source's device by `generator`.

        The same seed gives the same batches. A new iterator goes on where the last one stopped.
        """
        ...

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the training loss, a scalar: a weighted mean in the sense of `Batch.weight`. outputs: `(T, B, O)`."""
        ...

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return every metric of `spec.metrics` on held-out data. The training stream does not move."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the training stream (tensors, numbers, text): a snapshot for `torch.save`."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the position that `state_dict` gave; the caller restores the generator."""
        ...


class BaseSource(ABC):
    """All of a source but the batches: write `draw`, and `measure` if the metrics are your own.

    Override `held_out` if evaluation is not on fresh draws, `loss` for an own loss, `evaluate` for roll-outs, and the
    two state methods if the stream has a position.
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
        """Return every metric of one batch: a scalar tensor each, the mean over the scored steps and rows.

        The base knows `loss` and, for classes, `accuracy`. outputs: `(T, B, O)`.
        """
        names = {metric.name for metric in self.spec.metrics}
        measures: dict[str, Tensor] = {}
        if "loss" in names:
            measures["loss"] = self.loss(outputs, batch)
        if "accuracy" in names and self.spec.loss == "cross_entropy":
            right = (outputs.argmax(-1) == batch.targets).to(outputs.dtype)  # (T, B)
            measures["accuracy"] = weighted_mean(right, batch.weight)
        return measures

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterable[Batch]:
        """Yield the batches of a held-out split. Here: fresh draws, right for a task that makes its data up."""
        for _ in range(self.evaluation_batches):
            yield self.draw(self.evaluation_size, generator=generator)

    def epoch_batches(self, size: int) -> int | None:
        """Return how many batches of `size` rows make an epoch. Here: there are no epochs."""
        return None

    def batches(self, size: int, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield `draw(size)` without end."""
        if size < 1:
            raise ValueError(f"size: expected at least 1 row; got {size}")
        self.check_generator(generator)
        return self._stream(size, generator)

    def _stream(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        while True:
            yield self.draw(size, generator=generator)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the loss that `spec.loss` names, the weighted mean over steps and rows. outputs: `(T, B, O)`."""
        return batch_loss(self.spec.loss, outputs, batch)

    def evaluate(self, model: Model, *, split: Split, generator: torch.Generator) -> dict[str, float]:
        """Return the mean of every metric over a held-out split, each batch counted by its weight."""
        check_split(split)
        self.check_generator(generator)
        rows: list[Tensor] = []  # (metrics,) of each batch
        scored: list[Tensor] = []  # () sum of the weights of each batch
        names = [metric.name for metric in self.spec.metrics]
        state = None
        with evaluating(model):
            for batch in self.held_out(split, generator=generator):
                state = carried(state, batch.reset) if self.spec.carry else None
                outputs, state = model(batch.inputs, batch.start, state)  # (T, B, O)
                measures = self.measure(outputs, batch)
                if set(measures) != set(names):
                    raise ValueError(f"measure: expected the metrics of the spec {names}; got {sorted(measures)}")
                rows.append(torch.stack([measures[name].float() for name in names]))
                positions = outputs.new_full((), batch.steps * batch.size)
                scored.append(positions if batch.weight is None else batch.weight.sum())
        if not rows:
            raise ValueError(f"held_out: the split {split!r} has no batch")
        weight = torch.stack(scored).cpu().double()  # (batches,)
        means = weight @ torch.stack(rows).cpu().double() / weight.sum()  # (metrics,)
        return dict(zip(names, means.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the stream. Here: nothing, since every draw depends on the generator alone."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        if state:
            raise ValueError(f"state: this source keeps no position, expected an empty mapping; got {sorted(state)}")

    def check_generator(self, generator: torch.Generator) -> None:
        """Refuse a missing generator, or one of another device."""
        check_generator(generator, self.device)


def check_generator(generator: object, device: torch.device | str) -> None:
    """Raise a ValueError unless `generator` is a `torch.Generator` of `device`."""
    device = torch.device(device)
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator: a random draw needs a torch.Generator; got {generator!r}")
    other = generator.device
    if other.type != device.type or (None not in (other.index, device.index) and other.index != device.index):
        raise ValueError(f"generator: expected a generator of device {device}; got one of {other}")


def check_split(split: str) -> None:
    """Raise a ValueError unless `split` is one of the two held-out splits."""
    if split not in get_args(Split):
        raise ValueError(f"split: expected one of {get_args(Split)}; got {split!r}")

"""Sequential MNIST (Le, Jaitly and Hinton 2015): read a digit row by row, or pixel by pixel, then name it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from ..contract import BaseSource, Batch, Metric, Split, Task, TaskSpec, check_generator
from ._mnist_files import load_mnist


class SequentialMNIST(Task):
    """A digit is shown over time; after the last step, tell which it was.

    Inputs `(T, B, I)` in [0, 1], targets `(T, B)` the class at every step; the weight is 1 at the last step and 0
    before. `info` holds `index` `(B,)`, the place of each image in its file.

    view: `rows` shows one of 28 rows a step (T = 28, I = 28), `pixels` one of 784 pixels (T = 784, I = 1).
    permutation_seed: None, or the seed of one fixed permutation of the 784 pixels, the same on every device.
    scaling: `unit` leaves pixels in [0, 1]; `standard` subtracts the mean of train 0.13066 and divides by 0.30811.
    validation: the last so many of the 60,000 training images are the split "validation" and are not trained on.
    An epoch is one pass over the others; with 0 it is all 60,000, and there is no validation split.

    The files are looked for under the folder that the environment variable SRNN_DATA names, in its subfolder `mnist`
    and in itself: four IDX files, raw or gzipped. Without them, Hugging Face `datasets` (extra `datasets`) gets them.

    >>> SequentialMNIST(view="pixels", permutation_seed=0).validation
    5000
    """

    kind: Literal["sequential_mnist"] = "sequential_mnist"
    view: Literal["rows", "pixels"] = "rows"
    permutation_seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    scaling: Literal["unit", "standard"] = "unit"
    validation: Annotated[int, Field(ge=0, lt=60_000)] = 5000

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "SequentialMNISTSource":
        """Return the source; the files are read here, and all images put on `device` (55 MB)."""
        check_generator(generator, device)
        return SequentialMNISTSource(self, device=device)


class SequentialMNISTSource(BaseSource):
    """A stream of training digits: one shuffled pass after another, each image once a pass.

    All batches have the size asked for; the one in which a pass ends takes its last rows from the next pass.
    """

    evaluation_size = 500

    def __init__(self, task: SequentialMNIST, *, device: torch.device | str) -> None:
        metrics = (
            Metric(name="accuracy", better="higher"),
            Metric(name="cross_entropy", better="lower", unit="nats"),
        )
        width = 28 if task.view == "rows" else 1
        super().__init__(TaskSpec(inputs=width, outputs=10, loss="cross_entropy", metrics=metrics), device=device)
        self.task = task
        files = load_mnist()
        train = 60_000 - task.validation
        images = torch.cat([files.train_images, files.test_images]).view(-1, 784)
        if task.permutation_seed is not None:
            images = images[:, torch.randperm(784, generator=torch.Generator().manual_seed(task.permutation_seed))]
        self._images = images.to(device)  # (70000, 784) uint8
        self._labels = torch.cat([files.train_labels, files.test_labels]).long().to(device)  # (70000,)
        self._ranges = {"train": (0, train), "validation": (train, 60_000), "test": (60_000, 70_000)}
        self._order = torch.empty(0, dtype=torch.int64, device=self.device)  # what is left of the pass under way

    def epoch_batches(self, size: int) -> int:
        """Return the number of batches in which one pass over the training images ends."""
        return -(-self._ranges["train"][1] // size)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next `size` training digits."""
        while len(self._order) < size:
            again = torch.randperm(self._ranges["train"][1], generator=generator, device=self.device)
            self._order = torch.cat([self._order, again])
        index, self._order = self._order[:size], self._order[size:]
        return self._batch(index)

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield every image of a split, in the order of its file."""
        first, last = self._ranges[split]
        if first == last:
            raise ValueError("validation: this task holds no training images out (validation = 0); use split 'test'")
        for begin in range(first, last, self.evaluation_size):
            yield self._batch(torch.arange(begin, min(begin + self.evaluation_size, last), device=self.device))

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the share of digits named rightly after the last step, and the loss."""
        right = outputs[-1].argmax(-1) == batch.targets[-1]  # (B,)
        return {"accuracy": right.float().mean(), "cross_entropy": self.loss(outputs, batch)}

    def state_dict(self) -> dict[str, Any]:
        """Return the images still to come in the pass under way, in their order."""
        return {"order": self._order.cpu().clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the pass that `state_dict` described."""
        if set(state) != {"order"}:
            raise ValueError(f"state: expected the one entry 'order'; got {sorted(state)}")
        order = state["order"]
        train = self._ranges["train"][1]
        if order.dtype != torch.int64 or order.ndim != 1 or not bool(((order >= 0) & (order < train)).all()):
            raise ValueError(f"state: expected 'order' to be int64 (n,) of indices below {train}; got another task's")
        self._order = order.to(self.device, copy=True)

    def _batch(self, index: Tensor) -> Batch:
        size = len(index)
        steps = 784 // self.spec.inputs
        pixels = self._images[index].view(size, steps, self.spec.inputs).transpose(0, 1).float().div_(255)  # (T, B, I)
        if self.task.scaling == "standard":
            pixels = pixels.sub_(0.13066).div_(0.30811)
        weight = torch.zeros(steps, size, device=self.device)
        weight[-1] = 1.0
        labels = self._labels[index]  # (B,)
        file_index = torch.where(index < 60_000, index, index - 60_000)
        return Batch(
            inputs=pixels.contiguous(),
            targets=labels.expand(steps, size),
            weight=weight,
            info={"index": file_index},
        )

"""Sequential MNIST (Le, Jaitly and Hinton 2015): classify a digit read by rows, chunks, or pixels."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from .._passes import Passes
from ..contract import BaseSource, Batch, DataSet, Metric, Outline, Split, Task, TaskError, TaskSpec, check_generator
from ._mnist_files import Mnist, folders_with_images, load_mnist, locate_mnist

WIDTHS = {"rows": 28, "chunks": 16, "pixels": 1}  # pixels per step, by view


class SequentialMNIST(Task):
    """Sequential MNIST: a digit is shown over time, and its class is read after the last step.

    Inputs `(T, B, I)` are pixels, targets `(T, B)` the class at every step; the weight is 1 at the last step and 0
    before. `info` contains `index` `(B,)`, the index of each image in its file.

    view: `rows` shows one of 28 rows per step (T = 28, I = 28), `chunks` the next 16 pixels (T = 49, I = 16), and
    `pixels` one of 784 pixels (T = 784, I = 1).
    permutation_seed: None, or the seed of one fixed permutation of the 784 pixels, the same on every device.
    scaling: `unit` gives pixels in [0, 1]; `standard` subtracts the mean of train 0.13066 and divides by the standard
    deviation 0.30811.
    validation: the number of training images, the last of the 60,000, that form the split "validation" and are not
    trained on. An epoch is one pass over the others. With 0, all 60,000 are trained on, and there is no such split.
    data: `mnist`, or `sha256:` and the fingerprint (`srnn_tasks.images.fingerprint`) of other images, such as
    Fashion-MNIST, in files of MNIST's names and sizes. They are read from the subfolder of SRNN_DATA that has them.

    The four IDX files, raw or gzipped, are searched in the folder named by the environment variable SRNN_DATA and in
    its subfolder `mnist`. Without them, they are downloaded by Hugging Face `datasets` (extra `datasets`). A TaskError
    is raised if they do not hold MNIST; its message has their fingerprint.

    >>> SequentialMNIST(view="pixels", permutation_seed=0).validation
    5000
    """

    kind: Literal["sequential_mnist"] = "sequential_mnist"
    view: Literal["rows", "chunks", "pixels"] = "rows"
    permutation_seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    scaling: Literal["unit", "standard"] = "unit"
    validation: Annotated[int, Field(ge=0, lt=60_000)] = 5000
    data: Annotated[str, Field(pattern=r"^(mnist|sha256:[0-9a-f]{64})$")] = "mnist"

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "SequentialMNISTSource":
        """Return the source. Reads the files and copies all images to `device` (55 MB)."""
        check_generator(generator, device)
        return SequentialMNISTSource(self, load_mnist(self.data), device=device)

    def data_set(self) -> DataSet:
        """Return where MNIST is, or images in files of its names; which they are shows when the task is opened."""
        if self.data == "mnist":
            return locate_mnist()
        folders, searched = folders_with_images()
        return DataSet(title=self.data, place=str(folders[0]) if folders else None, searched=searched)

    def outline(self, batch_size: int) -> Outline:
        """Return the sizes: 28, 49 or 784 steps, 10 classes, and an epoch of all training images."""
        width = WIDTHS[self.view]
        batches = -(-(60_000 - self.validation) // batch_size)
        return Outline(inputs=width, outputs=10, steps=784 // width, epoch_batches=batches)


class SequentialMNISTSource(BaseSource):
    """Training digits in shuffled passes; each image occurs once per pass.

    All batches have the same size: the batch in which a pass ends takes its remaining rows from the next pass.
    """

    evaluation_size = 500

    def __init__(self, task: SequentialMNIST, digits: Mnist, *, device: torch.device | str) -> None:
        metrics = (
            Metric(name="accuracy", better="higher"),
            Metric(name="cross_entropy", better="lower", unit="nats"),
        )
        width = WIDTHS[task.view]
        super().__init__(TaskSpec(inputs=width, outputs=10, loss="cross_entropy", metrics=metrics), device=device)
        self.task = task
        train = 60_000 - task.validation
        images = torch.cat([digits.train_images, digits.test_images]).view(-1, 784)
        if task.permutation_seed is not None:
            stream = torch.Generator("cpu").manual_seed(task.permutation_seed)
            images = images[:, torch.randperm(784, generator=stream, device="cpu")]
        self._images = images.to(device)  # (70000, 784) uint8
        self._labels = torch.cat([digits.train_labels, digits.test_labels]).long().to(device)  # (70000,)
        self._ranges = {"train": (0, train), "validation": (train, 60_000), "test": (60_000, 70_000)}
        self._passes = Passes(train, device=self.device)

    def epoch_batches(self, size: int) -> int:
        """Return the number of batches that contain one pass over the training images."""
        return self._passes.batches(size)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next `size` training digits."""
        return self._batch(self._passes.take(size, generator=generator))

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield every image of a split, in the order of its file."""
        first, last = self._ranges[split]
        if first == last:
            raise TaskError("split: this task has no validation images (validation = 0); use the split 'test'")
        for begin in range(first, last, self.evaluation_size):
            yield self._batch(torch.arange(begin, min(begin + self.evaluation_size, last), device=self.device))

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the fraction of digits classified correctly at the last step, and the loss."""
        correct = outputs[-1].argmax(-1) == batch.targets[-1]  # (B,)
        return {"accuracy": correct.float().mean(), "cross_entropy": self.loss(outputs, batch)}

    def state_dict(self) -> dict[str, Any]:
        """Return the indices of the images that remain in the current pass, in their order."""
        return self._passes.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume the pass that `state_dict` returned."""
        self._passes.load_state_dict(state)

    def _batch(self, index: Tensor) -> Batch:
        size = len(index)
        steps = 784 // self.spec.inputs
        pixels = self._images[index].view(size, steps, self.spec.inputs).transpose(0, 1).float().div_(255)  # (T, B, I)
        if self.task.scaling == "standard":
            pixels = pixels.sub_(0.13066).div_(0.30811)
        weight = torch.zeros(steps, size, device=self.device, dtype=torch.float32)  # (T, B)
        weight[-1] = 1.0
        labels = self._labels[index]  # (B,)
        file_index = torch.where(index < 60_000, index, index - 60_000)
        return Batch(
            inputs=pixels.contiguous(),
            targets=labels.expand(steps, size),
            weight=weight,
            info={"index": file_index},
        )

"""Random Anomaly Detection: find the image of a series that was changed in another way than the rest.

Source: Hershey and Paffenroth, "Balancing Sparse RNNs with Hyperparameterization Benefiting Meta-Learning" (Table II),
and the data maker that its authors published.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from .._passes import Passes
from ..contract import BaseSource, Batch, Channels, DataSet, Metric, Outline, Split, Task, TaskSpec, check_generator
from ..images import Mnist, load_mnist, locate_mnist
from ._series import Part, Series, open_series

OUTPUTS = 10  # positions; with 9 images the last one never occurs, as published


class RandomAnomaly(Task):
    """Random Anomaly Detection: report which image of a series differs from the others in how it was changed.

    All images of a series are digits of one class, each changed by one of eight pipelines
    (`srnn_tasks.anomaly.PIPELINES`: none, two perspectives, erasing, noise, erasing and perspective, blur, sharpening).
    One image, at a uniform position, is changed by another pipeline. A blank image follows; the answer is read there.

    Inputs `(T, B, I)` are the I = `side` x `side` pixels of one image per step, row by row, normalized by the mean and
    standard deviation of MNIST; the last of the T = `images` + 1 steps is 0. Targets `(T, B)` are the position, from 0,
    at every step; the weight is 1 at the last step and 0 before. There are always 10 outputs. `info` contains for each
    row `index`, the number of the series in its split, its `digit`, and its pipelines `base` and `anomaly`, all `(B,)`.

    series: number of training series; an epoch is one pass over them.
    images: 9, as in the paper, or 10, as in its published data. Chance is an accuracy of 1/9 or 1/10.
    side: height and width of an image in pixels, at least those of the source images. Perspectives and erased boxes
    scale with it, the kernel of the blur (15 x 15 pixels) and its standard deviation do not.
    data_seed: seed of a separate generator that draws all splits, so they are the same in every run.
    split: with `apart`, no two splits share a source image: train uses the first 50,000 training images of MNIST,
    "validation" the other 10,000, and "test" the test images. With `shared`, every split uses all 60,000 training
    images, as in the published data.
    held_out: number of series in each held-out split. The paper has 1,000; the standard error of an accuracy of 0.5 is
    0.016 then, and 0.007 with 5,000.
    shuffle: whether each pass has a new random order. The published code does not shuffle.

    The files of MNIST are searched as by `SequentialMNIST`. The images are rendered when the task is first opened
    (less than a minute for 30,000 series of 9) and stored as float16, 45 kB per series of 9 images of 50 x 50 pixels,
    in the folder named by the environment variable SRNN_CACHE, or else in `srnn` in the user's cache folder. A
    TaskError is raised if they cannot be stored.

    >>> RandomAnomaly(images=10).outline(16)
    Outline(inputs=2500, outputs=10, steps=11, epoch_batches=1875)
    """

    kind: Literal["random_anomaly"] = "random_anomaly"
    series: PositiveInt = 30_000
    images: Literal[9, 10] = 9
    side: Annotated[int, Field(ge=28)] = 50
    data_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    split: Literal["apart", "shared"] = "apart"
    held_out: PositiveInt = 5000
    shuffle: bool = True

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> "RandomAnomalySource":
        """Return the source. Reads MNIST, and renders the images that are not stored yet.

        On a CPU, the images are mapped into memory from their files. They are copied to other devices (1.35 GB for
        30,000 series of 9).
        """
        check_generator(generator, device)
        return RandomAnomalySource(self, load_mnist(), device=device)

    def data_set(self) -> DataSet:
        """Return where MNIST is."""
        return locate_mnist()

    def outline(self, batch_size: int) -> Outline:
        """Return the sizes: the pixels of an image, 10 positions, and an epoch of all training series."""
        batches = -(-self.series // batch_size)
        return Outline(inputs=self.side**2, outputs=OUTPUTS, steps=self.images + 1, epoch_batches=batches)


class RandomAnomalySource(BaseSource):
    """Training series in passes; each occurs once per pass.

    All batches have the same size: the batch in which a pass ends takes its remaining rows from the next pass.

    parts: the `Series` of "train", "validation" and "test", with the record of how each was made.
    """

    evaluation_size = 250

    def __init__(self, task: RandomAnomaly, digits: Mnist, *, device: torch.device | str) -> None:
        metrics = (
            Metric(name="accuracy", better="higher"),
            Metric(name="cross_entropy", better="lower", unit="nats"),
        )
        spec = TaskSpec(
            inputs=task.side**2,
            outputs=OUTPUTS,
            loss="cross_entropy",
            metrics=metrics,
            input_channels=(Channels(name="image", size=task.side**2, picture=(task.side, task.side)),),
        )
        super().__init__(spec, device=device)
        self.task = task
        self.parts: dict[Part, Series] = {
            part: open_series(
                digits,
                part,
                series=task.series if part == "train" else task.held_out,
                images=task.images,
                side=task.side,
                data_seed=task.data_seed,
                split=task.split,
                device=self.device,
            )
            for part in get_args(Part)
        }
        self._passes = Passes(task.series, shuffled=task.shuffle, device=self.device)

    def epoch_batches(self, size: int) -> int:
        """Return the number of batches that contain one pass over the training series."""
        return self._passes.batches(size)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next `size` training series."""
        return self._batch("train", self._passes.take(size, generator=generator))

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield every series of a split in order."""
        for begin in range(0, self.task.held_out, self.evaluation_size):
            end = min(begin + self.evaluation_size, self.task.held_out)
            yield self._batch(split, torch.arange(begin, end, device=self.device))

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the fraction of positions that are right at the last step, and the loss."""
        correct = outputs[-1].argmax(-1) == batch.targets[-1]  # (B,)
        return {"accuracy": correct.float().mean(), "cross_entropy": self.loss(outputs, batch)}

    def state_dict(self) -> dict[str, Any]:
        """Return the indices of the series that remain in the current pass, in their order."""
        return self._passes.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume the pass that `state_dict` returned."""
        self._passes.load_state_dict(state)

    def _batch(self, part: Part, index: Tensor) -> Batch:
        series, size, images = self.parts[part], len(index), self.task.images
        inputs = torch.zeros(images + 1, size, self.task.side**2, device=self.device, dtype=torch.float32)  # (T, B, I)
        inputs[:-1] = series.pixels[index].transpose(0, 1)
        weight = torch.zeros(images + 1, size, device=self.device, dtype=torch.float32)  # (T, B)
        weight[-1] = 1.0
        return Batch(
            inputs=inputs,
            targets=series.position[index].expand(images + 1, size),  # (T, B)
            weight=weight,
            info={
                "index": index,
                "digit": series.digit[index],
                "base": series.base[index],
                "anomaly": series.anomaly[index],
            },
        )

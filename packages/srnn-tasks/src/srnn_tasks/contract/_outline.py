"""What a task says about itself without being opened: the data set that it reads, and its sizes."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """The data set that a task reads when it is opened, and whether it is there.

    title: name for people, such as "MNIST".
    place: folder of the files, or a description of the cache that has them; None if they were not found, so that
    opening the task downloads them or fails.
    searched: where they were searched, for messages.
    """

    title: str
    place: str | None
    searched: str = ""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Sizes of a task, for an estimate of the time that training takes; see `TaskSpec` for I and O.

    steps: T, the time steps of a training batch. epoch_batches: batches per epoch, or None if there are no epochs.
    """

    inputs: int
    outputs: int
    steps: int
    epoch_batches: int | None = None

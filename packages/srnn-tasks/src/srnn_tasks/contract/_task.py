"""The base class of tasks. The family is open: a third party adds a task by an entry point."""

from abc import abstractmethod
from typing import ClassVar

import torch

from ._outline import DataSet, Outline
from ._source import Source
from ._value import Value


class Task(Value):
    """Base class of tasks, frozen values. A subclass adds `kind: Literal["name"] = "name"`, its fields, and `open`.

    A task is found by its kind if an entry point of the group `srnn.tasks` has that name.

    packages: distributions that the task's numbers depend on beside its own, such as a simulator. A result records
    their versions, and one that other versions produced is stale.
    """

    packages: ClassVar[tuple[str, ...]] = ()

    kind: str

    @abstractmethod
    def open(self, *, device: torch.device | str, generator: torch.Generator) -> Source:
        """Return a source on `device`.

        Reads the files, and draws the fixed parts from `generator`, a generator of `device`.
        """

    def data_set(self) -> DataSet | None:
        """Return the data set that `open` reads and where it is, without reading it; None if it reads no files.

        Used by `srnn list` and `srnn doctor`. A task that reads files should override it.
        """
        return None

    def outline(self, batch_size: int) -> Outline | None:
        """Return the sizes of the task with batches of `batch_size` rows, or None if only an opened task has them.

        Used for estimates of time. A task that takes long to open should override it.
        """
        return None
